//! Faces by MTCNN: a small network looks at every place of the picture at several sizes, a second
//! and a third one look closer at what it finds.

use std::path::Path;

use bundle::{Bundle, Kind};
use onnx::{Graph, Tensor};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::boxes::{Candidate, Overlap, distinct};
use crate::eyes;
use crate::picture::{Colour, Picture};

/// Side of what the first network looks at, and pixels between one place and the next.
const CELL: f32 = 12.0;
const STRIDE: f32 = 2.0;
/// Each size of the picture is so much smaller than the one before: the area halves.
const SHRINK: f32 = 0.709;
/// Faces smaller than this share of the longer side are not looked for, nor those smaller than
/// this in pixels.
const SMALLEST: f32 = 0.04;
const SMALLEST_PIXELS: f32 = 20.0;
/// How sure the networks must be.
const SURE: [f32; 3] = [0.6, 0.7, 0.95];
/// Boxes that the second and the third network look at, at most.
const MOST: usize = 400;

/// A face. Lengths and places are shares of the picture's width and height.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// How sure it is one, 0 to 1.
    pub confidence: f32,
    /// How clearly the eyes are seen: closed and blurred ones less. To be compared between shots
    /// of one face only. None where they are too small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eyes: Option<f32>,
}

/// Finds faces.
#[derive(Debug)]
pub struct Faces {
    everywhere: Graph,
    closer: Graph,
    closest: Graph,
}

impl Faces {
    /// Opens the model in a file of the store.
    ///
    /// # Errors
    /// It cannot be read, or is another model.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut bundle = Bundle::open(path)?;
        if bundle.header().kind != Kind::Faces {
            return Err(Error::Kind("finds faces"));
        }
        let mut graph = |name| Ok::<_, Error>(Graph::from_bytes(bundle.graph(name)?)?);
        let (everywhere, closer, closest) = (graph("pnet")?, graph("rnet")?, graph("onet")?);
        Ok(Self { everywhere, closer, closest })
    }

    /// The faces of a picture, the largest first.
    ///
    /// # Errors
    /// The graphs cannot be run, or give something else than MTCNN does.
    pub fn find(&self, picture: &Picture<'_>) -> Result<Vec<Face>, Error> {
        let (width, height) = picture.size();
        let sound = |boxes: &mut Vec<Candidate>| boxes.retain(|b| b.is_sound(width, height));
        let mut boxes = self.first(picture)?;
        sound(&mut boxes);
        let mut boxes = self.second(picture, &boxes)?;
        sound(&mut boxes);
        let mut faces = self.third(picture, &boxes)?;
        faces
            .retain(|face| [face.x, face.y, face.width, face.height].iter().all(|v| v.is_finite()));
        faces.sort_by(|a, b| (b.width * b.height).total_cmp(&(a.width * a.height)));
        Ok(faces)
    }

    /// Boxes that may be faces, anywhere and of any size.
    fn first(&self, picture: &Picture<'_>) -> Result<Vec<Candidate>, Error> {
        let (width, height) = picture.size();
        let smallest = (SMALLEST * width.max(height) as f32).max(SMALLEST_PIXELS);
        let mut scale = CELL / smallest;
        let mut found = Vec::new();
        loop {
            let side = |side: usize| (side as f32 * scale).ceil() as usize;
            let (w, h) = (side(width), side(height));
            if (w.min(h) as f32) < CELL {
                break;
            }
            let pixels = picture.resized(picture.whole(), w, h);
            let input = Tensor { shape: vec![1, w, h, 3], values: columns(&pixels, w, h) };
            let outputs = self.everywhere.run(input)?;
            let (scores, moves) = (of_width(&outputs, 2)?, of_width(&outputs, 4)?);
            let boxes = cells(scores, moves, scale)?;
            let kept = distinct(&boxes, 0.5, Overlap::Union);
            found.extend(kept.into_iter().map(|n| boxes[n]));
            scale *= SHRINK;
        }
        let mut kept = distinct(&found, 0.7, Overlap::Union);
        kept.truncate(MOST);
        Ok(kept.into_iter().map(|n| found[n].squared()).collect())
    }

    /// Those that still look like faces, nearer to where these are.
    fn second(&self, picture: &Picture<'_>, boxes: &[Candidate]) -> Result<Vec<Candidate>, Error> {
        let Some(outputs) = look(&self.closer, picture, boxes, 24)? else { return Ok(Vec::new()) };
        let (scores, moves) = (of_width(&outputs, 2)?, of_width(&outputs, 4)?);
        let mut found = Vec::new();
        for ((one, score), by) in boxes.iter().zip(rows(scores, 2)).zip(rows(moves, 4)) {
            if score[1] > SURE[1] {
                found.push((Candidate { score: score[1], ..*one }, by));
            }
        }
        let sure: Vec<Candidate> = found.iter().map(|(one, _)| *one).collect();
        let kept = distinct(&sure, 0.7, Overlap::Union);
        Ok(kept.into_iter().map(|n| found[n].0.moved(found[n].1).squared()).collect())
    }

    fn third(&self, picture: &Picture<'_>, boxes: &[Candidate]) -> Result<Vec<Face>, Error> {
        let Some(outputs) = look(&self.closest, picture, boxes, 48)? else { return Ok(Vec::new()) };
        let (scores, moves) = (of_width(&outputs, 2)?, of_width(&outputs, 4)?);
        let points = of_width(&outputs, 10)?;
        let (mut found, mut eyes) = (Vec::new(), Vec::new());
        let looked = boxes.iter().zip(rows(scores, 2)).zip(rows(moves, 4)).zip(rows(points, 10));
        for (((one, score), by), points) in looked {
            if score[1] > SURE[2] {
                // Five points: left eye, right eye, nose, corners of the mouth; x first, then y.
                let point = |n: usize| {
                    [one.left + points[n] * one.width(), one.top + points[n + 5] * one.height()]
                };
                eyes.push([point(0), point(1)]);
                found.push(Candidate { score: score[1], ..*one }.moved(by));
            }
        }
        let (width, height) = picture.size();
        let (width, height) = (width as f32, height as f32);
        let face = |n: usize| {
            let one: &Candidate = &found[n];
            let (left, top) = (one.left.clamp(0.0, width), one.top.clamp(0.0, height));
            Face {
                x: left / width,
                y: top / height,
                width: (one.right.clamp(0.0, width) - left) / width,
                height: (one.bottom.clamp(0.0, height) - top) / height,
                confidence: one.score.min(1.0),
                eyes: eyes::clearness(picture, eyes[n]),
            }
        };
        Ok(distinct(&found, 0.7, Overlap::Smaller).into_iter().map(face).collect())
    }
}

