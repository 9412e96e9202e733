use std::ops::Range;

use crate::assignment::is_label;
use crate::group::Masks;
use crate::kind::Kind;
use crate::lexicon::Lexicon;
use crate::own::{DENIED, Own};
use crate::placeholder::placeholder_at;
use crate::resolve::resolve;
use crate::scan::{Finding, Scan};
use crate::settings::{Settings, SettingsError};
use crate::tokens::{Tokens, flag};
use crate::words::{KEY_HEAD, MONTH};

/// Finds what is private. Made once, shared by threads.
pub struct Finder {
    lexicon: Lexicon,
    masks: Masks,
    own: Own,
    settings: Settings,
    thresholds: [f32; Kind::ALL.len()],
    names: bool,
}

/// What a thread keeps from text to text, so that memory is not asked for again.
#[derive(Default)]
pub struct Scratch {
    tokens: Tokens,
    found: Vec<Finding>,
    covered: Vec<Range<usize>>,
    kept: Vec<Range<usize>>,
}

impl Finder {
    /// A finder for these settings.
    ///
    /// # Errors
    /// A pattern or a word list of the user's that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let thresholds = settings.thresholds();
        let looked_for = Kind::ALL.iter().zip(thresholds).filter(|(_, least)| *least <= 1.0);
        let names = looked_for.map(|(kind, _)| kind).any(|kind| kind.is_name());
        let own = Own::new(&settings)?;
        Ok(Self {
            lexicon: Lexicon::new(names),
            masks: Masks::new(),
            own,
            settings,
            thresholds,
            names,
        })
    }

    /// The name of a kind, the user's own included.
    pub fn name(&self, kind: Kind) -> &str {
        match kind {
            Kind::Own(DENIED) => "private",
            Kind::Own(number) => {
                self.settings.own.get(usize::from(number)).map_or("private", |own| &own.name)
            }
            kind => kind.name().unwrap_or("private"),
        }
    }

    /// What is private in `text`: in order, none overlapping another, none inside a placeholder.
    pub fn find<'s>(&self, text: &str, scratch: &'s mut Scratch) -> &'s [Finding] {
        self.find_around(text, &[], scratch)
    }

    /// The same, leaving `kept` alone: ranges in order that are known to be harmless.
    pub fn find_around<'s>(
        &self,
        text: &str,
        kept: &[Range<usize>],
        scratch: &'s mut Scratch,
    ) -> &'s [Finding] {
        scratch.found.clear();
        scratch.covered.clear();
        scratch.tokens.cut(text, &self.lexicon);
        keep(text, kept, scratch);
        self.scan(text, scratch);
        self.own.find(text, |kind| self.settings.least(kind), &mut scratch.found);
        scratch.found.retain(|f| !self.own.allows(&text[f.start..f.end]));
        self.own.deny(text, &mut scratch.found);
        if scratch.found.len() > 1 || !scratch.kept.is_empty() {
            resolve(&mut scratch.found, &scratch.kept);
        }
        &scratch.found
    }

    fn scan(&self, text: &str, scratch: &mut Scratch) {
        let Scratch { tokens, found, covered, .. } = scratch;
        let mut scan = Scan {
            text,
            bytes: text.as_bytes(),
            tokens: &tokens.list,
            thresholds: &self.thresholds,
            found,
        };
        marks(&mut scan, tokens, covered);
        let mut next_covered = 0;
        let mut i = 0;
        while let Some(token) = scan.token(i) {
            while covered.get(next_covered).is_some_and(|range| range.end <= token.start) {
                next_covered += 1;
            }
            if let Some(range) = covered.get(next_covered)
                && range.start <= token.start
            {
                i = scan.after(i, range.end);
                continue;
            }
            i = self.step(&mut scan, i).max(i + 1);
        }
    }

    /// Looks at token `i`; gives the next token to look at.
    fn step(&self, scan: &mut Scan<'_>, i: usize) -> usize {
        let token = scan.tokens[i];
        if self.names
            && let Some(next) = scan.address(i)
        {
            return next;
        }
        if token.has(flag::DIGIT)
            && let Some(end) = scan.number(i, &self.masks)
        {
            return scan.after(i, end);
        }
        let pattern = if token.class != 0 { self.labelled(scan, i) } else { None };
        if let Some(end) = pattern.or_else(|| self.unlabelled(scan, i)) {
            return scan.after(i, end);
        }
        if !self.names || token.class == 0 && !token.is_capitalised() {
            return i + 1;
        }
        let person = scan.wants(Kind::Person);
        let found = scan.organisation(i);
        let found = found.or_else(|| if person { scan.person(i) } else { None });
        found.or_else(|| scan.place(i)).unwrap_or(i + 1)
    }

    /// What a word with a meaning begins.
    fn labelled(&self, scan: &mut Scan<'_>, i: usize) -> Option<usize> {
        let token = scan.tokens[i];
        if is_label(&token)
            && let Some(end) = scan.assignment(i)
        {
            return Some(end);
        }
        if token.is(MONTH)
            && let Some(end) = scan.month_date(i)
        {
            return Some(end);
        }
        if token.is(KEY_HEAD) { scan.secret(i) } else { None }
    }

    /// What a word without digits begins by its form.
    fn unlabelled(&self, scan: &mut Scan<'_>, i: usize) -> Option<usize> {
        let token = scan.tokens[i];
        if token.has(flag::DIGIT) {
            return None;
        }
        let next = scan.byte(token.end);
        // A national number may begin with letters that stand alone: AB 12 34 56 C.
        let apart =
            token.len() <= 3 && matches!(next, b' ' | b'-' | b'.') && !token.has(flag::SMALL);
        if apart && let Some(end) = scan.national(i, &self.masks) {
            return Some(end);
        }
        if matches!(next, b':' | b'.' | b'-') && token.len() <= 4 {
            if let Some(end) = scan.colons(i) {
                return Some(end);
            }
            if let Some(end) = scan.plate(i).filter(|_| next == b'-') {
                return Some(end);
            }
            let web = next == b'.' && token.len() == 3 && scan.word(i).eq_ignore_ascii_case("www");
            if web && scan.www(i) {
                return scan.found.last().map(|f| f.end);
            }
            return None;
        }
        if next == b' ' && token.len() == 2 && !token.has(flag::SMALL) {
            return scan.plate(i);
        }
        if token.len() >= 20 { scan.secret(i) } else { None }
    }
}

