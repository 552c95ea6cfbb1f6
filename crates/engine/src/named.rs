//! Whether one wish of the user has an operation, its target and the system that it is on.
//!
//! An effect is covered by one request that has all of it: an operation that the effect is an
//! instance of, the target under one of the names that people give it, and the system that it is on.
//! What was asked for on staging is not asked for in production; what leaves out a check is only
//! covered where that was asked for too.

use ringfence_action::{Attr, Effect, EffectKind, Scope, Target};

use crate::extent;
use crate::grants;
use crate::lexicon::Operation;
use crate::losses::all_lost_is_meant;
use crate::names::Names;
use crate::operations;
use crate::session::Session;
use crate::wishes::{Environment, Wish};

/// What is known of the repository that an effect is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Here {
    /// The effect is about the branch that is checked out.
    pub(crate) current_branch: Option<bool>,
    /// There are changes that are not committed.
    pub(crate) dirty: Option<bool>,
    /// How many commits no name would lead to any more.
    pub(crate) orphaned: Option<u64>,
    /// The repository on the forge that the effect names is the one worked in.
    pub(crate) own_repository: Option<bool>,
}

/// Whether something the user said asks for just this.
pub(crate) fn covers(session: &Session, effect: &Effect, here: Here) -> bool {
    let environment = environment(effect);
    // Whoever asks about production wants it looked at.
    if effect.is(Attr::ReadOnly) {
        return environment.is_some_and(|environment| session.speaks_of(environment));
    }
    let wanted = operations::of(effect);
    let verbs = operations::verbs(effect);
    let names = Names::of(effect);
    let asks = |request: &&Wish| {
        let operation = wanted.iter().any(|operation| request.operations.contains(operation))
            || verbs.iter().any(|verb| request.asks_with(verb))
            || (is_task(effect) && request.written);
        let version = effect.text(Attr::Version).is_none_or(|it| request.is_of_version(it));
        operation
            && version
            && agrees(request, environment)
            && dares(request, effect)
            && is_there(request, effect)
            && extent::lies_there(request, effect)
            && extent::is_as_many(request, effect)
            && grants::asks_for(request, effect)
            && is_of_repository(request, effect, here)
    };
    session
        .wishes()
        .filter(asks)
        .any(|request| names.are_in(request) || is_meant(request, effect, here))
        || all_lost_is_meant(effect, here, || session.wishes().filter(asks))
}

/// Whether it is told by the words of a command alone.
fn is_told(effect: &Effect) -> bool {
    let runs = matches!(effect.kind, EffectKind::Payment | EffectKind::Message)
        && effect.text(Attr::Op) == Some("run");
    is_task(effect) || runs
}

/// Whether it is a task or a script, of which only the words are known: who writes out the command asks for it.
fn is_task(effect: &Effect) -> bool {
    effect.text(Attr::Provider) == Some("task")
}

fn environment(effect: &Effect) -> Option<Environment> {
    effect.text(Attr::Environment).and_then(Environment::of)
}

/// Whether the request is about systems of this kind. Production is never meant by the way.
fn agrees(request: &Wish, environment: Option<Environment>) -> bool {
    match environment {
        Some(Environment::Production) => request.environments.contains(&Environment::Production),
        Some(environment) => {
            request.environments.is_empty() || request.environments.contains(&environment)
        }
        None => true,
    }
}

