//! Names that every file system takes: FAT, exFAT and NTFS refuse what others allow, and a card or
//! a share may be any of them.

/// Longest name in bytes, short of what most systems allow (255): a number and extensions follow.
const LONGEST: usize = 200;

/// What Windows keeps for devices, whatever the extension.
const RESERVED: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// What stands between two values, and is dropped where one of them is not known.
pub(crate) fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | ' ' | '.' | ',')
}

/// A value made fit to be part of a name.
pub(crate) fn value(text: &str) -> String {
    let safe = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{fffd}' => '_',
        // Marks that turn the direction of what follows show another name than there is.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let text: String = text.chars().map(safe).collect();
    text.trim_matches(|c: char| c.is_whitespace() || c == '.').to_owned()
}

/// A name of a file or folder; none where nothing is left of it.
pub(crate) fn component(text: &str) -> Option<String> {
    let mut name = value(text);
    if let Some((at, _)) = name.char_indices().find(|(at, c)| at + c.len_utf8() > LONGEST) {
        name.truncate(at);
    }
    let kept = name.trim_end_matches(is_separator).len();
    name.truncate(kept);
    let kept = name.trim_start_matches([' ', '.', ',']).len();
    name.drain(..name.len() - kept);
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_port = port.is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
    if is_port || RESERVED.contains(&stem.as_str()) {
        name.insert(0, '_');
    }
    (!name.is_empty()).then_some(name)
}

/// The name by which a file system that folds case knows a path.
pub(crate) fn folded(path: &std::path::Path) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    path.to_string_lossy().nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_folder_or_harms_a_terminal() {
        assert_eq!(value("a/../b"), "a_.._b");
        assert_eq!(value(".."), "");
        assert_eq!(value("x\n\u{1b}[31m\u{202e}y"), "x__[31m_y");
        assert_eq!(component("con.jpg").as_deref(), Some("_con.jpg"));
        assert_eq!(component("lpt1").as_deref(), Some("_lpt1"));
        assert_eq!(component("contact").as_deref(), Some("contact"));
        assert_eq!(component(" .. ").as_deref(), None);
        assert_eq!(component("2024-").as_deref(), Some("2024"));
        let long = component(&"ü".repeat(300)).expect("a name");
        assert!(long.len() <= LONGEST && long.chars().all(|c| c == 'ü'));
        assert_eq!(folded("A/U\u{308}".as_ref()), folded("a/ü".as_ref()));
    }

    proptest::proptest! {
        #[test]
        fn every_name_is_one_safe_component(text in ".*") {
            if let Some(name) = component(&text) {
                proptest::prop_assert!(!name.is_empty() && name.len() <= LONGEST + 1);
                proptest::prop_assert!(!name.contains('/') && !name.starts_with('.'));
                proptest::prop_assert!(!name.chars().any(char::is_control));
                proptest::prop_assert_eq!(std::path::Path::new(&name).components().count(), 1);
            }
        }
    }
}
