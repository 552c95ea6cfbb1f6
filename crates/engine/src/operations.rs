//! What people call what an effect does.

use ringfence_action::{Attr, Effect, EffectKind};

use crate::lexicon::Operation;

/// The operations that an effect is an instance of, most specific first.
pub(crate) fn of(effect: &Effect) -> &'static [Operation] {
    use Operation as O;
    let op = effect.text(Attr::Op).unwrap_or_default();
    let has = |word: &str| op.split([' ', '_', '-', ':']).any(|part| part == word);
    match effect.kind {
        EffectKind::VcsRemote if effect.is(Attr::DeleteRef) => &[O::Delete],
        EffectKind::VcsRemote if has("approve") => &[O::Approve],
        EffectKind::VcsRemote if has("merge") || has("accept") => &[O::Merge],
        EffectKind::VcsRemote if effect.is(Attr::Destroy) => &[O::Delete],
        EffectKind::VcsRemote if effect.is(Attr::Force) => &[O::ForcePush],
        EffectKind::VcsRemote if has("close") => &[O::Close],
        EffectKind::VcsRemote if has("cancel") => &[O::Stop],
        EffectKind::VcsRemote if has("release") => &[O::Publish],
        EffectKind::VcsRemote if op.starts_with("push") => &[O::Push],
        EffectKind::VcsRemote if effect.is(Attr::Grant) => &[O::Grant],
        EffectKind::VcsRemote if has("disable") || has("enable") => &[O::Change, O::Stop],
        EffectKind::VcsRemote if has("workflow") => &[O::Run, O::Deploy],
        EffectKind::VcsRemote => &[O::Send, O::Change, O::Create, O::Publish],
        EffectKind::VcsLocal if effect.is(Attr::DeleteRef) => &[O::Delete],
        EffectKind::VcsLocal if op.starts_with("commit") => &[O::Commit],
        EffectKind::VcsLocal if has("remote") || effect.is(Attr::Global) => &[O::Change, O::Create],
        EffectKind::VcsLocal if effect.attributes.contains(Attr::Discards, "commits") => {
            &[O::Discard, O::Rewrite, O::Recreate]
        }
        EffectKind::VcsLocal if effect.attributes.contains(Attr::Discards, "stash") => {
            &[O::Discard, O::Delete]
        }
        EffectKind::VcsLocal if has("worktree") => &[O::Delete, O::Discard],
        EffectKind::VcsLocal if has("clean") => &[O::Discard, O::Delete],
        EffectKind::VcsLocal => &[O::Discard],
        EffectKind::Delete => &[O::Delete, O::Recreate],
        EffectKind::Write | EffectKind::Create | EffectKind::Metadata => {
            &[O::Change, O::Create, O::Schedule]
        }
        EffectKind::Package if effect.is(Attr::Publish) => &[O::Publish, O::Send, O::Push],
        EffectKind::Package if has("unpublish") || has("yank") || has("deprecate") => &[O::Delete],
        EffectKind::Package if has("remove") || has("uninstall") => &[O::Delete],
        EffectKind::Package => &[O::Install, O::Run],
        EffectKind::Infra if effect.is(Attr::Grant) => &[O::Grant],
        // What runs is stopped by taking it away.
        EffectKind::Infra if effect.is(Attr::Destroy) && runs(effect) => {
            &[O::Delete, O::Stop, O::Recreate]
        }
        EffectKind::Infra if effect.is(Attr::Destroy) => &[O::Delete, O::Recreate],
        EffectKind::Infra if has("cp") || has("put") || has("sync") || has("upload") => {
            &[O::Deploy, O::Change, O::Create, O::Send]
        }
        EffectKind::Infra if has("run") || has("exec") => {
            &[O::Run, O::Deploy, O::Change, O::Create]
        }
        // What nobody can read may be a command to a bot, and is a remark.
        EffectKind::Infra if matches!(op, "chatops **" | "chatops ?") => {
            &[O::Send, O::Deploy, O::Change, O::Create]
        }
        EffectKind::Infra if effect.text(Attr::Provider) == Some("task") => {
            &[O::Run, O::Deploy, O::Publish, O::Change]
        }
        EffectKind::Infra if makes(op) => &[O::Deploy, O::Change, O::Create],
        EffectKind::Infra => &[O::Deploy, O::Change],
        EffectKind::Database if op == "GRANT" => &[O::Grant],
        // A migration that is taken back takes what it made along.
        EffectKind::Database
            if effect.is(Attr::Destroy) && (has("migrate") || has("migration")) =>
        {
            &[O::Delete, O::Recreate, O::Discard]
        }
        EffectKind::Database if effect.is(Attr::Destroy) => &[O::Delete, O::Recreate],
        EffectKind::Database if makes(op) => &[O::Change, O::Run, O::Create, O::Deploy],
        EffectKind::Database => &[O::Change, O::Run, O::Deploy],
        EffectKind::Process if has("start") || has("enable") => {
            &[O::Run, O::Schedule, O::Create, O::Change]
        }
        EffectKind::Process if has("restart") || has("reload") => &[O::Stop, O::Run, O::Change],
        EffectKind::Process => &[O::Stop],
        EffectKind::Message if has("close") => &[O::Close, O::Send],
        EffectKind::Message if op == "run" => &[O::Send, O::Run],
        EffectKind::Message => &[O::Send],
        EffectKind::Payment if op == "run" => &[O::Pay, O::Run],
        EffectKind::Payment => &[O::Pay],
        EffectKind::Exec | EffectKind::ExecCode => &[O::Run],
        EffectKind::DownloadExec => &[O::Run, O::Install],
        EffectKind::Net if effect.is(Attr::Destroy) => &[O::Delete],
        EffectKind::Net if effect.is(Attr::Tunnel) || effect.is(Attr::Listen) => {
            &[O::Run, O::Expose]
        }
        EffectKind::Net if effect.is(Attr::Upload) => &[O::Send],
        // Other requests that change something, by what people call them.
        EffectKind::Net if effect.text(Attr::Method).is_some_and(|method| method != "GET") => {
            &[O::Send, O::Change, O::Deploy, O::Publish]
        }
        EffectKind::Persist => &[O::Schedule, O::Change, O::Create, O::Install],
        EffectKind::Guard if has("delete") => &[O::Delete],
        EffectKind::Guard => &[O::Change, O::Skip],
        EffectKind::Privilege => &[O::Run, O::Install, O::Change, O::Stop],
        EffectKind::Net if effect.is(Attr::Insecure) => &[O::Skip],
        EffectKind::Credential if has("delete") || has("remove") || has("rm") => &[O::Delete],
        EffectKind::Credential if has("set") || has("add") || has("create") || has("write") => {
            &[O::Change, O::Create]
        }
        EffectKind::Read
        | EffectKind::Net
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Browser => &[],
    }
}

