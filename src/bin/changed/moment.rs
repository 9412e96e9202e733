//! Where a run stands: what is committed together with the states of the keys.

use std::os::fd::BorrowedFd;

use records::Record;

use crate::codec::{Reader, VERSION, put, put_signed, put_text};
use crate::time::Nanos;

/// Bytes before a place in a file by which it is recognised.
const MARK: u64 = 64;

/// Where a run stands.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Moment {
    /// The latest time of any event.
    pub(crate) latest: Nanos,
    /// How far the input is handled.
    pub(crate) place: InputPlace,
    /// The header of a table, which is not read again.
    pub(crate) header: String,
    /// Events that wait for earlier ones.
    pub(crate) waiting: Vec<(Nanos, Record)>,
}

/// A place in an input file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InputPlace {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) offset: u64,
    /// What stands right before it.
    pub(crate) mark: Vec<u8>,
}

impl InputPlace {
    /// The place `offset` of a file; none for what is no regular file.
    pub(crate) fn of(file: BorrowedFd<'_>, offset: u64) -> Option<Self> {
        let stat = rustix::fs::fstat(file).ok()?;
        let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
        if !kind.is_file() || offset > u64::try_from(stat.st_size).ok()? {
            return None;
        }
        let mut mark = vec![0; usize::try_from(offset.min(MARK)).ok()?];
        let start = offset - mark.len() as u64;
        let length = rustix::io::pread(file, &mut mark[..], start).ok()?;
        mark.truncate(length);
        Some(Self { device: stat.st_dev, inode: stat.st_ino, offset, mark })
    }

    /// Whether this place is in that file still.
    pub(crate) fn is_in(&self, file: BorrowedFd<'_>) -> bool {
        Self::of(file, self.offset).is_some_and(|now| now == *self)
    }
}

impl Moment {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = vec![VERSION];
        put_signed(self.latest, &mut to);
        put(self.place.device, &mut to);
        put(self.place.inode, &mut to);
        put(self.place.offset, &mut to);
        put(self.place.mark.len() as u64, &mut to);
        to.extend_from_slice(&self.place.mark);
        put_text(&self.header, &mut to);
        put(self.waiting.len() as u64, &mut to);
        for (time, record) in &self.waiting {
            put_signed(*time, &mut to);
            put_text(record.as_str(), &mut to);
        }
        to
    }

    /// None for bytes that this version did not write; nothing at all is a fresh start.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self { latest: Nanos::MIN, ..Self::default() });
        }
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let latest = from.signed()?;
        let (device, inode, offset) = (from.number()?, from.number()?, from.number()?);
        let length = usize::try_from(from.number()?).ok()?;
        let mark = from.take(length)?.to_vec();
        let place = InputPlace { device, inode, offset, mark };
        let header = from.text()?.to_owned();
        let mut waiting = Vec::new();
        for _ in 0..from.number()? {
            let time = from.signed()?;
            waiting.push((time, Record::parse(from.text()?.as_bytes()).ok()?));
        }
        from.0.is_empty().then_some(Self { latest, place, header, waiting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_moment_comes_back_as_it_was() {
        let record = Record::parse(b"{\"a\": 1}").unwrap();
        let place = InputPlace { device: 1, inode: u64::MAX, offset: 3, mark: vec![255, 0, 1] };
        let moment = Moment { latest: -1, place, header: "a,b".into(), waiting: vec![(5, record)] };
        let bytes = moment.encode();
        assert_eq!(Moment::decode(&bytes), Some(moment));
        for end in 1..bytes.len() {
            assert_eq!(Moment::decode(&bytes[..end]), None);
        }
        assert_eq!(Moment::decode(&[]).map(|moment| moment.latest), Some(Nanos::MIN));
    }

    #[test]
    fn a_file_is_recognised_as_long_as_it_only_grows() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        let place = InputPlace::of(file.as_fd(), 90).unwrap();
        assert_eq!(place.mark.len(), 64);
        file.write_all(b"more").unwrap();
        assert!(place.is_in(file.as_fd()));
        file.set_len(10).unwrap();
        assert!(!place.is_in(file.as_fd()));
        file.set_len(200).unwrap();
        assert!(!place.is_in(file.as_fd()));
        assert!(!place.is_in(tempfile::tempfile().unwrap().as_fd()));
        assert_eq!(InputPlace::of(std::fs::File::open("/dev/null").unwrap().as_fd(), 0), None);
    }
}
