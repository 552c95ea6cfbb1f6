//! The names that people give to what an effect is about.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, Effect, EffectKind, Target};
use ringfence_analysis::classes_of_host;

use crate::wishes::Wish;

/// Targets that are too short or too general to be named by accident-free mention.
const SHORTEST_NAME: usize = 2;

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

/// The words by which a person may name the target.
#[derive(Debug, Default)]
pub(crate) struct Names {
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
    pub(crate) fn of(effect: &Effect) -> Self {
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
            Target::Pattern(_) if effect.kind == EffectKind::Package => names.add_registry(effect),
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
        let all = effect.is(Attr::Unbounded) || effect.is(Attr::All);
        if effect.kind == EffectKind::Infra && all && kind_alone {
            return;
        }
        self.add(vec![target.to_owned()]);
        // A project as a whole is called by its folder.
        if effect.kind == EffectKind::Infra && matches!(target, "*" | ".") {
            let folder = effect.text(Attr::Dir).map(str::to_lowercase).unwrap_or_default();
            let tails = folder.match_indices('/').filter_map(|(at, _)| folder.get(at + 1..));
            tails
                .filter(|tail| tail.contains('/'))
                .for_each(|tail| self.add(vec![tail.to_owned()]));
        }
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
            // `alias.up` is the alias up.
            EffectKind::Persist if effect.text(Attr::Mechanism) == Some("git-config") => {
                self.add(target.split('.').map(str::to_owned).collect());
            }
            EffectKind::Persist if target == "crontab" => {
                for name in ["cron", "cronjob"] {
                    self.add(vec![name.to_owned()]);
                }
            }
            EffectKind::Credential | EffectKind::Persist if target.starts_with('/') => {
                self.add_path(target);
                self.add_settings_of(target);
            }
            kind if kind.targets_path() => self.add_path(target),
            EffectKind::VcsLocal => {
                if target.starts_with('/') {
                    self.add_path(target);
                } else if effect.text(Attr::Op).is_some_and(|op| op.starts_with("config")) {
                    self.add(target.split('.').map(str::to_owned).collect());
                }
            }
            EffectKind::Net | EffectKind::DownloadExec => self.add_host(effect, target),
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
            EffectKind::Package => self.add_registry(effect),
            // "Run the backfill" is about `backfill.sh`, and `deploy:web` a task by its whole name.
            EffectKind::Infra if effect.text(Attr::Provider) == Some("task") => {
                let name = base_name(target);
                self.add(vec![name.to_owned()]);
                self.add(name.split('.').next().map(str::to_owned).into_iter().collect());
            }
            _ => self.add_parts(effect, target),
        }
    }

    /// What is published may be called by where it goes.
    fn add_registry(&mut self, effect: &Effect) {
        let publishes = effect.is(Attr::Publish)
            || effect.text(Attr::Op).is_some_and(|op| op.starts_with("publish"));
        if !publishes {
            // What is installed may be asked for by where it comes from.
            let from = effect.text(Attr::Registry).map(str::to_lowercase).unwrap_or_default();
            let host = from.split_once("://").map_or(from.as_str(), |(_, place)| place);
            let host = host.split('/').next().unwrap_or_default().to_owned();
            self.add(vec![from]);
            self.add(vec![host]);
            return;
        }
        for attr in [Attr::Ecosystem, Attr::Registry] {
            self.add(effect.text(attr).map(str::to_lowercase).into_iter().collect());
        }
        for name in ["package", "crate", "wheel", "gem"] {
            self.add(vec![name.to_owned()]);
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
            ([_, _, ..], true) => {
                self.add(parts);
                self.add(vec![place.trim_end_matches('/').to_owned()]);
            }
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
        // "upload it to codecov": a name that is known to be of this host, or the host itself. Anybody can have
        // a host that carries the name of another as a part.
        let labels: Vec<&str> = target.split('.').collect();
        let runs_it = labels.len().checked_sub(2).and_then(|at| labels.get(at));
        let lent = LENT.iter().any(|it| target.ends_with(it));
        let is_known = !classes_of_host(target).is_empty();
        let brings = effect.is(Attr::Upload) || effect.kind == EffectKind::DownloadExec;
        let by_label = is_known || labels.len() == 1 || !brings;
        let first = labels.first().filter(|_| by_label);
        for label in first.into_iter().chain(runs_it.filter(|_| by_label && !lent)) {
            if label.len() > 3 {
                self.add(vec![(*label).to_owned()]);
            }
        }
        // Who names a domain means the hosts below it.
        if let Some(at) = labels.len().checked_sub(2).filter(|_| !lent) {
            self.add(labels.get(at..).map(|domain| domain.join(".")).into_iter().collect());
        }
        self.add(vec![url.clone()]);
        // What goes to a place in a bucket goes to the bucket: `s3://bucket/place`.
        if effect.is(Attr::Upload) && labels.len() == 1 {
            self.add(vec![format!("//{target}")]);
        }
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
        // "My zshrc" is `.zshrc`.
        if base_name(path).starts_with('.') && !stem.is_empty() {
            self.add(vec![stem.to_owned()]);
        }
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

    pub(crate) fn are_in(&self, request: &Wish) -> bool {
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