/// E-mail and web addresses, from their marks; where they are.
fn marks(scan: &mut Scan<'_>, tokens: &Tokens, covered: &mut Vec<Range<usize>>) {
    let mut until = 0;
    for at in &tokens.schemes {
        if *at >= until
            && let Some((start, end)) = scan.scheme(*at)
        {
            covered.push(start..end);
            until = end;
        }
    }
    let web = covered.len();
    for at in &tokens.ats {
        let web_address = covered[..web].partition_point(|range| range.end <= *at);
        if covered[..web].get(web_address).is_none_or(|range| range.start > *at)
            && let Some((start, end)) = scan.at_sign(*at)
        {
            covered.push(start..end);
        }
    }
    if web > 0 && covered.len() > web {
        covered.sort_by_key(|range| range.start);
    }
}

/// Notes placeholders and what the caller keeps, and takes the words in them out.
fn keep(text: &str, kept: &[Range<usize>], scratch: &mut Scratch) {
    let Scratch { tokens, kept: all, .. } = scratch;
    all.clear();
    let mut until = 0;
    for at in &tokens.angles {
        if *at >= until
            && let Some(length) = placeholder_at(&text.as_bytes()[*at..])
        {
            until = at + length;
            all.push(*at..until);
        }
    }
    if !kept.is_empty() {
        all.extend(kept.iter().cloned());
        all.sort_by_key(|range| range.start);
    }
    if all.is_empty() {
        return;
    }
    let mut next = 0;
    tokens.list.retain(|token| {
        while all.get(next).is_some_and(|range| range.end <= token.start) {
            next += 1;
        }
        all.get(next).is_none_or(|range| token.end <= range.start)
    });
}
