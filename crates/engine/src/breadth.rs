//! Asked narrow, done wide: the user named one file or folder, and a call changes everything and keeps it.
//!
//! A wide change that stays in the work tree is looked at and taken back. One that is committed or pushed in
//! the same breath is not. So both together are asked about, where what was said last names a place and
//! nothing in it speaks of the whole.

use ringfence_action::path::is_within;
use ringfence_action::{Action, Attr, Effect, EffectKind, Scope, Target};

use crate::lexicon::{ALL, Operation};
use crate::session::Session;
use crate::words::{contains_phrase, is_unspaced, words};

/// What a message says about how much of the project it is about.
pub(crate) fn is_narrow(message: &str) -> bool {
    let lower = message.to_lowercase();
    let speaks_of_all = words(&lower)
        .any(|word| ALL.contains(&word) || WHOLES.contains(&word) || word.contains('*'))
        || UNSPACED_WHOLES.iter().any(|word| lower.contains(word));
    !speaks_of_all && words(&lower).any(names_a_place)
}

const WHOLES: &[&str] = &[
    "repo",
    "repository",
    "codebase",
    "project",
    "everywhere",
    "whole",
    "entire",
    "across",
    "files",
    "monorepo",
    "workspace",
    "recursively",
    "globally",
    "mass",
    "bulk",
    "codemod",
    "überall",
    "ganze",
    "ganzen",
    "dateien",
    "projekt",
    "partout",
    "projet",
    "fichiers",
    "todo",
    "todos",
    "todas",
    "allen",
    "aller",
    "toutes",
    "toute",
    "archivos",
    "proyecto",
];
const UNSPACED_WHOLES: &[&str] =
    &["全部", "所有", "整个", "すべて", "全て", "全体", "プロジェクト", "项目", "仓库"];

/// Whether a message wants a number, and not what is counted.
pub(crate) fn wants_a_number(message: &str) -> bool {
    const NUMBERS: &[&str] = &[
        "how many",
        "number of",
        "count",
        "wie viele",
        "wieviele",
        "anzahl",
        "combien",
        "nombre de",
        "cuántos",
        "cuántas",
        "número de",
        "何人",
        "何件",
        "いくつ",
        "件数",
        "人数",
        "多少",
        "几个",
        "数量",
    ];
    const THEMSELVES: &[&str] = &[
        "list",
        "export",
        "names",
        "emails",
        "addresses",
        "who",
        "show",
        "table",
        "dump",
        "csv",
        "liste",
        "namen",
        "welche",
        "noms",
        "nombres",
        "quiénes",
        "qui",
    ];
    let lower = message.to_lowercase();
    let wants = |phrase: &&str| {
        if phrase.chars().any(is_unspaced) {
            lower.contains(*phrase)
        } else {
            contains_phrase(&lower, phrase)
        }
    };
    NUMBERS.iter().any(wants) && !words(&lower).any(|word| THEMSELVES.contains(&word))
}

/// What reads everything about everybody, where the user asked for a number.
pub(crate) fn more_than_asked<'e>(effects: &'e [Effect], session: &Session) -> Option<&'e Effect> {
    let reads_people = |effect: &&Effect| {
        effect.kind == EffectKind::Database
            && effect.is(Attr::ReadOnly)
            && effect.is(Attr::Unbounded)
            && !effect.is(Attr::Content)
    };
    effects.iter().find(reads_people).filter(|_| session.asks_for_a_number())
}

/// A file or folder by its form: `src/reports`, `tax.ts`.
fn names_a_place(word: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "py", "ts", "tsx", "js", "jsx", "mjs", "go", "rs", "rb", "java", "kt", "php", "cs", "c",
        "h", "cpp", "swift", "css", "scss", "html", "vue", "sql", "sh", "yml", "yaml", "toml",
        "json", "md", "tf", "xml", "txt", "ini", "proto", "ex", "scala",
    ];
    let plain = word.trim_start_matches("./").trim_matches('/');
    let by_ending = plain
        .rsplit_once('.')
        .is_some_and(|(stem, ending)| !stem.is_empty() && ENDINGS.contains(&ending));
    let by_slash = plain.contains('/')
        && !word.contains("://")
        && !plain.chars().any(is_unspaced)
        && plain.split('/').all(|part| part.chars().count() > 1);
    by_ending || by_slash
}

