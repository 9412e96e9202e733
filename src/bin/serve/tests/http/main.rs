//! The server over real sockets, with scripted engines behind it and raw HTTP before it.

mod access;
mod client;
mod embeddings;
mod endpoints;
mod engines;
mod lifecycle;
mod load;
mod refusals;
mod streaming;
mod unix;
