//! The model store on the command line.
fn main() {}