/// The operations by which an effect is ruled out, or was asked for in a word of many uses. Narrower than
/// [`of`]: what is ruled out by mistake stops work.
pub(crate) fn ruled_out_by(effect: &Effect) -> &'static [Operation] {
    use Operation as O;
    let op = effect.text(Attr::Op).unwrap_or_default();
    match effect.kind {
        EffectKind::VcsRemote if effect.is(Attr::DeleteRef) => &[O::Delete],
        EffectKind::VcsRemote if effect.is(Attr::Force) => &[O::ForcePush],
        EffectKind::VcsRemote
            if op.contains("pr create")
                || op.contains("mr create")
                || op.starts_with("create_pull_request")
                || op.starts_with("create_merge_request") =>
        {
            &[O::Propose, O::Send, O::Change]
        }
        EffectKind::VcsRemote if op.starts_with("pr ready") || op.starts_with("mr ready") => {
            &[O::Propose, O::Change]
        }
        EffectKind::VcsRemote if op.contains("merge") => &[O::Merge],
        // A draft is nobody's yet.
        EffectKind::VcsRemote if op.contains("release") && !op.contains("draft") => &[O::Publish],
        EffectKind::VcsRemote if op.starts_with("push") => &[O::Push],
        EffectKind::VcsRemote => &[O::Send, O::Change],
        EffectKind::VcsLocal if effect.is(Attr::DeleteRef) => &[O::Delete],
        EffectKind::VcsLocal if op.starts_with("commit --amend") => &[O::Commit, O::Rewrite],
        EffectKind::VcsLocal if op.starts_with("commit") => &[O::Commit],
        EffectKind::VcsLocal if op.starts_with("rebase") => &[O::Rewrite],
        EffectKind::VcsLocal if op.starts_with("stash drop") => &[O::Discard, O::Delete],
        EffectKind::VcsLocal if op.starts_with("merge") => &[O::Merge],
        EffectKind::VcsLocal if effect.attributes.get(Attr::Discards).is_some() => &[O::Discard],
        EffectKind::VcsLocal => &[],
        EffectKind::Delete => &[O::Delete],
        EffectKind::Write | EffectKind::Create | EffectKind::Metadata => &[O::Change],
        EffectKind::Package if effect.is(Attr::Publish) => &[O::Publish],
        EffectKind::Package if op.starts_with("remove") => &[O::Delete],
        // What is run from a package need not be new.
        EffectKind::Package if op.starts_with("run") => &[O::Run],
        EffectKind::Package if effect.is(Attr::FromManifest) => &[O::Install, O::Run],
        EffectKind::Package => &[O::Install, O::Run, O::Adopt],
        EffectKind::Infra if effect.is(Attr::Grant) => &[O::Grant],
        EffectKind::Infra if effect.is(Attr::Destroy) => &[O::Delete, O::Deploy],
        EffectKind::Infra => &[O::Deploy, O::Change],
        EffectKind::Database if effect.is(Attr::Destroy) => &[O::Delete],
        EffectKind::Database => &[O::Change, O::Run],
        EffectKind::Process => &[O::Stop],
        EffectKind::Message => &[O::Send],
        EffectKind::Payment => &[O::Pay],
        EffectKind::Exec | EffectKind::ExecCode | EffectKind::DownloadExec => &[O::Run],
        EffectKind::Net if effect.is(Attr::Destroy) => &[O::Delete],
        EffectKind::Net if effect.is(Attr::Upload) => &[O::Send],
        // Other requests that change something, by what people call them.
        EffectKind::Net if effect.text(Attr::Method).is_some_and(|method| method != "GET") => {
            &[O::Send, O::Change, O::Deploy, O::Publish]
        }
        EffectKind::Net if effect.is(Attr::Tunnel) || effect.is(Attr::Listen) => &[O::Run],
        EffectKind::Guard if op == "delete" => &[O::Delete],
        EffectKind::Guard | EffectKind::Persist => &[O::Change],
        EffectKind::Read
        | EffectKind::Net
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Browser => &[],
    }
}

