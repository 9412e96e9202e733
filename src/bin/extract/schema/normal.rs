//! Values in the form that standards give them.

use phonenumber::country::Id;
use serde_json::{Value, json};

use super::dates::{self, Order};
use super::folded::folded_value;
use super::money::Amount;
use super::phones;
use super::shape::Kind;

/// Where the texts come from: what a date, a sign for money or a phone number without a country
/// means there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    /// ISO 3166, two letters.
    pub(crate) name: Option<String>,
    pub(crate) id: Option<Id>,
    pub(crate) order: Order,
}

impl std::str::FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_uppercase();
        let id: Id =
            name.parse().map_err(|_| "not a region's two letters, such as DE".to_owned())?;
        Ok(Self { order: Order::of_region(&name), id: Some(id), name: Some(name) })
    }
}

/// A text in standard form: dates as ISO 8601, amounts with a code of ISO 4217, phone numbers as
/// E.164. None for other kinds, and where the text is not clearly one.
pub(crate) fn normalized(text: &str, kind: Kind, region: &Region) -> Option<Value> {
    let folded = || folded_value(text);
    match kind {
        Kind::Date => dates::normalized(&folded(), region.order).map(|date| json!(date)),
        Kind::Money => Amount::of(&folded(), region.name.as_deref()).map(|amount| amount.to_json()),
        Kind::Phone => phones::e164(&folded(), region.id).map(|number| json!(number)),
        Kind::Plain | Kind::Email | Kind::Url => None,
    }
}
