//! Who let a call run or stopped it.
//!
//! Versions since 2.1 record it beside the result. Two traps: `toolDenialKind` says `user-rejected`
//! also where no person was there to be asked, so `permissionDecision.source` goes first; and in
//! older versions there is only the text of the refusal.

use serde_json::{Map, Value};

use crate::transcript::reader::{flag, string};
use crate::transcript::{Decider, PersonOutcome};

/// Refusals by a person, in the words of older versions.
const BY_PERSON: &[&str] = &[
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "[Request interrupted by user",
    "User rejected tool use",
];

/// Before what a person typed when refusing.
const WORDS: &[&str] =
    &["the user said:\n", "The user provided the following reason for the rejection: "];

/// What the result's line tells, and whether it is recorded rather than read from the text.
pub(super) fn outcome(
    line: &Map<String, Value>,
    text: &str,
    is_error: bool,
) -> Option<(PersonOutcome, bool)> {
    if let Some(record) = line.get("permissionDecision").and_then(Value::as_object) {
        return recorded(line, record).map(|outcome| (outcome, true));
    }
    if let Some(kind) = string(line, "toolDenialKind") {
        let by = match kind {
            // Nobody can refuse where nobody is.
            "user-rejected" if is_headless(line) => Decider::Config,
            "user-rejected" | "interrupted" => Decider::Person,
            "permission-rule" => Decider::Rule,
            kind if kind.starts_with("automode-") => Decider::Classifier,
            _ => Decider::Unknown,
        };
        return Some((PersonOutcome { accepted: false, by }, false));
    }
    if is_error { refusal(line, text).map(|outcome| (outcome, false)) } else { None }
}

fn recorded(line: &Map<String, Value>, record: &Map<String, Value>) -> Option<PersonOutcome> {
    let accepted = match string(record, "decision")? {
        "accept" | "allow" => true,
        "reject" | "deny" => false,
        _ => return None,
    };
    let by_rule = record.contains_key("ruleSource")
        || string(record, "reasonType") == Some("rule")
        || string(line, "toolDenialKind") == Some("permission-rule");
    let by = match string(record, "source").unwrap_or_default() {
        "user_temporary" | "user_permanent" | "user_reject" | "user_abort" => Decider::Person,
        "hook" => Decider::Hook,
        "classifier" => Decider::Classifier,
        "config" if by_rule => Decider::Rule,
        "config" => Decider::Config,
        _ => Decider::Unknown,
    };
    Some(PersonOutcome { accepted, by })
}

/// What the text of a failed call says. Good enough to count, not to trust.
fn refusal(line: &Map<String, Value>, text: &str) -> Option<PersonOutcome> {
    let by = if BY_PERSON.iter().any(|start| text.starts_with(start)) {
        if is_headless(line) { Decider::Config } else { Decider::Person }
    } else if text.starts_with("Permission to use ") && text.contains("has been denied") {
        if text.contains("classifier") { Decider::Classifier } else { Decider::Rule }
    } else if text.starts_with("Permission for this action") {
        Decider::Classifier
    } else if text.starts_with("Permission for this tool use was denied")
        || text.starts_with("Claude requested permissions ")
    {
        Decider::Config
    } else if is_hook_error(text) {
        Decider::Hook
    } else {
        return None;
    };
    Some(PersonOutcome { accepted: false, by })
}

/// `PreToolUse:Bash hook error: …`, `PreToolUse:Bash [command] hook returned blocking error`.
fn is_hook_error(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("PreToolUse:")
        && (first.contains(" hook error") || first.contains("hook returned blocking error"))
        || first.starts_with("Hook PreToolUse:") && first.contains(" denied this tool")
}

/// Started by a program, with nobody at a prompt.
fn is_headless(line: &Map<String, Value>) -> bool {
    string(line, "entrypoint").is_some_and(|entrypoint| entrypoint.starts_with("sdk"))
        && !flag(line, "interactive")
}

/// What a person typed when refusing a call.
pub(super) fn words_of_refusal(text: &str) -> Option<&str> {
    if !BY_PERSON.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let (at, marker) =
        WORDS.iter().filter_map(|marker| Some((text.find(marker)?, marker))).min()?;
    let words = text.get(at + marker.len()..)?.trim();
    // The harness' own words on questions that were left open.
    let is_template = words.starts_with("The user wants to clarify these questions");
    (!words.is_empty() && !is_template).then_some(words)
}
