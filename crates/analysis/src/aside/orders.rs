//! What agents are told in their instructions: to act without asking, to show what is secret, to leave
//! out what holds them back.

use super::Finding;
use super::lines::Diff;

/// Ways to say that nobody is to be asked, that nothing is to hold back.
const CARELESS: &[&str] = &[
    "skip confirmation",
    "skip the confirmation",
    "skip all confirmation",
    "skip permission",
    "skip approval",
    "without confirmation",
    "without confirming",
    "without asking",
    "without approval",
    "without permission",
    "without review",
    "never ask",
    "don't ask",
    "do not ask",
    "no need to ask",
    "no confirmation",
    "don't confirm",
    "do not confirm",
    "never confirm",
    "don't wait for",
    "do not wait for",
    "auto-approve",
    "autoapprove",
    "auto approve",
    "bypass permission",
    "bypass the permission",
    "bypass approval",
    "bypass the hook",
    "bypass hooks",
    "skip hooks",
    "skip the hooks",
    "--no-verify",
    "--dangerously",
    "disable the sandbox",
    "disable sandbox",
    "ignore previous",
    "ignore all previous",
    "ignore safety",
    "ignore the safety",
    "ignore security",
    "disable the guard",
    "don't tell the user",
    "do not tell the user",
    "don't mention",
    "do not mention this",
    "hide this from",
    "without telling the user",
    "keep this secret from",
    "full access to everything",
];

/// What is asked about before it is done: without it, "without asking" is about manners.
const GRAVE: &[&str] = &[
    "delet",
    "remov",
    "destroy",
    "drop",
    "push",
    "deploy",
    "publish",
    "merg",
    "command",
    "shell",
    "production",
    "prod",
    "permission",
    "confirm",
    "approv",
    "install",
    "overwrit",
    "credential",
    "secret",
    "send",
    "commit",
    "hook",
    "sandbox",
    "safety",
    "security",
    "user",
    "previous",
    "--",
];

/// Ways to show something to others.
const SHOWS: &[&str] = &[
    "print",
    "echo",
    "output",
    "reveal",
    "paste",
    "include",
    "log",
    "show",
    "display",
    "send",
    "post",
    "upload",
    "commit",
    "dump",
    "append",
    "share",
    "copy",
    "write out",
];

const SECRETS: &[&str] = &[
    "api key",
    "api keys",
    "apikey",
    "secret",
    "secrets",
    "token",
    "tokens",
    "password",
    "passwords",
    "credential",
    "credentials",
    ".env",
    "private key",
    "private keys",
    "ssh key",
    "ssh keys",
    "environment variables",
];

/// Words before that turn it round.
const NOT: &[&str] = &[
    "never",
    "not",
    "n't",
    "no ",
    "avoid",
    "without",
    "redact",
    "mask",
    "instead of",
    "forbid",
    "refuse",
    "must be asked",
];

/// Words that say how much of it.
const WHOLE: &[&str] = &[
    "in full",
    "full",
    "verbatim",
    "entire",
    "all",
    "complete",
    "plain",
    "unredacted",
    "them",
    "raw",
    "value",
    "content",
];

/// What new lines order.
pub(super) fn given(diff: &Diff<'_>) -> Option<Finding> {
    let order = diff.added().find(|(_, line)| {
        let text = line.text.to_lowercase().replace('’', "'");
        let mut sentences = text.split(". ").flat_map(|text| text.split("; "));
        sentences.any(|sentence| is_careless(sentence) || shows_secrets(sentence))
    });
    order.map(|(_, line)| Finding::of("loosen", "agent-instructions", line.span, ""))
}

fn is_careless(sentence: &str) -> bool {
    CARELESS.iter().any(|phrase| {
        sentence.find(phrase).is_some_and(|at| {
            let before = sentence.get(..at).unwrap_or_default();
            let rest = sentence.get(at + phrase.len()..).unwrap_or_default();
            let grave =
                [before, rest].iter().any(|part| GRAVE.iter().any(|word| part.contains(word)))
                    || GRAVE.iter().any(|word| phrase.contains(word));
            grave && !turned(before)
        })
    })
}

fn shows_secrets(sentence: &str) -> bool {
    let secret = SECRETS.iter().filter_map(|word| find_word(sentence, word)).min();
    let Some(secret) = secret else { return false };
    SHOWS.iter().any(|verb| {
        find_word(sentence, verb).is_some_and(|at| {
            let near = at.abs_diff(secret) < 60;
            let whole = WHOLE.iter().any(|word| find_word(sentence, word).is_some());
            near && whole && !turned(sentence.get(..at.max(secret)).unwrap_or_default())
        })
    })
}

fn turned(before: &str) -> bool {
    NOT.iter().any(|word| before.contains(word))
}

/// Where a word stands that is no part of another one.
fn find_word(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !joins(before) && !joins(after)
    })
}
