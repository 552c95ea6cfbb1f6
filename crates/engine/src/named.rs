//! Whether one wish of the user has an operation, its target and the system that it is on.
//!
//! An effect is covered by one request that has all of it: an operation that the effect is an
//! instance of, the target under one of the names that people give it, and the system that it is on.
//! What was asked for on staging is not asked for in production; what leaves out a check is only
//! covered where that was asked for too.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Scope, Target};

use crate::lexicon::Operation;
use crate::operations;
use crate::session::Session;
use crate::wishes::{Environment, Wish};

/// Targets that are too short or too general to be named by accident-free mention.
const SHORTEST_NAME: usize = 2;

/// What is known of the repository that an effect is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Here {
    /// The effect is about the branch that is checked out.
    pub(crate) current_branch: Option<bool>,
    /// There are changes that are not committed.
    pub(crate) dirty: Option<bool>,
    /// How many commits no name would lead to any more.
    pub(crate) orphaned: Option<u64>,
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
            || verbs.iter().any(|verb| request.asks_with(verb));
        let version = effect.text(Attr::Version).is_none_or(|it| request.is_of_version(it));
        operation
            && version
            && agrees(request, environment)
            && dares(request, effect)
            && is_there(request, effect)
    };
    session
        .wishes()
        .filter(asks)
        .any(|request| names.are_in(request) || is_meant(request, effect, here))
        || all_lost_is_meant(effect, here, || session.wishes().filter(asks))
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
    let opens = effect.is(Attr::Public) && effect.kind == EffectKind::Infra;
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
    // "disable caching in the deploy workflow" leaves the workflow on.
    let switches_off = op.starts_with("workflow disable");
    (!skips || request.operations.contains(&Operation::Skip))
        && (!opens || says(PUBLIC))
        && (!empties || says(VOLUMES))
        && (!turns
            || request.operations.contains(&Operation::Delete)
            || says(&["-destroy", "--destroy"]))
        && (!switches_off || says(WORKFLOWS))
        && (!publishes || told_where || request.operations.contains(&Operation::Publish))
}

/// What holds data after what used it is gone.
const VOLUMES: &[&str] =
    &["volume", "volumes", "-v", "--volumes", "volumen", "volúmenes", "ボリューム"];

/// Where anybody has a name for the asking.
const LENT: &[&str] = &[
    ".github.io",
    ".gitlab.io",
    ".netlify.app",
    ".vercel.app",
    ".pages.dev",
    ".workers.dev",
    ".web.app",
    ".herokuapp.com",
    ".amazonaws.com",
    ".cloudfront.net",
    ".azurewebsites.net",
    ".windows.net",
];

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

/// Whether the request is about the machine that the effect is on, where that is another one.
fn is_there(request: &Wish, effect: &Effect) -> bool {
    match &effect.scope {
        Scope::Remote(host) if !host.is_empty() => {
            let label = host.split('.').next().unwrap_or(host);
            request.mentions(&host.to_lowercase()) || request.mentions(&label.to_lowercase())
        }
        Scope::Local | Scope::Container(_) | Scope::Remote(_) | Scope::Cluster(_) => true,
    }
}

/// The words by which a person may name the target.
#[derive(Debug, Default)]
struct Names {
    /// Each is enough. Of several words, all must be said.
    any: Vec<Vec<String>>,
    /// The target must be what the operation is done to: a mention beside it is not enough.
    as_object: bool,
    /// The same, where something is named as what it is done to: "close 88 as a duplicate of 71".
    prefers_object: bool,
    /// Folders above it: naming one as the object names all in it.
    above: Vec<String>,
    /// What leaves: it must be named, too, where the request names what is to leave.
    leaves: Vec<String>,
}

impl Names {
    fn of(effect: &Effect) -> Self {
        let mut names = Self {
            as_object: is_strict(effect),
            prefers_object: is_item(effect),
            ..Self::default()
        };
        match &effect.target {
            Target::Known(target) => names.add_target(effect, &target.to_lowercase()),
            // A pattern is named as it is written; nobody can have named what is not known.
            Target::Pattern(target) if effect.kind.targets_path() => {
                names.add_path(&target.to_lowercase());
            }
            Target::Pattern(_) | Target::OneOf(_) | Target::Unknown => {}
        }
        if !matches!(effect.target, Target::Unknown | Target::OneOf(_)) {
            for attr in [Attr::Branch, Attr::Version] {
                if let Some(text) = effect.text(attr).map(str::to_lowercase) {
                    names.add(vec![text]);
                }
            }
        }
        names
    }

