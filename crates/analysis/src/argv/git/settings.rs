//! The settings that a command of git goes by: of the command itself, of its environment, of the
//! repository and of the user. Files are asked for, and taken as far as they are known.

use ringfence_action::{Action, path};

use crate::argv::grammar::Problem;
use crate::argv::rules::Subject;
use crate::argv::settings::{self, Setting};
use crate::context::Analyzer;
use crate::value::{Span, Value};

/// Files of settings within each other.
const INCLUDED: usize = 3;
/// Folders above the working folder in which a repository is looked for.
const ABOVE: usize = 8;

/// A setting that stands on the command line.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) span: Span,
}

/// A repository on this machine.
#[derive(Debug)]
pub(super) struct Repository {
    /// The folder of its files, `.git`.
    pub(super) folder: String,
    /// The top of the work tree.
    pub(super) top: String,
}

/// What a command goes by.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) repository: Option<Repository>,
    /// Of files, and of variables that this action sets.
    pub(super) known: Vec<Setting>,
    /// Files that this command is pointed to, which are not known.
    pub(super) unseen: Vec<Value>,
}

impl Settings {
    /// The last value of a setting: it counts.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.known.iter().rev().find(|setting| setting.key == key)
    }
}

/// `-c NAME=VALUE`, `--config-env NAME=VARIABLE`.
pub(super) fn given(subject: &Subject<'_>) -> Vec<Given> {
    let options = ["config", "config_env"].into_iter();
    let words = options.flat_map(|name| subject.parsed.all(name).map(move |word| (name, word)));
    let mut given = Vec::new();
    for (option, word) in words {
        let texts: Vec<(&str, bool)> = match &word.value {
            Value::Known(text) => vec![(text, option == "config")],
            Value::OneOf(all) => all.iter().map(|text| (text.as_str(), false)).collect(),
            Value::Pattern(text) => vec![(text, false)],
            Value::Unknown => vec![("**", false)],
        };
        for (text, known) in texts {
            let (key, value) = text.split_once('=').unwrap_or((text, "true"));
            let value = if known { Value::known(value) } else { Value::Unknown };
            given.push(Given { key: canonical(key), value, span: word.span });
        }
    }
    given
}

/// Section and name in lower case, what is between them as it is.
fn canonical(key: &str) -> String {
    let Some((section, rest)) = key.split_once('.') else { return key.to_ascii_lowercase() };
    let section = section.to_ascii_lowercase();
    match rest.rsplit_once('.') {
        Some((between, name)) => format!("{section}.{between}.{}", name.to_ascii_lowercase()),
        None => format!("{section}.{}", rest.to_ascii_lowercase()),
    }
}

