use super::*;

fn row(n: u8, data: &[u8], seen: i64, due: Option<i64>) -> StateRow<'_> {
    StateRow { key: [n; 16], data, seen, due }
}

#[test]
fn a_commit_is_found_again_with_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let states = States::open(&path).unwrap();
    assert_eq!(states.progress().unwrap(), (Vec::new(), None));
    let place = Place { device: 1, inode: u64::MAX, start: 7 };
    let rows = [row(1, b"a", 5, None), row(2, b"b", 6, Some(9))];
    states.commit(rows.into_iter(), b"here", Some((b"line\n", place))).unwrap();
    drop(states);
    let states = States::open(&path).unwrap();
    assert_eq!(states.find(&[1; 16]).unwrap().as_deref(), Some(&b"a"[..]));
    assert_eq!(states.find(&[3; 16]).unwrap(), None);
    assert_eq!(states.due().unwrap(), [([2; 16], 9)]);
    let mut all = Vec::new();
    states.each(|key, data| all.push((key[0], data.to_vec()))).unwrap();
    assert_eq!(all, [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    assert_eq!(states.count().unwrap(), 2);
    let sent = Sent { bytes: b"line\n".to_vec(), place };
    assert_eq!(states.progress().unwrap(), (b"here".to_vec(), Some(sent)));
    states.arrived().unwrap();
    assert_eq!(states.progress().unwrap(), (b"here".to_vec(), None));
    states.commit([row(2, b"c", 8, None)].into_iter(), b"", None).unwrap();
    assert_eq!(states.due().unwrap(), []);
}

#[test]
fn many_keys_are_found_again_however_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let key = |n: u32| {
        // Spread over all buckets, as hashes are.
        let spread = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let mut key = [n.to_le_bytes()[0]; 16];
        key[..8].copy_from_slice(&spread);
        key
    };
    let states = States::open(&path).unwrap();
    let mut wanted = std::collections::BTreeMap::new();
    for round in 0..8u32 {
        let texts: Vec<_> = (0..3000).map(|n| (n * (round + 1), format!("{round} {n}"))).collect();
        let rows = texts.iter().map(|(n, text)| StateRow {
            key: key(*n),
            data: text.as_bytes(),
            seen: i64::from(round),
            due: (n % 7 == 0).then_some(i64::from(*n)),
        });
        states.commit(rows, b"", None).unwrap();
        wanted.extend(texts.into_iter().map(|(n, text)| (n, text.into_bytes())));
    }
    assert!(states.bits.load(Ordering::Relaxed) > 4);
    drop(states);
    let states = States::open(&path).unwrap();
    assert_eq!(states.count().unwrap(), wanted.len() as u64);
    for (n, text) in &wanted {
        assert_eq!(states.find(&key(*n)).unwrap().as_ref(), Some(text), "{n}");
    }
    assert_eq!(states.find(&key(22_001)).unwrap(), None);
    let mut all = Vec::new();
    states.each(|key, data| all.push((key, data.to_vec()))).unwrap();
    assert!(all.is_sorted() && all.len() == wanted.len());
    let due = wanted.keys().filter(|n| *n % 7 == 0).count();
    assert_eq!(states.due().unwrap().len(), due);
    let old = states.expire(7).unwrap();
    assert_eq!(states.count().unwrap(), (wanted.len() - old) as u64);
    assert_eq!(states.due().unwrap().len(), due);
    assert_eq!(states.find(&key(8 * 2999)).unwrap(), Some(b"7 2999".to_vec()));
}

#[test]
fn damaged_keys_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let states = States::open(&path).unwrap();
    states.commit([row(1, b"a", 5, None)].into_iter(), b"", None).unwrap();
    let cut = "UPDATE bucket SET keys = substr(keys, 1, 20)";
    states.database.write(|tx| Ok(tx.execute(cut, [])?)).unwrap();
    let errors = [
        states.find(&[1; 16]).unwrap_err(),
        states.each(|_, _| {}).unwrap_err(),
        states.commit([row(1, b"b", 5, None)].into_iter(), b"", None).unwrap_err(),
        states.expire(9).unwrap_err(),
    ];
    assert!(errors.iter().all(|e| matches!(e, StoreError::Corrupt { .. })), "{errors:?}");
}

#[test]
fn keys_that_wait_for_something_do_not_expire() {
    let dir = tempfile::tempdir().unwrap();
    let states = States::open(&dir.path().join("s.db")).unwrap();
    let rows = [row(1, b"a", 5, None), row(2, b"b", 5, Some(9)), row(3, b"c", 50, None)];
    states.commit(rows.into_iter(), b"", None).unwrap();
    assert_eq!(states.expire(10).unwrap(), 1);
    assert_eq!(states.count().unwrap(), 2);
    let many = vec![7; 3000];
    let rows = (10..100).map(|n| row(n, &many, 1, None));
    states.commit(rows, b"", None).unwrap();
    assert_eq!(states.expire(10).unwrap(), 90);
    assert_eq!(states.find(&[3; 16]).unwrap().as_deref(), Some(&b"c"[..]));
}
