//! Puts a question before the body of every definition that the user wrote, and before every
//! inner definition of the library: a program can only run for ever, or recurse for ever,
//! through a definition that calls itself.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Part, Path};

/// Name of the native filter that asks. No jq program can spell it.
pub(super) const TICK: &str = "!tick";
/// Variable that takes the filter's output; it cannot be spelled either.
const TICK_VAR: &str = "$!tick";

/// Asks before this definition's body and all definitions in it.
pub(super) fn definition(def: &mut Def<&str>) {
    inner(def);
    let body = std::mem::take(&mut def.body);
    // `tick as $x | body` instead of `tick | body`: keeps path expressions such as
    // `path(f)` and `f |= g` working, and leaves the body in tail position.
    let bind = BinaryOp::Pipe(Some(Pattern::Var(TICK_VAR)));
    def.body = Term::BinOp(Box::new(Term::Call(TICK, Vec::new())), bind, Box::new(body));
}

/// Asks before all definitions inside this definition.
pub(super) fn inner(def: &mut Def<&str>) {
    term(&mut def.body);
}

fn terms<'t, 's: 't>(all: impl IntoIterator<Item = &'t mut Term<&'s str>>) {
    all.into_iter().for_each(term);
}

/// Asks before all definitions inside this term.
pub(super) fn term(t: &mut Term<&str>) {
    match t {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(t) = part {
                    term(t);
                }
            }
        }
        Term::Arr(t) => terms(t.as_deref_mut()),
        Term::Obj(pairs) => {
            for (key, value) in pairs {
                term(key);
                terms(value);
            }
        }
        Term::Neg(t) | Term::Label(_, t) => term(t),
        Term::BinOp(left, op, right) => {
            term(left);
            if let BinaryOp::Pipe(Some(p)) = op {
                pattern(p);
            }
            term(right);
        }
        Term::Fold(_, source, p, arguments) => {
            term(source);
            pattern(p);
            terms(arguments);
        }
        Term::TryCatch(t, handler) => {
            term(t);
            terms(handler.as_deref_mut());
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                term(condition);
                term(then);
            }
            terms(otherwise.as_deref_mut());
        }
        Term::Def(defs, t) => {
            defs.iter_mut().for_each(definition);
            term(t);
        }
        Term::Call(_, arguments) => terms(arguments),
        Term::Path(t, p) => {
            term(t);
            path(p);
        }
    }
}

fn pattern(p: &mut Pattern<&str>) {
    match p {
        Pattern::Var(_) => {}
        Pattern::Arr(all) => all.iter_mut().for_each(pattern),
        Pattern::Obj(pairs) => {
            for (key, p) in pairs {
                term(key);
                pattern(p);
            }
        }
    }
}

fn path(Path(parts): &mut Path<Term<&str>>) {
    for (part, _) in parts {
        match part {
            Part::Index(t) => term(t),
            Part::Range(from, to) => terms(from.iter_mut().chain(to)),
        }
    }
}
