//! What a picture shows, by an ONNX classifier.

use std::path::Path;

use bundle::{Bundle, Kind, Scale};
use onnx::{Graph, Tensor};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::picture::{Part, Picture};

/// Side of the input where the file does not say it: that of most networks for ImageNet.
const SIDE: usize = 224;
/// Longest side that is believed.
const MOST: usize = 2048;

/// What a picture shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// In the model's words.
    pub name: String,
    /// 0 to 1; those of all labels sum up to 1.
    pub score: f32,
}

/// Says what pictures show.
#[derive(Debug)]
pub struct Labels {
    graph: Graph,
    names: Vec<String>,
    scale: Scale,
    width: usize,
    height: usize,
    /// Colours come one after the other, not pixel by pixel.
    planes: bool,
}

impl Labels {
    /// Opens the model in a file of the store.
    ///
    /// # Errors
    /// It cannot be read, is another model, or takes something else than one picture.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut bundle = Bundle::open(path)?;
        if bundle.header().kind != Kind::Labels {
            return Err(Error::Kind("labels pictures"));
        }
        let graph = Graph::from_bytes(bundle.graph("classifier")?)?;
        let shape = graph.input_shape().unwrap_or_else(|| vec![None, Some(3), None, None]);
        let (planes, height, width) = match shape[..] {
            [_, Some(3), height, width] => (true, height, width),
            [_, height, width, Some(3)] => (false, height, width),
            _ => return Err(Error::Tensors(format!("input {shape:?} is no picture"))),
        };
        let side = |side: Option<usize>| side.unwrap_or(SIDE);
        let (width, height) = (side(width), side(height));
        if !(1..=MOST).contains(&width) || !(1..=MOST).contains(&height) {
            return Err(Error::Tensors(format!("input has {width} × {height} pixels")));
        }
        let header = bundle.header();
        let (names, scale) = (header.labels.clone(), header.scale);
        Ok(Self { graph, names, scale, width, height, planes })
    }

    /// The labels of a picture with at least this score, the best first, and at most so many.
    ///
    /// # Errors
    /// The graph cannot be run, or gives other numbers than one for each label.
    pub fn of(&self, picture: &Picture<'_>, least: f32, most: usize) -> Result<Vec<Label>, Error> {
        let shape = if self.planes {
            vec![1, 3, self.height, self.width]
        } else {
            vec![1, self.height, self.width, 3]
        };
        let outputs = self.graph.run(Tensor { shape, values: self.input(picture) })?;
        let count = self.names.len();
        let Some(output) = outputs.into_iter().find(|output| output.values.len() == count) else {
            return Err(Error::Tensors(format!("outputs are not {count}, as its labels are")));
        };
        let scores = shares(output.values);
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::Tensors("outputs are no numbers".into()));
        }
        let mut order: Vec<usize> = (0..count).filter(|n| scores[*n] >= least).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order.truncate(most);
        let label = |n: usize| Label { name: self.names[n].clone(), score: scores[n] };
        Ok(order.into_iter().map(label).collect())
    }

    /// The middle of the picture, cut to the shape of the input.
    fn input(&self, picture: &Picture<'_>) -> Vec<f32> {
        let (width, height) = picture.size();
        let (width, height) = (width as f32, height as f32);
        let zoom = (width / self.width as f32).min(height / self.height as f32);
        let (w, h) = (zoom * self.width as f32, zoom * self.height as f32);
        let part = Part { x: (width - w) / 2.0, y: (height - h) / 2.0, width: w, height: h };
        let pixels = picture.resized(part, self.width, self.height);
        let scaled = |value: f32, colour: usize| scaled(self.scale, value, colour);
        if self.planes {
            let plane = |colour| pixels.iter().map(move |pixel| scaled(pixel[colour], colour));
            (0..3).flat_map(plane).collect()
        } else {
            pixels.iter().flat_map(|p| [0, 1, 2].map(|colour| scaled(p[colour], colour))).collect()
        }
    }
}

/// Brightness from 0 to 255 as the model takes it.
fn scaled(scale: Scale, value: f32, colour: usize) -> f32 {
    /// Of the pictures of ImageNet.
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
    match scale {
        Scale::Imagenet => (value / 255.0 - MEAN[colour]) / DEVIATION[colour],
        Scale::Signed => value / 127.5 - 1.0,
        Scale::Unit => value / 255.0,
        Scale::Byte => value,
    }
}

/// Outputs that do not sum up to 1 yet are logarithms (softmax).
fn shares(mut values: Vec<f32>) -> Vec<f32> {
    let sum: f32 = values.iter().sum();
    if values.iter().all(|v| (0.0..=1.0).contains(v)) && (sum - 1.0).abs() < 0.01 {
        return values;
    }
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for value in &mut values {
        *value = (*value - most).exp();
    }
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}
