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
        let mut colours = [0u32; 4096];
        let (mut paper, mut grey) = (0u32, 0u32);
        let (all, _) = pixels.bytes.as_chunks::<3>();
        for &[r, g, b] in all {
            let index = |c: u8| usize::from(c >> 4);
            colours[index(r) << 8 | index(g) << 4 | index(b)] += 1;
        }
        // A loop of its own: without the table the compiler handles many pixels at once.
        for &[r, g, b] in all {
            let (least, most) = (r.min(g).min(b), r.max(g).max(b));
            paper += u32::from(least >= PAPER);
            grey += u32::from(most - least < GREY);
        }
        colours.select_nth_unstable_by(10, |a, b| b.cmp(a));
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
    let (mut flat, mut edges, mut straight) = (0u32, 0u32, 0u32);
    if width < 2 {
        return (0, 0, 0);
    }
    for y in 1..luma.height as usize {
        let above = &luma.bytes[(y - 1) * width..y * width];
        let here = &luma.bytes[y * width..(y + 1) * width];
        let (befores, corners) = (&here[..here.len() - 1], &above[..above.len() - 1]);
        let pixels = here[1..].iter().zip(&above[1..]).zip(befores.iter().zip(corners));
        // No branches: the compiler handles many pixels at once.
        for ((here, above), (before, corner)) in pixels {
            let (left, up) = (here.abs_diff(*before), here.abs_diff(*above));
            flat += u32::from((left <= EQUAL) & (up <= EQUAL));
            let (sideways, upright) = (left > EDGE, up > EDGE);
            edges += u32::from(sideways | upright);
            // Across one direction only: along the other one the edge goes on.
            let on = (sideways & (above.abs_diff(*corner) > EDGE) & (up <= EDGE / 4))
                | (upright & (before.abs_diff(*corner) > EDGE) & (left <= EDGE / 4));
            straight += u32::from(on);
        }
    }
    (flat, edges, straight)
}
