//! The hub over HTTP.

use std::time::Instant;

use super::server::{Reply, Server};
use super::*;

fn pinned() -> String {
    entry("m", &sum(), ON_HUB)
}

#[test]
fn a_redirect_to_the_storage_is_followed() {
    let server = Server::start(|r, _| match r.path.as_str() {
        "/o/n/resolve/main/m.gguf" => Reply::status(302)
            .header("Location", "/storage/1")
            .header("X-Linked-Etag", format!("\"{}\"", sum())),
        _ => Reply::file(r, &model(), "\"s3\""),
    });
    let bench = Bench::new(&server.base);
    installed(&bench, &bench.pull(&pinned()).unwrap());
}

#[test]
fn a_cut_connection_is_continued_where_it_ended() {
    let server = Server::start(|r, n| {
        let reply = Reply::file(r, &model(), "\"a\"");
        if n < 2 { reply.cut(100_000) } else { reply }
    });
    let bench = Bench::new(&server.base);
    installed(&bench, &bench.pull(&pinned()).unwrap());
    let ranges: Vec<_> = server.requests().iter().map(|r| r.range).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert!(bench.heard("resuming 100000"));
}

#[test]
fn an_interrupted_pull_is_continued_by_the_next() {
    let server = Server::start(|r, n| {
        let reply = Reply::file(r, &model(), "\"a\"");
        if n < 3 { reply.cut(if n == 0 { 100_000 } else { 0 }) } else { reply }
    });
    let bench = Bench::new(&server.base);
    bench.refused(&pinned());
    assert_eq!(fs::metadata(bench.part()).unwrap().len(), 100_000);
    installed(&bench, &bench.pull(&pinned()).unwrap());
    assert_eq!(server.requests().last().unwrap().range, Some(100_000));
}

#[test]
fn a_changed_file_starts_anew() {
    let server = Server::start(|r, n| {
        if n == 0 {
            return Reply::file(r, &vec![7; model().len()], "\"old\"").cut(100_000);
        }
        Reply::file(r, &model(), "\"new\"")
    });
    let bench = Bench::new(&server.base);
    installed(&bench, &bench.pull(&pinned()).unwrap());
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"old\""));
    assert!(!bench.heard("resuming"));
}

