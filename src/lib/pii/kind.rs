use std::fmt;
use std::str::FromStr;

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A human being's name.
    Person,
    /// A company, authority, school, club.
    Organisation,
    /// A town, region, country.
    Place,
    /// Street and number, postcode and town.
    Address,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// An account number with country and check digits (ISO 13616).
    Iban,
    /// A payment card's number (ISO/IEC 7812).
    Card,
    /// A number that a state or its insurance gives a person.
    NationalId,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A network card's address.
    Mac,
    /// A web address.
    Url,
    /// A name to log in with, or a handle.
    Username,
    /// A password.
    Password,
    /// An API key, a token, a private key.
    Secret,
    /// A date on which somebody was born.
    BirthDate,
    /// Any other date, with its time.
    Date,
    /// Money.
    Amount,
    /// A vehicle's registration.
    Plate,
    /// Latitude and longitude.
    Coordinates,
    /// A cryptocurrency's address.
    Wallet,
    /// A kind of the user's, by its place in [`crate::Settings::own`].
    Own(u16),
}

/// No kind has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind '{name}'; there are: {known}", known = Kind::names())]
pub struct UnknownKind {
    name: String,
}

impl Kind {
    /// Every kind that needs no setting, in the order of the documentation.
    pub const ALL: [Self; 21] = [
        Self::Person,
        Self::Organisation,
        Self::Place,
        Self::Address,
        Self::Email,
        Self::Phone,
        Self::Iban,
        Self::Card,
        Self::NationalId,
        Self::Ip,
        Self::Mac,
        Self::Url,
        Self::Username,
        Self::Password,
        Self::Secret,
        Self::BirthDate,
        Self::Date,
        Self::Amount,
        Self::Plate,
        Self::Coordinates,
        Self::Wallet,
    ];

    /// Its name; none for one of the user's.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Place => "place",
            Self::Address => "address",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::NationalId => "national_id",
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::Url => "url",
            Self::Username => "username",
            Self::Password => "password",
            Self::Secret => "secret",
            Self::BirthDate => "birth_date",
            Self::Date => "date",
            Self::Amount => "amount",
            Self::Plate => "plate",
            Self::Coordinates => "coordinates",
            Self::Wallet => "wallet",
            Self::Own(_) => return None,
        })
    }

    /// Whether it is found by words and context instead of a pattern.
    pub fn is_name(self) -> bool {
        matches!(self, Self::Person | Self::Organisation | Self::Place | Self::Address)
    }

    fn names() -> String {
        Self::ALL.iter().filter_map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn bit(self) -> u32 {
        let at = Self::ALL.iter().position(|kind| *kind == self);
        at.map_or(0, |at| 1 << at)
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == Some(name));
        found.ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.name()) {
            (_, Some(name)) => f.write_str(name),
            (Self::Own(number), None) => write!(f, "own kind {number}"),
            (_, None) => Err(fmt::Error),
        }
    }
}
