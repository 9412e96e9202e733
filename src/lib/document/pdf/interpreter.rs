//! Content streams: what draws text, and where (ISO 32000-1 §8, §9).

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::font::Font;
use super::lexer::{Lexer, Operand};
use super::matrix::Matrix;
use super::objects;
use super::words::{Glyph, Words};
use crate::error::ExtractError;
use crate::limits::Budget;

/// Saved graphics states; ISO 32000-1 Annex C asks viewers for 28.
const MAX_SAVED_STATES: usize = 1_024;

/// Operators between two looks at the clock.
const CLOCK_EVERY: u64 = 4_096;

/// Fonts of one document, read once each.
#[derive(Default)]
pub(crate) struct Fonts {
    fonts: Vec<Font>,
    /// By the address of the font's dictionary, which stays put as long as the document.
    by_address: HashMap<usize, usize>,
}

impl Fonts {
    fn find(&mut self, document: &Document, font: &Dictionary, max_stream: usize) -> usize {
        let address = std::ptr::from_ref(font).addr();
        *self.by_address.entry(address).or_insert_with(|| {
            self.fonts.push(Font::read(document, font, max_stream));
            self.fonts.len() - 1
        })
    }
}

/// Draws one page: text into `words`, pictures only counted.
pub(crate) struct Interpreter<'a> {
    document: &'a Document,
    budget: &'a Budget,
    fonts: &'a mut Fonts,
    pub(crate) words: Words,
    pub(crate) images: usize,
    /// Forms being drawn, to notice a form that draws itself.
    open_forms: Vec<ObjectId>,
    operators: u64,
}

/// The part of the graphics state that text depends on.
#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<usize>,
    size: f64,
    char_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// Text that stands for what is drawn in a marked-content sequence.
struct ActualText {
    /// Marked-content level at which it ends.
    level: usize,
    /// Taken by the first glyph.
    text: Option<String>,
}

