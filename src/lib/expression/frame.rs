//! What goes between a program and the process that evaluates for it: frames of a mark (one
//! byte), a number (four bytes), the length of what follows (four bytes), and that.

use std::io::{self, Read, Write};

use super::{ExpressionError, Question, Reply};

/// Longest frame in bytes: a sick process must not make its parent ask for all memory.
const MAX_FRAME: usize = 1 << 30;

/// What a frame is.
mod mark {
    pub(super) const ADMITS: u8 = b'a';
    pub(super) const VALUES: u8 = b'v';
    pub(super) const NO: u8 = b'0';
    pub(super) const YES: u8 = b'1';
    pub(super) const ERROR: u8 = b'e';
    pub(super) const TASK: u8 = b't';
}

fn write(out: &mut impl Write, mark: u8, number: usize, body: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidData);
    let length = u32::try_from(body.len()).map_err(too_long)?;
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    // One write in all, as far as a pipe holds it: each wakes the reader.
    let mut frame = Vec::with_capacity(9 + body.len());
    frame.push(mark);
    frame.extend_from_slice(&number.to_le_bytes());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(body);
    out.write_all(&frame)?;
    out.flush()
}

/// A frame; none at the end.
fn read(from: &mut impl Read) -> io::Result<Option<(u8, usize, Vec<u8>)>> {
    let mut mark = [0];
    loop {
        match from.read(&mut mark) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let (mut number, mut length) = ([0; 4], [0; 4]);
    from.read_exact(&mut number)?;
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(malformed());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some((mark[0], u32::from_le_bytes(number) as usize, body)))
}

fn malformed() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

pub(super) fn write_task(out: &mut impl Write, task: &str) -> io::Result<()> {
    write(out, mark::TASK, 0, task.as_bytes())
}

pub(super) fn read_task(from: &mut impl Read) -> io::Result<Option<String>> {
    match read(from)? {
        None => Ok(None),
        Some((mark::TASK, _, body)) => String::from_utf8(body).map(Some).map_err(|_| malformed()),
        Some(_) => Err(malformed()),
    }
}

pub(super) fn write_question(out: &mut impl Write, question: &Question) -> io::Result<()> {
    match question {
        Question::Admits(record) => write(out, mark::ADMITS, 0, record.as_bytes()),
        Question::Values(record, at_most) => write(out, mark::VALUES, *at_most, record.as_bytes()),
    }
}

pub(super) fn read_question(from: &mut impl Read) -> io::Result<Option<Question>> {
    let Some((mark, number, body)) = read(from)? else { return Ok(None) };
    let record = String::from_utf8(body).map_err(|_| malformed())?;
    match mark {
        mark::ADMITS => Ok(Some(Question::Admits(record))),
        mark::VALUES => Ok(Some(Question::Values(record, number))),
        _ => Err(malformed()),
    }
}

pub(super) fn write_reply(
    out: &mut impl Write,
    reply: &Result<Reply, ExpressionError>,
) -> io::Result<()> {
    match reply {
        Ok(Reply::Verdict(false)) => write(out, mark::NO, 0, &[]),
        Ok(Reply::Verdict(true)) => write(out, mark::YES, 0, &[]),
        Ok(Reply::Values(values)) => {
            let mut body = Vec::new();
            for value in values {
                let length = u32::try_from(value.len()).map_err(|_| malformed())?;
                body.extend_from_slice(&length.to_le_bytes());
                body.extend_from_slice(value.as_bytes());
            }
            write(out, mark::VALUES, values.len(), &body)
        }
        Err(error) => write(out, mark::ERROR, 0, &serde_json::to_vec(error)?),
    }
}

/// A reply; none at the end.
pub(super) fn read_reply(
    from: &mut impl Read,
) -> io::Result<Option<Result<Reply, ExpressionError>>> {
    let Some((mark, number, body)) = read(from)? else { return Ok(None) };
    Ok(Some(match mark {
        mark::NO => Ok(Reply::Verdict(false)),
        mark::YES => Ok(Reply::Verdict(true)),
        mark::VALUES => Ok(Reply::Values(values(number, &body)?)),
        mark::ERROR => Err(serde_json::from_slice(&body)?),
        _ => return Err(malformed()),
    }))
}

fn values(count: usize, mut body: &[u8]) -> io::Result<Vec<String>> {
    let mut values = Vec::new();
    for _ in 0..count {
        let (length, rest) = body.split_first_chunk::<4>().ok_or_else(malformed)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        values.push(String::from_utf8(value.to_vec()).map_err(|_| malformed())?);
        body = rest;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let replies = [
            Ok(Reply::Verdict(true)),
            Ok(Reply::Verdict(false)),
            Ok(Reply::Values(vec![])),
            Ok(Reply::Values(vec!["1".into(), String::new(), "\"é\n\"".into()])),
            Err(ExpressionError::Limit),
            Err(ExpressionError::Failed("x".into())),
        ];
        let mut wire = Vec::new();
        for reply in &replies {
            write_reply(&mut wire, reply).unwrap();
        }
        let mut wire = &wire[..];
        for reply in replies {
            assert_eq!(read_reply(&mut wire).unwrap(), Some(reply));
        }
        assert_eq!(read_reply(&mut wire).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for wire in [&b"x"[..], b"v\x01\0\0\0\x05\0\0\0\xff\0\0\0a", b"0\0\0\0\0\xff\xff\xff\xff"] {
            assert!(read_reply(&mut &wire[..]).is_err(), "{wire:?}");
        }
        assert!(read_question(&mut &b"?\0\0\0\0\0\0\0\0"[..]).is_err());
    }
}
