//! Tests on small models that are built here, byte by byte.

mod bert;
mod files;
mod hostile;
mod mutation;
mod numbers;
mod samples;
mod silero;
mod whisper;
mod whisper_safetensors;
