//! The dispatcher with workers that are threads: no transport, any fault.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use proptest::prelude::*;
use records::Record;

use crate::*;

/// What a scripted worker does with a record: answers it, or leaves.
type Script = Arc<dyn Fn(u64, &Record) -> Result<String, Departure> + Send + Sync>;

struct Scripted(Sender<Vec<Arc<Record>>>);

impl Worker for Scripted {
    fn send(&mut self, records: &[Arc<Record>]) {
        let _ = self.0.send(records.to_vec());
    }
    fn finish(&mut self) {
        self.abandon();
    }
    fn abandon(&mut self) {
        let _ = self.0.send(Vec::new());
    }
}

fn serve(member: Member, inbox: &Receiver<Vec<Arc<Record>>>, life: u64, script: &Script) {
    while let Ok(batch) = inbox.recv() {
        if batch.is_empty() {
            return member.left(Departure::Ended);
        }
        for record in batch {
            match script(life, &record) {
                Ok(line) => {
                    if !member.answered(line.into_bytes()) {
                        return;
                    }
                }
                Err(why) => return member.left(why),
            }
        }
    }
}

/// A slot that starts a worker `lives` times, one after another.
fn slot(dispatcher: &mut Dispatcher, host: &str, lives: u64, script: &Script) {
    let supplier = dispatcher.supplier(host);
    let script = Arc::clone(script);
    std::thread::spawn(move || {
        for life in 0..lives {
            let (outbox, inbox) = channel();
            let member = supplier.join(Box::new(Scripted(outbox)));
            serve(member, &inbox, life, &script);
        }
    });
}

#[derive(Default)]
struct Kept(Vec<Done>);

impl Sink for Kept {
    fn put(&mut self, done: Done) -> Result<(), Stopped> {
        self.0.push(done);
        Ok(())
    }
    fn idle(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

fn options() -> Options {
    Options {
        program: "fanout",
        unordered: false,
        matching: Matching::Id,
        via: false,
        timeout: None,
        retries: 3,
        once: false,
        min_hosts: 1,
        window: 64,
        window_bytes: 1 << 20,
        journal: None,
    }
}

fn record(n: usize) -> Record {
    let mut record = Record::new();
    record.set("id", &format!("r{n}"));
    record
}

/// Runs `count` records; the summary, and what came out.
fn run(dispatcher: Dispatcher, count: usize) -> (Summary, Vec<Done>) {
    let (sender, input) = crossbeam_channel::bounded(2);
    std::thread::spawn(move || {
        for n in 0..count {
            if sender.send(vec![Input::Record(record(n))]).is_err() {
                return;
            }
        }
    });
    let mut kept = Kept::default();
    let summary = dispatcher.run(&input, &mut kept);
    (summary, kept.0)
}

fn echo(record: &Record) -> Result<String, Departure> {
    Ok(format!("{}\n", record.as_str()))
}

fn ids(done: &[Done]) -> Vec<String> {
    done.iter().map(|d| d.record.id()).collect()
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n}")).collect()
}

#[test]
fn order_is_kept_and_the_window_is_never_exceeded() {
    let mut dispatcher = Dispatcher::new(options());
    let uneven: Script = Arc::new(|_, record| {
        if record.id().ends_with('7') {
            std::thread::sleep(Duration::from_millis(2));
        }
        echo(record)
    });
    for host in ["a", "a", "b"] {
        slot(&mut dispatcher, host, 1, &uneven);
    }
    let (summary, done) = run(dispatcher, 1000);
    assert_eq!(summary.why, Why::Finished);
    assert_eq!(ids(&done), expected(1000));
    assert_eq!(summary.hosts.iter().map(|h| h.answered).sum::<u64>(), 1000);
}

#[test]
fn a_way_that_always_breaks_fails_the_record_in_the_end() {
    let mut dispatcher = Dispatcher::new(options());
    let breaking: Script = Arc::new(|_, record| match record.id().as_str() {
        "r3" => Err(Departure::Lost("the wire broke".into())),
        _ => echo(record),
    });
    slot(&mut dispatcher, "a", 100, &breaking);
    let (summary, done) = run(dispatcher, 10);
    assert_eq!(ids(&done), expected(10));
    let failed: Vec<usize> = (0..10).filter(|n| done[*n].failure.is_some()).collect();
    assert_eq!(failed, [3], "{summary:?}");
}

#[test]
fn no_hope_ends_it_and_counts_what_is_open() {
    let mut dispatcher = Dispatcher::new(options());
    let gone: Script = Arc::new(|_, _| Err(Departure::Lost("gone".into())));
    slot(&mut dispatcher, "a", 2, &gone);
    let (summary, done) = run(dispatcher, 5);
    assert_eq!(summary.why, Why::NoHosts);
    assert!(done.is_empty() && summary.open > 0);
}

#[test]
fn somebody_who_waits_for_a_stuck_one_takes_over() {
    let mut dispatcher = Dispatcher::new(options());
    let (_never, blocked) = crossbeam_channel::bounded::<()>(0);
    let stuck: Script = Arc::new(move |_, _| {
        let _ = blocked.recv();
        Err(Departure::Lost("released".into()))
    });
    slot(&mut dispatcher, "stuck", 1, &stuck);
    slot(&mut dispatcher, "good", 1, &(Arc::new(|_, r: &Record| echo(r)) as Script));
    let (summary, done) = run(dispatcher, 100);
    assert_eq!((summary.why, ids(&done)), (Why::Finished, expected(100)));
}

#[test]
fn kept_answers_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = || Some((store::Answers::open(&path).unwrap(), b"command".to_vec()));
    let mut first = Dispatcher::new(Options { journal: journal(), ..options() });
    slot(&mut first, "a", 1, &(Arc::new(|_, r: &Record| echo(r)) as Script));
    assert_eq!(run(first, 50).1.len(), 50);
    // Nobody is there to be asked.
    let second = Dispatcher::new(Options { journal: journal(), ..options() });
    let (summary, done) = run(second, 50);
    assert_eq!((summary.why, ids(&done)), (Why::Finished, expected(50)));
    assert!(done.iter().all(|d| d.kept));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_happens_each_record_leaves_once(
        seed in any::<u64>(),
        slots in 1usize..5,
        unordered in any::<bool>(),
        rate in 2u64..40,
    ) {
        let mut dispatcher = Dispatcher::new(Options { unordered, ..options() });
        // Which fault hits whom is decided by a hash: the same in every run of a case, and
        // another one in each of a worker's lives.
        let chaos: Script = Arc::new(move |life, record| {
            let text = format!("{seed} {life} {}", record.id());
            let hash = blake3::hash(text.as_bytes());
            match u64::from(hash.as_bytes()[0]) * 4 {
                n if n % rate != 0 => echo(record),
                n if n % 3 == 0 => Err(Departure::Crashed("crash".into())),
                n if n % 3 == 1 => Err(Departure::Lost("cut".into())),
                _ => Ok("garbage\n".into()),
            }
        });
        for n in 0..slots {
            slot(&mut dispatcher, &format!("h{}", n % 3), 1_000_000, &chaos);
        }
        let (summary, done) = run(dispatcher, 120);
        prop_assert_eq!(summary.why, Why::Finished);
        let mut got = ids(&done);
        let mut wanted = expected(120);
        if unordered {
            got.sort_unstable();
            wanted.sort_unstable();
        }
        prop_assert_eq!(got, wanted);
    }
}
