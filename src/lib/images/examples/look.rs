//! Looks at the pictures that stdin names, `path<TAB>time<TAB>camera` a line, and writes a JSON
//! line for each, and one for each burst: `tests/bench/bursts.sh` measures with it.
//!
//! The number of threads is its argument.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use headwater_images::{
    BurstOptions, Hints, Look, LookError, Options, Shot, bursts, kind, look_at,
};

fn main() -> io::Result<()> {
    let threads = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2);
    let lines: Vec<String> = io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let pictures: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let options = Options { thumbnail: Some(256), ..Options::default() };
    let next = AtomicUsize::new(0);
    let looks: Mutex<Vec<Option<Result<Look, LookError>>>> = Mutex::default();
    looks.lock().unwrap().resize_with(pictures.len(), || None);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(picture) = pictures.get(place) else { break };
                    let look = look_at(Path::new(picture[0]), &options);
                    looks.lock().unwrap()[place] = Some(look);
                }
            });
        }
    });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let looks = looks.into_inner().unwrap();
    let mut shots = Vec::new();
    let mut paths = Vec::new();
    for (picture, look) in pictures.iter().zip(&looks) {
        let line = match look.as_ref().unwrap() {
            Ok(look) => {
                let field = |n: usize| picture.get(n).copied();
                let taken = field(1).and_then(|t| t.parse().ok());
                shots.push(Shot { taken, camera: field(2), burst: None, look, faces: None });
                paths.push(picture[0]);
                let kind = kind(look, &Hints::default());
                serde_json::json!({ "path": picture[0], "look": look, "kind": kind })
            }
            Err(error) => serde_json::json!({ "path": picture[0], "error": error.to_string() }),
        };
        writeln!(out, "{line}")?;
    }
    for burst in bursts(&shots, &BurstOptions::default()) {
        let members: Vec<_> = burst.members.iter().map(|n| paths[*n]).collect();
        let line = serde_json::json!({
            "burst": members, "best": paths[burst.best], "ratings": burst.ratings,
        });
        writeln!(out, "{line}")?;
    }
    out.flush()
}
