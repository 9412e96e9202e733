//! Placeholder until below is written.
