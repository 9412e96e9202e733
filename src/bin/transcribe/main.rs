//! Speech in audio and video files becomes text.
fn main() {}