/// The wide change that this call keeps, where the user asked for a narrow one.
pub(crate) fn wider_than_asked<'e>(
    effects: &'e [Effect],
    action: &Action,
    session: &Session,
) -> Option<&'e Effect> {
    if !session.asks_narrowly() {
        return None;
    }
    let happens = |effect: &&Effect| {
        !effect.is(Attr::Content) && !effect.is(Attr::DryRun) && effect.scope == Scope::Local
    };
    let mut live = effects.iter().filter(happens);
    let keeps = |effect: &Effect| {
        let op = effect.text(Attr::Op).unwrap_or_default();
        (effect.kind == EffectKind::VcsLocal && op.starts_with("commit"))
            || (effect.kind == EffectKind::VcsRemote && op.starts_with("push"))
    };
    let wide = live.find(|effect| is_wide(effect, action))?;
    effects.iter().any(keeps).then_some(wide)
}

/// Whether it changes whatever there is below a folder that the work is done in.
fn is_wide(effect: &Effect, action: &Action) -> bool {
    if !matches!(effect.kind, EffectKind::Write | EffectKind::Delete)
        || effect.text(Attr::By) == Some("git")
    {
        return false;
    }
    let mut roots = action.workspace.iter().chain(&action.cwd);
    match &effect.target {
        Target::Known(path) => roots.any(|root| is_within(path, root)),
        Target::Pattern(pattern) => {
            let fixed = pattern.split(['*', '?', '[']).next().unwrap_or_default();
            let fixed = fixed.trim_end_matches('/');
            pattern.contains("**") && roots.any(|root| is_within(fixed, root))
        }
        Target::OneOf(_) | Target::Unknown => false,
    }
}

/// The change of another repository that this call commits or pushes there, where nobody spoke of it.
pub(crate) fn elsewhere<'e>(
    effects: &'e [Effect],
    action: &Action,
    session: &Session,
) -> Option<&'e Effect> {
    if action.workspace.is_empty() && action.cwd.is_none() {
        return None;
    }
    let folder = |effect: &'e Effect| effect.text(Attr::Dir).filter(|dir| dir.starts_with('/'));
    effects.iter().find(|effect| {
        let op = effect.text(Attr::Op).unwrap_or_default();
        let keeps = (effect.kind == EffectKind::VcsLocal && op.starts_with("commit"))
            || (effect.kind == EffectKind::VcsRemote && op.starts_with("push"));
        keeps
            && effect.scope == Scope::Local
            && !effect.is(Attr::DryRun)
            && folder(effect).is_some_and(|dir| {
                is_foreign(dir, action, session) && effects.iter().any(|it| changes_below(it, dir))
            })
    })
}

fn changes_below(effect: &Effect, folder: &str) -> bool {
    matches!(effect.kind, EffectKind::Write | EffectKind::Delete)
        && !effect.is(Attr::Content)
        && effect.target.as_known().is_some_and(|path| is_within(folder, path))
}

/// Whether it is no folder of this work: not opened, not made by the session, not spoken of.
fn is_foreign(dir: &str, action: &Action, session: &Session) -> bool {
    let mut here = action.workspace.iter().chain(&action.cwd);
    let is_here = here.any(|root| is_within(root, dir) || is_within(dir, root));
    let is_scratch = ["/tmp", "/var/tmp", "/private/tmp", "/private/var", "/dev/shm"]
        .iter()
        .any(|scratch| is_within(scratch, dir));
    let mut made = session.created().chain(&action.facts.created);
    // Where it has made or changed something before, it is at work.
    let is_own = made.any(|made| {
        let path = made.strip_prefix("changed:").unwrap_or(made);
        is_within(made, dir) || is_within(dir, path)
    });
    let name = ringfence_action::path::base_name(dir).to_lowercase();
    let is_named = session.wishes().any(|wish| {
        let changes = wish.operations.iter().any(|operation| CHANGES.contains(operation));
        changes
            && (wish.mentions(&name) || wish.mentions(dir) || wish.mentions(&format!("../{name}")))
    });
    !is_here && !is_scratch && !is_own && !is_named
}

/// What somebody asks for who means a change there.
const CHANGES: &[Operation] = &[
    Operation::Change,
    Operation::Commit,
    Operation::Push,
    Operation::ForcePush,
    Operation::Merge,
    Operation::Delete,
    Operation::Rewrite,
    Operation::Publish,
    Operation::Deploy,
    Operation::Discard,
    Operation::Install,
];

#[cfg(test)]
mod tests {
    use super::is_narrow;

    #[test]
    fn one_place_or_all_of_it() {
        for narrow in [
            "format src/billing/tax.ts with prettier",
            "in scripts/import.py ersetz bitte print durch logger.info",
            "migrate src/reports from moment to dayjs, one folder only",
        ] {
            assert!(is_narrow(narrow), "{narrow}");
        }
        for wide in [
            "run prettier on the whole repo",
            "ersetz in allen .py Dateien print( durch logger.info(",
            "fix the imports in src/ and everywhere else",
            "commit it",
            "see https://docs.example.com/guide",
            "rename foo to bar",
        ] {
            assert!(!is_narrow(wide), "{wide}");
        }
    }
}
