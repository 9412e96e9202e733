//! What an answer must look like, as GBNF.
//!
//! llama.cpp prints a grammar that it cannot parse to stderr, and does not say what is wrong with
//! it. So grammars are checked here first.

use engine::{Constraint, Error};

use crate::schema;

/// Longest grammar, in bytes.
pub(crate) const MAX_GRAMMAR: usize = 256 * 1024;

/// Most repetitions in a grammar; llama.cpp's own limit is 2000.
pub(crate) const MAX_REPEAT: u64 = 1000;

/// Deepest nesting of groups.
const MAX_GROUPS: usize = 64;

/// The constraint as GBNF with a rule `root`.
pub(crate) fn compile(constraint: &Constraint) -> Result<String, Error> {
    let text = match constraint {
        Constraint::Grammar(text) => text.clone(),
        Constraint::JsonSchema(schema) => schema::to_gbnf(schema).map_err(Error::Constraint)?,
    };
    check(&text).map_err(|reason| Error::Constraint(format!("grammar: {reason}")))?;
    Ok(text)
}

/// Whether llama.cpp would parse it.
fn check(text: &str) -> Result<(), String> {
    if text.len() > MAX_GRAMMAR {
        return Err(format!("{} bytes; {MAX_GRAMMAR} are allowed", text.len()));
    }
    if text.contains('\0') {
        return Err("a NUL byte".into());
    }
    let mut parser = Parser { text, at: 0, defined: Vec::new(), used: Vec::new() };
    parser.rules().map_err(|reason| {
        let line = text[..parser.at.min(text.len())].matches('\n').count() + 1;
        format!("line {line}: {reason}")
    })?;
    if !parser.defined.contains(&"root") {
        return Err("there is no rule `root`".into());
    }
    parser.defined.sort_unstable();
    match parser.used.iter().find(|name| parser.defined.binary_search(name).is_err()) {
        Some(name) => Err(format!("the rule `{name}` is not defined")),
        None => Ok(()),
    }
}

/// Reads GBNF without keeping it; see llama.cpp's grammars/README.md.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    defined: Vec<&'a str>,
    used: Vec<&'a str>,
}

