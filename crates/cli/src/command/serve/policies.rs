//! The rules, for the console: which hold, what is wrong with a draft, what it would have changed, and keeping it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ringfence_action::{Action, Preset};
use ringfence_engine::past::WhatIf;
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::{Bundle, Layer, Rule, Source};
use ringfence_record::log::Log;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::policy;
use crate::rules;

/// The built-in rules by the file that they are in, and the user's own as text.
pub(super) fn told(bundle: &Bundle, preset: Preset, own: &[Source]) -> Value {
    let built_in = bundle.rules().iter().filter(|rule| rule.layer == Layer::Default);
    let mut packs: Vec<(&str, Vec<Value>)> = Vec::new();
    for rule in built_in {
        match packs.iter_mut().find(|(name, _)| *name == rule.file) {
            Some((_, rules)) => rules.push(policy::told(rule)),
            None => packs.push((&rule.file, vec![policy::told(rule)])),
        }
    }
    let packs: Vec<Value> = packs
        .into_iter()
        .map(|(file, rules)| json!({"name": name_of_pack(file), "rules": rules}))
        .collect();
    let own: Vec<Value> =
        own.iter().map(|it| json!({"name": name_of(&it.name), "text": it.text})).collect();
    json!({"bundle": bundle.digest(), "preset": preset, "packs": packs, "own": own})
}

/// `policies/packs/git/rules.cedar` is `git`.
fn name_of_pack(file: &str) -> &str {
    file.rsplit('/').nth(1).unwrap_or(file)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The user's own rules with this file in the place of the one of its name, or beside them.
fn with(own: &[Source], folder: &Path, name: &str, text: &str) -> Result<Vec<Source>, String> {
    let stem = name.strip_suffix(".toml").or_else(|| name.strip_suffix(".cedar"));
    let letters = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-_".contains(it);
    if !stem.is_some_and(|stem| !stem.is_empty() && stem.len() < 64 && stem.chars().all(letters)) {
        return Err(format!(
            "`{name}` is no name for rules: small letters, digits and `-`, with `.toml` or `.cedar`"
        ));
    }
    let path = folder.join("rules").join(name).display().to_string();
    let mut all: Vec<Source> = own.iter().filter(|it| it.name != path).cloned().collect();
    all.push(Source { layer: Layer::User, name: path, text: text.to_owned().into() });
    Ok(all)
}

/// What is wrong with a draft.
pub(super) fn check(
    own: &[Source],
    folder: &Path,
    name: &str,
    text: &str,
) -> Result<Value, String> {
    let sources = with(own, folder, name, text)?;
    let found = rules::bundle(&sources).err();
    let found = found.iter().flat_map(|error| rules::findings(error, &sources));
    let diagnostics: Vec<Value> = found.map(|it| it.placed()).collect();
    Ok(json!({"diagnostics": diagnostics}))
}

/// What is decided of an action by the rules that hold, and by those with the draft among them. It runs nowhere: a
/// person wants to see what a rule says.
pub(super) fn try_on(
    before: Arc<Bundle>,
    preset: Preset,
    (own, folder): (&[Source], &Path),
    (name, text): (&str, &str),
    (action, home): (&Value, &Path),
) -> Result<Value, String> {
    let now = Arc::new(loaded(own, folder, name, text)?);
    let mut action = Action::from_json(action.to_string().as_bytes())
        .map_err(|error| format!("that is no action: {error}"))?;
    let home = home.display().to_string();
    let project = format!("{home}/project");
    action.cwd.get_or_insert(project.clone());
    action.home.get_or_insert(home);
    if action.workspace.is_empty() {
        action.workspace.push(project);
    }
    let call = ringfence_adapters::normalize(&action);
    let options = Options { preset, sandbox: true };
    let [before, now] = [before, now].map(|bundle| {
        let engine = Engine::new(bundle, Box::new(Supplied), options);
        engine.decide(&action, &call, &mut Session::default()).decision
    });
    Ok(json!({"before": before, "now": now}))
}

/// So many entries are lived through, the newest: somebody waits for it.
const MOST: u64 = 100_000;

/// What is read of every line before it is lived through: whose it is, and when it was.
#[derive(Deserialize)]
struct Whose {
    agent: Option<String>,
    run: Option<String>,
    session: Option<String>,
    at: Option<String>,
}

impl Whose {
    /// The same for entries of one session, as [`WhatIf`] tells them apart.
    fn key(&self) -> String {
        let parts = [&self.agent, &self.run, &self.session];
        parts.map(|it| it.as_deref().unwrap_or_default()).join("\0")
    }

    fn is_since(&self, begin: Timestamp) -> bool {
        let at = self.at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        at.is_some_and(|at| at >= begin)
    }
}

/// What a draft would have decided otherwise in the last days, `since` when, and whether there is `more` of these
/// days that was not looked at. Sessions that began before are lived through from their beginning: what they had seen
/// and were told decides, too.
pub(super) fn replay(
    before: Arc<Bundle>,
    (own, folder): (&[Source], &Path),
    (name, text): (&str, &str),
    log: &Log,
    (now, days): (Timestamp, u32),
) -> Result<Value, String> {
    let after = loaded(own, folder, name, text)?;
    let begin = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days)));
    let begin = begin.unwrap_or(Timestamp::UNIX_EPOCH);
    let newest = log.newest().map_err(|error| error.to_string())?;
    let (mut recent, mut since, mut more) = (BTreeSet::new(), None, false);
    each_line(log, newest, |seq, line| {
        // What cannot be read is told of below, where it is lived through.
        let whose = serde_json::from_str::<Whose>(line).ok();
        let Some(whose) = whose.filter(|it| it.is_since(begin)) else { return };
        if seq + MOST <= newest {
            more = true;
            return;
        }
        recent.insert(whose.key());
        since = since.take().or(whose.at);
    })?;
    let mut what_if = WhatIf::new(before, Arc::new(after), ringfence_adapters::normalize);
    let mut unread = 0;
    let left_out = each_line(log, newest, |seq, line| {
        let whose = serde_json::from_str::<Whose>(line).ok();
        unread += u64::from(whose.is_none());
        if whose.as_ref().is_some_and(|it| !recent.contains(&it.key())) {
            return;
        }
        let entry = serde_json::from_str::<Value>(line).unwrap_or_default();
        if seq + MOST > newest && whose.is_some_and(|it| it.is_since(begin)) {
            what_if.entry(&entry);
        } else {
            what_if.before(&entry);
        }
    })?;
    let mut found = what_if.found();
    // Nobody knows when that was, or what was asked.
    found.unreadable += unread + left_out;
    let mut told = json!(found);
    if let Value::Object(told) = &mut told {
        told.insert("since".to_owned(), json!(since));
        told.insert("more".to_owned(), json!(more));
    }
    Ok(told)
}

