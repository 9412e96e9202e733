//! llama.cpp behind the traits of `engine`.
//!
//! [`Llama`] generates text and scores given answers, [`LlamaEmbedder`] embeds texts. Each owns
//! one or several contexts of llama.cpp over one set of weights, every context on a thread of its
//! own; callers on any thread ask, sleep, and are answered together: requests enter and leave a
//! running batch, and a beginning that prompts have in common is decoded once in each context.
//!
//! ```no_run
//! use engine::{Cancel, Complete, CompletionRequest, Error, Message, Prompt, Role};
//! use headwater_llama::{Llama, Options};
//!
//! fn main() -> Result<(), Error> {
//!     let llama = Llama::load(Options { parallel: 4, ..Options::new("model.gguf") })?;
//!     let prompt = Prompt::Chat(vec![Message::new(Role::User, "What is a headwater?")]);
//!     let request = CompletionRequest::new(prompt, 64);
//!     let mut streamed = String::new();
//!     let answer =
//!         llama.complete(&request, &Cancel::default(), &mut |text| streamed.push_str(text))?;
//!     assert_eq!(answer.text, streamed);
//!     Ok(())
//! }
//! ```
//!
//! Which weight format this machine runs best is found out with [`requantize`], [`measure_speed`]
//! and [`compare`]: `models tune` is made of them.
//!
//! The backend is started once a process and never stopped. A failed assertion inside the C++
//! code ends the process: nothing can catch it, so callers flush what is finished before they
//! ask.

mod answer;
mod args;
mod backend;
mod cache;
mod candidates;
mod compare;
mod complete;
mod embed;
mod facts;
mod grammar;
mod keywords;
mod measure;
mod model;
mod options;
mod prefix;
mod prompt;
mod quantize;
mod sampler;
mod scheduler;
mod schema;
mod score;
mod scoring;
mod slot;
mod text;
mod windows;

pub use args::ModelArgs;
pub use compare::compare;
pub use complete::Llama;
pub use embed::LlamaEmbedder;
pub use measure::measure_speed;
pub use options::Options;
pub use quantize::{WeightFormat, requantize};
pub use scheduler::Stats;
