//! Which records go on to the bigger model: a jq expression, asked of each record.
//!
//! The expression is the user's and may be wrong; the records are anybody's. [`expression`] limits
//! its steps, time and stack. What these limits cannot reach, such as `"x" * 1e9`, is one long
//! operation of the interpreter; a thread cannot be killed, and memory is not a thread's: so all of
//! that runs in a [child process](child) of limited memory, which a [`Guard`] starts anew when it
//! ends or hangs.

mod child;
mod guard;

pub use child::serve_if_asked;
pub use expression::{ExpressionError, Limits};
pub use guard::Guard;
