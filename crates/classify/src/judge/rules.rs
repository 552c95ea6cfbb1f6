//! The rules that a model is given, in prose: our own, and what an organisation adds.

use std::sync::LazyLock;

use serde::Deserialize;

/// Stands for the built-in entries of a slot.
const DEFAULTS: &str = "$defaults";

/// Rules in prose, by what they are for. In each slot `"$defaults"` stands for the built-in entries; a slot
/// that does not have it replaces them, but for `hard_deny`, of which the built-in ones always stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slots {
    /// What is ours and trusted: repositories, hosts, places, people.
    pub environment: Vec<String>,
    /// What is fine although a rule below seems to speak against it.
    pub allow: Vec<String>,
    /// What needs the user to have named operation and target.
    pub soft_deny: Vec<String>,
    /// What no word of the user clears.
    pub hard_deny: Vec<String>,
}

impl Default for Slots {
    fn default() -> Self {
        let slot = || vec![DEFAULTS.to_owned()];
        Self { environment: slot(), allow: slot(), soft_deny: slot(), hard_deny: slot() }
    }
}

/// The built-in rules: `data/judge.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuiltIn {
    pub(super) instructions: String,
    pub(super) first_question: String,
    pub(super) second_question: String,
    pub(super) subagent_return: String,
    /// What only somebody writes in a command who means a judge.
    pub(super) forms: Vec<String>,
    environment: Vec<String>,
    allow: Vec<String>,
    soft_deny: Vec<String>,
    hard_deny: Vec<String>,
}

/// The built-in rules, which a test has read.
pub(super) fn built_in() -> Option<&'static BuiltIn> {
    static READ: LazyLock<Option<BuiltIn>> =
        LazyLock::new(|| toml::from_str(include_str!("../../data/judge.toml")).ok());
    READ.as_ref()
}

impl Slots {
    /// The slots with the built-in entries in their places, in the order in which they are read.
    pub fn spliced(&self) -> [(&'static str, Vec<String>); 4] {
        let of =
            |pick: fn(&BuiltIn) -> &Vec<String>| built_in().map(pick).cloned().unwrap_or_default();
        let mut hard = splice(&self.hard_deny, &of(|it| &it.hard_deny));
        if !self.hard_deny.iter().any(|entry| entry == DEFAULTS) {
            hard.splice(0..0, of(|it| &it.hard_deny));
        }
        [
            ("environment", splice(&self.environment, &of(|it| &it.environment))),
            ("hard_deny", hard),
            ("soft_deny", splice(&self.soft_deny, &of(|it| &it.soft_deny))),
            ("allow", splice(&self.allow, &of(|it| &it.allow))),
        ]
    }
}

fn splice(entries: &[String], defaults: &[String]) -> Vec<String> {
    let each = entries.iter().flat_map(|entry| match entry == DEFAULTS {
        true => defaults.to_vec(),
        false => vec![entry.clone()],
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_can_be_read_and_stand_where_they_are_wanted() {
        let built_in = built_in().expect("data/judge.toml");
        let slots: Slots = toml::from_str(
            "environment = ['$defaults', 'our forge is forge.example']\nallow = ['notes may go to the wiki']\n\
             hard_deny = ['the ledger is never touched']",
        )
        .unwrap();
        let [(_, environment), (_, hard), (_, soft), (_, allow)] = slots.spliced();
        assert_eq!(environment.len(), built_in.environment.len() + 1);
        assert_eq!(allow, ["notes may go to the wiki"]);
        assert_eq!(soft, built_in.soft_deny);
        assert_eq!(hard.len(), built_in.hard_deny.len() + 1, "hard rules are only added to");
        assert!(toml::from_str::<Slots>("allowed = []").is_err());
    }
}
