//! Lines that are no records yet: what `mosquitto_sub -v`, `vmstat` and tables say.

mod columns;
mod csv;
mod mosquitto;

use clap::ValueEnum;
use records::{Malformed, Record, Text};

pub(crate) use columns::Columns;
pub(crate) use csv::Csv;

/// What input lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// JSON lines: records.
    #[default]
    Json,
    /// JSON lines of journalctl -o json.
    Journal,
    /// mosquitto_sub -v: a topic, a space, a payload.
    Mosquitto,
    /// Columns under a header, separated by spaces, as vmstat and df write them.
    Columns,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// The same with tabs.
    Tsv,
}

/// Makes records from lines.
pub(crate) enum Format {
    /// They are records.
    Records,
    Mosquitto,
    Columns(Columns),
    Csv(Csv),
}

/// What became of a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// A record; none where the line is one.
    Record(Option<Record>),
    /// The names of columns: the line, to be remembered.
    Header(String),
    /// A part of something that the next line goes on with.
    Part,
    /// Nothing: a blank line.
    Nothing,
    /// None of that.
    Bad(Vec<u8>, Malformed),
}

impl Format {
    pub(crate) fn new(from: From, names: Vec<String>, header: &str) -> Self {
        match from {
            From::Json | From::Journal => Self::Records,
            From::Mosquitto => Self::Mosquitto,
            From::Columns => Self::Columns(Columns::new(names, header)),
            From::Csv => Self::Csv(Csv::new(b',', names, header)),
            From::Tsv => Self::Csv(Csv::new(b'\t', names, header)),
        }
    }

    /// A row that was not complete when the input ended.
    pub(crate) fn rest(&mut self) -> Option<String> {
        match self {
            Self::Csv(csv) => csv.rest(),
            _ => None,
        }
    }

    /// Takes what the driver read: a record, or a text that is a line.
    pub(crate) fn take(&mut self, record: &Record) -> Taken {
        if matches!(self, Self::Records) {
            return Taken::Record(None);
        }
        let line = match record.get::<Text>("text") {
            Ok(Some(Text::Utf8(line))) => line,
            Ok(Some(Text::Bytes(bytes))) => {
                return Taken::Bad(bytes, Malformed::json("the line is not UTF-8"));
            }
            // An error record of another program: the driver has passed it already.
            _ => return Taken::Record(None),
        };
        self.line(&line)
    }

    pub(crate) fn line(&mut self, line: &str) -> Taken {
        let taken = match self {
            Self::Records => Ok(Taken::Record(None)),
            Self::Mosquitto => mosquitto::record(line),
            Self::Columns(columns) => columns.take(line),
            Self::Csv(csv) => csv.take(line),
        };
        taken.unwrap_or_else(|e| Taken::Bad(line.as_bytes().to_vec(), e))
    }
}

/// A record with these names and values, the values as JSON.
fn record<'n>(members: impl Iterator<Item = (&'n str, String)>) -> Result<Taken, Malformed> {
    let mut json = String::from("{");
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&serde_json::Value::from(name).to_string());
        json.push(':');
        json.push_str(&value);
    }
    json.push('}');
    Record::parse(json.as_bytes()).map(|record| Taken::Record(Some(record)))
}

