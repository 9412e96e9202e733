//! Tests that need more than one program, or the whole tree; see the files beside this one.