/// The networks were trained on pictures with rows for columns, and on brightness from -1 to 1.
fn columns(pixels: &[Colour], width: usize, height: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(pixels.len() * 3);
    for x in 0..width {
        for y in 0..height {
            values.extend(pixels[y * width + x].map(|value| (value - 127.5) / 128.0));
        }
    }
    values
}

/// What a network makes of the pictures in boxes; none where there are no boxes.
fn look(
    graph: &Graph,
    picture: &Picture<'_>,
    boxes: &[Candidate],
    side: usize,
) -> Result<Option<Vec<Tensor>>, Error> {
    if boxes.is_empty() {
        return Ok(None);
    }
    let cut = |one: &Candidate| columns(&picture.resized(one.part(), side, side), side, side);
    let values = boxes.iter().flat_map(cut).collect();
    let outputs = graph.run(Tensor { shape: vec![boxes.len(), side, side, 3], values })?;
    if outputs.iter().any(|output| output.shape.first() != Some(&boxes.len())) {
        return Err(Error::Tensors("outputs are not as many as its inputs".into()));
    }
    Ok(Some(outputs))
}

/// The output whose last dimension has that length.
fn of_width(outputs: &[Tensor], width: usize) -> Result<&Tensor, Error> {
    let found = outputs.iter().find(|output| output.shape.last() == Some(&width));
    found.ok_or_else(|| Error::Tensors(format!("outputs have none of width {width}")))
}

fn rows(tensor: &Tensor, width: usize) -> std::slice::ChunksExact<'_, f32> {
    tensor.values.chunks_exact(width)
}

/// Boxes of the places where the first network is sure enough.
fn cells(scores: &Tensor, moves: &Tensor, scale: f32) -> Result<Vec<Candidate>, Error> {
    let (&[1, columns, rows_, 2], &[1, c, r, 4]) = (&scores.shape[..], &moves.shape[..]) else {
        return Err(Error::Tensors("outputs have not the shapes of MTCNN's".into()));
    };
    if (columns, rows_) != (c, r) {
        return Err(Error::Tensors("outputs differ in size".into()));
    }
    let mut boxes = Vec::new();
    for (n, (score, by)) in rows(scores, 2).zip(rows(moves, 4)).enumerate() {
        if score[1] < SURE[0] {
            continue;
        }
        let (column, row) = ((n / rows_) as f32, (n % rows_) as f32);
        let start = |at: f32| ((STRIDE * at + 1.0) / scale).trunc();
        let end = |at: f32| ((STRIDE * at + CELL) / scale).trunc();
        let cell = Candidate {
            left: start(column),
            top: start(row),
            right: end(column),
            bottom: end(row),
            score: score[1],
        };
        boxes.push(cell.moved(by));
    }
    // Overlaps are looked for between all pairs.
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    boxes.truncate(4 * MOST);
    Ok(boxes)
}