    fn add(&mut self, words: Vec<String>) {
        let long = |word: &String| word.chars().count() >= SHORTEST_NAME || is_number(word);
        if !words.is_empty() && words.iter().all(long) {
            self.any.push(words);
        }
    }

    fn add_target(&mut self, effect: &Effect, target: &str) {
        // A program's own name says nothing of which of its sessions.
        if effect.kind == EffectKind::Process && effect.text(Attr::By) == Some(target) {
            return;
        }
        // All pods are called by no name: `is_meant` asks whether all of them are.
        let kind_alone = effect.text(Attr::Resource) == Some(target);
        if effect.kind == EffectKind::Infra && effect.is(Attr::Unbounded) && kind_alone {
            return;
        }
        self.add(vec![target.to_owned()]);
        match effect.kind {
            EffectKind::Persist
                if effect.text(Attr::Mechanism).is_some_and(|way| way.contains("hook")) =>
            {
                self.add_path(target);
                self.add(vec!["hook".to_owned()]);
                self.add(vec!["hooks".to_owned()]);
            }
            EffectKind::Write | EffectKind::Create => {
                self.add_path(target);
                self.add_settings_of(target);
            }
            EffectKind::Persist if target == "crontab" => {
                for name in ["cron", "cronjob"] {
                    self.add(vec![name.to_owned()]);
                }
            }
            EffectKind::Credential if target.starts_with('/') => {
                self.add_path(target);
                self.add_settings_of(target);
            }
            kind if kind.targets_path() => self.add_path(target),
            EffectKind::VcsLocal => {
                if target.starts_with('/') {
                    self.add_path(target);
                }
            }
            EffectKind::Net => self.add_host(effect, target),
            EffectKind::DownloadExec => {
                self.add_host(effect, target);
                // "install it with rustup": the name of who runs the host.
                let label = target.rsplit('.').nth(1).filter(|label| label.len() > 2);
                self.add(label.map(str::to_owned).into_iter().collect());
            }
            EffectKind::Process if target.starts_with("port:") => {
                let number = target.split([':', '/']).find(|part| is_number(part));
                self.add(number.map(str::to_owned).into_iter().collect());
            }
            EffectKind::Process => {
                self.add_parts(effect, target);
                // "restart postgresql" is about postgresql.service.
                let unit = target.rsplit_once('.').map(|(unit, _)| unit.to_owned());
                self.add(unit.into_iter().collect());
            }
            // `repos/acme/site/collaborators/hannah`: the last part is who or what it is about.
            EffectKind::VcsRemote if effect.is(Attr::Grant) && target.contains('/') => {
                self.add(target.rsplit('/').next().map(str::to_owned).into_iter().collect());
            }
            EffectKind::Package => {
                for attr in [Attr::Ecosystem, Attr::Registry] {
                    if effect.is(Attr::Publish)
                        || effect.text(Attr::Op).is_some_and(|op| op.starts_with("publish"))
                    {
                        self.add(effect.text(attr).map(str::to_lowercase).into_iter().collect());
                        self.add(vec!["package".to_owned()]);
                        self.add(vec!["crate".to_owned()]);
                    }
                }
            }
            _ => self.add_parts(effect, target),
        }
    }

