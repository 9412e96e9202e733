//! What is measured to tell photos from screenshots and documents.

use crate::kind::Features;
use crate::look::rounded;
use crate::pixels::{Luma, Rgb};

/// A difference of brightness between neighbours that is an edge.
const EDGE: u8 = 32;
/// Neighbours as far apart as encoders leave what was equal.
const EQUAL: u8 = 1;
/// Nearly white.
const PAPER: u8 = 200;
/// Difference between the strongest and the weakest colour of a pixel that is nearly grey.
const GREY: u8 = 24;

impl Features {
    pub(crate) fn of(pixels: &Rgb, luma: &Luma, transparent: bool) -> Self {
        let mut colours = vec![0u32; 4096];
        let (mut paper, mut grey) = (0u32, 0u32);
        let (all, _) = pixels.bytes.as_chunks::<3>();
        for &[r, g, b] in all {
            let index = |c: u8| usize::from(c >> 4);
            colours[index(r) << 8 | index(g) << 4 | index(b)] += 1;
            let (least, most) = (r.min(g).min(b), r.max(g).max(b));
            paper += u32::from(least >= PAPER);
            grey += u32::from(most - least < GREY);
        }
        colours.sort_unstable_by(|a, b| b.cmp(a));
        let (flat, edges, straight) = neighbours(luma);
        let share = |part: u32, of: usize| rounded(f64::from(part) / of.max(1) as f64);
        Self {
            flat: share(flat, luma.bytes.len()),
            few: share(colours[..10].iter().sum(), all.len()),
            paper: share(paper, all.len()),
            grey: share(grey, all.len()),
            edges: share(edges, luma.bytes.len()),
            straight: share(straight, edges as usize),
            transparent,
        }
    }
}

/// Pixels that equal those beside and below; edges; those of them that go on straight.
fn neighbours(luma: &Luma) -> (u32, u32, u32) {
    let width = luma.width as usize;
    let (mut flat, mut edges, mut straight) = (0, 0, 0);
    for y in 1..luma.height as usize {
        let above = &luma.bytes[(y - 1) * width..y * width];
        let here = &luma.bytes[y * width..(y + 1) * width];
        for x in 1..width {
            let (left, up) = (here[x].abs_diff(here[x - 1]), here[x].abs_diff(above[x]));
            flat += u32::from(left <= EQUAL && up <= EQUAL);
            // Across one direction only: along the other one the edge goes on.
            let across = (left > EDGE, up > EDGE);
            edges += u32::from(across.0 || across.1);
            let on = match across {
                (true, false) => above[x].abs_diff(above[x - 1]) > EDGE && up <= EDGE / 4,
                (false, true) => here[x - 1].abs_diff(above[x - 1]) > EDGE && left <= EDGE / 4,
                _ => false,
            };
            straight += u32::from(on);
        }
    }
    (flat, edges, straight)
}