/// Whether it is something that runs, and is made anew by what watches over it.
fn runs(effect: &Effect) -> bool {
    let kind = effect.text(Attr::Resource).unwrap_or_default();
    matches!(
        kind,
        "pod" | "pods" | "po" | "container" | "instance" | "vm" | "machine" | "job" | "task"
    )
}

/// The verbs of the operation in the program's own words: a user who says "cordon node-7" has named
/// what `kubectl cordon` does. Effects that do more than their verb says are not named by it.
pub(crate) fn verbs(effect: &Effect) -> Vec<&str> {
    let plain = matches!(
        effect.kind,
        EffectKind::Infra
            | EffectKind::Database
            | EffectKind::Process
            | EffectKind::Message
            | EffectKind::Payment
            | EffectKind::Package
    );
    let op = effect.text(Attr::Op).unwrap_or_default();
    // "archive acme/old" is what `gh repo archive` does.
    let on_forge = effect.kind == EffectKind::VcsRemote
        && !effect.is(Attr::DeleteRef)
        && ["repo ", "pr ", "mr ", "issue ", "label ", "milestone "]
            .iter()
            .any(|it| op.starts_with(it));
    if !(plain || on_forge) || op.is_empty() {
        return Vec::new();
    }
    op.split(' ')
        .filter(|word| !word.starts_with('-'))
        .filter_map(|word| word.split(['-', '_', ':', '/']).next())
        .filter(|word| word.len() > 2 && !NOUNS.contains(word))
        .collect()
}

/// Words of operations that are no verbs.
const NOUNS: &[&str] = &[
    "issue",
    "release",
    "repo",
    "run",
    "workflow",
    "secret",
    "variable",
    "gist",
    "project",
    "label",
    "image",
    "volume",
    "network",
    "system",
    "container",
    "compose",
    "service",
    "config",
    "table",
    "database",
    "all",
    "with",
    "from",
    "into",
    "the",
    "job",
    "queue",
    "user",
    "role",
    "group",
    "policy",
];

/// Whether an operation makes something that was not there: who wants a copy of the settings wants none changed.
fn makes(op: &str) -> bool {
    let lower = op.to_lowercase();
    let verbs = ["create", "run", "new", "add", "insert", "import", "restore", "load", "launch"];
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| verbs.contains(&word))
}
