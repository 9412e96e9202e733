//! Records a second at several widths: `cargo run --release -p headwater-llama --example
//! throughput -- MODEL [THREADS]`.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use engine::{Cancel, Complete, CompletionRequest, Error, Message, Prompt, Role};
use headwater_llama::{Llama, Options};

const RECORDS: usize = 64;
const RULES: &str = "Say in a few words what the message is about. Do not explain.";

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let path = args.next().unwrap_or_default();
    let threads = args.next().and_then(|n| n.parse().ok()).unwrap_or(2);
    for parallel in [1, 4, 8] {
        let options = Options { parallel, threads, context: 512, ..Options::new(&path) };
        let llama = Llama::load(options)?;
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..parallel {
                scope.spawn(|| {
                    while let n @ 0..RECORDS = next.fetch_add(1, Ordering::Relaxed) {
                        let text =
                            format!("Invoice {n} for the new pump is due on day {}.", n % 30);
                        let turns =
                            vec![Message::new(Role::System, RULES), Message::new(Role::User, text)];
                        let request = CompletionRequest::new(Prompt::Chat(turns), 16);
                        if let Err(error) =
                            llama.complete(&request, &Cancel::default(), &mut |_| {})
                        {
                            log::error!("{error}");
                        }
                    }
                });
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let rate = RECORDS as f64 / seconds;
        #[expect(clippy::print_stdout, reason = "a benchmark's result")]
        {
            println!("parallel {parallel}: {rate:.2} records/s, {:?}", llama.stats());
        }
    }
    Ok(())
}
