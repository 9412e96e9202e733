//! Keys and tokens: by their known beginnings, and by how random they look.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::SECRET;

/// What a key begins with, how many characters follow at least, and whose it is.
const SHAPES: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "AWS key"),
    ("ASIA", 16, "AWS key"),
    ("AIza", 35, "Google key"),
    ("ya29.", 20, "Google token"),
    ("ghp_", 36, "GitHub token"),
    ("gho_", 36, "GitHub token"),
    ("ghu_", 36, "GitHub token"),
    ("ghs_", 36, "GitHub token"),
    ("ghr_", 36, "GitHub token"),
    ("github_pat_", 40, "GitHub token"),
    ("glpat-", 20, "GitLab token"),
    ("xoxb-", 20, "Slack token"),
    ("xoxp-", 20, "Slack token"),
    ("xoxa-", 20, "Slack token"),
    ("xoxs-", 20, "Slack token"),
    ("xoxr-", 20, "Slack token"),
    ("sk-ant-", 20, "Anthropic key"),
    ("sk-", 20, "OpenAI key"),
    ("sk_live_", 16, "Stripe key"),
    ("sk_test_", 16, "Stripe key"),
    ("rk_live_", 16, "Stripe key"),
    ("pk_live_", 16, "Stripe key"),
    ("SG.", 40, "SendGrid key"),
    ("npm_", 36, "npm token"),
    ("pypi-", 50, "PyPI token"),
    ("hf_", 30, "Hugging Face token"),
    ("dop_v1_", 60, "DigitalOcean token"),
    ("shpat_", 32, "Shopify token"),
    ("glsa_", 32, "Grafana token"),
    ("gsk_", 40, "Groq key"),
    ("dckr_pat_", 20, "Docker token"),
    ("lin_api_", 30, "Linear key"),
    ("key-", 32, "Mailgun key"),
];

/// Characters of the shortest token whose randomness says something.
const SHORTEST: usize = 20;

impl Scan<'_> {
    /// A key that begins with token `i`: where it ends.
    pub(crate) fn secret(&mut self, i: usize) -> Option<usize> {
        if !self.wants(Kind::Secret) {
            return None;
        }
        let start = self.tokens[i].start;
        let before = self.before(start);
        if before.is_ascii_alphanumeric() || before == b'_' {
            return None;
        }
        if self.bytes[start..].starts_with(b"BEGIN") {
            return self.private_key(start);
        }
        let inside = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
        let run = self.bytes[start..].iter().take(512).take_while(inside).count();
        if self.bytes[start..].starts_with(b"eyJ")
            && let Some(end) = self.web_token(start, run)
        {
            return self.add((start, end), Kind::Secret, "JSON web token", 0.97).then_some(end);
        }
        for (head, least, rule) in SHAPES {
            if self.bytes[start..].starts_with(head.as_bytes()) {
                let end = if head.ends_with('.') { self.dotted(start) } else { start + run };
                if end - start >= head.len() + least {
                    return self.add((start, end), Kind::Secret, rule, 0.97).then_some(end);
                }
            }
        }
        self.random(i)
    }

    fn dotted(&self, start: usize) -> usize {
        let inside = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-' | b'.');
        start + self.bytes[start..].iter().take(512).take_while(inside).count()
    }

    fn web_token(&self, start: usize, run: usize) -> Option<usize> {
        let part = |at: usize| {
            let inside = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
            at + self.bytes.get(at..).map_or(0, |rest| rest.iter().take_while(inside).count())
        };
        let first = part(start);
        (run >= 10 && self.byte(first) == b'.').then_some(())?;
        let second = part(first + 1);
        (second > first + 8 && self.byte(second) == b'.').then_some(())?;
        Some(part(second + 1))
    }

    /// A key in PEM (RFC 7468), from its first hyphen to its last.
    fn private_key(&mut self, begin: usize) -> Option<usize> {
        let start = begin.checked_sub(5)?;
        if self.text.get(start..begin)? != "-----" {
            return None;
        }
        let line = self.line(begin);
        if !line.split('\\').next().unwrap_or(line).contains("PRIVATE KEY") {
            return None;
        }
        let rest = &self.text[begin..];
        // A key without its end is one up to where the text ends.
        let end = match rest.find("-----END ") {
            Some(last) => {
                let tail = &rest[last + 9..];
                begin + last + 9 + tail.find("-----").map_or(tail.len(), |n| n + 5)
            }
            None => self.text.len(),
        };
        self.add((start, end), Kind::Secret, "private key", 0.99).then_some(end)
    }

    /// A token that looks as if it came from a generator.
    fn random(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        let start = token.start;
        let inside = |b: &&u8| b.is_ascii_alphanumeric() || b"_-+/=".contains(b);
        let run = self.bytes[start..].iter().take(512).take_while(inside).count();
        let run = self.bytes[start..start + run].iter().rposition(u8::is_ascii_alphanumeric)? + 1;
        if run < SHORTEST || token.has(flag::WIDE) {
            return None;
        }
        let text = &self.bytes[start..start + run];
        let said = self.said_within(i, SECRET, 3);
        let hexadecimal = text.iter().all(|b| b.is_ascii_hexdigit());
        let score = match (hexadecimal, said) {
            (true, true) if run >= 24 => 0.85,
            (true, false) if run >= 32 => 0.3,
            (true, _) => return None,
            _ if looks_random(text) => {
                if said {
                    0.9
                } else {
                    0.6
                }
            }
            _ => return None,
        };
        let end = start + run;
        self.add((start, end), Kind::Secret, "random characters", score).then_some(end)
    }
}

/// Capitals, small letters and digits that change often, and few of them repeated.
fn looks_random(text: &[u8]) -> bool {
    let class = |b: &u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let mut counts = [0_usize; 4];
    text.iter().for_each(|b| counts[class(b)] += 1);
    let changes = text.windows(2).filter(|pair| class(&pair[0]) != class(&pair[1])).count();
    let slashes = text.iter().filter(|b| **b == b'/').count();
    // Names in programs have a digit or two as well.
    counts[0] >= if text.len() < 32 { 3 } else { 2 }
        && counts[1] >= 3
        && counts[2] >= 3
        && changes * 4 >= text.len()
        && slashes * 10 <= text.len()
        && entropy(text) >= 3.5
}

/// Shannon's entropy, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    text.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let all = text.len() as f64;
    let shares = counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / all);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_is_told_from_written() {
        assert!(looks_random(b"q8Xv2LzP0aRt7WmK4cYd"));
        assert!(looks_random(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCY3XAMPLEKEY"));
        assert!(!looks_random(b"utf8ToLatin1Converter"));
        assert!(!looks_random(b"the-quick-brown-fox-jumps-over"));
        assert!(!looks_random(b"usr/Share/doc/README2/copyright"));
        assert!((entropy(b"abab") - 1.0).abs() < 1e-9);
    }
}