/// Whether the request wants what the effect does beyond the plain operation.
fn dares(request: &Wish, effect: &Effect) -> bool {
    let op = effect.text(Attr::Op).unwrap_or_default();
    let skips = effect.is(Attr::NoVerify) || op.contains("--admin");
    let opens =
        effect.is(Attr::Public) && matches!(effect.kind, EffectKind::Infra | EffectKind::VcsRemote);
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let destroys = effect.kind == EffectKind::Infra && effect.is(Attr::Destroy);
    // `docker compose down -v`: what is kept is not taken away with what runs.
    let empties =
        destroys && effect.text(Attr::Resource) == Some("volume") && !op.contains("volume");
    // `terraform apply -destroy`
    let turns = destroys && op.split(' ').any(|word| word == "apply");
    // "push the package to my branch" publishes nothing, "push the package to npm" does.
    // Of images, pushing is all the publishing there is.
    let publishes = effect.kind == EffectKind::Package
        && effect.is(Attr::Publish)
        && effect.text(Attr::Ecosystem) != Some("docker");
    let registries = [Attr::Ecosystem, Attr::Registry].into_iter().filter_map(|it| effect.text(it));
    let told_where = REGISTRIES.iter().copied().chain(registries).any(|it| request.has_place(it));
    // Who wants something to run anew wants to have it afterwards. What watches over a pod makes another.
    let ends = destroys && effect.text(Attr::Provider) != Some("kubernetes");
    let restarts = RESTARTS.iter().any(|verb| request.asks_with(verb))
        && !request.operations.contains(&Operation::Delete);
    // "disable caching in the deploy workflow" leaves the workflow on.
    let switches_off = op.starts_with("workflow disable");
    let only_tried = is_told(effect) && says(DRY);
    let ends_for_good = ends && restarts;
    (!skips || request.operations.contains(&Operation::Skip))
        && !only_tried
        && !ends_for_good
        && (!opens || says(PUBLIC))
        && (!empties || says(VOLUMES))
        && (!turns
            || request.operations.contains(&Operation::Delete)
            || says(&["-destroy", "--destroy"]))
        && (!switches_off || says(WORKFLOWS))
        && (!publishes || told_where || request.operations.contains(&Operation::Publish))
}

/// Words for showing what would be done.
const DRY: &[&str] = &[
    "dry",
    "dry-run",
    "dryrun",
    "--dry-run",
    "probeweise",
    "probelauf",
    "simulation",
    "simuliere",
    "simula",
    "simule",
    "blanc",
    "prueba",
    "ドライラン",
    "试运行",
    "演练",
];

/// Options with which it is done and not shown, for whoever writes them out.
const REALLY: &[&str] = &["--execute", "--live", "--apply", "--no-dry-run"];

/// Verbs after which what was stopped runs again.
const RESTARTS: &[&str] = &[
    "restart",
    "reboot",
    "bounce",
    "kick",
    "cycle",
    "recycle",
    "reload",
    "starte",
    "redémarre",
    "relance",
    "reinicia",
    "neustarten",
];

/// What holds data after what used it is gone.
const VOLUMES: &[&str] =
    &["volume", "volumes", "-v", "--volumes", "volumen", "volúmenes", "ボリューム"];

const REGISTRIES: &[&str] = &["npm", "crates.io", "pypi", "rubygems", "registry"];

const WORKFLOWS: &[&str] =
    &["workflow", "workflows", "action", "pipeline", "flujo", "ワークフロー"];

/// Programs that do nothing else: who names one means a tunnel. A language that opens one is another matter.
const TUNNELS: &[&str] =
    &["ngrok", "cloudflared", "localtunnel", "lt", "bore", "zrok", "devtunnel"];

/// All that stands in a place of its own.
const WHOLES: &[&str] = &[
    "stack",
    "environment",
    "env",
    "infrastructure",
    "infra",
    "umgebung",
    "environnement",
    "entorno",
];

const PUBLIC: &[&str] = &[
    "public",
    "publicly",
    "everyone",
    "everybody",
    "anybody",
    "anyone",
    "world",
    "internet",
    "0.0.0.0/0",
    "öffentlich",
    "publique",
    "público",
];

/// Whether the request is about the repository on the forge that the effect names: a number alone is one of
/// this repository.
fn is_of_repository(request: &Wish, effect: &Effect, here: Here) -> bool {
    let named = effect.text(Attr::Remote).filter(|_| {
        effect.kind == EffectKind::VcsRemote && matches!(effect.text(Attr::By), Some("gh" | "glab"))
    });
    let Some(repository) = named.map(str::to_lowercase) else { return true };
    let name = repository.rsplit('/').next().unwrap_or_default();
    here.own_repository == Some(true) || request.mentions(&repository) || request.mentions(name)
}

/// Whether the request is about the machine that the effect is on, where that is another one.
fn is_there(request: &Wish, effect: &Effect) -> bool {
    match &effect.scope {
        Scope::Remote(host) if !host.is_empty() => {
            let label = host.split('.').next().unwrap_or(host);
            // `db-2.prod` is another one than `db-2.dev`.
            let by_label = || {
                request.mentions(&label.to_lowercase()) && agrees(request, Environment::of(host))
            };
            request.mentions(&host.to_lowercase()) || by_label()
        }
        Scope::Local | Scope::Container(_) | Scope::Remote(_) | Scope::Cluster(_) => true,
    }
}

