use std::fmt;
use std::str::FromStr;

/// A host as a user writes it: `attic`, `user@attic`, `attic:2222`, `[::1]:22`; `:` is this
/// machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostName {
    /// This machine, without any connection.
    Local,
    /// A name for ssh.
    Remote {
        /// The user there, when one is named.
        user: Option<String>,
        /// A name that ssh resolves, or an address.
        host: String,
        /// The port, when one is named.
        port: Option<u16>,
    },
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no host: {reason}", .text.escape_default())]
pub struct NameError {
    text: String,
    reason: &'static str,
}

impl FromStr for HostName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = |reason| NameError { text: text.to_owned(), reason };
        if text == ":" {
            return Ok(Self::Local);
        }
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
            let (host, after) = inner.split_once(']').ok_or_else(|| bad("'[' without ']'"))?;
            if !host.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.') {
                return Err(bad("an address stands between brackets"));
            }
            let port = after.strip_prefix(':');
            if port.is_none() && !after.is_empty() {
                return Err(bad("after ']' comes ':' and a port"));
            }
            (host, port)
        } else {
            match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        let port = match port {
            None => None,
            Some(port) => {
                let number = port.parse::<u16>().ok().filter(|n| *n > 0);
                Some(number.ok_or_else(|| bad("the port is no number from 1 to 65535"))?)
            }
        };
        for part in user.iter().copied().chain([host]) {
            check(part).map_err(bad)?;
        }
        if !rest.starts_with('[') && host.contains(':') {
            return Err(bad("an IPv6 address stands between brackets"));
        }
        Ok(Self::Remote { user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

/// Letters, digits and `._-:`, not beginning with a dash: nothing that a shell, ssh or a file
/// system takes for something else.
fn check(part: &str) -> Result<(), &'static str> {
    if part.is_empty() {
        return Err("a part of it is empty");
    }
    if part.starts_with('-') {
        return Err("it begins with a dash");
    }
    if part.len() > 255 {
        return Err("it is too long");
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
    if !part.chars().all(is_plain) {
        return Err("it has a character that no host or user has");
    }
    Ok(())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Remote { user, host, port } = self else { return f.write_str(":") };
        if let Some(user) = user {
            write!(f, "{user}@")?;
        }
        match (host.contains(':'), port) {
            (true, _) => write!(f, "[{host}]")?,
            (false, _) => f.write_str(host)?,
        }
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_a_host_and_what_is_not() {
        let good =
            [":", "attic", "me@attic", "me@attic:2222", "a-b_c.example", "[::1]:22", "[fe80::1]"];
        for text in good {
            assert_eq!(text.parse::<HostName>().unwrap().to_string(), text);
        }
        let bad = [
            "",
            "-oProxyCommand=x",
            "a b",
            "a;b",
            "$(x)",
            "a:0",
            "a:99999",
            "@a",
            "me@",
            "me@-x",
            "-x@a",
            "::1",
            "a:b",
            "[x]",
            "[::1]x",
            "a\nb",
            "`x`",
            "a|b",
            "a/b",
            "a'b",
        ];
        for text in bad {
            assert!(text.parse::<HostName>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_taken_is_plain(text in ".{0,40}") {
            if let Ok(name) = text.parse::<HostName>() {
                let again: HostName = name.to_string().parse().unwrap();
                prop_assert_eq!(again, name);
                prop_assert!(!text.starts_with('-') && !text.contains([' ', ';', '$', '\'', '"', '`', '\n']));
            }
        }
    }
}