type Checked<T = ()> = Result<T, &'static str>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, token: &str) -> bool {
        let there = self.text[self.at..].starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    /// Space and comments; line ends too where the rule may go on.
    fn space(&mut self, lines: bool) {
        while let Some(next) = self.peek() {
            match next {
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n' && c != '\r') {
                        self.take();
                    }
                }
                ' ' | '\t' => self.at += 1,
                '\n' | '\r' if lines => self.at += 1,
                _ => return,
            }
        }
    }

    fn while_matching(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn name(&mut self) -> &'a str {
        self.while_matching(|c| c.is_ascii_alphanumeric() || c == '-')
    }

    fn rules(&mut self) -> Checked {
        self.space(true);
        while self.peek().is_some() {
            let name = self.name();
            if name.is_empty() {
                return Err("a rule's name is expected");
            }
            self.defined.push(name);
            self.space(false);
            if !self.eat("::=") {
                return Err("`::=` is expected");
            }
            self.space(true);
            self.alternatives(0)?;
            if !matches!(self.peek(), None | Some('\n' | '\r')) {
                return Err("an unexpected character");
            }
            self.space(true);
        }
        Ok(())
    }

    fn alternatives(&mut self, depth: usize) -> Checked {
        if depth > MAX_GROUPS {
            return Err("groups are nested too deep");
        }
        loop {
            self.sequence(depth)?;
            if !self.eat("|") {
                return Ok(());
            }
            self.space(true);
        }
    }

    fn sequence(&mut self, depth: usize) -> Checked {
        let mut something = false;
        while let Some(next) = self.peek() {
            let start = self.at;
            match next {
                '"' => self.quoted('"', "a string does not end")?,
                '[' => self.quoted(']', "a character class does not end")?,
                '.' => self.at += 1,
                '(' => {
                    self.at += 1;
                    self.space(true);
                    self.alternatives(depth + 1)?;
                    if !self.eat(")") {
                        return Err("`)` is expected");
                    }
                }
                '*' | '+' | '?' | '{' if !something => return Err("nothing to repeat"),
                '*' | '+' | '?' => self.at += 1,
                '{' => self.repetition()?,
                '<' | '!' => return Err("tokens in grammars are not supported"),
                c if c.is_ascii_alphanumeric() || c == '-' => {
                    let name = self.name();
                    self.used.push(name);
                }
                _ => return Ok(()),
            }
            // An empty string or class is nothing that could be repeated.
            something = !matches!(&self.text[start..self.at], "\"\"" | "[]" | "[^]");
            self.space(depth > 0);
        }
        Ok(())
    }

    /// A string or a character class, up to `end`.
    fn quoted(&mut self, end: char, unfinished: &'static str) -> Checked {
        self.at += 1;
        loop {
            match self.take() {
                Some(c) if c == end => return Ok(()),
                Some('\\') => self.escape()?,
                Some(_) => {}
                None => return Err(unfinished),
            }
        }
    }

    fn escape(&mut self) -> Checked {
        let digits = match self.take() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('t' | 'r' | 'n' | '\\' | '"' | '[' | ']') => return Ok(()),
            _ => return Err("an unknown escape"),
        };
        for _ in 0..digits {
            if !self.take().is_some_and(|c| c.is_ascii_hexdigit()) {
                return Err("too few hexadecimal digits");
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Checked<Option<u64>> {
        let digits = self.while_matching(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        match digits.parse() {
            Ok(n) if n <= MAX_REPEAT => Ok(Some(n)),
            _ => Err("too many repetitions; 1000 are allowed"),
        }
    }

    fn repetition(&mut self) -> Checked {
        self.at += 1;
        self.space(true);
        let Some(least) = self.number()? else { return Err("a number is expected after `{`") };
        self.space(true);
        let mut most = Some(least);
        if self.eat(",") {
            self.space(true);
            most = self.number()?;
            self.space(true);
        }
        if !self.eat("}") {
            return Err("`}` is expected");
        }
        if most.is_some_and(|most| most < least) {
            Err("more at least than at most")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_grammars_pass() {
        for text in [
            "root ::= \"yes\" | \"no\"",
            "root ::= item+ # list\nitem ::= \"- \" [^\\n]{1,80} \"\\n\"\n",
            "root ::= (\n  \"a\"\n  | b{2}\n) .* [a-z\\]\\x41]?\nb ::= \"\\u00e9\" |\n  \"c\"",
            "root ::= \"a\" |",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, reason) in [
            ("", "there is no rule `root`"),
            ("root = 1", "line 1: `::=` is expected"),
            ("root ::= a", "the rule `a` is not defined"),
            ("root ::= \"a\n", "line 2: a string does not end"),
            ("root ::= \"a\"\nb ::= *", "line 2: nothing to repeat"),
            ("root ::= (\"a\"", "line 1: `)` is expected"),
            ("root ::= \"a\"{5,2}", "line 1: more at least than at most"),
            ("root ::= \"a\"{5000}", "line 1: too many repetitions; 1000 are allowed"),
            ("root ::= \"\\q\"", "line 1: an unknown escape"),
            ("root ::= <5>", "line 1: tokens in grammars are not supported"),
            ("root ::= <<<", "line 1: tokens in grammars are not supported"),
            ("root ::= \"a\" )", "line 1: an unexpected character"),
        ] {
            assert_eq!(check(text), Err(reason.to_owned()), "{text}");
        }
        assert!(check(&format!("root ::= {}", "(".repeat(100_000))).is_err());
        assert!(check(&"x".repeat(MAX_GRAMMAR + 1)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(root ::= )?[a-b\"\\[\\](){},|*+?<>!.#\\\\ \n0-9é:=]{0,60}") {
            let _ = check(&text);
        }
    }
}
