//! ONNX graphs, run on the processor without C++.
//!
//! [`Graph::from_bytes`] reads an ONNX file (<https://onnx.ai>), [`Graph::run`] gives it one tensor
//! of 32-bit floats and takes the tensors that it computes. Each run has one thread: programs run
//! several pictures at a time instead, and a neighbour in the pipe keeps its processor.
//!
//! Files may be hostile: what cannot be read or run is an [`Error`], also where the runtime (`rten`)
//! panics over it. Memory is bounded by the size of the file and of the input only as far as the
//! graph's own operators are: files belong in the model store, whose checksums say whose they are.

#![forbid(unsafe_code)]

mod names;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{
    Dimension, Model, ModelOptions, NodeId, OpRegistry, RunOptions, ThreadPool, Value, op_registry,
};
use rten_tensor::prelude::*;

/// Bytes that a file may have.
const MAX_BYTES: usize = 1 << 30;
/// Numbers that an input or output may have.
const MAX_NUMBERS: usize = 1 << 28;

/// Numbers in rows: the last dimension's lie side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of the dimensions.
    pub shape: Vec<usize>,
    /// As many as the product of the shape.
    pub values: Vec<f32>,
}

/// Why a graph cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read, or has operators that are not known here.
    #[error("the ONNX file cannot be read: {0}")]
    Load(String),
    /// It takes more than one input, or none.
    #[error("the ONNX graph takes {0} inputs, not one")]
    Inputs(usize),
    /// The shape and the numbers of the input do not agree, or there are too many.
    #[error("an input of the shape {0:?} with {1} numbers")]
    Shape(Vec<usize>, usize),
    /// Running it failed.
    #[error("the ONNX graph cannot be run: {0}")]
    Run(String),
}

/// A graph that is ready to run, from several threads at once.
pub struct Graph {
    model: Model,
    input: NodeId,
    outputs: Vec<NodeId>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Graph({:?})", self.input_shape())
    }
}

/// The operators of networks for pictures. Others would only make programs larger.
fn operators() -> OpRegistry {
    op_registry!(
        Add,
        AveragePool,
        BatchNormalization,
        Cast,
        Ceil,
        Clip,
        Concat,
        Conv,
        ConstantOfShape,
        ConvTranspose,
        Div,
        Equal,
        Erf,
        Exp,
        Expand,
        Flatten,
        Floor,
        Gather,
        Gemm,
        GlobalAveragePool,
        HardSigmoid,
        HardSwish,
        Identity,
        InstanceNormalization,
        LayerNormalization,
        LeakyRelu,
        Log,
        MatMul,
        MaxPool,
        Mul,
        Neg,
        PRelu,
        Pad,
        Pow,
        ReduceMax,
        ReduceMean,
        ReduceSum,
        Relu,
        Reshape,
        Resize,
        Shape,
        Sigmoid,
        Slice,
        Softmax,
        Split,
        Sqrt,
        Squeeze,
        Sub,
        Tanh,
        Transpose,
        Unsqueeze,
        Where
    )
}

thread_local! {
    /// A run wants a pool. One thread each for every thread that runs graphs: a single pool would
    /// let all of them wait for one.
    static POOL: RefCell<Option<Arc<ThreadPool>>> = const { RefCell::new(None) };
}

fn pool() -> Arc<ThreadPool> {
    let new = || Arc::new(ThreadPool::with_num_threads(1));
    POOL.with_borrow_mut(|pool| Arc::clone(pool.get_or_insert_with(new)))
}

/// Calls what may panic over damaged or hostile graphs.
fn guarded<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("the runtime gave up".to_owned()))
}

impl Graph {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Inputs`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::Load("it is too large".to_owned()));
        }
        let bytes = names::unnamed(&bytes)
            .ok_or_else(|| Error::Load("it is no message of protocol buffers".to_owned()))?;
        let load = || ModelOptions::with_ops(operators()).load(bytes).map_err(|e| e.to_string());
        let model = guarded(|| pool().run(load)).map_err(Error::Load)?;
        let &[input] = model.input_ids() else {
            return Err(Error::Inputs(model.input_ids().len()));
        };
        let outputs = model.output_ids().to_vec();
        Ok(Self { model, input, outputs })
    }

    /// Lengths of the input's dimensions, where the file says them; `None` for any length.
    #[must_use]
    pub fn input_shape(&self) -> Option<Vec<Option<usize>>> {
        let length = |dimension| match dimension {
            Dimension::Fixed(length) => Some(length),
            Dimension::Symbolic(_) => None,
        };
        Some(self.model.input_shape(0)?.into_iter().map(length).collect())
    }

    /// Whether the file allows the shape; how many pictures come at a time is for the operators.
    fn takes(&self, shape: &[usize]) -> bool {
        self.input_shape().is_none_or(|wanted| {
            let fits = |(n, (wanted, given)): (usize, (&Option<usize>, &usize))| {
                n == 0 && shape.len() > 1 || wanted.is_none_or(|wanted| wanted == *given)
            };
            wanted.len() == shape.len() && wanted.iter().zip(shape).enumerate().all(fits)
        })
    }

    /// Computes all outputs, in the order of the file.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Run`] where the input does not fit the graph, or an output has
    /// other numbers than floats.
    pub fn run(&self, input: Tensor) -> Result<Vec<Tensor>, Error> {
        let Tensor { shape, values } = input;
        let count = shape.iter().try_fold(1usize, |count, n| count.checked_mul(*n));
        if count != Some(values.len()) || values.len() > MAX_NUMBERS {
            return Err(Error::Shape(shape, values.len()));
        }
        if !self.takes(&shape) {
            return Err(Error::Run(format!("it takes no input of the shape {shape:?}")));
        }
        let run = || {
            let value = Value::from_shape(&shape, values).map_err(|e| e.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(pool()));
            let inputs = vec![(self.input, value.into())];
            let made = self.model.run(inputs, &self.outputs, Some(options));
            made.map_err(|e| e.to_string())?.into_iter().map(tensor).collect()
        };
        guarded(run).map_err(Error::Run)
    }
}

fn tensor(value: Value) -> Result<Tensor, String> {
    let tensor = value.into_tensor::<f32>().ok_or("an output of other numbers than floats")?;
    Ok(Tensor { shape: tensor.shape().to_vec(), values: tensor.into_data() })
}
