//! What a no costs, in words: what does not happen then, and what the agent can do instead.

use ringfence_action::EffectKind;

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

#[cfg(test)]
mod tests {
    use super::*;

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
