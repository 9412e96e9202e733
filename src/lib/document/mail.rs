//! Mail (RFC 5322, MIME): headers, the body as text, attachments as documents inside this one.

use std::path::Path;

use mail_parser::{
    Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};

use crate::document::{BoundedText, Child, Document, Headers};
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::{html, text};

/// Addresses of one header that are kept.
const MAX_ADDRESSES: usize = 1_000;

/// Mails in mails that the parser may build: dropping them recurses.
const MAX_NESTED: usize = 1_000;

/// Reads one mail.
///
/// # Errors
/// [`ExtractError::Corrupt`] when there is no header, [`ExtractError::TooLarge`],
/// [`ExtractError::Timeout`].
pub(crate) fn extract(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    budget.check_time()?;
    if memchr::memmem::find_iter(bytes, b"message/rfc822").nth(MAX_NESTED).is_some() {
        return Err(ExtractError::TooLarge { what: "mails in one mail", limit: MAX_NESTED as u64 });
    }
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| ExtractError::corrupt("it has no mail header"))?;
    read(&message, budget)
}

fn read(message: &Message<'_>, budget: &Budget) -> Result<Document, ExtractError> {
    let limit = budget.limits.max_objects;
    if message.parts.len() > limit {
        return Err(ExtractError::TooLarge { what: "parts", limit: limit as u64 });
    }
    let headers = headers(message);
    let mut body = BoundedText::new(budget.limits.max_text);
    for part in message.text_bodies() {
        let text = match &part.body {
            PartType::Text(text) => text::unix_lines(text).into_owned(),
            PartType::Html(markup) => html::extract_str(markup, true, budget)?.text,
            _ => continue,
        };
        if body.len() > 0 && !body.as_str().ends_with('\n') {
            body.push("\n");
        }
        body.push(&text);
    }
    let (children, cut) = children(message, budget)?;
    let language = message.header("Content-Language").and_then(HeaderValue::as_text);
    Ok(Document {
        mime: "message/rfc822",
        title: headers.subject.clone(),
        authors: headers.from.clone(),
        created: headers.date.clone(),
        language: language.map(str::to_owned),
        truncated: body.truncated() || cut,
        text: body.into_string(),
        headers: Some(headers),
        children,
        ..Document::default()
    })
}

fn headers(message: &Message<'_>) -> Headers {
    Headers {
        from: addresses(message.from()),
        to: addresses(message.to()),
        cc: addresses(message.cc()),
        date: message.date().filter(|date| date.is_valid()).map(|date| date.to_rfc3339()),
        subject: message.subject().map(str::to_owned).filter(|subject| !subject.is_empty()),
        message_id: message.message_id().map(str::to_owned),
        in_reply_to: message.in_reply_to().as_text().map(str::to_owned),
    }
}

fn addresses(address: Option<&Address<'_>>) -> Vec<String> {
    let all = address.into_iter().flat_map(Address::iter).take(MAX_ADDRESSES);
    all.filter_map(|addr| match (addr.name(), addr.address()) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (_, Some(address)) => Some(address.to_owned()),
        (Some(name), None) => Some(name.to_owned()),
        (None, None) => None,
    })
    .collect()
}

/// The attachments, and whether some were left out.
fn children(message: &Message<'_>, budget: &Budget) -> Result<(Vec<Child>, bool), ExtractError> {
    let mut children = Vec::new();
    for part in message.attachments() {
        if children.len() == budget.limits.max_children {
            return Ok((children, true));
        }
        budget.check_time()?;
        let (name, declared) = (part.attachment_name().map(str::to_owned), declared_mime(part));
        let outcome = child(part, name.as_deref(), &budget.child());
        let id = records::content_id(part.contents());
        children.push(Child { id, name, declared_mime: declared, bytes: part.len(), outcome });
    }
    Ok((children, false))
}

fn child(
    part: &MessagePart<'_>,
    name: Option<&str>,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    budget.check_depth()?;
    match &part.body {
        PartType::Message(message) => read(message, budget),
        // Text has been decoded by the charset that the part declares: it is not detected again.
        PartType::Text(text) => Ok(text::extract(text.as_bytes(), "text/plain", budget)),
        PartType::Html(markup) => html::extract_str(markup, false, budget),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            crate::extract_within(bytes, name.map(Path::new), budget)
        }
        PartType::Multipart(_) => Err(ExtractError::corrupt("an attachment of parts has no bytes")),
    }
}

fn declared_mime(part: &MessagePart<'_>) -> Option<String> {
    let declared = part.content_type()?;
    Some(match declared.subtype() {
        Some(subtype) => format!("{}/{subtype}", declared.ctype()),
        None => declared.ctype().to_owned(),
    })
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
