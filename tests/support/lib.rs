//! What the tests share: programs run as users run them, in a clean environment, with a time
//! limit on everything.

mod caseless;
mod endpoint;
mod outcome;
mod picture;
mod place;
mod program;

pub use caseless::Caseless;
pub use endpoint::{Answer, Asked, Endpoint};
pub use outcome::Outcome;
pub use picture::Shot;
pub use place::{data, model, models_folder, programs_folder, repository};
pub use program::{Program, Running, program};
