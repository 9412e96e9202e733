//! Affine transformations (ISO 32000-1 §8.3.4).

/// `x' = a·x + c·y + e`, `y' = b·x + d·y + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Matrix(pub(crate) [f64; 6]);

impl Matrix {
    pub(crate) const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(crate) fn translation(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// First `self`, then `next`.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let ([a, b, c, d, e, f], n) = (self.0, next.0);
        Self([
            a * n[0] + b * n[2],
            a * n[1] + b * n[3],
            c * n[0] + d * n[2],
            c * n[1] + d * n[3],
            e * n[0] + f * n[2] + n[4],
            e * n[1] + f * n[3] + n[5],
        ])
    }

    pub(crate) fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// Turns the page clockwise by `degrees`, a multiple of 90, about the origin.
    pub(crate) fn page_rotation(degrees: i64) -> Self {
        match degrees.rem_euclid(360) / 90 {
            1 => Self([0.0, -1.0, 1.0, 0.0, 0.0, 0.0]),
            2 => Self([-1.0, 0.0, 0.0, -1.0, 0.0, 0.0]),
            3 => Self([0.0, 1.0, -1.0, 0.0, 0.0, 0.0]),
            _ => Self::IDENTITY,
        }
    }

    /// Whether all six numbers are finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.0.iter().all(|value| value.is_finite())
    }
}