/// Every line of the log up to number `newest`, with its number, oldest first: who writes meanwhile is not waited
/// for. Returns how many lines were passed over, since they say no number.
fn each_line(log: &Log, newest: u64, mut see: impl FnMut(u64, &str)) -> Result<u64, String> {
    // A log that does not say how far it goes is read as far as it does.
    let newest = if newest == 0 { u64::MAX } else { newest };
    let mut follower = log.follow_after(0).map_err(|error| error.to_string())?;
    loop {
        let lines = follower.more(2_000).map_err(|error| error.to_string())?;
        lines.iter().filter(|it| it.seq <= newest).for_each(|it| see(it.seq, &it.line));
        if lines.last().is_none_or(|it| it.seq >= newest) {
            return Ok(follower.left_out());
        }
    }
}

/// The rules with the draft among them.
fn loaded(own: &[Source], folder: &Path, name: &str, text: &str) -> Result<Bundle, String> {
    let sources = with(own, folder, name, text)?;
    rules::bundle(&sources).map_err(|_| "the rules do not load; check them first".to_owned())
}

/// Keeps a draft that loads as rules that hold from the next call on.
pub(super) fn keep(own: &[Source], folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let sources = with(own, folder, name, text)?;
    rules::bundle(&sources).map_err(|error| {
        let problem = error.problems.first().map(ToString::to_string);
        format!("the rules do not load: {}", problem.unwrap_or_default())
    })?;
    let folder = folder.join("rules");
    let failed = |error: std::io::Error| {
        format!("`{}` cannot be written: {error}; check its permissions", folder.display())
    };
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    // Not among the rules before it is whole.
    let new = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, folder.join(name)).map_err(failed)
}

/// The rule of this name: why it is there, and what it tells agents to do instead.
pub(super) fn why(rule: &Rule) -> (String, String) {
    (rule.why.clone(), rule.instead.clone())
}

#[cfg(test)]
mod tests {
    use ringfence_record::StateFolder;
    use ringfence_record::log::Durability;
    use serde_json::Map;

    use super::*;

    /// Whoever asks what a rule would have changed has an answer, however busy the agents are.
    #[test]
    fn what_is_written_meanwhile_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let append = || log.append("note", "2026-01-01T00:00:00Z", Map::new()).unwrap();
        (0..3).for_each(|_| drop(append()));
        let mut seen = Vec::new();
        let left_out = each_line(&log, log.newest().unwrap(), |seq, _| {
            seen.push(seq);
            if seen.len() < 30 {
                append();
            }
        });
        assert_eq!((seen, left_out), (vec![1, 2, 3], Ok(0)));
    }
}
