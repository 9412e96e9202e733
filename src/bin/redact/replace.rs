//! One text: what is found in it, and what it becomes.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pii::{Finder, Finding, Scratch};

use crate::forms::Forms;
use crate::issuer::Issuer;
use crate::output::{Redaction, characters};
use crate::vault::VaultError;

/// The kind of a placeholder that a stranger wrote.
pub(crate) const STRANGE: &str = "placeholder";

/// What is done with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It is replaced.
    Replace,
    /// It is only told.
    Tell,
}

/// Finds and replaces. Shared by workers.
pub(crate) struct Replacer {
    pub(crate) finder: Finder,
    pub(crate) issuer: Mutex<Issuer>,
    /// Where there is a vault: what a stranger could have restored.
    pub(crate) forms: Option<Forms>,
    pub(crate) act: Act,
    pub(crate) explain: bool,
}

/// What became of a text.
pub(crate) struct Replaced {
    /// The text as it is now; none where it is as it was.
    pub(crate) text: Option<String>,
    /// Every placeholder in it that is ours, in order.
    pub(crate) redactions: Vec<Redaction>,
    /// How many of these are new.
    pub(crate) new: usize,
}

/// A place in a text: found now, or replaced by an earlier run.
enum Place<'p> {
    Found(Finding),
    Strange(Range<usize>),
    Earlier(&'p Redaction),
}

impl Place<'_> {
    fn range(&self) -> Range<usize> {
        match self {
            Self::Found(found) => found.start..found.end,
            Self::Strange(range) => range.clone(),
            Self::Earlier(redaction) => redaction.start..redaction.end,
        }
    }
}

impl Replacer {
    fn issuer(&self) -> std::sync::MutexGuard<'_, Issuer> {
        // Each step leaves it whole: a number that was taken and not used is no harm.
        self.issuer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is private in a text, and the text without it. `label` is the name of the field, where
    /// it may say what the text is; `earlier` is what an earlier run says it replaced there.
    pub(crate) fn replace(
        &self,
        text: &str,
        label: Option<&str>,
        earlier: &[Redaction],
        field: Option<&str>,
        scratch: &mut Scratch,
    ) -> Result<Replaced, VaultError> {
        let earlier: Vec<&Redaction> = earlier.iter().filter(|r| stands(text, r)).collect();
        let strange = self.strangers(text, &earlier);
        let mut kept: Vec<Range<usize>> = earlier.iter().map(|r| r.start..r.end).collect();
        kept.extend(strange.iter().cloned());
        kept.retain(|range| !range.is_empty());
        kept.sort_by_key(|range| range.start);
        let mut places = self.found(text, label, &kept, scratch);
        places.extend(strange.into_iter().map(Place::Strange));
        let new = places.len();
        if new == 0 && earlier.is_empty() {
            return Ok(Replaced { text: None, redactions: Vec::new(), new });
        }
        places.extend(earlier.into_iter().map(Place::Earlier));
        places.sort_by_key(|place| place.range().start);
        self.build(text, &places, new, field)
    }

    fn found<'p>(
        &self,
        text: &str,
        label: Option<&str>,
        kept: &[Range<usize>],
        scratch: &mut Scratch,
    ) -> Vec<Place<'p>> {
        let Some(label) = label else {
            let found = self.finder.find_around(text, kept, scratch);
            return found.iter().map(|f| Place::Found(*f)).collect();
        };
        // The label stands before the text, as in a letter, and is cut off again.
        let shift = label.len() + 2;
        let labelled = format!("{label}: {text}");
        let kept: Vec<Range<usize>> = kept.iter().map(|r| r.start + shift..r.end + shift).collect();
        let found = self.finder.find_around(&labelled, &kept, scratch);
        let inside = found.iter().filter(|f| f.end > shift).map(|f| {
            let start = f.start.max(shift) - shift;
            Place::Found(Finding { start, end: f.end - shift, ..*f })
        });
        inside.collect()
    }

    /// Placeholders that are not ours: taken out where they could be restored, in any form in which
    /// they would be; otherwise noted, so that they are not given out.
    fn strangers(&self, text: &str, earlier: &[&Redaction]) -> Vec<Range<usize>> {
        let Some(forms) = &self.forms else {
            for strange in has_angle(text).then(|| pii::placeholders(text)).into_iter().flatten() {
                self.issuer().avoid(&text[strange.range]);
            }
            return Vec::new();
        };
        let places: HashSet<(usize, usize)> = earlier.iter().map(|r| (r.start, r.end)).collect();
        let mut strange = Vec::new();
        for form in forms.find(text) {
            let mut issuer = self.issuer();
            let ours = places.contains(&(form.range.start, form.range.end));
            if ours && issuer.knows(&form.name) {
                continue;
            }
            issuer.avoid(&form.name);
            if !ours {
                strange.push(form.range);
            }
        }
        strange
    }

    fn build(
        &self,
        text: &str,
        places: &[Place<'_>],
        new: usize,
        field: Option<&str>,
    ) -> Result<Replaced, VaultError> {
        let mut out = String::with_capacity(text.len());
        let mut redactions = Vec::with_capacity(places.len());
        let (mut at, mut chars) = (0, 0);
        for place in places {
            let range = place.range();
            if range.start < at {
                continue;
            }
            let before = &text[at..range.start];
            out.push_str(before);
            chars += characters(before);
            let original = &text[range.clone()];
            let mut redaction = self.redaction(place, original)?;
            let now = match &redaction.placeholder {
                Some(placeholder) if self.act == Act::Replace => placeholder,
                _ => original,
            };
            redaction.start = out.len();
            redaction.char_start = chars;
            out.push_str(now);
            chars += characters(now);
            redaction.end = out.len();
            redaction.char_end = chars;
            redaction.field = field.map(str::to_owned);
            redactions.push(redaction);
            at = range.end;
        }
        out.push_str(&text[at..]);
        let changed = self.act == Act::Replace && new > 0;
        Ok(Replaced { text: changed.then_some(out), redactions, new })
    }

    fn redaction(&self, place: &Place<'_>, original: &str) -> Result<Redaction, VaultError> {
        let (kind, rule, score) = match place {
            Place::Earlier(earlier) => return Ok((*earlier).clone()),
            Place::Found(found) => (self.finder.name(found.kind), found.rule, found.score),
            Place::Strange(_) => (STRANGE, "placeholder of a stranger", 1.0),
        };
        let placeholder = match self.act {
            Act::Replace => Some(self.issuer().replacement(kind, original)?),
            Act::Tell => None,
        };
        Ok(Redaction {
            kind: kind.to_owned(),
            start: 0,
            end: 0,
            char_start: 0,
            char_end: 0,
            placeholder,
            field: None,
            rule: self.explain.then(|| rule.to_owned()),
            score: self.explain.then_some((score * 100.0).round() / 100.0),
        })
    }
}

/// Whether what an earlier run says stands in this text.
fn stands(text: &str, earlier: &Redaction) -> bool {
    let stands = text.get(earlier.start..earlier.end);
    stands.is_some() && stands == earlier.placeholder.as_deref()
}

/// Whether a placeholder may be in it at all.
fn has_angle(text: &str) -> bool {
    text.as_bytes().contains(&b'<')
}

/// How many of each kind, in words: "2 email, 1 person".
pub(crate) fn in_words(redactions: &[Redaction]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for redaction in redactions {
        match counts.iter_mut().find(|(kind, _)| *kind == redaction.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((&redaction.kind, 1)),
        }
    }
    let words: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    words.join(", ")
}
