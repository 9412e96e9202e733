//! Boxes of ISO media files, which QuickTime calls atoms.
//!
//! Source: ISO 14496-12, 4.2.

use std::io;

use super::input::{Input, be32, be64};

/// A box: its kind, and where its body lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) kind: [u8; 4],
    pub(super) body: u64,
    pub(super) end: u64,
}

/// Boxes of one level that are looked at.
const MAX_BOXES: u32 = 20_000;

/// Goes over the boxes of one level.
pub(super) struct Walk {
    at: u64,
    end: u64,
    left: u32,
}

impl Walk {
    pub(super) fn new(start: u64, end: u64) -> Self {
        Self { at: start, end, left: MAX_BOXES }
    }

    /// The boxes within a box.
    pub(super) fn within(item: &Item) -> Self {
        Self::new(item.body, item.end)
    }

    /// The next box; `None` at the end, and where the file is damaged or cut.
    pub(super) fn next(&mut self, input: &mut Input<'_>) -> io::Result<Option<Item>> {
        if self.at.saturating_add(8) > self.end || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let Some(head) = input.array::<8>(self.at)? else { return Ok(None) };
        let kind = [head[4], head[5], head[6], head[7]];
        let (header, size) = match be32(&head) {
            0 => (8, self.end - self.at),
            1 => match input.array::<8>(self.at + 8)? {
                Some(large) => (16, be64(&large)),
                None => return Ok(None),
            },
            size => (8, u64::from(size)),
        };
        if size < header {
            return Ok(None);
        }
        let body = self.at + header;
        let end = self.at.saturating_add(size).min(self.end);
        self.at = end;
        Ok(Some(Item { kind, body: body.min(end), end }))
    }
}

/// The first box of a kind within a range.
pub(super) fn find(
    input: &mut Input<'_>,
    start: u64,
    end: u64,
    kind: [u8; 4],
) -> io::Result<Option<Item>> {
    let mut walk = Walk::new(start, end);
    while let Some(item) = walk.next(input)? {
        if item.kind == kind {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// The bytes of a box's body, at most `limit`.
pub(super) fn bytes(input: &mut Input<'_>, item: &Item, limit: usize) -> io::Result<Vec<u8>> {
    let size = usize::try_from(item.end - item.body).unwrap_or(limit).min(limit);
    Ok(input.up_to(item.body, size)?.to_vec())
}