/// One content stream being drawn.
struct Drawing<'a> {
    resources: Option<&'a Dictionary>,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    level: usize,
    actual: Option<ActualText>,
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(document: &'a Document, budget: &'a Budget, fonts: &'a mut Fonts) -> Self {
        Self {
            document,
            budget,
            fonts,
            words: Words::default(),
            images: 0,
            open_forms: Vec::new(),
            operators: 0,
        }
    }

    /// Draws a content stream.
    ///
    /// # Errors
    /// [`ExtractError::Timeout`] when the time is over.
    pub(crate) fn draw(
        &mut self,
        content: &[u8],
        resources: Option<&'a Dictionary>,
        ctm: Matrix,
    ) -> Result<(), ExtractError> {
        let state = State {
            ctm,
            font: None,
            size: 0.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let saved = Vec::new();
        let mut drawing = Drawing { resources, state, saved, text, line, level: 0, actual: None };
        let mut lexer = Lexer::new(content);
        let mut operands = Vec::new();
        while let Some(operator) = lexer.next_operator(&mut operands) {
            self.operators += 1;
            if self.operators.is_multiple_of(CLOCK_EVERY) {
                self.budget.check_time()?;
            }
            if self.is_full() {
                return Ok(());
            }
            match operator {
                b"ID" => {
                    self.images += 1;
                    lexer.skip_inline_image();
                }
                b"Do" => self.draw_object(&drawing, &operands)?,
                b"Tf" => self.set_font(&mut drawing, &operands),
                b"BDC" | b"BMC" | b"EMC" => self.mark(&mut drawing, operator, &operands),
                b"Tj" | b"TJ" | b"'" | b"\"" => self.show_text(&mut drawing, operator, &operands),
                _ => drawing.set(operator, &operands),
            }
        }
        Ok(())
    }

    /// Whether the page holds as much as the limits allow.
    pub(crate) fn is_full(&self) -> bool {
        let limits = &self.budget.limits;
        self.words.bytes() > limits.max_text || self.words.count() > limits.max_objects
    }

    fn set_font(&mut self, drawing: &mut Drawing<'a>, operands: &[Operand]) {
        let [.., name, size] = operands else { return };
        drawing.state.size = size.number().unwrap_or(0.0);
        let font = name.name().and_then(|name| {
            let fonts = objects::dictionary(self.document, drawing.resources?, b"Font")?;
            objects::dictionary(self.document, fonts, name)
        });
        let max_stream = self.budget.limits.max_stream;
        drawing.state.font = font.map(|font| self.fonts.find(self.document, font, max_stream));
    }

    fn mark(&self, drawing: &mut Drawing<'a>, operator: &[u8], operands: &[Operand]) {
        if operator == b"EMC" {
            drawing.level = drawing.level.saturating_sub(1);
            if drawing.actual.as_ref().is_some_and(|actual| actual.level > drawing.level) {
                drawing.actual = None;
            }
            return;
        }
        drawing.level += 1;
        if drawing.actual.is_some() {
            return;
        }
        let text = match operands.last() {
            Some(Operand::Dictionary(entries)) => entries
                .iter()
                .find(|(key, _)| key.name() == Some(b"ActualText"))
                .and_then(|(_, value)| value.string().map(<[u8]>::to_vec)),
            Some(Operand::Name(name)) => drawing.resources.and_then(|resources| {
                let all = objects::dictionary(self.document, resources, b"Properties")?;
                let properties = objects::dictionary(self.document, all, name)?;
                let text = objects::get(self.document, properties, b"ActualText")?;
                text.as_str().ok().map(<[u8]>::to_vec)
            }),
            _ => None,
        };
        let decoded = text.and_then(|bytes| {
            let object = Object::String(bytes, lopdf::StringFormat::Literal);
            lopdf::decode_text_string(&object).ok()
        });
        drawing.actual = decoded.map(|text| ActualText { level: drawing.level, text: Some(text) });
    }

    fn show_text(&mut self, drawing: &mut Drawing<'a>, operator: &[u8], operands: &[Operand]) {
        if let (b"\"", [word_space, char_space, ..]) = (operator, operands) {
            drawing.state.word_space = word_space.number().unwrap_or(0.0);
            drawing.state.char_space = char_space.number().unwrap_or(0.0);
        }
        if matches!(operator, b"'" | b"\"") {
            drawing.next_line(0.0, -drawing.state.leading);
        }
        match operands.last() {
            Some(Operand::String(bytes)) => self.show(drawing, bytes),
            Some(Operand::Array(items)) => {
                for item in items {
                    match item {
                        Operand::String(bytes) => self.show(drawing, bytes),
                        Operand::Number(adjust) => {
                            let shift = -adjust / 1000.0 * drawing.state.size;
                            let vertical =
                                drawing.state.font.is_some_and(|f| self.fonts.fonts[f].vertical);
                            drawing.advance(if vertical { -shift } else { shift }, vertical);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, drawing: &mut Drawing<'a>, mut bytes: &[u8]) {
        let Some(index) = drawing.state.font else { return };
        let font = &mut self.fonts.fonts[index];
        let vertical = font.vertical;
        let scale = font.scale;
        while !bytes.is_empty() && self.words.count() <= self.budget.limits.max_objects {
            let (code, length) = font.next_code(bytes);
            bytes = &bytes[length.max(1)..];
            let state = &drawing.state;
            let space = state.char_space + if code.is_space { state.word_space } else { 0.0 };
            let width = code.width / 1000.0 * state.size;
            let transform = drawing.text.then(&state.ctm);
            let [a, b, c, d, ..] = transform.0;
            let size = state.size * scale * c.hypot(d);
            let origin = transform.apply(0.0, state.rise);
            let sign = if state.size < 0.0 { -1.0 } else { 1.0 };
            let (end, axis) = if vertical {
                (transform.apply(0.0, state.rise - width), (-c, -d))
            } else {
                (transform.apply(width * state.stretch, state.rise), (a * sign, b * sign))
            };
            let replaced = drawing.actual.as_mut().map(|actual| actual.text.take());
            let text = replaced.as_ref().map_or(code.text, |text| text.as_deref().unwrap_or(""));
            self.words.push(&Glyph { text, origin, end, axis, size: size.abs() });
            let step = if vertical { -(width + space) } else { width + space };
            drawing.advance(step, vertical);
        }
    }

    fn draw_object(
        &mut self,
        drawing: &Drawing<'a>,
        operands: &[Operand],
    ) -> Result<(), ExtractError> {
        let found = operands.last().and_then(Operand::name).and_then(|name| {
            let objects = objects::dictionary(self.document, drawing.resources?, b"XObject")?;
            let object = objects.get(name).ok()?;
            let id = object.as_reference().ok();
            objects::resolve(self.document, object)?.as_stream().ok().map(|stream| (id, stream))
        });
        let Some((id, stream)) = found else { return Ok(()) };
        match objects::name(self.document, &stream.dict, b"Subtype") {
            Some(b"Image") => {
                self.images += 1;
                Ok(())
            }
            Some(b"Form") => self.draw_form(id, stream, drawing.resources, &drawing.state.ctm),
            _ => Ok(()),
        }
    }

    /// Draws a form XObject; one that is being drawn already, or lies too deep, is left out.
    ///
    /// # Errors
    /// [`ExtractError::Timeout`] when the time is over.
    pub(crate) fn draw_form(
        &mut self,
        id: Option<ObjectId>,
        form: &'a Stream,
        resources: Option<&'a Dictionary>,
        ctm: &Matrix,
    ) -> Result<(), ExtractError> {
        self.budget.check_time()?;
        let cycle = id.is_some_and(|id| self.open_forms.contains(&id));
        if cycle || self.open_forms.len() >= self.budget.limits.max_depth {
            return Ok(());
        }
        let max_stream = self.budget.limits.max_stream;
        let Ok(content) = form.get_plain_content_with_limit(max_stream) else { return Ok(()) };
        let matrix =
            objects::numbers(self.document, &form.dict, b"Matrix").map_or(Matrix::IDENTITY, Matrix);
        let resources = objects::dictionary(self.document, &form.dict, b"Resources").or(resources);
        self.open_forms.push(id.unwrap_or_default());
        let drawn = self.draw(&content, resources, matrix.then(ctm));
        self.open_forms.pop();
        drawn
    }
}

impl Drawing<'_> {
    /// Operators that only change the state.
    fn set(&mut self, operator: &[u8], operands: &[Operand]) {
        let number = |index: usize| operands.get(index).and_then(Operand::number);
        let first = number(0).unwrap_or(0.0);
        match operator {
            b"q" if self.saved.len() < MAX_SAVED_STATES => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => {
                if let Some(matrix) = matrix(operands) {
                    self.state.ctm = matrix.then(&self.state.ctm);
                }
            }
            b"BT" => (self.text, self.line) = (Matrix::IDENTITY, Matrix::IDENTITY),
            b"Tm" => {
                if let Some(matrix) = matrix(operands) {
                    (self.text, self.line) = (matrix, matrix);
                }
            }
            b"Td" => self.next_line(first, number(1).unwrap_or(0.0)),
            b"TD" => {
                let down = number(1).unwrap_or(0.0);
                self.state.leading = -down;
                self.next_line(first, down);
            }
            b"T*" => self.next_line(0.0, -self.state.leading),
            b"Tc" => self.state.char_space = first,
            b"Tw" => self.state.word_space = first,
            b"Tz" => self.state.stretch = first / 100.0,
            b"TL" => self.state.leading = first,
            b"Ts" => self.state.rise = first,
            _ => {}
        }
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::translation(x, y).then(&self.line);
        self.text = self.line;
    }

    fn advance(&mut self, step: f64, vertical: bool) {
        let (x, y) = if vertical { (0.0, step) } else { (step * self.state.stretch, 0.0) };
        self.text = Matrix::translation(x, y).then(&self.text);
    }
}

fn matrix(operands: &[Operand]) -> Option<Matrix> {
    let mut numbers = [0.0; 6];
    if operands.len() < 6 {
        return None;
    }
    for (number, operand) in numbers.iter_mut().zip(operands) {
        *number = operand.number()?;
    }
    Some(Matrix(numbers)).filter(Matrix::is_finite)
}
