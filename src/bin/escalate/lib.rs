//! The few records that need it go to a bigger model, within a budget.
pub mod cost;
pub mod gate;
pub mod local;
pub mod prompt;
pub mod provider;
