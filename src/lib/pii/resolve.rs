//! Findings that overlap become one.

use std::ops::Range;

use crate::scan::Finding;

/// Leaves findings in order, none touching another's bytes. Of those that overlap the surest
/// gives the kind, and the range covers all of them: nothing that one of them found stays.
/// Nothing of `kept` is covered.
pub(crate) fn resolve(found: &mut Vec<Finding>, kept: &[Range<usize>]) {
    found.sort_by_key(|f| (f.start, std::cmp::Reverse(f.end)));
    let mut out: Vec<Finding> = Vec::with_capacity(found.len());
    for next in found.drain(..) {
        match out.last_mut() {
            Some(last) if next.start < last.end => merge(last, next),
            _ => out.push(next),
        }
    }
    if kept.is_empty() {
        *found = out;
        return;
    }
    for finding in out {
        cut(finding, kept, found);
    }
}

fn merge(last: &mut Finding, next: Finding) {
    let length = |f: &Finding| f.end - f.start;
    let surer = (next.score, length(&next)) > (last.score, length(last));
    // A longer finding explains a shorter one inside it: a web address with a number in it.
    let inside = next.end <= last.end && length(last) > length(&next) && next.score < 1.0;
    let end = last.end.max(next.end);
    if surer && !inside {
        *last = Finding { start: last.start, end, ..next };
    } else {
        last.end = end;
    }
}

/// What is left of a finding around the ranges that stay.
fn cut(finding: Finding, kept: &[Range<usize>], out: &mut Vec<Finding>) {
    let mut rest = finding;
    let from = kept.partition_point(|range| range.end <= finding.start);
    for range in kept[from..].iter().take_while(|range| range.start < finding.end) {
        if range.start > rest.start {
            out.push(Finding { end: range.start, ..rest });
        }
        rest.start = range.end.min(rest.end);
    }
    if rest.start < rest.end {
        out.push(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn finding(start: usize, end: usize, kind: Kind, score: f32) -> Finding {
        Finding { start, end, kind, rule: "test", score }
    }

    #[test]
    fn overlaps_are_covered_by_the_surest() {
        let mut found = vec![
            finding(8, 14, Kind::Ip, 0.9),
            finding(0, 10, Kind::Url, 0.6),
            finding(20, 25, Kind::Date, 0.5),
            finding(14, 16, Kind::Phone, 0.5),
        ];
        resolve(&mut found, &[]);
        let ranges: Vec<_> = found.iter().map(|f| (f.start, f.end, f.kind)).collect();
        assert_eq!(ranges, [(0, 14, Kind::Ip), (14, 16, Kind::Phone), (20, 25, Kind::Date)]);
    }

    #[test]
    fn a_part_inside_does_not_rename_the_whole() {
        let mut found = vec![finding(0, 30, Kind::Url, 0.6), finding(10, 20, Kind::Email, 0.95)];
        resolve(&mut found, &[]);
        assert_eq!((found.len(), found[0].kind, found[0].end), (1, Kind::Url, 30));
    }

    #[test]
    fn placeholders_are_cut_out() {
        let mut found = vec![finding(0, 30, Kind::Url, 0.6)];
        resolve(&mut found, &[5..10, 20..30]);
        let ranges: Vec<_> = found.iter().map(|f| (f.start, f.end)).collect();
        assert_eq!(ranges, [(0, 5), (10, 20)]);
    }
}