/// Names for columns: each once, none empty.
fn names(cells: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, cell) in cells.enumerate() {
        let base = if cell.is_empty() { format!("column{}", number + 1) } else { cell };
        let mut name = base.clone();
        let mut count = 1;
        while names.contains(&name) {
            count += 1;
            name = format!("{base}_{count}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The records that lines become, as JSON; failures by their reasons.
    fn read(from: From, lines: &str) -> Vec<String> {
        let mut format = Format::new(from, Vec::new(), "");
        let taken = lines.lines().map(|line| format.line(line));
        taken
            .filter_map(|taken| match taken {
                Taken::Record(record) => Some(record.unwrap().as_str().to_owned()),
                Taken::Bad(_, malformed) => Some(malformed.reason),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn topics_and_payloads() {
        let lines = "home/t 21.5\nhome/door open\nhome/j {\"a\": 1}\nx (null)\ny 007\nz two words\nempty \nbad\n";
        let expected = [
            r#"{"topic":"home/t","payload":21.5}"#,
            r#"{"topic":"home/door","payload":"open"}"#,
            r#"{"topic":"home/j","payload":{"a": 1}}"#,
            r#"{"topic":"x","payload":null}"#,
            r#"{"topic":"y","payload":"007"}"#,
            r#"{"topic":"z","payload":"two words"}"#,
            r#"{"topic":"empty","payload":null}"#,
            "a topic without a payload: mosquitto_sub -v prints both",
        ];
        assert_eq!(read(From::Mosquitto, lines), expected);
    }

    #[test]
    fn vmstat_repeats_its_headers() {
        let screen = "procs -----------memory---------- ---swap--\n r  b   swpd   free\n";
        let lines = format!(
            "{screen} 1  0      0 123456\n 2  0      0 123\n{screen} 3  0      0 -\n 1 2\n"
        );
        let expected = [
            r#"{"r":1,"b":0,"swpd":0,"free":123456}"#,
            r#"{"r":2,"b":0,"swpd":0,"free":123}"#,
            r#"{"r":3,"b":0,"swpd":0,"free":"-"}"#,
            "the line has 2 columns, the header 4",
        ];
        assert_eq!(read(From::Columns, &lines), expected);
    }

    #[test]
    fn columns_after_a_blank_line_have_a_header_of_their_own() {
        let lines = "Linux 6.1 (host)\n\nDevice tps\nsda 1.5\n\nName a a\nx 1 2 and more\n";
        let expected =
            [r#"{"Device":"sda","tps":1.5}"#, r#"{"Name":"x","a":1,"a_2":"2 and more"}"#];
        assert_eq!(read(From::Columns, lines), expected);
    }

    #[test]
    fn tables_with_quotes_and_line_ends() {
        let lines = "name,n,,n\n\"a, \"\"b\"\"\nc\",1,,x\nname,n,,n\nshort,1\nlast,1e3,0,01\n";
        let expected = [
            r#"{"name":"a, \"b\"\nc","n":1,"column3":null,"n_2":"x"}"#,
            "the line has 2 cells, the header 4",
            r#"{"name":"last","n":1e3,"column3":0,"n_2":"01"}"#,
        ];
        assert_eq!(read(From::Csv, lines), expected);
        assert_eq!(read(From::Tsv, "a\tb\n1\tx, y\n"), [r#"{"a":1,"b":"x, y"}"#]);
    }

    #[test]
    fn names_that_are_given_need_no_header() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        let mut csv = Format::new(From::Csv, names(), "");
        let Taken::Record(Some(record)) = csv.line("1,2") else { panic!() };
        assert_eq!(record.as_str(), r#"{"a":1,"b":2}"#);
        let mut columns = Format::new(From::Columns, names(), "");
        let Taken::Record(Some(record)) = columns.line("x y z") else { panic!() };
        assert_eq!(record.as_str(), r#"{"a":"x","b":"y z"}"#);
    }

    #[test]
    fn a_header_is_remembered_over_runs() {
        for (from, header, line) in [(From::Csv, "a,b", "1,2"), (From::Columns, "a b", "1 2")] {
            let mut first = Format::new(from, Vec::new(), "");
            assert_eq!(first.line(header), Taken::Header(header.into()));
            let mut second = Format::new(from, Vec::new(), header);
            let Taken::Record(Some(record)) = second.line(line) else { panic!() };
            assert_eq!(record.as_str(), r#"{"a":1,"b":2}"#);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn every_line_becomes_a_record_or_says_why(
            lines in prop::collection::vec("[-a1. ,\t\"\\\\{}\u{e9}]{0,24}|.{0,20}", 0..12),
        ) {
            for from in [From::Mosquitto, From::Columns, From::Csv, From::Tsv] {
                let mut format = Format::new(from, Vec::new(), "");
                for line in &lines {
                    match format.line(line) {
                        Taken::Record(record) => {
                            let record = record.expect("a new record");
                            // Only JSON, and every name once.
                            let value: serde_json::Value =
                                serde_json::from_str(record.as_str()).unwrap();
                            let count = record.members().count();
                            prop_assert_eq!(value.as_object().unwrap().len(), count);
                        }
                        Taken::Bad(bytes, malformed) => {
                            prop_assert!(!malformed.reason.is_empty());
                            prop_assert!(!bytes.is_empty());
                        }
                        Taken::Header(_) | Taken::Part | Taken::Nothing => {}
                    }
                }
            }
        }
    }
}
