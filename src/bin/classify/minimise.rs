//! The least value of a smooth function.

use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

/// Steps that L-BFGS remembers.
const MEMORY: usize = 10;

/// Steps at most: a ridge regression on unit vectors takes some dozens.
const MAX_STEPS: u64 = 500;

/// A gradient shorter than this is none: the functions here are means over records.
const TOLERANCE: f64 = 1e-6;

/// A function that can be minimised: smooth, bounded below.
pub(crate) trait Objective {
    /// The value at `x`.
    fn value(&self, x: &[f64]) -> f64;

    /// The gradient at `x`.
    fn gradient(&self, x: &[f64]) -> Vec<f64>;
}

/// No least value was found.
#[derive(Debug, thiserror::Error)]
#[error("the fit does not converge: {0}")]
pub(crate) struct Unconverged(String);

struct Problem<'a>(&'a dyn Objective);

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.0.value(x))
    }
}

impl Gradient for Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.0.gradient(x))
    }
}

/// Where `objective` is least, sought from `start` (L-BFGS: Nocedal and Wright, Numerical
/// Optimization, 2006, chapter 7).
///
/// # Errors
/// [`Unconverged`]: not with a strictly convex function of finite values.
pub(crate) fn minimise(
    objective: &dyn Objective,
    start: Vec<f64>,
) -> Result<Vec<f64>, Unconverged> {
    let gradient = objective.gradient(&start);
    // The line search wants a way down, and there is none from the least value itself.
    if gradient.iter().map(|g| g * g).sum::<f64>().sqrt() < TOLERANCE {
        return Ok(start);
    }
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY).with_tolerance_grad(TOLERANCE);
    let fail = |error: argmin::core::Error| Unconverged(error.to_string());
    let run = Executor::new(Problem(objective), solver.map_err(fail)?)
        .configure(|state| state.param(start).max_iters(MAX_STEPS))
        .timer(false)
        .run();
    let mut result = run.map_err(fail)?;
    let found = result.state.take_best_param().or_else(|| result.state.take_param());
    match found {
        Some(found) if found.iter().all(|x| x.is_finite()) => Ok(found),
        _ => Err(Unconverged("the values are not finite".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bowl with its least value at `at`, steeper in some directions.
    struct Bowl {
        at: Vec<f64>,
        steep: Vec<f64>,
    }

    impl Objective for Bowl {
        fn value(&self, x: &[f64]) -> f64 {
            let one = |((x, at), steep): ((&f64, &f64), &f64)| steep * (x - at).powi(2) / 2.0;
            x.iter().zip(&self.at).zip(&self.steep).map(one).sum()
        }

        fn gradient(&self, x: &[f64]) -> Vec<f64> {
            let one = |((x, at), steep): ((&f64, &f64), &f64)| steep * (x - at);
            x.iter().zip(&self.at).zip(&self.steep).map(one).collect()
        }
    }

    proptest! {
        #[test]
        fn the_bottom_is_found(
            points in prop::collection::vec((-50.0..50.0f64, 0.01..10.0f64, -50.0..50.0f64), 1..12),
        ) {
            let at: Vec<f64> = points.iter().map(|p| p.0).collect();
            let bowl = Bowl { at: at.clone(), steep: points.iter().map(|p| p.1).collect() };
            let found = minimise(&bowl, points.iter().map(|p| p.2).collect()).unwrap();
            for (x, at) in found.iter().zip(&at) {
                prop_assert!((x - at).abs() < 1e-3, "{x} {at}");
            }
        }
    }
}