/// Targets that people mean without a name of their own.
fn is_meant(request: &Wish, effect: &Effect, here: Here) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let op = effect.text(Attr::Op).unwrap_or_default();
    // The user wrote the very command, and it is about no single thing.
    let unnamed = effect.target == Target::Unknown || effect.target.as_known() == Some("*");
    if unnamed && request.written {
        let told = |word: &str| request.mentions(word) || request.asks_with(word);
        return !op.is_empty()
            && effect.text(Attr::By).is_some_and(told)
            && op.split(' ').filter(|word| !word.starts_with('-')).all(told);
    }
    if is_told(effect) && !effect.is(Attr::Destroy) && says(REALLY) {
        return true;
    }
    match effect.kind {
        // "my branch", "it": the one that is checked out.
        EffectKind::VcsRemote if op.starts_with("push") && !effect.is(Attr::DeleteRef) => {
            here.current_branch == Some(true)
                && !request.names_something
                && says(&["branch", "rama", "branche"])
        }
        EffectKind::VcsRemote if op.starts_with("pr ") || op.starts_with("mr ") => {
            effect.target == Target::Unknown
                && !request.names_something
                && says(&["pr", "mr", "pull", "merge"])
        }
        EffectKind::VcsRemote if op.contains("gist") => says(&["gist"]),
        EffectKind::VcsLocal => effect.is(Attr::NoVerify) && op.starts_with("commit"),
        EffectKind::Package if effect.is(Attr::Publish) || op.starts_with("publish") => {
            effect.target.as_known() == Some(".") && says(&["package", "crate", "npm", "pypi"])
        }
        // "the test db": the only one of its kind. "users in the test db" is about users.
        EffectKind::Database => {
            let kinds = ["db", "database", "datenbank", "base", "bd", "schema", "tables", "数据库"];
            let migrates = effect.text(Attr::Op).is_some_and(|op| op.contains("migrat"));
            let migrations: &[&str] = if migrates { &["migration", "migrations"] } else { &[] };
            environment(effect).is_some_and(|kind| request.environments.contains(&kind))
                && !request.names_something
                && kinds.iter().chain(migrations).any(|word| request.has_object(word))
        }
        // "put it on the staging cluster": what is deployed goes where it was said.
        EffectKind::Infra => {
            let kind = effect.text(Attr::Resource).unwrap_or_default();
            let all = effect.is(Attr::All)
                || effect.is(Attr::Unbounded)
                || effect.target.as_known() == Some("*");
            let every = !kind.is_empty()
                && all
                && !request.names_something
                && (says(&[&format!("{kind}s")]) || (request.everything && says(&[kind])));
            // "deploy it to production": production alone, and not some service of it.
            let project = effect.target == Target::Unknown
                || is_task(effect)
                || effect.target.as_known().is_some_and(|it| it.starts_with('/') || it == "*");
            let placed = !effect.is(Attr::Destroy)
                && !effect.is(Attr::Grant)
                && request.operations.contains(&Operation::Deploy)
                && environment(effect).is_some_and(|kind| {
                    (project || kind != Environment::Production)
                        && request.environments.contains(&kind)
                });
            // "tear down the staging stack"
            let whole =
                all && environment(effect).is_some_and(|kind| {
                    kind != Environment::Production && request.environments.contains(&kind)
                }) && WHOLES.iter().any(|word| request.has_object(word));
            every || placed || whole
        }
        EffectKind::Net if effect.is(Attr::Tunnel) && !effect.is(Attr::Upload) => {
            effect.target == Target::Unknown
                && (says(&["tunnel"])
                    || effect.text(Attr::By).is_some_and(|by| TUNNELS.contains(&by) && says(&[by])))
        }
        kind if kind.targets_path() => {
            let classes = ["lockfile", "ci"];
            classes.iter().any(|class| {
                effect.attributes.contains(Attr::Classes, class) && request.has_object(class)
            })
        }
        EffectKind::Privilege => says(&["sudo", "root"]),
        // "kill the tmux server"
        EffectKind::Process => {
            let by = effect.text(Attr::By).unwrap_or_default();
            let told = |word: &str| request.mentions(word) || request.asks_with(word);
            effect.target.as_known() == Some(by) && told(by) && op.split(['-', ' ']).all(told)
        }
        _ => false,
    }
}