/// Collects what the command goes by, the user's own settings first.
pub(super) fn collect(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Settings {
    let mut found = Settings::default();
    of_the_user(analyzer, subject, &mut found);
    let named = subject
        .variable("GIT_DIR")
        .or_else(|| subject.parsed.last("gitdir").map(|word| word.value.clone()));
    match named {
        Some(folder) => {
            let here = subject.frame.cwd.as_known();
            match (folder.as_known(), here) {
                (Some(folder), Some(here)) => {
                    let folder = path::absolute(here, folder);
                    let file = path::absolute(&folder, "config");
                    if !read(analyzer, &file, &mut found.known, 0) {
                        found.unseen.push(Value::known(file));
                    }
                    let top = path::parent(&folder).to_owned();
                    found.repository = Some(Repository { folder, top });
                }
                _ => found.unseen.push(Value::Unknown),
            }
        }
        None => {
            found.repository = discover(analyzer, subject);
            match &found.repository {
                Some(repository) => {
                    let file = common(&repository.folder);
                    read(analyzer, &path::absolute(&file, "config"), &mut found.known, 0);
                }
                None => found.repository = assumed(analyzer, subject),
            }
        }
    }
    of_variables(subject, &mut found);
    found
}

fn of_the_user(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, found: &mut Settings) {
    let usual = usual_home(analyzer.action);
    let home = subject.variable("HOME");
    let moved = home.as_ref().is_some_and(|home| home.as_known() != usual.as_deref());
    let home = home.unwrap_or_else(|| usual.map_or(Value::Unknown, Value::Known));
    let configuration = subject.variable("XDG_CONFIG_HOME");
    let mut files = Vec::new();
    if let Some(file) = subject.variable("GIT_CONFIG_GLOBAL") {
        files.push((file, true));
    } else {
        let folder = match &configuration {
            Some(folder) => folder.clone(),
            None => home.concat(&Value::known("/.config")),
        };
        let elsewhere = moved || configuration.is_some();
        files.push((folder.concat(&Value::known("/git/config")), elsewhere));
        files.push((home.concat(&Value::known("/.gitconfig")), moved));
    }
    // What the user's own settings name is as much the user's as what is on the path: they are asked for
    // where an alias may be meant, and taken as they are where they are known anyway.
    let alias = |(_, problem): &(Span, Problem)| matches!(problem, Problem::Subcommand(_));
    let may_be_alias = subject.parsed.problems.iter().any(alias);
    for (file, named) in files {
        let at_hand = |file: &str| {
            analyzer.action.facts.files.contains_key(file) || analyzer.written(file).is_some()
        };
        let known = match file.as_known() {
            Some(file) if named || may_be_alias || at_hand(file) => {
                read(analyzer, file, &mut found.known, 0)
            }
            _ => false,
        };
        if named && !known && file.as_known() != Some("/dev/null") {
            found.unseen.push(file);
        }
    }
}

fn usual_home(action: &Action) -> Option<String> {
    action.home.clone()
}

/// `GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_0`, `GIT_CONFIG_VALUE_0`…
fn of_variables(subject: &Subject<'_>, found: &mut Settings) {
    /// More are not looked for.
    const MOST: usize = 16;
    for number in 0..MOST {
        let text = |name: &str| {
            subject.variable(&format!("{name}_{number}"))?.as_known().map(str::to_owned)
        };
        let Some(key) = text("GIT_CONFIG_KEY") else { return };
        if let Some(value) = text("GIT_CONFIG_VALUE") {
            found.known.push(Setting { key: canonical(&key), values: vec![value] });
        }
    }
}

/// Reads a file of settings and those that it includes; false where it is not known.
fn read(analyzer: &mut Analyzer<'_>, file: &str, into: &mut Vec<Setting>, depth: usize) -> bool {
    let Some(text) = analyzer.file(file) else { return false };
    for setting in settings::git(&text) {
        let includes = super::table::way(&setting.key) == Some(super::table::Way::Include);
        if includes && depth < INCLUDED {
            let named = setting.value();
            let named = match named.strip_prefix("~/") {
                Some(rest) => format!("{}/{rest}", usual_home(analyzer.action).unwrap_or_default()),
                None => path::absolute(path::parent(file), &named),
            };
            read(analyzer, &named, into, depth + 1);
        }
        into.push(setting);
    }
    true
}

/// The repository that the working folder is in, as far as its files are known.
fn discover(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Option<Repository> {
    let mut folder = subject.frame.cwd.as_known()?.to_owned();
    let root = analyzer.action.workspace_roots().find(|root| path::is_within(root, &folder));
    let root = root.map(str::to_owned);
    let mut found = None;
    for above in 0..ABOVE {
        // All of them are asked for at once; the nearest counts.
        let here = at(analyzer, &folder, above == 0);
        found = found.or(here);
        let parent = path::parent(&folder).to_owned();
        if root.as_deref() == Some(folder.as_str()) || parent == folder || parent == "/" {
            break;
        }
        folder = parent;
    }
    found
}

/// Where nothing is known of any repository, the work tree is taken for one: its hooks may be known.
fn assumed(analyzer: &Analyzer<'_>, subject: &Subject<'_>) -> Option<Repository> {
    let here = subject.frame.cwd.as_known()?;
    let root = analyzer.action.workspace_roots().find(|root| path::is_within(root, here));
    let top = root.unwrap_or(here).to_owned();
    Some(Repository { folder: path::absolute(&top, ".git"), top })
}

fn at(analyzer: &mut Analyzer<'_>, top: &str, may_be_bare: bool) -> Option<Repository> {
    let own = path::absolute(top, ".git");
    let config = analyzer.file(&path::absolute(&own, "config"));
    let elsewhere = analyzer.file(&own);
    let head = may_be_bare.then(|| analyzer.file(&path::absolute(top, "HEAD"))).flatten();
    let folder = if config.is_some() {
        own
    } else if let Some(text) = elsewhere {
        // A work tree of its own, or a submodule: the file says where the repository is.
        path::absolute(top, text.trim().strip_prefix("gitdir:")?.trim())
    } else if head.is_some_and(|head| head.starts_with("ref:")) {
        top.to_owned()
    } else {
        return None;
    };
    Some(Repository { folder, top: top.to_owned() })
}

/// The folder of what all work trees of a repository share.
pub(super) fn common(folder: &str) -> String {
    match folder.split_once("/worktrees/") {
        Some((common, name)) if !name.contains('/') => common.to_owned(),
        _ => folder.to_owned(),
    }
}