#[test]
fn a_server_that_mixes_two_files_is_tried_once_from_the_start() {
    let server = Server::start(|r, n| {
        let wrong = vec![7; model().len()];
        let file = if n == 0 { wrong } else { model() };
        let reply = Reply::file(r, &file, "\"same\"");
        if n == 0 { reply.cut(100_000) } else { reply }
    });
    let bench = Bench::new(&server.base);
    installed(&bench, &bench.pull(&pinned()).unwrap());
    assert!(bench.heard("from the start"));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_wrong_checksum_is_refused_and_leaves_nothing() {
    let server = Server::start(|r, _| {
        let mut file = model();
        *file.last_mut().unwrap() ^= 1;
        Reply::file(r, &file, "\"a\"")
    });
    let bench = Bench::new(&server.base);
    let error = bench.refused(&pinned());
    assert!(error.contains("the checksum is"), "{error}");
    assert!(bench.files().is_empty(), "{:?}", bench.files());
    assert_eq!(server.requests().len(), 1, "a whole wrong file is not asked for twice");
}

#[test]
fn a_file_of_another_size_is_not_downloaded() {
    let server = Server::start(|r, _| Reply::file(r, &[0; 50], "\"a\""));
    let bench = Bench::new(&server.base);
    assert!(bench.refused(&pinned()).contains("the server's file has 50 bytes"));
    assert!(!bench.part().exists());
}

#[test]
fn busy_servers_are_asked_again_when_they_say() {
    let server = Server::start(|r, n| match n {
        0 => Reply::status(503).header("Retry-After", "1"),
        1 => Reply::status(429),
        _ => Reply::file(r, &model(), "\"a\""),
    });
    let bench = Bench::new(&server.base);
    let start = Instant::now();
    installed(&bench, &bench.pull(&pinned()).unwrap());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(bench.heard("retrying HTTP status 503 1s"));
}

#[test]
fn a_server_that_asks_for_an_hour_is_left() {
    let server = Server::start(|_, _| Reply::status(503).header("Retry-After", "3600"));
    let bench = Bench::new(&server.base);
    let error = bench.refused(&pinned());
    assert!(error.contains("the server asks to wait 3600 s"), "{error}");
}

#[test]
fn a_date_to_come_back_is_understood() {
    let later = std::time::SystemTime::now() + Duration::from_secs(7200);
    let date = httpdate::fmt_http_date(later);
    let server = Server::start(move |_, _| Reply::status(503).header("Retry-After", date.clone()));
    let error = Bench::new(&server.base).refused(&pinned());
    assert!(error.contains("the server asks to wait 7"), "{error}");
}

#[test]
fn a_stall_is_not_waited_out() {
    let server = Server::start(|r, n| {
        let sent = if n == 0 { 70_000 } else { 0 };
        Reply::file(r, &model(), "\"a\"").cut(sent).stalls()
    });
    let bench = Bench::new(&server.base);
    let start = Instant::now();
    let error = bench.refused(&pinned());
    // Which of the two clocks rings first is chance: ours, or the client's own.
    let said = ["nothing arrived for 0.5 s", "timed out", "timeout: per read"];
    assert!(said.iter().any(|text| error.contains(text)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn nobody_there_is_an_error() {
    let bench = Bench::new("http://127.0.0.1:1");
    let error = bench.refused(&pinned());
    assert!(error.contains("efused"), "{error}");
    assert!(!bench.heard("retrying"), "{:?}", bench.events.borrow());
}

#[test]
fn a_name_that_does_not_resolve_is_asked_for_once() {
    let bench = Bench::new("https://no-such-host.invalid");
    let error = bench.refused(&pinned());
    assert!(error.contains("the host's name cannot be resolved"), "{error}");
    assert!(!bench.heard("retrying"), "{:?}", bench.events.borrow());
}

#[test]
fn a_proxy_takes_all_but_the_hosts_named_and_keeps_its_password_to_itself() {
    let server = Server::start(|request, _| Reply::file(request, &model(), "\"x\""));
    let mut bench = Bench::new(&server.base);
    bench.options.proxy = Some("http://user:secret@127.0.0.1:1".into());
    let error = bench.refused(&pinned());
    assert!(!error.contains("secret") && server.requests().is_empty(), "{error}");
    bench.options.no_proxy = vec!["127.0.0.1".into()];
    installed(&bench, &bench.pull(&pinned()).unwrap());
    bench.options.proxy = Some("gopher://user:secret@x".into());
    fs::remove_file(bench.dir.path().join("m.gguf")).unwrap();
    let error = bench.refused(&pinned());
    assert!(error.contains("the proxy's address cannot be used"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn only_https_and_this_machine_take_the_place_of_the_hub() {
    for good in ["https://mirror.example.org", "http://127.0.0.1:8000/x", "http://localhost"] {
        assert!(is_hub_base(good), "{good}");
    }
    for bad in ["", "x", "http://example.org", "ftp://localhost", "https://a:b@example.org"] {
        assert!(!is_hub_base(bad), "{bad}");
    }
}

#[test]
fn gated_and_absent_files_are_not_asked_for_twice() {
    for status in [401, 403, 404] {
        let server = Server::start(move |_, _| Reply::status(status));
        let error = Bench::new(&server.base).refused(&pinned());
        assert!(error.contains(&format!("HTTP status {status}")), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn redirects_end_and_stay_on_https() {
    let circle = Server::start(|_, _| Reply::status(302).header("Location", "/again"));
    assert!(Bench::new(&circle.base).refused(&pinned()).contains("too many redirects"));
    for to in ["http://example.org/x", "file:///etc/passwd", "ftp://127.0.0.1/x"] {
        let away = Server::start(move |_, _| Reply::status(302).header("Location", to));
        let error = Bench::new(&away.base).refused(&pinned());
        assert!(error.contains("not HTTPS") || error.contains("no URL"), "{to}: {error}");
    }
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let error = Bench::new("http://hub.example.org").refused(&pinned());
    assert!(error.contains("hub.example.org: not HTTPS"), "{error}");
}

#[test]
fn the_hubs_own_checksum_is_verified_and_remembered() {
    let stated = sum();
    let server = Server::start(move |r, _| {
        Reply::file(r, &model(), "\"a\"").header("X-Linked-Etag", format!("\"{stated}\""))
    });
    let bench = Bench::new(&server.base);
    let catalogue = entry("m", "from-hub", ON_HUB);
    let pulled = bench.pull(&catalogue).unwrap();
    assert_eq!(pulled.sha256.to_string(), sum());
    let sidecar = Sidecar::read(&pulled.path).unwrap();
    assert_eq!(sidecar.sha256, pulled.sha256);
    // A later change of the file is noticed although the catalogue has no checksum.
    let mut bytes = model();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&pulled.path, bytes).unwrap();
    let store = bench.store(&catalogue);
    assert!(store.verify("m", &bench.stop, &mut |_| ()).is_err());
    assert!(store.resolve("m", Task::Complete).is_err());
}

#[test]
fn without_any_checksum_nothing_is_taken() {
    let catalogue = entry("m", "from-hub", ON_HUB);
    let silent = Server::start(|r, _| Reply::file(r, &model(), "\"a\""));
    let error = Bench::new(&silent.base).refused(&catalogue);
    assert!(error.contains("states no checksum"), "{error}");
    let liar = Server::start(|r, _| {
        Reply::file(r, &model(), "\"a\"").header("X-Linked-Etag", "0".repeat(64))
    });
    let error = Bench::new(&liar.base).refused(&catalogue);
    assert!(error.contains("the checksum is"), "{error}");
}

#[test]
fn a_file_that_is_no_model_is_refused_whatever_its_checksum() {
    let page = vec![b'<'; model().len()];
    let sum = Sha256::of(&page).to_string();
    let server = Server::start(move |r, _| Reply::file(r, &page, "\"a\""));
    let bench = Bench::new(&server.base);
    let error = bench.refused(&entry("m", &sum, ON_HUB));
    assert!(error.contains("not a GGUF or ggml model file"), "{error}");
    assert!(!bench.part().exists());
}

#[test]
fn stopping_is_quick_and_keeps_what_came() {
    let server = Server::start(|r, _| Reply::file(r, &model(), "\"a\"").cut(70_000).stalls());
    let mut bench = Bench::new(&server.base);
    bench.options.stall_timeout = Duration::from_secs(10);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let stop = &bench.stop;
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
        });
        let store = bench.store(&pinned());
        let quiet = |_: &str, _: Event<'_>| ();
        let result = pull(&store, "m", &bench.options, &quiet, stop);
        assert!(matches!(result, Err(PullError::Stopped)), "{result:?}");
    });
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(fs::metadata(bench.part()).unwrap().len(), 70_000);
}

#[test]
fn a_complete_part_is_not_downloaded_again() {
    let server = Server::start(|_, _| Reply::status(500));
    let bench = Bench::new(&server.base);
    fs::write(bench.part(), model()).unwrap();
    installed(&bench, &bench.pull(&pinned()).unwrap());
    assert!(server.requests().is_empty());
}