    /// `deploy/web` is web, `s3://bucket/prefix` is the prefix in the bucket, `db.table` the table.
    fn add_parts(&mut self, effect: &Effect, target: &str) {
        let place = target.split_once("://").map_or(target, |(_, place)| place);
        let parts: Vec<String> =
            place.split(['/', ':']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        if target.starts_with('/') {
            self.add(parts.last().cloned().into_iter().collect());
        }
        match (parts.as_slice(), target.contains("://")) {
            ([_, _, ..], true) => self.add(parts),
            ([_kind, name], false) => self.add(vec![name.clone()]),
            _ => self.add(parts),
        }
        if effect.kind == EffectKind::Database {
            self.add(target.rsplit('.').next().map(str::to_owned).into_iter().collect());
        }
    }

    fn add_host(&mut self, effect: &Effect, target: &str) {
        let url = effect.text(Attr::Url).unwrap_or_default().to_lowercase();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').find(|part| !part.is_empty()).map(str::to_owned);
        if effect.is(Attr::Destroy) {
            // Whoever asks for something to go away names the thing, and not the host that it is on.
            self.any.clear();
            self.add(last.into_iter().collect());
            return;
        }
        // "upload it to codecov": the name of the host, or of who runs it.
        let labels: Vec<&str> = target.split('.').collect();
        let runs_it = labels.len().checked_sub(2).and_then(|at| labels.get(at));
        // Below a host that gives names to anybody the second name says nothing, and of what is uploaded
        // the first says nothing of who gets it.
        let lent = LENT.iter().any(|it| target.ends_with(it));
        let sends = effect.is(Attr::Upload);
        let is_known = effect.attributes.get(Attr::Classes).is_some();
        let first = labels.first().filter(|_| !sends || is_known || labels.len() <= 2);
        for label in first.into_iter().chain(runs_it.filter(|_| !lent)) {
            if label.len() > 3 {
                self.add(vec![(*label).to_owned()]);
            }
        }
        self.add(vec![url.clone()]);
        let text = |attr| effect.attributes.get(attr).map(|value| value.to_string().to_lowercase());
        if effect.is(Attr::Upload) {
            // What leaves may be named as the file or as the folder that it lies in.
            let path = text(Attr::Payload).unwrap_or_default();
            let tails = path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..));
            let parts = path.split('/').chain(tails).filter(|part| part.len() > 2);
            self.leaves = parts.map(str::to_owned).collect();
        } else {
            self.add(text(Attr::Port).into_iter().collect());
        }
    }

    /// `.pre-commit-config.yaml` is what pre-commit is set up with.
    fn add_settings_of(&mut self, path: &str) {
        let name = base_name(path).trim_start_matches('.');
        let stem = name.split('.').next().unwrap_or(name);
        let program = stem.strip_suffix("-config").or_else(|| stem.strip_suffix("rc"));
        self.add(program.map(str::to_owned).into_iter().collect());
    }

    fn add_path(&mut self, path: &str) {
        // A skill is called by its folder.
        if base_name(path) == "skill.md" {
            self.add(path.rsplit('/').nth(1).map(str::to_owned).into_iter().collect());
        }
        // What is in a folder is emptied by the folder's name.
        let path = path.strip_suffix("/*").unwrap_or(path);
        self.add(vec![base_name(path).to_owned()]);
        let tails = path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..));
        for tail in tails.filter(|tail| tail.contains('/')) {
            self.add(vec![tail.to_owned()]);
            self.add(vec![format!("~/{tail}")]);
        }
        let mut folder = path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            folder = above;
            // What is above a project holds more than anybody means.
            if folder.matches('/').count() < 4 {
                break;
            }
            self.above.push(base_name(folder).to_owned());
            let tails = folder.match_indices('/').filter_map(|(at, _)| folder.get(at + 1..));
            self.above.extend(tails.filter(|tail| tail.contains('/')).map(str::to_owned));
        }
    }

    fn are_in(&self, request: &Wish) -> bool {
        let is_object = |word: &String| request.has_object(word);
        let as_object = self.as_object || (self.prefers_object && request.names_something);
        let is_named = |words: &Vec<String>| {
            words.iter().all(|word| request.mentions(word))
                && (!as_object || words.iter().any(is_object))
        };
        let leaves = self.leaves.is_empty()
            || !request.names_something
            || self.leaves.iter().any(|part| request.mentions(part));
        (self.any.iter().any(is_named) && leaves)
            || (self.as_object
                && self.above.iter().any(|folder| {
                    is_object(folder) || (request.everything && request.mentions(folder))
                }))
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())
}

/// Where a mention beside the operation may be of something else: "remove the imports from api.py".
fn is_strict(effect: &Effect) -> bool {
    effect.kind == EffectKind::Delete
        || (effect.kind == EffectKind::Database && effect.is(Attr::Destroy))
        || effect.is(Attr::DeleteRef)
        || effect.text(Attr::Op).is_some_and(|op| op.starts_with("workflow disable"))
}

