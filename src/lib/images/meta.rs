//! The box `meta` of a HEIF file: items, where they are, and what belongs to them.

use std::collections::HashMap;

use crate::boxes::{Boxes, Cursor};
use crate::decode::Size;
use crate::error::LookError;

/// What belongs to an item (section 6.5), as far as pixels depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Property<'a> {
    /// Width and height, before turning.
    Size(Size),
    /// The decoder's parameters: an `hvcC` box.
    Hevc(&'a [u8]),
    /// The decoder's parameters: an `av1C` box.
    Av1(&'a [u8]),
    /// Quarter turns against the clock.
    Rotation(u8),
    /// Left and right are exchanged, or top and bottom.
    Mirror { sideways: bool },
    /// Something else.
    Other,
}

/// Where bytes of an item are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// In the box `idat`, rather than in the file.
    pub(crate) in_meta: bool,
    pub(crate) offset: u64,
    /// 0: to the end.
    pub(crate) length: u64,
}

/// What the box says.
#[derive(Default)]
pub(crate) struct Meta<'a> {
    pub(crate) primary: u32,
    kinds: HashMap<u32, [u8; 4]>,
    places: HashMap<u32, Vec<Place>>,
    properties: Vec<Property<'a>>,
    /// Numbers of properties, from 1.
    belonging: HashMap<u32, Vec<usize>>,
    /// What an item is derived from.
    parts: HashMap<u32, Vec<u32>>,
    /// Content of the box `idat`.
    pub(crate) data: &'a [u8],
}

impl<'a> Meta<'a> {
    /// Reads the content of the box.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, LookError> {
        let mut meta = Self::default();
        meta.read(Cursor::new(bytes))
            .ok_or_else(|| LookError::Damaged("its description breaks off".into()))?;
        Ok(meta)
    }

    pub(crate) fn kind(&self, item: u32) -> Option<[u8; 4]> {
        self.kinds.get(&item).copied()
    }

    pub(crate) fn places(&self, item: u32) -> Vec<Place> {
        self.places.get(&item).cloned().unwrap_or_default()
    }

    pub(crate) fn parts(&self, item: u32) -> Vec<u32> {
        self.parts.get(&item).cloned().unwrap_or_default()
    }

    pub(crate) fn properties(&self, item: u32) -> Vec<Property<'a>> {
        let numbers = self.belonging.get(&item).into_iter().flatten();
        numbers.filter_map(|n| self.properties.get(n.checked_sub(1)?).copied()).collect()
    }

    pub(crate) fn size(&self, item: u32) -> Option<Size> {
        self.properties(item).iter().find_map(|property| match property {
            Property::Size(size) if size.width > 0 && size.height > 0 => Some(*size),
            _ => None,
        })
    }

    fn read(&mut self, mut cursor: Cursor<'a>) -> Option<()> {
        cursor.version()?;
        for (kind, mut body) in Boxes(cursor) {
            match &kind {
                b"pitm" => {
                    let (version, _) = body.version()?;
                    self.primary = body.number(if version == 0 { 2 } else { 4 })? as u32;
                }
                b"iinf" => self.kinds(body)?,
                b"iloc" => self.locations(body)?,
                b"iprp" => self.all_properties(body)?,
                b"iref" => self.references(body)?,
                b"idat" => self.data = body.left(),
                _ => {}
            }
        }
        Some(())
    }

    fn kinds(&mut self, mut body: Cursor<'a>) -> Option<()> {
        let (version, _) = body.version()?;
        body.number(if version == 0 { 2 } else { 4 })?;
        for (kind, mut entry) in Boxes(body) {
            let (version, _) = entry.version()?;
            // Versions 0 and 1 have no kind: no pictures.
            if &kind == b"infe" && version >= 2 {
                let item = entry.number(if version == 2 { 2 } else { 4 })? as u32;
                entry.u16()?;
                self.kinds.insert(item, entry.kind()?);
            }
        }
        Some(())
    }

    fn locations(&mut self, mut body: Cursor<'a>) -> Option<()> {
        let (version, _) = body.version()?;
        let sizes = body.u16()?;
        let nibble = |at: u16| usize::from(sizes >> at & 15).min(8);
        let (offsets, lengths, bases) = (nibble(12), nibble(8), nibble(4));
        let indexes = if version == 0 { 0 } else { nibble(0) };
        let wide = if version < 2 { 2 } else { 4 };
        for _ in 0..body.number(wide)? {
            let item = body.number(wide)? as u32;
            let method = if version == 0 { 0 } else { body.u16()? & 15 };
            let file = body.u16()?;
            let base = body.number(bases)?;
            let places = self.places.entry(item).or_default();
            for _ in 0..body.u16()? {
                body.number(indexes)?;
                let offset = base.checked_add(body.number(offsets)?)?;
                let length = body.number(lengths)?;
                // Elsewhere than in this file: not read.
                if file == 0 && method < 2 {
                    places.push(Place { in_meta: method == 1, offset, length });
                }
            }
        }
        Some(())
    }

    fn all_properties(&mut self, body: Cursor<'a>) -> Option<()> {
        for (kind, mut body) in Boxes(body) {
            match &kind {
                b"ipco" => {
                    let properties = Boxes(body).map(|(kind, body)| property(kind, body));
                    self.properties = properties.collect::<Option<_>>()?;
                }
                b"ipma" => {
                    let (version, flags) = body.version()?;
                    for _ in 0..body.u32()? {
                        let item = body.number(if version == 0 { 2 } else { 4 })? as u32;
                        let belonging = self.belonging.entry(item).or_default();
                        for _ in 0..body.u8()? {
                            // The highest bit: whether it is essential.
                            let wide = flags & 1 == 1;
                            let mask = if wide { 0x7fff } else { 0x7f };
                            let number = body.number(if wide { 2 } else { 1 })? & mask;
                            belonging.push(number as usize);
                        }
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn references(&mut self, mut body: Cursor<'a>) -> Option<()> {
        let (version, _) = body.version()?;
        let wide = if version == 0 { 2 } else { 4 };
        for (kind, mut body) in Boxes(body) {
            if &kind == b"dimg" {
                let from = body.number(wide)? as u32;
                let parts = self.parts.entry(from).or_default();
                for _ in 0..body.u16()? {
                    parts.push(body.number(wide)? as u32);
                }
            }
        }
        Some(())
    }
}

fn property<'a>(kind: [u8; 4], mut body: Cursor<'a>) -> Option<Property<'a>> {
    Some(match &kind {
        b"ispe" => {
            body.version()?;
            Property::Size(Size { width: body.u32()?, height: body.u32()? })
        }
        b"hvcC" => Property::Hevc(body.left()),
        b"av1C" => Property::Av1(body.left()),
        b"irot" => Property::Rotation(body.u8()? & 3),
        b"imir" => Property::Mirror { sideways: body.u8()? & 1 == 1 },
        _ => Property::Other,
    })
}
