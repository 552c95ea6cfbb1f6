//! What a yes does and what a no costs, in words.

use ringfence_action::{Attr, Effect, EffectKind, Scope};
use ringfence_engine::SessionRule;

/// What stays undone where an effect of this kind is what is asked about, and what the agent is told to do instead.
pub fn cost_of_no(kind: Option<EffectKind>, instead: &str) -> String {
    let undone = kind.map_or("nothing of it happens", what_stays_undone);
    if instead.is_empty() {
        return format!("{undone}; the agent has to go on without it");
    }
    let mut letters = instead.chars();
    let instead = letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + letters.as_str().trim_end_matches('.')
    });
    format!("{undone}; the agent is told to {instead}")
}

const fn what_stays_undone(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Read => "the agent does not get to see it",
        EffectKind::Write | EffectKind::Create => "the file is not written",
        EffectKind::Delete => "everything stays where it is",
        EffectKind::Metadata => "rights and owners stay as they are",
        EffectKind::Exec | EffectKind::ExecCode | EffectKind::EnvExec => "it does not run",
        EffectKind::Net | EffectKind::DownloadExec => "nothing is fetched, and nothing is sent",
        EffectKind::Privilege => "the agent keeps the rights that it has",
        EffectKind::Credential => "the secret is not used",
        EffectKind::Persist => "nothing is left behind to run later",
        EffectKind::VcsLocal => "the repository stays as it is",
        EffectKind::VcsRemote => "the remote repository stays as it is, without this work",
        EffectKind::Package => "the package is not installed, and what needs it may fail",
        EffectKind::Infra => "what runs stays as it is, without this change",
        EffectKind::Database => "the database is not asked",
        EffectKind::Process => "what runs goes on",
        EffectKind::Message => "nobody is told",
        EffectKind::Payment => "nothing is paid or ordered",
        EffectKind::Browser => "the page is left as it is",
        EffectKind::Guard => "the gate stays as it is",
    }
}

/// What an effect of this kind does; its target follows.
const fn deed(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Read => "reads",
        EffectKind::Write => "writes",
        EffectKind::Create => "makes",
        EffectKind::Delete => "deletes",
        EffectKind::Metadata => "changes rights or owner of",
        EffectKind::Exec => "runs",
        EffectKind::ExecCode => "runs code of",
        EffectKind::Net => "talks to",
        EffectKind::DownloadExec => "runs what it downloads from",
        EffectKind::Privilege => "gets more rights by",
        EffectKind::Credential => "uses a secret in",
        EffectKind::EnvExec => "sets a variable that runs code:",
        EffectKind::Persist => "leaves behind, to run later,",
        EffectKind::VcsLocal => "changes the local repository:",
        EffectKind::VcsRemote => "changes the remote repository:",
        EffectKind::Package => "changes packages:",
        EffectKind::Infra => "changes infrastructure:",
        EffectKind::Database => "works on the database",
        EffectKind::Process => "acts on the process",
        EffectKind::Message => "sends a message to",
        EffectKind::Payment => "pays",
        EffectKind::Browser => "acts in the browser:",
        EffectKind::Guard => "tampers with the guard:",
    }
}

/// An effect in a line: what is done to what, and how.
pub fn effect_in_words(effect: &Effect) -> String {
    let mut line = format!("{} {}", deed(effect.kind), effect.target);
    let marks = [
        (Attr::Recursive, "with everything in it"),
        (Attr::Force, "by force"),
        (Attr::Publish, "for others to have"),
        (Attr::Ddl, "its structure"),
    ];
    for (mark, words) in marks {
        if effect.is(mark) {
            line.push_str(", ");
            line.push_str(words);
        }
    }
    match &effect.scope {
        Scope::Local => {}
        Scope::Container(name) => line.push_str(&format!(" (in the container {name})")),
        Scope::Remote(host) => line.push_str(&format!(" (on {host})")),
        Scope::Cluster(_) => line.push_str(" (in a cluster)"),
    }
    line
}

/// What a yes for the whole session lets through: all of it, one effect a line, with everything that it is bound to.
pub fn session_rule_in_words(rule: &SessionRule) -> Vec<String> {
    let told = [Attr::Recursive, Attr::Force, Attr::Publish, Attr::Ddl];
    let place = rule.cwd.as_deref().unwrap_or("an unknown folder");
    let mut lines = vec![format!("by {}, in {place}", rule.tool)];
    lines.extend(rule.effects.iter().map(|effect| {
        let more: Vec<String> = effect
            .attributes
            .iter()
            .filter(|(attr, _)| !told.contains(attr))
            .map(|(attr, value)| format!("{}: {value}", attr.as_str().replace('_', " ")))
            .collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        format!("{}{more}", effect_in_words(effect))
    }));
    lines
}

/// The kind of an effect that is told so, and what follows.
pub(crate) fn told(effect: &str) -> Option<(EffectKind, &str)> {
    let in_words = |kind: &EffectKind| {
        let rest = effect.strip_prefix(deed(*kind))?.strip_prefix(' ')?;
        Some((*kind, rest))
    };
    // Of two kinds, one of which begins as the other, the longer.
    EffectKind::ALL.iter().filter_map(in_words).min_by_key(|(_, rest)| rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_kind_is_known_for_it_again() {
        for kind in EffectKind::ALL {
            assert_eq!(told(&format!("{} x, y", deed(*kind))), Some((*kind, "x, y")));
        }
        assert_eq!(told("something else"), None);
    }

    #[test]
    fn a_no_is_told_with_what_it_costs() {
        assert_eq!(
            cost_of_no(Some(EffectKind::VcsRemote), "Push without force, or to a new branch."),
            "the remote repository stays as it is, without this work; the agent is told to push without \
             force, or to a new branch"
        );
        assert!(cost_of_no(None, "").ends_with("the agent has to go on without it"));
        let told: std::collections::BTreeSet<String> =
            EffectKind::ALL.iter().map(|kind| cost_of_no(Some(*kind), "")).collect();
        assert!(told.len() > 15, "it says what this is about");
    }
}