/// Items that are told apart by their number, of which a request may name several in several parts.
fn is_item(effect: &Effect) -> bool {
    let op = effect.text(Attr::Op).unwrap_or_default();
    let acts = |verb: &&str| op.split([' ', '_', '-']).any(|part| part == *verb);
    matches!(effect.kind, EffectKind::VcsRemote | EffectKind::Message)
        && ["close", "merge", "accept", "approve", "delete", "cancel"].iter().any(acts)
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
            let kinds = ["db", "database", "datenbank", "base", "bd", "schema", "tables"];
            environment(effect).is_some_and(|kind| request.environments.contains(&kind))
                && !request.names_something
                && kinds.iter().any(|word| request.has_object(word))
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
                || effect.target.as_known().is_some_and(|target| target.starts_with('/'));
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

/// What is lost has no name of its own, and all of it must have been meant, if not in one breath: who
/// drops a commit has not said that the changes beside it may go.
fn all_lost_is_meant<'w, W: Iterator<Item = &'w Wish>>(
    effect: &Effect,
    here: Here,
    wishes: impl Fn() -> W,
) -> bool {
    let Some(AttrValue::Set(lost)) = effect.attributes.get(Attr::Discards) else { return false };
    let is_local = effect.kind == EffectKind::VcsLocal && !effect.is(Attr::DeleteRef);
    let is_meant = |what: &String| {
        // Beside a commit that is to go there may be none.
        let none = what == "changes" && here.dirty == Some(false) && lost.len() > 1;
        none || wishes().any(|request| may_lose(request, what, effect, here))
    };
    is_local && !lost.is_empty() && lost.iter().all(is_meant)
}

fn may_lose(request: &Wish, what: &str, effect: &Effect, here: Here) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    match what {
        "changes" => means_changes(request, effect),
        "commits" => means_commits(request, effect, here),
        "stash" => says(&["stash", "stashes"]),
        // "with everything in it"
        "untracked" => {
            says(&["untracked"]) || (request.everything && Names::of(effect).are_in(request))
        }
        other => says(&[other]),
    }
}

fn means_changes(request: &Wish, effect: &Effect) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let whole = effect.text(Attr::Dir).is_some_and(|dir| effect.target.as_known() == Some(dir));
    whole
        && !request.names_something
        && says(&["changes", "work", "änderungen", "modifications", "cambios"])
        && (request.everything
            || request.bare
            || says(&["local", "uncommitted", "my", "unstaged", "staged", "meine"]))
}

/// One commit is "the commit"; of several it must have been said how many, or that all of them go.
fn means_commits(request: &Wish, effect: &Effect, here: Here) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let steps = effect.text(Attr::Branch).and_then(steps_back).or(here.orphaned);
    says(&["commit", "commits", "history"])
        && match steps {
            Some(0 | 1) => true,
            Some(steps) => {
                request.everything
                    || request.mentions(&steps.to_string())
                    || NUMBERS.iter().any(|(number, words)| *number == steps && says(words))
            }
            None => request.everything || says(&["history"]),
        }
}

const NUMBERS: [(u64, &[&str]); 9] = [
    (2, &["two", "both", "couple", "zwei", "beiden", "deux", "dos", "二", "两", "2つ"]),
    (3, &["three", "drei", "trois", "tres", "三", "3つ"]),
    (4, &["four", "vier", "quatre", "cuatro", "四", "4つ"]),
    (5, &["five", "fünf", "cinq", "cinco", "五", "5つ"]),
    (6, &["six", "sechs", "seis", "六", "6つ"]),
    (7, &["seven", "sieben", "sept", "siete", "七", "7つ"]),
    (8, &["eight", "acht", "huit", "ocho", "八", "8つ"]),
    (9, &["nine", "neun", "neuf", "nueve", "九", "9つ"]),
    (10, &["ten", "zehn", "dix", "diez", "十"]),
];

/// How many commits `HEAD~3` or `@^^` goes back. None: what is written is not told from where one is.
fn steps_back(revision: &str) -> Option<u64> {
    let mut rest = revision.strip_prefix("HEAD").or_else(|| revision.strip_prefix('@'))?;
    let mut steps = 0_u64;
    while !rest.is_empty() {
        let after = rest.strip_prefix('~').or_else(|| rest.strip_prefix('^'))?;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after_number) = after.split_at_checked(digits)?;
        let number = if number.is_empty() { 1 } else { number.parse().ok()? };
        // `^2` is another parent.
        if rest.starts_with('^') && number > 1 {
            return None;
        }
        steps = steps.checked_add(number)?;
        rest = after_number;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::steps_back;

    #[test]
    fn steps_are_counted_from_where_one_is() {
        for (revision, steps) in [
            ("HEAD", Some(0)),
            ("HEAD~", Some(1)),
            ("@^", Some(1)),
            ("HEAD~3", Some(3)),
            ("HEAD^^~2", Some(4)),
            ("HEAD^2", None),
            ("origin/main", None),
            ("HEAD@{2}", None),
            ("HEAD~99999999999999999999", None),
        ] {
            assert_eq!(steps_back(revision), steps, "{revision}");
        }
    }
}
