//! From token bytes to text: whole characters only, and nothing that could be a stop string.

/// Holds back what cannot be said yet.
#[derive(Debug, Default)]
pub(crate) struct TextHolder {
    stops: Vec<String>,
    /// The beginning of a character whose other bytes have not come.
    partial: Vec<u8>,
    /// Text that may be the beginning of a stop string.
    held: String,
}

/// What a token added.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Text that is certain now.
    pub(crate) text: String,
    /// A stop string was reached; nothing more may be pushed.
    pub(crate) stopped: bool,
}

impl TextHolder {
    /// Ends before any of `stops`; empty ones mean nothing.
    pub(crate) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, ..Self::default() }
    }

    /// Takes the bytes of a token. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Said {
        self.partial.extend_from_slice(bytes);
        self.decode();
        let first = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = first {
            self.held.truncate(at);
            return Said { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Said { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// What is left when generation ends for another reason. Half a character is dropped.
    pub(crate) fn finish(&mut self) -> String {
        self.partial.clear();
        std::mem::take(&mut self.held)
    }

    /// Moves whole characters from `partial` to `held`.
    fn decode(&mut self) {
        loop {
            match std::str::from_utf8(&self.partial) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.partial.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    let bad = error.error_len();
                    self.held.push_str(&String::from_utf8_lossy(&self.partial[..valid]));
                    self.partial.drain(..valid + bad.unwrap_or(0));
                    if bad.is_none() {
                        return;
                    }
                    self.held.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

/// Bytes at the end of `text` that are a beginning of `stop`, but not all of it.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    (1..=longest)
        .rev()
        .find(|&n| stop.is_char_boundary(n) && text.as_bytes().ends_with(&stop.as_bytes()[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut holder = TextHolder::new(&stops);
        let mut said = Vec::new();
        for piece in pieces {
            let one = holder.push(piece);
            said.push(one.text);
            if one.stopped {
                return (said, true);
            }
        }
        said.push(holder.finish());
        (said, false)
    }

    #[test]
    fn a_character_in_two_tokens_is_said_once_it_is_whole() {
        let (said, _) = run(&[], &[b"a\xf0\x9f", b"\x98\x80b"]);
        assert_eq!(said, ["a", "😀b", ""]);
    }

    #[test]
    fn half_a_character_at_the_end_is_dropped_and_rubbish_is_replaced() {
        assert_eq!(run(&[], &[b"ok\xe2\x82"]).0.concat(), "ok");
        assert_eq!(run(&[], &[b"a\xffb\xc3("]).0.concat(), "a\u{fffd}b\u{fffd}(");
    }

    #[test]
    fn a_stop_string_over_three_tokens_is_found_and_left_out() {
        let (said, stopped) = run(&["<end>"], &[b"text <", b"en", b"d> more"]);
        assert_eq!((said.concat().as_str(), stopped), ("text ", true));
    }

    #[test]
    fn a_false_beginning_of_a_stop_string_is_said_later() {
        let (said, stopped) = run(&["<end>"], &[b"a<e", b"x", b"<en"]);
        assert_eq!(said, ["a", "<ex", "", "<en"]);
        assert!(!stopped);
    }

    #[test]
    fn the_earliest_of_several_stops_counts() {
        assert_eq!(run(&["b", "ab", ""], &[b"xab"]).0.concat(), "x");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in "[aé😀<|>]{0,24}",
            stop in "[aé<|>]{1,4}",
            cuts in proptest::collection::vec(1_usize..5, 0..40),
        ) {
            let bytes = text.as_bytes();
            let mut pieces = Vec::new();
            let mut at = 0;
            for cut in cuts {
                let end = (at + cut).min(bytes.len());
                pieces.push(&bytes[at..end]);
                at = end;
            }
            pieces.push(&bytes[at..]);
            let (said, stopped) = run(&[&stop], &pieces);
            let expected = text.split(&stop).next().unwrap_or_default();
            prop_assert_eq!(said.concat(), expected);
            prop_assert_eq!(stopped, text.contains(&stop));
        }

        #[test]
        fn any_bytes_are_the_same_as_lossy_decoding(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
            let (said, _) = run(&[], &pieces);
            let lossy = String::from_utf8_lossy(&bytes).into_owned();
            // The only difference allowed is a character that never got its other bytes.
            let said = said.concat();
            let cut = lossy.strip_suffix(char::REPLACEMENT_CHARACTER);
            prop_assert!(lossy == said || cut == Some(&said));
        }
    }
}
