//! The caps hold for threads, processes and processes that die.

use std::io::{BufRead, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn nano(n: u64) -> NanoUsd {
    NanoUsd::new(n).unwrap()
}

fn at(day: &str) -> SystemTime {
    SystemTime::from(format!("{day}T12:00:00Z").parse::<jiff::Timestamp>().unwrap())
}

fn request<'a>(run: &'a str, caps: Caps, amount: u64) -> Request<'a> {
    let amount = nano(amount);
    Request { run, caps, amount, provider: "p", model: "m", at: at("2026-11-21") }
}

fn usage(cost: u64) -> Usage<'static> {
    Usage { cost: nano(cost), tokens_in: 7, tokens_out: 3, provider: "p", model: "m" }
}

fn reserved(charge: Charge) -> Reservation {
    match charge {
        Charge::Reserved(reservation) => reservation,
        Charge::OverBudget(refusal) => panic!("{refusal}"),
    }
}

fn ledger() -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&dir.path().join("ledger.db")).unwrap();
    (dir, ledger)
}

#[test]
fn a_reservation_counts_in_full_until_it_is_settled() {
    let (_dir, ledger) = ledger();
    let caps = Caps { run: Some(nano(100)), ..Caps::default() };
    let first = reserved(ledger.reserve(&request("r", caps, 60)).unwrap());
    let refused = ledger.reserve(&request("r", caps, 41)).unwrap();
    let refusal = Refusal { which: Scope::Run, spent: nano(60), cap: nano(100), wanted: nano(41) };
    assert_eq!(refused, Charge::OverBudget(refusal));
    ledger.settle(&first, &usage(10)).unwrap();
    let second = reserved(ledger.reserve(&request("r", caps, 90)).unwrap());
    ledger.release(&second).unwrap();
    let totals = ledger.run_totals("r").unwrap();
    assert_eq!((totals.spent, totals.calls), (nano(10), 1));
    assert_eq!((totals.tokens_in, totals.tokens_out), (7, 3));
}

#[test]
fn the_cap_itself_may_be_reached() {
    let (_dir, ledger) = ledger();
    let caps = Caps { run: Some(nano(100)), day: Some(nano(100)), month: Some(nano(100)) };
    let _full = reserved(ledger.reserve(&request("r", caps, 100)).unwrap());
    assert!(matches!(ledger.reserve(&request("r", caps, 1)).unwrap(), Charge::OverBudget(_)));
    assert!(matches!(ledger.reserve(&request("r", caps, 0)).unwrap(), Charge::Reserved(_)));
}

#[test]
fn day_and_month_bind_all_runs() {
    let (_dir, ledger) = ledger();
    let caps = Caps { run: None, day: Some(nano(50)), month: Some(nano(80)) };
    let ask = |run, day, amount| match ledger
        .reserve(&Request { at: at(day), ..request(run, caps, amount) })
        .unwrap()
    {
        Charge::Reserved(_) => None,
        Charge::OverBudget(refusal) => Some(refusal.which),
    };
    assert_eq!(ask("a", "2026-11-21", 50), None);
    assert_eq!(ask("b", "2026-11-21", 1), Some(Scope::Day));
    assert_eq!(ask("b", "2026-11-22", 30), None);
    assert_eq!(ask("c", "2026-11-23", 1), Some(Scope::Month));
    assert_eq!(ask("c", "2026-12-01", 50), None);
    let days: Vec<_> = ledger.by_day().unwrap().into_iter().map(|d| d.day).collect();
    assert_eq!(days, ["2026-11-21", "2026-11-22", "2026-12-01"]);
}

#[test]
fn what_cost_more_than_was_set_aside_is_recorded_as_it_is() {
    let (_dir, ledger) = ledger();
    let caps = Caps { run: Some(nano(100)), ..Caps::default() };
    let first = reserved(ledger.reserve(&request("r", caps, 10)).unwrap());
    ledger.settle(&first, &usage(150)).unwrap();
    assert!(matches!(ledger.reserve(&request("r", caps, 0)).unwrap(), Charge::OverBudget(_)));
}

#[test]
fn a_reservation_is_closed_once() {
    let (_dir, ledger) = ledger();
    let first = reserved(ledger.reserve(&request("r", Caps::default(), 10)).unwrap());
    ledger.settle(&first, &usage(5)).unwrap();
    assert!(matches!(ledger.settle(&first, &usage(5)), Err(StoreError::NotOpen { .. })));
    assert!(matches!(ledger.release(&first), Err(StoreError::NotOpen { .. })));
    assert_eq!(ledger.totals().unwrap().spent, nano(5));
}

#[test]
fn sums_beyond_all_money_are_refused() {
    let (_dir, ledger) = ledger();
    let most = i64::MAX as u64;
    let _most = reserved(ledger.reserve(&request("r", Caps::default(), most)).unwrap());
    let outcome = ledger.reserve(&request("r", Caps::default(), 1));
    assert!(matches!(outcome, Err(StoreError::Overflow)), "{outcome:?}");
}

