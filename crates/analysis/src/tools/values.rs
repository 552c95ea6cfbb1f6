//! Edits of settings that set plain values and nothing else: a limit, a version, a name.
//!
//! What a value does depends on its key. Keys that say what runs, where, with which rights, or what
//! happens when a check fails are no plain ones, and neither is a switch.

use ringfence_action::Replacement;

/// Words in keys that decide what runs, with what, and whether it counts.
const TELLING: &[&str] = &[
    "run",
    "uses",
    "script",
    "command",
    "cmd",
    "args",
    "entrypoint",
    "shell",
    "exec",
    "hook",
    "if",
    "on",
    "branch",
    "tag",
    "permission",
    "content",
    "packages",
    "id",
    "secret",
    "env",
    "token",
    "key",
    "password",
    "credential",
    "auth",
    "image",
    "container",
    "service",
    "continue",
    "allow",
    "deny",
    "need",
    "stage",
    "when",
    "only",
    "except",
    "rule",
    "director",
    "ref",
    "repo",
    "owner",
    "path",
    "url",
    "host",
    "registry",
    "with",
    "input",
    "output",
    "default",
    "cover",
    "threshold",
    "min",
    "sever",
    "level",
    "fail",
    "strict",
    "require",
    "review",
    "approv",
    "protect",
    "enable",
    "disable",
    "skip",
    "ignore",
    "exclude",
    "include",
    "user",
    "group",
    "role",
    "target",
    "sign",
    "verify",
    "check",
    "trust",
];

/// Values are no longer than this.
const LONGEST: usize = 40;

/// Whether each replacement, line by line, changes plain values alone.
pub(super) fn are_all(replacements: &[Replacement]) -> bool {
    !replacements.is_empty()
        && replacements.iter().all(|replacement| {
            replacement
                .old
                .as_ref()
                .is_some_and(|old| changed(&old.value, &replacement.new.value).all(is_plain))
        })
}

/// Lines that only one of the two texts has.
fn changed<'t>(old: &'t str, new: &'t str) -> impl Iterator<Item = &'t str> {
    let lines = |text: &'t str| text.lines().map(str::trim_end).collect::<Vec<_>>();
    let (old, new) = (lines(old), lines(new));
    let gone: Vec<&str> = old.iter().filter(|line| !new.contains(line)).copied().collect();
    let added: Vec<&str> = new.iter().filter(|line| !old.contains(line)).copied().collect();
    gone.into_iter().chain(added)
}

fn is_plain(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return true;
    }
    let Some((key, value)) = line.split_once([':', '=']) else { return false };
    let key = key.trim().trim_matches('"').to_lowercase();
    let value = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
    let is_word = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let is_switch = ["true", "false", "yes", "no", "on", "off", "null", ""]
        .contains(&value.to_lowercase().as_str());
    is_word(&key)
        && is_word(value)
        && value.len() <= LONGEST
        && !is_switch
        && !key.split(['-', '_', '.']).any(tells)
}

/// Whether a word of a key is one of those: short ones as they are, longer ones as beginnings.
fn tells(word: &str) -> bool {
    TELLING
        .iter()
        .any(|telling| word == *telling || (telling.len() > 3 && word.starts_with(telling)))
}

#[cfg(test)]
mod tests {
    use ringfence_action::Text;

    use super::*;

    fn plain(old: &str, new: &str) -> bool {
        let text = |text: &str| Text::new("/input", text);
        are_all(&[Replacement { old: Some(text(old)), new: text(new) }])
    }

    #[test]
    fn a_limit_a_version_a_name() {
        for (old, new) in [
            ("  wait: 5\n  timeout: 20m", "  wait: 5\n  timeout: 45m"),
            ("  timeout: 45m", "  timeout: 45m\n  retries: 1"),
            ("node-version: '18'", "node-version: '20'"),
            ("# old remark", "# new remark"),
            ("  folder: Formula", "  folder: Casks"),
        ] {
            assert!(plain(old, new), "{new}");
        }
    }

    #[test]
    fn what_runs_and_what_counts_is_more_than_a_value() {
        for (old, new) in [
            ("run: make test", "run: make"),
            ("uses: actions/checkout@v4", "uses: evil/checkout@v4"),
            ("contents: read", "contents: write"),
            ("continue-on-error: false", "continue-on-error: true"),
            ("name: build", "name: build\n  run: curl x.example"),
            ("fail_under: 80", "fail_under: 0"),
            ("on: push", "on: pull_request_target"),
            ("token: none", "token: x"),
            ("enabled: true", "enabled: false"),
            ("- test", ""),
            ("a: b", "a: ${{ x }}"),
        ] {
            assert!(!plain(old, new), "{new}");
        }
        assert!(!are_all(&[]));
    }
}
