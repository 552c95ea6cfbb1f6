//! Which transcripts to read, the newest first.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::exit::Problem;
use crate::input::Source;

/// Deeper folders are not searched: agents nest four levels.
const DEPTH: usize = 8;

/// The transcript of one session and those of its subagents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The session's own transcript; a subagent's where the session's own is gone.
    pub(crate) main: PathBuf,
    /// In the order of their names.
    pub(crate) subagents: Vec<PathBuf>,
}

/// The transcripts that were named, in folders or outright; without names, the user's own history.
pub(crate) fn transcripts(named: &[PathBuf], limit: Option<usize>) -> Result<Vec<Found>, Problem> {
    let mut files = Vec::new();
    if named.is_empty() {
        own_history(&mut files)?;
    }
    for path in named {
        let metadata =
            fs::metadata(path).map_err(|error| Source::File(path.clone()).unreadable(&error))?;
        if metadata.is_dir() {
            let before = files.len();
            walk(path, DEPTH, &mut files);
            if files.len() == before {
                return Err(Problem::new(
                    format!("there is no transcript in `{}`", path.display()),
                    "transcripts of Claude Code end in .jsonl; name one, or a folder above it",
                ));
            }
        } else {
            files.push(path.clone());
            walk(&subagents_of(path), 1, &mut files);
        }
    }
    let mut found = by_session(files);
    if let Some(limit) = limit {
        found.sort_by_key(|found| std::cmp::Reverse(changed(&found.main)));
        found.truncate(limit);
    }
    // Read like a diary: the oldest first.
    if limit.is_some() || named.is_empty() {
        found.sort_by_key(|found| changed(&found.main));
    }
    Ok(found)
}

fn own_history(files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let folder = std::env::var_os("CLAUDE_CONFIG_DIR")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".claude")))
        .map(|folder| folder.join("projects"));
    let help = "name a transcript or a folder with transcripts: `ringfence replay FILE…`";
    let Some(folder) = folder else {
        return Err(Problem::new("there is no home folder to look for a history in", help));
    };
    walk(&folder, DEPTH, files);
    if files.is_empty() {
        let what = format!("there is no history of Claude Code in `{}`", folder.display());
        return Err(Problem::new(what, help));
    }
    Ok(())
}

/// Collects transcripts below a folder. Folders that cannot be listed and symbolic links are passed
/// over.
#[expect(clippy::disallowed_methods, reason = "transcripts lie where the user says")]
fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<fs::DirEntry> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            walk(&path, depth - 1, files);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
}

/// `PROJECT/SESSION.jsonl` keeps its subagents in `PROJECT/SESSION/subagents/`.
fn subagents_of(main: &Path) -> PathBuf {
    main.with_extension("").join("subagents")
}

fn main_of(path: &Path) -> Option<PathBuf> {
    let subagents = path.parent()?;
    let is_subagent = subagents.file_name()? == "subagents";
    is_subagent.then(|| subagents.parent()).flatten().map(|session| session.with_extension("jsonl"))
}

fn by_session(files: Vec<PathBuf>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut index: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let (subagents, mains): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| main_of(path).is_some());
    for main in mains {
        index.entry(main.clone()).or_insert_with(|| {
            found.push(Found { main, subagents: Vec::new() });
            found.len() - 1
        });
    }
    for subagent in subagents {
        let key = main_of(&subagent).unwrap_or_else(|| subagent.clone());
        match index.get(&key).and_then(|&at| found.get_mut(at)) {
            Some(session) if session.main == subagent || session.subagents.contains(&subagent) => {}
            Some(session) => session.subagents.push(subagent),
            None => {
                index.insert(key, found.len());
                found.push(Found { main: subagent, subagents: Vec::new() });
            }
        }
    }
    found
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subagents_belong_to_their_session() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("-home-u-proj");
        let subagents = project.join("s1/subagents");
        fs::create_dir_all(&subagents).unwrap();
        let (s1, s2) = (project.join("s1.jsonl"), project.join("s2.jsonl"));
        let agent = subagents.join("agent-7.jsonl");
        for file in [&s1, &s2, &agent] {
            fs::write(file, "").unwrap();
        }
        fs::write(project.join("notes.txt"), "").unwrap();
        let first = Found { main: s1.clone(), subagents: vec![agent.clone()] };
        let second = Found { main: s2, subagents: vec![] };
        assert_eq!(
            transcripts(&[folder.path().to_owned()], None).unwrap(),
            [first.clone(), second]
        );
        // Named outright, a session brings its subagents along, once.
        assert_eq!(transcripts(&[s1.clone(), agent.clone(), s1], None).unwrap(), [first]);
        assert_eq!(
            transcripts(std::slice::from_ref(&agent), None).unwrap(),
            [Found { main: agent, subagents: vec![] }]
        );
    }

    #[test]
    fn a_folder_without_transcripts_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let problem = transcripts(&[folder.path().to_owned()], None).unwrap_err();
        assert!(problem.to_string().starts_with("there is no transcript in"), "{problem}");
    }
}
