//! One question about everything that is left, however much it is.
//!
//! What does not fit the model's context goes in parts: the question is asked about each part,
//! and then about the answers, and so on until one answer is left. How many bytes fit is an
//! estimate; when a provider says that it was too much, the parts become half as long.

use records::{Code, Failure, Usage};

use crate::ask::{Asked, Reply, add};
use crate::plan::Plan;
use crate::prompt::{Source, messages};
use crate::queue::in_order;
use crate::reach::Reach;

/// Bytes of a token, at least in prose of European languages: an estimate of what fits.
const BYTES_PER_TOKEN: u64 = 3;
/// Tokens that the instructions and the template around the records take.
const AROUND: u64 = 400;
/// Bytes around each record: its markers and its id.
const AROUND_RECORD: usize = 160;
/// The shortest parts that are tried.
const SHORTEST: usize = 256;
/// Rounds: answers upon answers, and shorter parts.
const LEVELS: usize = 16;

/// The answer, and from how many parts it was made.
pub(crate) struct Whole {
    pub(crate) asked: Asked,
    pub(crate) parts: usize,
}

/// A text on its way, with its own or its part's name.
struct Piece {
    id: String,
    text: String,
}

/// Asks about all of `sources`.
pub(crate) fn ask(plan: &Plan, sources: &[Source<'_>], reach: Reach) -> Result<Whole, Failure> {
    let mut pieces: Vec<Piece> = sources
        .iter()
        .map(|source| Piece { id: source.id.to_owned(), text: source.text.to_owned() })
        .collect();
    let mut room = room(plan);
    let (mut spent, mut parts) = (Usage::default(), 1);
    // Whether the pieces are answers already.
    let mut combined = false;
    for _ in 0..LEVELS {
        let groups = groups(&pieces, room);
        if let [only] = groups.as_slice() {
            let wanted = if combined { combining(plan) } else { plan.question.clone() };
            match request(plan, &wanted, only, true, reach) {
                Err(failure) if shorter(&failure, &mut room, only) => continue,
                Err(failure) => return Err(failure),
                Ok(Asked::Answered(mut reply)) => {
                    if spent.model.is_some() {
                        add(&mut reply.usage, spent);
                    }
                    return Ok(Whole { asked: Asked::Answered(reply), parts });
                }
                Ok(asked) => return Ok(Whole { asked, parts }),
            }
        }
        match answers(plan, &groups, combined, reach) {
            Err(failure) if shorter(&failure, &mut room, &pieces) => {}
            Err(failure) => return Err(failure),
            Ok(Err(reason)) => return Ok(Whole { asked: Asked::NotAsked(reason), parts }),
            Ok(Ok(replies)) => {
                parts = if combined { parts } else { groups.len() };
                combined = true;
                pieces = replies
                    .into_iter()
                    .enumerate()
                    .map(|(n, reply)| {
                        add(&mut spent, reply.usage);
                        Piece { id: format!("part {}", n + 1), text: reply.text }
                    })
                    .collect();
            }
        }
    }
    Err(Failure::new(Code::TooLong, "the answers about the parts do not become fewer"))
}

/// Bytes of texts that fit a request.
fn room(plan: &Plan) -> usize {
    let Some(context) = plan.context else { return usize::MAX };
    let tokens = context.saturating_sub(plan.max_tokens).saturating_sub(AROUND);
    let bytes = usize::try_from(tokens.saturating_mul(BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    bytes.saturating_sub(plan.question.len()).max(SHORTEST)
}

/// Whether a failure was for want of room, and there is a way to need less.
fn shorter(failure: &Failure, room: &mut usize, pieces: &[Piece]) -> bool {
    let bytes: usize = pieces.iter().map(|piece| piece.text.len() + AROUND_RECORD).sum();
    let half = bytes.min(*room) / 2;
    let possible = failure.code == Code::TooLong && half >= SHORTEST;
    if possible {
        *room = half;
    }
    possible
}

/// Pieces in groups that fit; a piece that does not fit alone is cut.
fn groups(pieces: &[Piece], room: usize) -> Vec<Vec<Piece>> {
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let mut left = 0;
    for piece in pieces {
        for text in cut(&piece.text, room.saturating_sub(AROUND_RECORD).max(SHORTEST / 2)) {
            let bytes = text.len() + AROUND_RECORD;
            if groups.is_empty() || bytes > left {
                groups.push(Vec::new());
                left = room;
            }
            left = left.saturating_sub(bytes);
            if let Some(group) = groups.last_mut() {
                group.push(Piece { id: piece.id.clone(), text: text.to_owned() });
            }
        }
    }
    groups
}

/// A text in parts of at most `most` bytes, cut after a line or a word where there is one.
fn cut(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > most {
        let end = boundary(rest, most);
        // A single character may be longer than the room.
        let end = if end == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { end };
        let half = boundary(rest, end / 2);
        let window = &rest[half..end];
        let after = window.rfind('\n').or_else(|| window.rfind(' '));
        let end = after.map_or(end, |at| half + at + 1);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// The last place up to `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn request(
    plan: &Plan,
    wanted: &str,
    pieces: &[Piece],
    is_last: bool,
    reach: Reach,
) -> Result<Asked, Failure> {
    let sources: Vec<Source<'_>> =
        pieces.iter().map(|piece| Source { id: &piece.id, text: &piece.text }).collect();
    let schema = plan.schema.as_ref().filter(|_| is_last);
    let messages = messages(&plan.fence, wanted, &sources, schema.map(|s| &**s.source()));
    plan.asker.ask(messages, plan.max_tokens, schema, reach)
}

/// The answers about all groups, several requests at a time; or why they were not asked for.
fn answers(
    plan: &Plan,
    groups: &[Vec<Piece>],
    combined: bool,
    reach: Reach,
) -> Result<Result<Vec<Reply>, String>, Failure> {
    let mut replies = Vec::new();
    let mut not_asked = None;
    let numbered: Vec<(usize, &Vec<Piece>)> = groups.iter().enumerate().collect();
    let question = if combined { combining(plan) } else { plan.question.clone() };
    in_order(
        plan.jobs,
        &numbered,
        |(n, group)| {
            let wanted = format!(
                "{}\n\nThe records come in {} parts; this is part {}. Answer from it alone, \
                 briefly, with all in it that matters to the question.",
                question.trim(),
                groups.len(),
                n + 1
            );
            request(plan, &wanted, group, false, reach)
        },
        |_, asked| match asked? {
            Asked::Answered(reply) => {
                replies.push(reply);
                Ok(())
            }
            Asked::NotAsked(reason) => {
                not_asked = Some(reason);
                Ok::<(), Failure>(())
            }
        },
    )?;
    Ok(match not_asked {
        Some(reason) => Err(reason),
        None => Ok(replies),
    })
}

fn combining(plan: &Plan) -> String {
    format!(
        "{}\n\nThe records below are answers to this question from parts of the material. Give \
         the one answer that follows from all of them.",
        plan.question.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn nothing_is_lost_and_every_group_fits(
            texts in prop::collection::vec("[a-zäß€\n ]{0,900}", 1..8),
            room in 400..3000_usize,
        ) {
            let pieces: Vec<Piece> =
                texts.iter().map(|t| Piece { id: "x".into(), text: t.clone() }).collect();
            let groups = groups(&pieces, room);
            let all: String = groups.iter().flatten().map(|p| p.text.as_str()).collect();
            prop_assert_eq!(all, texts.concat());
            for group in groups {
                let bytes: usize = group.iter().map(|p| p.text.len() + AROUND_RECORD).sum();
                prop_assert!(bytes <= room, "{bytes} > {room}");
            }
        }
    }
}
