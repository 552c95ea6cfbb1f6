//! The arguments of tools whose code nobody can see: what each is, told from its name.

use ringfence_action::Text;
use serde_json::Value as Json;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Path,
    Url,
    Recipient,
    Shell,
    Sql,
    Python,
    Javascript,
    Code,
    Content,
    Target,
}

/// What a tool does, as far as a word of its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Look,
    None,
    Change,
    Destroy,
    Message,
    Pay,
    Grant,
    Run,
    Control,
    Weaken,
}

/// What a well-known server is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    VcsRemote,
    VcsLocal,
    Files,
    Database,
    Message,
    Payment,
    None,
}

include!(concat!(env!("OUT_DIR"), "/tool_data.rs"));

/// One string (or number) among the arguments.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) role: Option<Role>,
    pub(super) text: Text,
}

/// Arguments deeper or more than this are not looked at one by one.
const MAX: usize = 200;

/// Every string and number among the arguments, with what its name says.
pub(super) fn of(pointer: &str, arguments: &Json) -> Vec<Argument> {
    let mut found = Vec::new();
    collect(pointer, None, arguments, 0, &mut found);
    found
}

fn collect(
    pointer: &str,
    role: Option<Role>,
    value: &Json,
    depth: usize,
    found: &mut Vec<Argument>,
) {
    if found.len() >= MAX || depth > 6 {
        return;
    }
    match value {
        Json::String(text) => found.push(Argument { role, text: Text::new(pointer, text) }),
        Json::Number(number) => {
            found.push(Argument { role, text: Text::new(pointer, number.to_string()) });
        }
        // `{"commands": [["rm", "-rf", "x"]]}`: a program and its arguments.
        Json::Array(items) if role == Some(Role::Shell) && pointer.ends_with(is_digit) => {
            let command = items.iter().map(quoted).collect::<String>();
            let program = items.first().and_then(Json::as_str).map_or(0, str::len);
            let text = Text::part(format!("{pointer}/0"), command.trim_start(), 0, program);
            found.push(Argument { role, text });
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{pointer}/{index}"), role, item, depth + 1, found);
            }
        }
        Json::Object(fields) => {
            let given = fields.iter().find(|(name, _)| is_argv(name)).map(|(_, value)| value);
            for (name, value) in fields {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                // `{"command": "rm", "args": ["-rf", "x"]}` is one command.
                if let (Some(Role::Shell), Json::String(program), Some(given)) =
                    (role_of(name), value, given)
                {
                    let whole = format!("{program}{}", quoted(given));
                    let text = Text::part(below, whole, 0, program.len());
                    found.push(Argument { role: Some(Role::Shell), text });
                    continue;
                }
                let role = role_of(name).or(role.filter(|_| !is_argv(name)));
                collect(&below, role, value, depth + 1, found);
            }
        }
        Json::Null | Json::Bool(_) => {}
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Whether this is what a program is given that stands beside it.
fn is_argv(name: &str) -> bool {
    matches!(name, "args" | "arguments" | "argv" | "params" | "parameters")
}

/// Each as one word of a command, a blank before it.
fn quoted(value: &Json) -> String {
    match value {
        Json::Array(items) => items.iter().map(quoted).collect(),
        Json::Null => String::new(),
        Json::String(text) => format!(" '{}'", text.replace('\'', "'\\''")),
        other => format!(" '{other}'"),
    }
}

/// Whether an argument says that anybody may see what the tool makes.
pub(super) fn makes_public(arguments: &Json) -> bool {
    let Json::Object(fields) = arguments else { return false };
    fields.iter().any(|(name, value)| {
        let name = words(name).concat();
        match value {
            Json::Bool(set) => *set && matches!(name.as_str(), "public" | "ispublic"),
            Json::String(text) => {
                matches!(name.as_str(), "visibility" | "access" | "privacy" | "type" | "role")
                    && matches!(text.as_str(), "public" | "anyone" | "everyone" | "public-read")
            }
            _ => false,
        }
    })
}

fn role_of(name: &str) -> Option<Role> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let from = ARGUMENTS.partition_point(|(known, _)| *known < plain.as_str());
    ARGUMENTS.get(from).filter(|(known, _)| *known == plain).map(|(_, role)| *role)
}

