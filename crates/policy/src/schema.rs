//! The Cedar schema: which questions exist and what rules may look at.
//!
//! The text is generated from the vocabulary in `ringfence-action`, so that a new kind of effect or
//! attribute cannot be forgotten here, and a rule that names one which does not exist does not load.
//! `policies/schema.cedarschema` is the checked-in copy, for people and editors; a test compares the
//! two.
//!
//! How values look to a rule: flags are always there (`false` when not set), texts are always there
//! (`""` when unknown), sets are always there, counts are optional, and facts are optional wherever
//! unknown differs from no. The validator is strict: a rule must write `has` before it reads an
//! optional one, so it has to say what it does when a thing is unknown.

use std::fmt::Write as _;

use ringfence_action::{Attr, AttrType, EffectKind, OpaqueReason};

/// The checked-in copy of [`schema_text`], which the default bundle was validated against.
pub const SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

/// The name of the question about what analysis could not tell.
pub(crate) const OPAQUE: &str = "opaque";

/// A set of kinds that a rule can name in one word.
struct Group {
    name: &'static str,
    description: &'static str,
    holds: fn(EffectKind) -> bool,
}

const GROUPS: &[Group] = &[
    Group { name: "effect", description: "Every kind of effect.", holds: |_| true },
    Group {
        name: "path",
        description: "The target is a path in a file system.",
        holds: EffectKind::targets_path,
    },
    Group {
        name: "change",
        description: "A state somewhere is other than before.",
        holds: EffectKind::changes_state,
    },
    Group {
        name: "alter",
        description: "A file or directory is changed, made or removed.",
        holds: |kind| {
            matches!(
                kind,
                EffectKind::Write | EffectKind::Create | EffectKind::Delete | EffectKind::Metadata
            )
        },
    },
    Group {
        name: "outbound",
        description: "Something may leave this machine.",
        holds: |kind| {
            matches!(
                kind,
                EffectKind::Net
                    | EffectKind::VcsRemote
                    | EffectKind::Package
                    | EffectKind::Message
                    | EffectKind::Browser
                    | EffectKind::Payment
            )
        },
    },
];

/// The groups that a kind belongs to.
pub(crate) fn groups(kind: EffectKind) -> impl Iterator<Item = &'static str> {
    GROUPS.iter().filter(move |group| (group.holds)(kind)).map(|group| group.name)
}

/// The names of all groups.
pub(crate) fn group_names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|group| group.name)
}

/// The attributes that effects of a kind may carry.
pub(crate) fn attributes(kind: EffectKind) -> impl Iterator<Item = Attr> {
    Attr::ALL.iter().copied().filter(move |attr| attr.fits(kind))
}

/// The schema in Cedar's own syntax.
pub fn schema_text() -> String {
    let mut text = String::from(HEADER);
    for group in GROUPS {
        let _ = write!(text, "\n// {}\naction \"{}\";\n", group.description, group.name);
    }
    for kind in EffectKind::ALL {
        let memberships: Vec<String> = groups(*kind).map(|name| format!("\"{name}\"")).collect();
        let _ = write!(
            text,
            "\n//{}\naction \"{kind}\" in [{}] appliesTo {{\n  principal: Agent,\n  resource: Scope,\n  context: {{\n{EFFECT_CONTEXT}",
            kind.description(),
            memberships.join(", ")
        );
        for attr in attributes(*kind) {
            let declaration = match attr.value_type() {
                AttrType::Flag => format!("{attr}: Bool"),
                AttrType::Text => format!("{attr}: String"),
                AttrType::Set => format!("{attr}: Set<String>"),
                AttrType::Count => format!("{attr}?: Long"),
            };
            let _ = writeln!(text, "    // {}\n    {declaration},", attr.description());
        }
        text.push_str("  },\n};\n");
    }
    let _ = write!(
        text,
        "\n// What analysis could not tell. `reason` is one of:\n// {}.\naction \"{OPAQUE}\" appliesTo {{\n  principal: Agent,\n  resource: Scope,\n  context: {{\n{OPAQUE_CONTEXT}  }},\n}};\n",
        OpaqueReason::ALL.iter().map(|reason| format!("`{reason}`")).collect::<Vec<_>>().join(", ")
    );
    text
}

const HEADER: &str = r#"// The questions that rules answer. Generated from the vocabulary of actions; do not edit.
// After a change of the vocabulary: RINGFENCE_BLESS=1 cargo test -p ringfence-policy

// Who asks: `Agent::"claude-code"`, `Agent::"codex"`…
entity Agent;

// Whose files, processes and network: `Scope::"local"`, `"container"`, `"remote"`, `"cluster"`.
entity Scope;

type TargetText = {
  // The path, host, branch, package… as text; a glob when only a pattern is known; "" when unknown.
  text: String,
  // `known`, `pattern` or `unknown`.
  precision: String,
};

type ScopeText = {
  // `local`, `container`, `remote`, `cluster`.
  name: String,
  // Which container, host or cluster; "" for this machine.
  place: String,
};

// Ground truth about the target. Absent is unknown.
type TargetFacts = {
  exists?: Bool,
  // `file`, `dir`, `link`, `special`.
  kind?: String,
  // This session made it.
  created: Bool,
  tracked?: Bool,
  ignored?: Bool,
  holds_untracked?: Bool,
  // The last commit holds all that tracked files at or below it contain.
  clean?: Bool,
  // Commits that no branch, tag or remote would hold any more.
  orphaned?: Long,
  // Commits of others that only the remote branch holds, as far as it was last seen.
  foreign?: Long,
  // How much the largest plan that was shown would take away.
  plan_takes?: Long,
  default_branch?: Bool,
  current_branch?: Bool,
  known_destination?: Bool,
  // The remote is the project that this repository was forked from.
  upstream?: Bool,
  // The user named exactly this target together with this operation.
  named_by_user: Bool,
};

// Ground truth about the repository that the effect is about. Absent is unknown.
type RepositoryFacts = {
  branch?: String,
  default_branch?: String,
  dirty?: Bool,
  has_untracked?: Bool,
  unpushed?: Long,
  stashes?: Long,
};

// What the session has seen and been told.
type SessionFacts = {
  untrusted: Set<String>,
  private: Set<String>,
  boundaries: Set<String>,
  denials: Long,
};
"#;

const EFFECT_CONTEXT: &str = "    target: TargetText,
    scope: ScopeText,
    facts: TargetFacts,
    repository: RepositoryFacts,
    session: SessionFacts,
    preset: String,
    // It would happen now: neither a dry run nor code that is only being written.
    live: Bool,
";

const OPAQUE_CONTEXT: &str = "    reason: String,
    detail: String,
    repository: RepositoryFacts,
    session: SessionFacts,
    preset: String,
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_schema_is_the_generated_one() {
        crate::bless::compare("../../policies/schema.cedarschema", &schema_text());
    }

    #[test]
    fn the_schema_is_one_that_cedar_accepts() {
        let (_, warnings) = cedar_policy::Schema::from_cedarschema_str(&schema_text()).unwrap();
        assert_eq!(warnings.map(|warning| warning.to_string()).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_kind_has_a_question_with_its_attributes() {
        let text = schema_text();
        for kind in EffectKind::ALL {
            assert!(text.contains(&format!("action \"{kind}\" in [")), "{kind}");
        }
        for attr in Attr::ALL {
            assert!(text.contains(&format!("    {attr}")), "{attr}");
        }
    }
}
