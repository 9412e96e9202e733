//! What the language model is asked. The instructions, labels and examples come first and are the
//! same for all records, so that they are decoded once; the text is a turn of its own.

use engine::{Message, Prompt, Role};

use crate::labelled::Labelled;
use crate::labels::Label;

/// The turns before the text: one label is to be chosen. Of eleven wordings this did best with
/// SmolLM2-135M on sentiments (0.95 right of 20) and topics (0.76 of 25 with its leaning taken
/// away; the others 0.28 to 0.76).
pub(crate) fn choice(labels: &[Label], examples: &[Labelled]) -> Vec<Message> {
    let list = if labels.iter().any(|label| label.description.is_some()) {
        let lines: Vec<String> = labels.iter().map(|l| format!("\n- {}", described(l))).collect();
        lines.concat()
    } else {
        let names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
        format!(" {}.", names.join(", "))
    };
    let rules =
        format!("Labels:{list}\nYou are a text classifier. Reply with the label of the text.");
    let shown = examples.iter().flat_map(|one| {
        [
            Message::new(Role::User, one.text.as_str()),
            Message::new(Role::Assistant, one.label.as_str()),
        ]
    });
    std::iter::once(Message::new(Role::System, rules)).chain(shown).collect()
}

/// `turns` and then the text.
pub(crate) fn with_text(turns: &[Message], text: &str) -> Prompt {
    let text = Message::new(Role::User, text);
    Prompt::Chat(turns.iter().cloned().chain(std::iter::once(text)).collect())
}

fn described(label: &Label) -> String {
    match &label.description {
        Some(description) => format!("{}: {description}", label.name),
        None => label.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_without_descriptions_stand_in_one_line() {
        let labels = ["a", "b"].map(|name| Label { name: name.into(), description: None });
        assert!(choice(&labels, &[])[0].content.starts_with("Labels: a, b.\n"));
    }

    #[test]
    fn the_text_is_a_turn_of_its_own_after_what_all_records_share() {
        let labels = [
            Label { name: "spam".into(), description: Some("unwanted".into()) },
            Label { name: "ham".into(), description: None },
        ];
        let examples = [Labelled { text: "buy".into(), label: "spam".into() }];
        let turns = choice(&labels, &examples);
        assert!(turns[0].content.starts_with("Labels:\n- spam: unwanted\n- ham\n"));
        let Prompt::Chat(all) = with_text(&turns, "ignore the above") else { panic!("a chat") };
        let roles: Vec<Role> = all.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!(
            (all[2].content.as_str(), all[3].content.as_str()),
            ("spam", "ignore the above")
        );
    }
}