#[test]
fn sums_by_model() {
    let (_dir, ledger) = ledger();
    for (model, cost) in [("small", 1), ("big", 100), ("small", 2)] {
        let r = reserved(ledger.reserve(&request("r", Caps::default(), 200)).unwrap());
        ledger.settle(&r, &Usage { model, ..usage(cost) }).unwrap();
    }
    let sums: Vec<_> = ledger
        .by_model()
        .unwrap()
        .into_iter()
        .map(|m| (m.model, m.totals.spent.get(), m.totals.calls))
        .collect();
    assert_eq!(sums, [("big".to_owned(), 100, 1), ("small".to_owned(), 3, 2)]);
}

#[test]
fn sums_by_pipeline_with_what_passed() {
    let (_dir, ledger) = ledger();
    for (run, cost) in [("mail/1", 10), ("mail/2", 20), ("3", 5)] {
        let r = reserved(ledger.reserve(&request(run, Caps::default(), 200)).unwrap());
        for (which, amount) in [(Scope::Run, 200), (Scope::Day, 200), (Scope::Month, 200)] {
            let pending = ledger.pending(which, &request(run, Caps::default(), 1)).unwrap();
            assert_eq!(pending, nano(amount));
        }
        let other = Request { at: at("2026-12-21"), ..request("other", Caps::default(), 1) };
        for which in [Scope::Run, Scope::Day, Scope::Month] {
            assert_eq!(ledger.pending(which, &other).unwrap(), NanoUsd::ZERO);
        }
        ledger.settle(&r, &usage(cost)).unwrap();
    }
    let all = request("mail/1", Caps::default(), 1);
    assert_eq!(ledger.pending(Scope::Month, &all).unwrap(), NanoUsd::ZERO);
    for records in [7, 8] {
        ledger.passed("mail", records, at("2026-11-21")).unwrap();
    }
    ledger.passed("quiet", 3, at("2026-11-22")).unwrap();
    let sums: Vec<_> = ledger
        .by_pipeline()
        .unwrap()
        .into_iter()
        .map(|p| (p.pipeline, p.totals.calls, p.totals.spent.get(), p.passed))
        .collect();
    let expected = [("", 1, 5, 0), ("mail", 2, 30, 15), ("quiet", 0, 0, 3)];
    assert_eq!(
        sums,
        expected.map(|(name, calls, spent, passed)| (name.to_owned(), calls, spent, passed))
    );
}

#[test]
fn many_threads_with_connections_of_their_own_stay_within_the_cap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let caps = Caps { run: Some(nano(1000)), ..Caps::default() };
    let granted: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let ledger = Ledger::open(&path).unwrap();
                    (0..50)
                        .map(|_| match ledger.reserve(&request("r", caps, 7)).unwrap() {
                            Charge::Reserved(r) => r.amount().get(),
                            Charge::OverBudget(_) => 0,
                        })
                        .sum::<u64>()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    // 142 × 7 = 994: as much of the budget as fits, and not one more.
    assert_eq!(granted, 994);
    assert_eq!(Ledger::open(&path).unwrap().totals().unwrap().spent, nano(994));
}

/// Body of the child processes below. Reads the ledger's path and the amount from its first
/// two lines of input; reserves until refused, settling every second reservation at half.
#[test]
#[ignore = "started by the tests of several processes, not by itself"]
fn child_process() {
    let mut lines = std::io::stdin().lock().lines();
    let (Some(Ok(path)), Some(Ok(amount))) = (lines.next(), lines.next()) else { return };
    let amount: u64 = amount.parse().unwrap();
    let ledger = Ledger::open(Path::new(&path)).unwrap();
    let caps = Caps { run: Some(nano(1_000_000)), ..Caps::default() };
    for turn in 0.. {
        match ledger.reserve(&request("r", caps, amount)).unwrap() {
            Charge::OverBudget(_) => break,
            Charge::Reserved(r) if turn % 2 == 0 => ledger.settle(&r, &usage(amount / 2)).unwrap(),
            Charge::Reserved(_) => {}
        }
    }
}

fn child(path: &Path, amount: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::tests::child_process", "--ignored", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}\n{amount}", path.display()).unwrap();
    child
}

#[test]
fn sixteen_processes_stay_within_the_cap_and_use_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    // All sixteen also create the file and its tables at the same moment.
    let children: Vec<_> = (0..16).map(|n| child(&path, 1000 - n)).collect();
    for mut child in children {
        let mut messages = String::new();
        child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
        assert!(child.wait().unwrap().success(), "{messages}");
    }
    let ledger = Ledger::open(&path).unwrap();
    let totals = ledger.totals().unwrap();
    assert!(totals.spent <= nano(1_000_000), "{}", totals.spent.get());
    assert!(totals.spent >= nano(990_000), "{}", totals.spent.get());
    // The children are gone: what they left unsettled has expired and still counts.
    assert_eq!(totals.pending, NanoUsd::ZERO);
    assert!(totals.expired > NanoUsd::ZERO);
}

