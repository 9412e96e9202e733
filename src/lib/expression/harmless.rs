//! Which expressions need no process of their own: those that provably end soon and need memory in
//! proportion to their record.
//!
//! That is so for paths, comparisons, choices and a list of filters that make nothing longer; the
//! few things that make something longer are counted, since each can double what it works on. No
//! recursion, no variables, no definitions. Most gates are of this kind. Each record that is sent
//! to a process costs two changes of context, several times what its evaluation takes.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Math;
use jaq_core::path::Part;

/// How often a record may be doubled.
const DOUBLINGS: u32 = 4;

/// Filters without arguments whose output is hardly longer than their input.
const PLAIN: [&str; 25] = [
    "abs",
    "ascii_downcase",
    "ascii_upcase",
    "ceil",
    "empty",
    "false",
    "first",
    "floor",
    "fromdateiso8601",
    "keys",
    "last",
    "length",
    "ltrim",
    "not",
    "now",
    "null",
    "round",
    "rtrim",
    "sqrt",
    "tonumber",
    "tostring",
    "trim",
    "true",
    "type",
    "utf8bytelength",
];
/// Filters with one argument that is evaluated once an input.
const WITH_ONE: [&str; 8] =
    ["contains", "endswith", "has", "ltrimstr", "rtrimstr", "select", "startswith", "test"];

/// What an expression may cost, at most.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// How often it doubles what it works on.
    doublings: u32,
    /// How many `[]` it has: each takes as many turns as a record has elements, and two of them
    /// may take the product.
    iterations: u32,
}

const NOTHING: Option<Cost> = Some(Cost { doublings: 0, iterations: 0 });

/// Whether an expression is harmless.
pub(super) fn is_harmless(term: &Term<&str>) -> bool {
    cost(term).is_some_and(|cost| cost.doublings <= DOUBLINGS && cost.iterations <= 1)
}

/// What it may cost; `None` where nobody knows.
fn cost(term: &Term<&str>) -> Option<Cost> {
    match term {
        Term::Id | Term::Num(_) | Term::Arr(None) => NOTHING,
        Term::Str(None, parts) => sum(parts.iter().map(|part| match part {
            StrPart::Term(t) => sum([doubling(1), cost(t)]),
            StrPart::Str(_) | StrPart::Char(_) => NOTHING,
        })),
        Term::Arr(Some(t)) => cost(t).filter(|cost| cost.iterations == 0),
        Term::Neg(t) | Term::TryCatch(t, None) => cost(t),
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches.iter().flat_map(|(when, then)| [cost(when), cost(then)]);
            sum(branches.chain(otherwise.as_deref().map(cost)))
        }
        Term::BinOp(left, op, right) => sum([operation(left, op, right), cost(left), cost(right)]),
        Term::Call(name, arguments) => call(name, arguments),
        Term::Path(t, path) => {
            let parts = path.0.iter().map(|(part, _)| match part {
                Part::Index(t) => cost(t),
                Part::Range(None, None) => Some(Cost { doublings: 0, iterations: 1 }),
                Part::Range(from, to) => sum(from.iter().chain(to).map(cost)),
            });
            sum(parts.chain([cost(t)]))
        }
        _ => None,
    }
}

fn operation(left: &Term<&str>, op: &BinaryOp<&str>, right: &Term<&str>) -> Option<Cost> {
    match op {
        BinaryOp::Pipe(None)
        | BinaryOp::Alt
        | BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Cmp(_)
        | BinaryOp::Math(Math::Sub | Math::Div | Math::Rem) => NOTHING,
        BinaryOp::Comma | BinaryOp::Math(Math::Add) => doubling(1),
        // A text times a number is that text so many times.
        BinaryOp::Math(Math::Mul) if is_small(left) || is_small(right) => doubling(2),
        _ => None,
    }
}

fn call(name: &str, arguments: &[Term<&str>]) -> Option<Cost> {
    match arguments {
        [] if PLAIN.contains(&name) => NOTHING,
        [argument] if WITH_ONE.contains(&name) => cost(argument),
        // The separator stands between elements that have two bytes at least.
        [Term::Str(None, parts)] if name == "join" => match &parts[..] {
            [] => NOTHING,
            [StrPart::Str(separator)] if separator.len() <= 6 => doubling(2),
            _ => None,
        },
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of several costs")]
fn doubling(doublings: u32) -> Option<Cost> {
    Some(Cost { doublings, iterations: 0 })
}

fn sum(parts: impl IntoIterator<Item = Option<Cost>>) -> Option<Cost> {
    parts.into_iter().try_fold(Cost::default(), |sum, part| {
        let part = part?;
        Some(Cost {
            doublings: sum.doublings.checked_add(part.doublings)?,
            iterations: sum.iterations.checked_add(part.iterations)?,
        })
    })
}

fn is_small(term: &Term<&str>) -> bool {
    matches!(term, Term::Num(n) if n.parse::<f64>().is_ok_and(|n| n <= 4.0))
}