/// `GmailSendEmail`, `delete_many-rows`: the words, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let next_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let after_lower = index > 0
            && chars
                .get(index - 1)
                .is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let starts = c.is_uppercase() && (after_lower || (next_lower && !current.is_empty()));
        if (!c.is_alphanumeric() || starts) && !current.is_empty() {
            words.push(std::mem::take(&mut current));
        }
        if c.is_alphanumeric() {
            current.extend(c.to_lowercase());
        }
    }
    if !current.is_empty() {
        words.push(current);
    }
    words
}

/// What the name of a tool says that it does; `None` if no word of it is known.
pub(super) fn does(name: &str) -> Option<Does> {
    let words = words(name);
    let verb = |word: &String| {
        let from = VERBS.partition_point(|(known, _)| *known < word.as_str());
        VERBS.get(from).filter(|(known, _)| known == word).map(|(_, does)| *does)
    };
    let verbs = || words.iter().enumerate().filter_map(|(at, word)| Some((at, verb(word)?)));
    let plain = |at: &usize| !words.get(*at).is_some_and(|w| NOUN_LIKE.contains(&w.as_str()));
    let (at, mut does) = verbs().find(|(at, _)| plain(at)).or_else(|| verbs().next())?;
    // `search_and_replace` replaces.
    let rest = words.get(at + 1..).unwrap_or_default();
    for pair in rest.windows(2) {
        if let [joint, word] = pair
            && matches!(joint.as_str(), "and" | "or" | "then")
            && let Some(second) = verb(word)
            && matches!(does, Does::Look | Does::None)
        {
            does = second;
        }
    }
    for (nouns, with, becomes) in NOUNS {
        if with.contains(&does) && rest.iter().any(|word| nouns.contains(&word.as_str())) {
            return Some(*becomes);
        }
    }
    Some(does)
}

/// What a server is about, by the words of its name: `GitHub` is one of `git` and `hub` together.
pub(super) fn family(server: &str) -> Option<Family> {
    let lower = server.to_lowercase().replace('_', "-");
    let words = words(server);
    let pairs: Vec<String> = words.windows(2).map(<[String]>::concat).collect();
    let named = |of: &[String]| {
        SERVERS
            .iter()
            .find(|(names, _)| names.iter().any(|name| of.iter().any(|word| word == name)))
            .map(|(_, family)| *family)
    };
    named(std::slice::from_ref(&lower)).or_else(|| named(&pairs)).or_else(|| named(&words))
}

/// What a tool without a server is about. Its name speaks of files and of everyday things as often as
/// of what it belongs to.
pub(super) fn family_of_tool(tool: &str) -> Option<Family> {
    family(tool).filter(|family| {
        matches!(family, Family::VcsRemote | Family::Database | Family::Message | Family::Payment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(words("GmailSendEmail"), ["gmail", "send", "email"]);
        assert_eq!(words("EpicFHIRManageDocs"), ["epic", "fhir", "manage", "docs"]);
        assert_eq!(words("delete_many-rows2"), ["delete", "many", "rows2"]);
    }

    #[test]
    fn the_verb_says_what_happens() {
        for (name, expected) in [
            ("GmailReadEmail", Some(Does::Look)),
            ("GmailSendEmail", Some(Does::Message)),
            ("list_orders", Some(Does::Look)),
            ("search_and_replace", Some(Does::Change)),
            ("BankManagerTransferFunds", Some(Does::Pay)),
            ("AugustSmartLockGrantGuestAccess", Some(Does::Grant)),
            ("add_collaborator", Some(Does::Grant)),
            ("add_issue_comment", Some(Does::Message)),
            ("create_issue", Some(Does::Change)),
            ("disable_alarm", Some(Does::Weaken)),
            ("delete-project", Some(Does::Destroy)),
            ("TrafficControlGetDetails", Some(Does::Look)),
            ("VenmoSendMoney", Some(Does::Pay)),
            ("frobnicate", None),
        ] {
            assert_eq!(does(name), expected, "{name}");
        }
    }
}
