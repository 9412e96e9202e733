//! Providers by name, and what their models cost: data that the user can lay over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Api, LimitKey, Structured};
use crate::cost::Price;
use crate::reach::Reach;

/// What comes with the program.
const BUILT_IN: &str = include_str!("prices.toml");

/// A price list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in the list of providers: {0}")]
pub struct BadPresets(String);

/// What is known of a provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Base of the address.
    pub url: Option<String>,
    /// Name of the environment variable that holds the key, for those that want one.
    pub key_env: Option<String>,
    /// The model that is asked when nobody says which.
    pub model: Option<String>,
    /// Name of the file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Command that prints the key.
    pub key_command: Option<String>,
    /// The interface it speaks.
    pub api: Option<Api>,
    /// How the answer's limit is called.
    pub limit_key: Option<LimitKey>,
    /// How it is told of a schema.
    pub structured: Option<Structured>,
    /// Tokens of a request and its answer together.
    pub context: Option<u64>,
    /// How far away it is.
    pub privacy: Option<Reach>,
    /// The proxy on the way there.
    pub proxy: Option<String>,
    /// Certificates that are trusted instead of the well-known ones.
    pub ca: Option<PathBuf>,
    /// Nothing can be charged.
    pub free: Option<bool>,
    /// Prices by model.
    #[serde(default)]
    prices: BTreeMap<String, Dated>,
}

/// A price and the day it was announced.
#[derive(Clone, Debug, Deserialize)]
struct Dated {
    #[serde(flatten)]
    price: Price,
    date: Option<String>,
}

impl Preset {
    /// What a model costs; `None` when nobody said, and then no money may be spent on it.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        let listed = self.prices.get(model).map(|dated| dated.price);
        listed.or(self.free.unwrap_or(false).then_some(Price::FREE))
    }

    /// The day (`2025-04-14`) of a model's price, where the list says it.
    #[must_use]
    pub fn price_date(&self, model: &str) -> Option<&str> {
        self.prices.get(model)?.date.as_deref()
    }
}

/// The list of providers.
#[derive(Clone, Debug)]
pub struct Presets(BTreeMap<String, Preset>);

impl Presets {
    /// The built-in list with the user's (TOML of the same form) laid over it: fields that the
    /// user gives replace ours one by one, prices model by model.
    ///
    /// # Errors
    /// [`BadPresets`] with the place in the text.
    pub fn new(user: Option<&str>) -> Result<Self, BadPresets> {
        let mut all = parse(BUILT_IN)?;
        for (name, theirs) in user.map(parse).transpose()?.unwrap_or_default() {
            let ours = all.entry(name).or_default();
            // A provider that moved to another address is no longer known to be free.
            let moved = theirs.url.is_some();
            ours.free = theirs.free.or(if moved { None } else { ours.free });
            ours.url = theirs.url.or(ours.url.take());
            // Whichever way to the key the user names is the only one.
            if theirs.key_env.is_some() || theirs.key_file.is_some() || theirs.key_command.is_some()
            {
                (ours.key_env, ours.key_file, ours.key_command) =
                    (theirs.key_env, theirs.key_file, theirs.key_command);
            }
            ours.api = theirs.api.or(ours.api);
            ours.structured = theirs.structured.or(ours.structured);
            ours.context = theirs.context.or(ours.context);
            ours.privacy = theirs.privacy.or(if moved { None } else { ours.privacy });
            ours.proxy = theirs.proxy.or(ours.proxy.take());
            ours.ca = theirs.ca.or(ours.ca.take());
            ours.model = theirs.model.or(ours.model.take());
            ours.limit_key = theirs.limit_key.or(ours.limit_key);
            ours.prices.extend(theirs.prices);
        }
        Ok(Self(all))
    }

    /// One provider.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Preset> {
        self.0.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, Preset>, BadPresets> {
    toml::from_str(text).map_err(|e| BadPresets(e.to_string().trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_is_complete() {
        let presets = Presets::new(None).unwrap();
        for name in presets.names() {
            let preset = presets.get(name).unwrap();
            let url = preset.url.as_deref().unwrap();
            assert!(preset.model.is_some(), "{name}");
            let local = url.starts_with("http://localhost:");
            assert!(local || url.starts_with("https://"), "{name}");
            assert_eq!(local, preset.free == Some(true), "{name}");
            assert_eq!(local, preset.key_env.is_none(), "{name}");
            for (model, dated) in &preset.prices {
                assert!(!dated.price.is_free(), "{model}");
                assert!(dated.date.is_some(), "{model}");
            }
        }
        let openai = presets.get("openai").unwrap();
        assert_eq!(openai.price("gpt-4o-mini").unwrap().cost(1, 0).unwrap().get(), 150);
        assert_eq!(openai.price("gpt-unheard-of"), None);
        assert_eq!(presets.get("ollama").unwrap().price("any"), Some(Price::FREE));
    }

    #[test]
    fn the_user_has_the_last_word() {
        let user = "[openai.prices.new]\ninput = \"1\"\noutput = \"2.5\"\n\
                    [family]\nurl = \"https://family.example/v1\"\n\
                    [ollama]\nurl = \"https://paid.example/v1\"\n";
        let presets = Presets::new(Some(user)).unwrap();
        let openai = presets.get("openai").unwrap();
        assert!(openai.price("new").is_some() && openai.price("gpt-4o-mini").is_some());
        assert_eq!(openai.key_env.as_deref(), Some("OPENAI_API_KEY"));
        assert_eq!(presets.get("family").unwrap().price("x"), None);
        assert_eq!(presets.get("ollama").unwrap().price("x"), None);
    }

    #[test]
    fn a_wrong_list_is_refused() {
        for bad in [
            "[x]\nurll = \"a\"",
            "[x.prices.m]\ninput = 0.1\noutput = 0.2",
            "[x.prices.m]\ninput = \"-1\"\noutput = \"2\"",
            "nonsense",
        ] {
            assert!(Presets::new(Some(bad)).is_err(), "{bad}");
        }
    }
}