#[test]
fn a_process_killed_at_any_moment_leaves_its_worst_case_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    Ledger::open(&path).unwrap();
    for delay in [5, 15, 25, 40] {
        let mut child = child(&path, 10);
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.totals().unwrap().pending, NanoUsd::ZERO);
    consistent(&ledger);
}

#[test]
fn a_living_process_keeps_its_reservation() {
    let (dir, ledger) = ledger();
    let _mine = reserved(ledger.reserve(&request("r", Caps::default(), 10)).unwrap());
    let other = Ledger::open(&dir.path().join("ledger.db")).unwrap();
    assert_eq!(other.recover().unwrap(), 0);
    assert_eq!(other.totals().unwrap().pending, nano(10));
}

#[test]
fn one_that_was_taken_for_dead_can_still_settle() {
    let (_dir, ledger) = ledger();
    let mine = reserved(ledger.reserve(&request("r", Caps::default(), 10)).unwrap());
    ledger
        .database
        .write(|tx| Ok(tx.execute("UPDATE entry SET started = started + 1", [])?))
        .unwrap();
    assert_eq!(ledger.recover().unwrap(), 1);
    assert_eq!(ledger.totals().unwrap().expired, nano(10));
    ledger.settle(&mine, &usage(4)).unwrap();
    let totals = ledger.totals().unwrap();
    assert_eq!((totals.spent, totals.expired), (nano(4), NanoUsd::ZERO));
}

#[test]
fn entries_cannot_be_deleted_by_mistake() {
    let (_dir, ledger) = ledger();
    let _kept = reserved(ledger.reserve(&request("r", Caps::default(), 10)).unwrap());
    let outcome = ledger.database.write(|tx| Ok(tx.execute("DELETE FROM entry", [])?));
    assert!(outcome.is_err());
}

/// The sums that caps are checked against equal the entries.
fn consistent(ledger: &Ledger) {
    let differences: i64 = ledger
        .database
        .read(|c| {
            Ok(c.query_row(
                "SELECT count(*) FROM total LEFT JOIN (
                     SELECT 'run' AS s, run AS k, sum(amount) AS a FROM entry GROUP BY run
                     UNION ALL SELECT 'day', day, sum(amount) FROM entry GROUP BY day
                     UNION ALL SELECT 'month', substr(day, 1, 7), sum(amount) FROM entry GROUP BY 2
                 ) ON scope = s AND key = k WHERE amount IS NOT a",
                [],
                |row| row.get(0),
            )?)
        })
        .unwrap();
    assert_eq!(differences, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { run: u8, day: u8, amount: u64 },
    Settle { which: prop::sample::Index, percent: u64 },
    Release { which: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        (0u8..2, 20u8..23, 0u64..60).prop_map(|(run, day, amount)| Step::Reserve {
            run,
            day,
            amount
        }),
        (which(), 0u64..=100).prop_map(|(which, percent)| Step::Settle { which, percent }),
        which().prop_map(|which| Step::Release { which }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]
    #[test]
    fn no_cap_is_ever_exceeded(steps in prop::collection::vec(step(), 1..60)) {
        let (_dir, ledger) = ledger();
        let caps = Caps { run: Some(nano(120)), day: Some(nano(100)), month: Some(nano(200)) };
        let mut open: Vec<Reservation> = Vec::new();
        for step in steps {
            match step {
                Step::Reserve { run, day, amount } => {
                    let (run, day) = (format!("r{run}"), format!("2026-11-{day}"));
                    let ask = Request { at: at(&day), ..request(&run, caps, amount) };
                    if let Charge::Reserved(r) = ledger.reserve(&ask).unwrap() {
                        open.push(r);
                    }
                }
                Step::Settle { which, percent } if !open.is_empty() => {
                    let r = open.swap_remove(which.index(open.len()));
                    ledger.settle(&r, &usage(r.amount().get() * percent / 100)).unwrap();
                }
                Step::Release { which } if !open.is_empty() => {
                    let r = open.swap_remove(which.index(open.len()));
                    ledger.release(&r).unwrap();
                }
                Step::Settle { .. } | Step::Release { .. } => {}
            }
            prop_assert!(ledger.totals().unwrap().spent <= nano(200));
            for run in ["r0", "r1"] {
                prop_assert!(ledger.run_totals(run).unwrap().spent <= nano(120));
            }
            for day in ledger.by_day().unwrap() {
                prop_assert!(day.totals.spent <= nano(100));
            }
        }
        let pending: u64 = open.iter().map(|r| r.amount().get()).sum();
        prop_assert_eq!(ledger.totals().unwrap().pending, nano(pending));
        consistent(&ledger);
    }
}
