//! How far a record may go.

use clap::ValueEnum;
use records::{Code, Failure, Record};
use serde::Deserialize;

/// Privacy classes of providers, from near to far. A record goes to a provider of its own class
/// or of a nearer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// This machine.
    Local,
    /// Machines of people we trust, such as the family's server.
    Trusted,
    /// Anybody.
    Cloud,
}

impl Reach {
    /// The class of an address that nobody has classed: this machine, or anybody's.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        let uri = url.parse::<ureq::http::Uri>().ok();
        let host = uri.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if loopback || host.eq_ignore_ascii_case("localhost") { Self::Local } else { Self::Cloud }
    }

    /// What the record's own "privacy" and "private" allow, and not more than `most`. What they
    /// say must be understood: a record that is marked in a way that we do not know goes nowhere.
    pub(crate) fn of_record(record: &Record, most: Self) -> Result<Self, Failure> {
        let unknown = |e: &dyn std::fmt::Display| Failure::new(Code::Refused, e);
        let class: Option<Option<Self>> = record.get("privacy").map_err(|e| unknown(&e))?;
        let private: Option<Option<bool>> = record.get("private").map_err(|e| unknown(&e))?;
        let private = private.flatten().unwrap_or(false).then_some(Self::Local);
        let marks = class.flatten().into_iter().chain(private);
        Ok(marks.fold(most, Self::min))
    }

    /// As it is written in flags and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Trusted => "trusted",
            Self::Cloud => "cloud",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local_by_itself() {
        for near in ["http://localhost:8080/v1", "http://127.0.0.1/v1", "http://[::1]:1/v1"] {
            assert_eq!(Reach::of_url(near), Reach::Local, "{near}");
        }
        for far in
            ["http://attic.local/v1", "http://192.168.0.2/v1", "https://localhost.example/v1", "x"]
        {
            assert_eq!(Reach::of_url(far), Reach::Cloud, "{far}");
        }
    }

    #[test]
    fn the_nearest_mark_counts_and_an_unknown_one_stops() {
        let of =
            |json: &str| Reach::of_record(&Record::parse(json.as_bytes()).unwrap(), Reach::Cloud);
        assert_eq!(of("{}"), Ok(Reach::Cloud));
        assert_eq!(of("{\"privacy\":\"trusted\"}"), Ok(Reach::Trusted));
        assert_eq!(of("{\"privacy\":\"cloud\",\"private\":true}"), Ok(Reach::Local));
        assert_eq!(of("{\"private\":false,\"privacy\":null}"), Ok(Reach::Cloud));
        for bad in ["{\"privacy\":\"secret\"}", "{\"private\":\"yes\"}", "{\"privacy\":1}"] {
            assert_eq!(of(bad).unwrap_err().code, Code::Refused, "{bad}");
        }
        let record = Record::parse(b"{\"privacy\":\"cloud\"}").unwrap();
        assert_eq!(Reach::of_record(&record, Reach::Trusted), Ok(Reach::Trusted));
    }
}
