//! Which part of a prompt is already decoded somewhere, and where.
//!
//! One sequence of the context is kept aside with the beginning of earlier prompts: usually the
//! template and the instructions that all records share. A prompt that enters copies its first
//! cells from there, or from a neighbour that is being answered, instead of decoding them.

/// Sharing fewer tokens than this is not worth a copy.
pub(crate) const WORTH: usize = 16;

/// Length of the common beginning.
pub(crate) fn common<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// A neighbour's prompt and how much of it is decoded.
pub(crate) struct Neighbour<'a, T> {
    /// Its place among the slots.
    pub(crate) slot: usize,
    /// Its whole prompt.
    pub(crate) prompt: &'a [T],
    /// Tokens of the prompt that are decoded.
    pub(crate) decoded: usize,
}

/// Where the beginning of a prompt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nowhere: all of it is decoded.
    Fresh,
    /// The first `len` tokens are in the kept sequence.
    Kept {
        /// Tokens.
        len: usize,
    },
    /// The first `len` tokens are in a neighbour's sequence.
    Neighbour {
        /// Its place.
        slot: usize,
        /// Tokens.
        len: usize,
    },
    /// A neighbour is decoding them right now: entering a step later is cheaper.
    Soon,
}

/// Finds the longest decoded beginning of `prompt`. The last token is never shared: its logits
/// are needed.
pub(crate) fn source<'a, T: PartialEq + 'a>(
    prompt: &[T],
    kept: &[T],
    neighbours: impl Iterator<Item = Neighbour<'a, T>>,
) -> Source {
    let sharable = &prompt[..prompt.len().saturating_sub(1)];
    let in_kept = common(sharable, kept);
    let mut best = (in_kept, Source::Kept { len: in_kept });
    let mut soon = 0;
    for one in neighbours {
        let alike = common(sharable, one.prompt);
        let now = alike.min(one.decoded);
        soon = soon.max(alike);
        if now > best.0 {
            best = (now, Source::Neighbour { slot: one.slot, len: now });
        }
    }
    match best {
        (now, _) if soon >= now + WORTH => Source::Soon,
        (now, _) if now < WORTH => Source::Fresh,
        (_, source) => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(shared: usize, own: usize, tag: usize) -> Vec<usize> {
        (0..shared).chain((0..own).map(|i| 10_000 * tag + i)).collect()
    }

    fn neighbour(slot: usize, prompt: &[usize], decoded: usize) -> Neighbour<'_, usize> {
        Neighbour { slot, prompt, decoded }
    }

    #[test]
    fn nothing_alike_is_fresh() {
        assert_eq!(source(&prompt(0, 50, 1), &[], std::iter::empty()), Source::Fresh);
        assert_eq!(source(&[] as &[usize], &[], std::iter::empty()), Source::Fresh);
    }

    #[test]
    fn the_kept_prefix_is_used_but_never_the_whole_prompt() {
        let one = prompt(40, 5, 1);
        let kept = prompt(40, 9, 2);
        assert_eq!(source(&one, &kept, std::iter::empty()), Source::Kept { len: 40 });
        assert_eq!(source(&one, &one, std::iter::empty()), Source::Kept { len: 44 });
    }

    #[test]
    fn a_short_beginning_is_not_worth_it() {
        let kept = prompt(WORTH - 1, 40, 1);
        let one = prompt(WORTH - 1, 40, 2);
        assert_eq!(source(&one, &kept, std::iter::empty()), Source::Fresh);
    }

    #[test]
    fn a_neighbour_that_is_further_wins_over_the_kept_one() {
        let near = prompt(60, 4, 2);
        let kept = prompt(20, 4, 3);
        let found = source(&prompt(60, 5, 1), &kept, [neighbour(3, &near, 64)].into_iter());
        assert_eq!(found, Source::Neighbour { slot: 3, len: 60 });
    }

    #[test]
    fn a_neighbour_that_is_decoding_is_waited_for() {
        let near = prompt(60, 4, 2);
        let one = prompt(60, 5, 1);
        assert_eq!(source(&one, &[], [neighbour(0, &near, 0)].into_iter()), Source::Soon);
        assert_eq!(source(&one, &[], [neighbour(0, &near, 40)].into_iter()), Source::Soon);
        let found = source(&one, &[], [neighbour(0, &near, 50)].into_iter());
        assert_eq!(found, Source::Neighbour { slot: 0, len: 50 });
    }
}
