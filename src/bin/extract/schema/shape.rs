//! A schema as extraction sees it: what a model is asked for, and how its answer is walked.

use serde_json::Value;

/// What a text says besides being text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing more.
    #[default]
    Plain,
    /// A day, `format: date`.
    Date,
    /// An amount of money, `format: money`.
    Money,
    /// A phone number, `format: phone`.
    Phone,
    /// A mail address, `format: email`.
    Email,
    /// An address on the web, `format: uri` or `url`.
    Url,
}

impl Kind {
    /// The kind that `format` names; formats that are not known say nothing.
    pub(crate) fn of_format(format: &str) -> Self {
        match format {
            "date" => Self::Date,
            "money" => Self::Money,
            "phone" => Self::Phone,
            "email" | "idn-email" => Self::Email,
            "uri" | "url" | "iri" => Self::Url,
            _ => Self::Plain,
        }
    }

    /// What the model is told of it.
    pub(crate) fn wish(self) -> &'static str {
        match self {
            Self::Plain => "text",
            Self::Date => "date as written",
            Self::Money => "amount with currency as written",
            Self::Phone => "phone number as written",
            Self::Email => "mail address",
            Self::Url => "web address",
        }
    }
}

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Any JSON.
    Any,
    /// Null.
    Null,
    /// True or false.
    Bool,
    /// A whole number; what the grammar can hold of its bounds is in them.
    Integer { bounds: Bounds },
    /// A number.
    Number { bounds: Bounds },
    /// A text of so many characters.
    Text { kind: Kind, least: Option<u64>, most: Option<u64> },
    /// One of some values.
    Choice(Vec<Value>),
    /// A list.
    List { items: Box<Shape>, least: u64, most: Option<u64>, unique: bool },
    /// An object with named properties.
    Object(Vec<Property>),
    /// An object with properties of any name.
    Map(Box<Shape>),
    /// A value of one of these shapes.
    OneOf(Vec<Shape>),
    /// The definition with this number.
    Defined(usize),
}

/// Least and most, as far as a grammar can hold them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) least: Option<i64>,
    pub(crate) most: Option<i64>,
}

/// A property of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// It must be there. One that need not be may be answered with null, and is left out then.
    pub(crate) required: bool,
    /// What the user says about it.
    pub(crate) description: Option<String>,
}

/// Shapes that refer to each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shapes {
    pub(crate) defined: Vec<Shape>,
}

/// Tokens of a value of no known length, for estimates.
const TEXT: usize = 40;

/// How deep definitions are followed, for estimates.
const DEPTH: usize = 3;

impl Shapes {
    /// The shape, definitions followed to something else.
    pub(crate) fn resolve<'a>(&'a self, mut shape: &'a Shape) -> &'a Shape {
        // A chain of definitions is no longer than there are definitions; circles are refused.
        for _ in 0..=self.defined.len() {
            match shape {
                Shape::Defined(number) => match self.defined.get(*number) {
                    Some(next) => shape = next,
                    None => return &Shape::Any,
                },
                other => return other,
            }
        }
        &Shape::Any
    }

    /// Whether null fulfils it.
    pub(crate) fn takes_null(&self, shape: &Shape) -> bool {
        match self.resolve(shape) {
            Shape::Any | Shape::Null => true,
            Shape::Choice(values) => values.contains(&Value::Null),
            Shape::OneOf(shapes) => shapes.iter().any(|one| self.takes_null(one)),
            _ => false,
        }
    }

    /// Leaves: values that are neither objects nor lists, a list's items counted once.
    pub(crate) fn leaves(&self, shape: &Shape) -> usize {
        self.measure(shape, 0, &mut |_| 1, 1)
    }

    /// About how many tokens a value takes, names included; a list or map of no known length is
    /// thought to have `list` items.
    pub(crate) fn tokens(&self, shape: &Shape, list: usize) -> usize {
        self.measure(
            shape,
            0,
            &mut |leaf| match leaf {
                Shape::Null | Shape::Bool => 3,
                Shape::Integer { .. } | Shape::Number { .. } => 16,
                Shape::Text { most: Some(most), .. } => {
                    // Three characters a token: fewer in some scripts, more in others.
                    usize::try_from(*most / 3).unwrap_or(TEXT).clamp(4, 400)
                }
                Shape::Choice(values) => {
                    values.iter().map(|v| v.to_string().len()).max().unwrap_or(1).min(400)
                }
                _ => TEXT,
            },
            list,
        )
    }

    fn measure(
        &self,
        shape: &Shape,
        depth: usize,
        leaf: &mut dyn FnMut(&Shape) -> usize,
        list: usize,
    ) -> usize {
        if depth > DEPTH * 4 {
            return 1;
        }
        match shape {
            Shape::Defined(number) => match self.defined.get(*number) {
                // Definitions may nest in themselves: each one costs depth.
                Some(next) => self.measure(next, depth + 4, leaf, list),
                None => 1,
            },
            Shape::List { items, most, .. } => {
                let count =
                    most.map_or(list, |most| list.min(usize::try_from(most).unwrap_or(list)));
                let brackets = if list == 1 { 0 } else { 2 };
                self.measure(items, depth + 1, leaf, list)
                    .saturating_mul(count.max(1))
                    .saturating_add(brackets)
            }
            Shape::Map(value) => {
                let name = if list == 1 { 0 } else { list };
                self.measure(value, depth + 1, leaf, list).saturating_add(name).saturating_mul(list)
            }
            Shape::Object(properties) => properties.iter().fold(0, |sum: usize, property| {
                let name = if list == 1 { 0 } else { 6 + property.name.len() / 2 };
                let value = self.measure(&property.shape, depth + 1, leaf, list);
                sum.saturating_add(name).saturating_add(value)
            }),
            Shape::OneOf(shapes) => {
                shapes.iter().map(|one| self.measure(one, depth + 1, leaf, list)).max().unwrap_or(1)
            }
            other => leaf(other),
        }
    }
}
