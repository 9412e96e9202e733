//! The model store on the command line.
