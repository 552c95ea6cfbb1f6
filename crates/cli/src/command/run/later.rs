//! What a run changed that somebody else will execute, obey or be let in by, later and outside.
//!
//! What a file is to others is told from its name, by the same catalogue that decisions go by. What nobody
//! should be able to change is read-only in a run already; this is the rest, which is work: the person who
//! goes on with it should know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ringfence_analysis::meaning_of_path;
use ringfence_record::given;
use ringfence_sandbox::After;
use serde::Serialize;
use serde_json::Value;

use super::learn::home_of;
use super::say;

/// Classes of the catalogue that matter later, and what their files do. The first that fits is told.
const CLASSES: [(&str, &str); 15] = [
    ("git-hook", "run by git"),
    ("ci", "run by the project's automation"),
    ("editor-tasks", "run or trusted by editors"),
    ("agent-settings", "obeyed by agents"),
    ("agent-instructions", "obeyed by agents"),
    ("shell-rc", "run by every new shell"),
    ("site-startup", "run by every interpreter"),
    ("git-config", "obeyed by git"),
    ("build-exec", "tells build tools what to run"),
    ("build-script", "run by build tools"),
    ("lockfile", "says what is installed"),
    ("manifest", "says what is installed and run"),
    ("container", "what containers are built from"),
    ("migration", "run against a database"),
    ("iac", "says what infrastructure is made"),
];
const EXECUTABLE: &str = "can be executed";

/// Something that was changed and matters later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Later {
    path: PathBuf,
    /// Whether it was made, and not only changed.
    new: bool,
    /// What it does later.
    what: &'static str,
    /// Names of scripts in it that are new or other than before, where they are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scripts: Vec<String>,
}

/// The scripts of the packages that a run works in, as they were before.
#[derive(Debug, Default)]
pub(super) struct Scripts(BTreeMap<PathBuf, BTreeMap<String, String>>);

impl Scripts {
    /// Of the package in each of these folders.
    pub(super) fn in_folders(folders: &[PathBuf]) -> Self {
        let manifests = folders.iter().map(|it| it.join("package.json"));
        Self(manifests.map(|it| (it.clone(), scripts(&it))).collect())
    }

    /// Names of those that are not what they were. Nothing, for a package that was not looked at.
    fn changed(&self, path: &Path) -> Vec<String> {
        let Some(before) = self.0.get(path) else { return Vec::new() };
        let now = scripts(path).into_iter();
        now.filter(|(name, code)| before.get(name) != Some(code)).map(|(name, _)| name).collect()
    }
}

fn scripts(path: &Path) -> BTreeMap<String, String> {
    let text = given::text(path).map(|(text, _)| text).unwrap_or_default();
    let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
    let scripts = manifest.get("scripts").and_then(Value::as_object).into_iter().flatten();
    scripts.filter_map(|(name, code)| Some((name.clone(), code.as_str()?.to_owned()))).collect()
}

/// What of that which was touched matters later, and was not told of already.
pub(super) fn of(after: &After, scripts: &Scripts, home: &[PathBuf]) -> Vec<Later> {
    let told: BTreeSet<&Path> = after.notes.iter().map(|it| it.path.as_path()).collect();
    let of = |it: &ringfence_sandbox::Touched| {
        if told.contains(it.path.as_path()) {
            return None;
        }
        let classes = meaning_of_path(it.path.to_str()?, home_of(&it.path, home)).classes;
        let class = CLASSES.iter().find(|(name, _)| classes.contains(name)).map(|(_, what)| *what);
        let what = class.or(it.executable.then_some(EXECUTABLE))?;
        let scripts = scripts.changed(&it.path);
        Some(Later { path: it.path.clone(), new: it.new, what, scripts })
    };
    after.touched.iter().filter_map(of).collect()
}

/// Says it: a line for each thing that files do later.
pub(super) fn tell(later: &[Later], here: &Path) {
    const MOST: usize = 8;
    let mut lines: BTreeMap<&str, Vec<&Later>> = BTreeMap::new();
    for it in later {
        lines.entry(it.what).or_default().push(it);
    }
    for (what, files) in lines {
        let name = |it: &&Later| {
            let path = it.path.strip_prefix(here).unwrap_or(&it.path).display();
            let how = if it.new { ", new" } else { "" };
            let scripts = match it.scripts.as_slice() {
                [] => String::new(),
                names => format!(", scripts {}", names.join(" ")),
            };
            match how.len() + scripts.len() {
                0 => path.to_string(),
                _ => format!("{path} ({})", [how, &scripts].concat().trim_start_matches(", ")),
            }
        };
        let names: Vec<String> = files.iter().take(MOST).map(name).collect();
        let more = match files.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        say(&format!("changed, and {what}: {}{more}", names.join(", ")));
    }
}
