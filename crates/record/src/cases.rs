//! Calls that were refused and that a person may let through, once.
//!
//! The gate leaves a case for each; a person who has shown to be one allows it, and the gate takes that when the
//! very same call comes again. A case is bound to a digest of all that led to the refusal, so that another
//! call, other rules or other facts find nothing. Both the case and what was allowed last for minutes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folder::{open_private, write_whole};
use crate::log::Receipt;
use crate::{RecordError, StateFolder};

/// How long a case waits for a person, and what they allowed for its call.
pub const KEPT: Duration = Duration::from_secs(10 * 60);

/// More cases than these do not wait: of the session that has most of them, the oldest is given up.
const MOST: usize = 32;

/// More answers of people are not kept.
const MOST_ANSWERS: usize = 4_096;

/// Nor more that nobody gave: whoever asks much makes many of them, and each is looked at when the next is asked.
const MOST_CROWDED: usize = 256;

/// Letters and digits that are not taken for one another. As many as divide 256, so that all are equally likely.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How long what a person let through for a session, or refused for good, is kept.
pub const KEPT_FOR_A_SESSION: Duration = Duration::from_secs(8 * 60 * 60);

/// A refused call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// The short name by which a person picks it.
    pub code: String,
    /// What it is bound to, as `sha256:…`.
    pub digest: String,
    /// The agent's kind.
    pub agent: String,
    /// The agent's id of the session.
    pub session: String,
    /// The agent's own process, as [`crate::agents::Agents`] names it.
    pub process: Option<String>,
    /// The process namespace that the agent's messages came from.
    pub namespace: Option<String>,
    /// The tool.
    pub tool: String,
    /// What it would do, in the agent's words, secrets replaced.
    pub input: String,
    /// The folder that it would do it in.
    pub cwd: Option<String>,
    /// The rule that stood against it, and why.
    pub rule: String,
    /// Why, for people.
    pub why: String,
    /// What the same call of any other session has, too, as `sha256:…`.
    pub same: String,
    /// Whether it waits in the queue; else the agent asks its own user, or was told no.
    pub queued: bool,
    /// Whether the answer is no unless a person lets it through.
    pub denied: bool,
    /// What the agent was told to do instead.
    pub instead: String,
    /// What would happen, in words.
    pub effects: Vec<String>,
    /// The words that the rule is about, each as a decision has them.
    pub evidence: Vec<Value>,
    /// What the session has seen and was told not to do.
    pub seen: Vec<String>,
    /// How far it reaches.
    pub blast: String,
    /// What a no costs.
    pub cost_of_no: String,
    /// From 0 to 100.
    pub risk: u8,
    /// When it was first refused, RFC 3339.
    pub opened: String,
    /// Who has approved of it, where one is not enough.
    pub approved_by: Vec<String>,
    /// Whether one of them did for one time alone.
    pub approved_once: bool,
    /// The rule that a yes for the whole session would be, where there is one that is narrower than what asked;
    /// else such a yes is for this very call.
    pub session_rule: Option<Value>,
}

/// How somebody said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// A person, to this call, for minutes.
    Once,
    /// A person, for as long as the session lasts.
    ForGood,
    /// Nobody looked: more waited than people answer with care.
    Crowded,
}

impl No {
    const ALL: [Self; 3] = [Self::ForGood, Self::Once, Self::Crowded];

    const fn mark(self) -> &'static str {
        match self {
            Self::Once => "refused",
            Self::ForGood => "never",
            Self::Crowded => "crowded",
        }
    }

    const fn kept(self) -> Duration {
        match self {
            Self::Once | Self::Crowded => KEPT,
            Self::ForGood => KEPT_FOR_A_SESSION,
        }
    }
}

/// A rule that holds in a session, as it is kept: what it says is in the log.
#[derive(Debug, Serialize, Deserialize)]
struct Standing {
    agent: String,
    session: String,
    receipt: Receipt,
}

impl Case {
    /// Whether a person who was shown this was shown that.
    fn shows(&self, that: &Self) -> bool {
        // What comes with the asking, and what was said of it.
        let shown = |case: &Self| Self {
            code: String::new(),
            opened: String::new(),
            process: None,
            namespace: None,
            approved_by: Vec::new(),
            approved_once: false,
            ..case.clone()
        };
        shown(self) == shown(that)
    }

    /// Whether it is for a person to look at here, and not at the agent's own prompt.
    pub fn waits_here(&self) -> bool {
        self.queued || self.denied
    }
}

/// What a person let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The entry in the log that says who did.
    pub receipt: Receipt,
    /// Whether it was for as long as the session lasts.
    pub for_session: bool,
}

/// The cases of one state folder.
#[derive(Debug, Clone)]
pub struct Cases {
    folder: PathBuf,
    /// Beside it, held by whoever writes a case by what it was.
    lock: PathBuf,
}

impl Cases {
    /// The cases in this state folder, made where it is missing.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(state: &StateFolder) -> Result<Self, RecordError> {
        Ok(Self { folder: state.sub("cases")?, lock: state.path().join("cases.lock") })
    }

    /// Leaves a case. Whatever its code was, it gets one, or keeps the one that it had; what people said of it
    /// stays, if that is what they were shown.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn leave(&self, case: &Case) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        let _lock = self.lock()?;
        let before = self.read(&path).filter(|before| before.digest == case.digest);
        self.forget_old(&path);
        let case = case.clone();
        let case = match before {
            Some(before) if before.shows(&case) => {
                let Case { code, opened, approved_by, approved_once, .. } = before;
                Case { code, opened, approved_by, approved_once, ..case }
            }
            Some(Case { code, opened, .. }) => Case { code, opened, ..case },
            None => Case { code: random_letters(4)?, ..case },
        };
        write_json(&path, &case)
    }

    /// Keeps that somebody has approved of a case which needs somebody else as well. False if they were shown
    /// something else than what waits by now: then nothing is kept.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn note_approval(
        &self,
        shown: &Case,
        person: &str,
        once: bool,
    ) -> Result<bool, RecordError> {
        let path = self.waiting(&shown.digest);
        let _lock = self.lock()?;
        let Some(mut case) = self.read(&path).filter(|now| now.shows(shown)) else {
            return Ok(false);
        };
        case.approved_once |= once;
        if !case.approved_by.iter().any(|it| it == person) {
            case.approved_by.push(person.to_owned());
        }
        write_json(&path, &case)?;
        Ok(true)
    }

    /// Whether what waits is still what was shown.
    pub fn is_as_shown(&self, shown: &Case) -> bool {
        self.read(&self.waiting(&shown.digest)).is_some_and(|now| now.shows(shown))
    }

    /// Takes a person's approval out of all that waits.
    ///
    /// # Errors
    /// When the cases cannot be read, or are not on disk whole.
    pub fn take_back(&self, person: &str) -> Result<(), RecordError> {
        let _lock = self.lock()?;
        for path in self.files()? {
            let waits = path.extension() == Some(OsStr::new("case"));
            if let (true, Some(mut case)) = (waits, self.read(&path))
                && case.approved_by.iter().any(|it| it == person)
            {
                case.approved_by.retain(|it| it != person);
                if age(&path).is_some_and(|age| age <= KEPT) {
                    write_json(&path, &case)?;
                } else {
                    // It waits no more, and would again if it were written.
                    fs::remove_file(&path).map_err(RecordError::io("remove", &path))?;
                }
            }
        }
        Ok(())
    }

    /// The cases that wait, newest first.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn pending(&self) -> Result<Vec<Case>, RecordError> {
        Ok(self.with_age()?.into_iter().map(|(_, case)| case).collect())
    }

    /// The same, each with the time since it was last refused.
    ///
    /// # Errors
    /// As [`Cases::pending`].
    pub fn with_age(&self) -> Result<Vec<(Duration, Case)>, RecordError> {
        let mut found = Vec::new();
        for path in self.files()? {
            let waits = path.extension() == Some(OsStr::new("case"));
            if let (true, Some(age)) = (waits, age(&path))
                && age <= KEPT
            {
                found.extend(self.read(&path).map(|case| (age, case)));
            }
        }
        found.sort_by_key(|(age, _)| *age);
        Ok(found)
    }

    /// Lets the call of this case through, once. `receipt` is the entry in the log that says who did.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn allow(&self, case: &Case, receipt: &Receipt) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        write_json(&path.with_extension("allowed"), receipt)?;
        fs::remove_file(&path).map_err(RecordError::io("remove", &path))
    }

    /// Lets the call of this case through for as long as its session lasts, and what its rule covers, where it has
    /// one.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn allow_for_session(&self, case: &Case, receipt: &Receipt) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        if case.session_rule.is_some() {
            let (agent, session) = (case.agent.clone(), case.session.clone());
            let standing = Standing { agent, session, receipt: receipt.clone() };
            write_json(&path.with_extension("rule"), &standing)?;
        }
        write_json(&path.with_extension("standing"), receipt)?;
        fs::remove_file(&path).map_err(RecordError::io("remove", &path))
    }

    /// The entries in the log that say which rules hold in this session, newest first. What cannot be read
    /// lets nothing through.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn session_rules(&self, agent: &str, session: &str) -> Result<Vec<Receipt>, RecordError> {
        let mut found = Vec::new();
        for path in self.files()? {
            let is_rule = path.extension() == Some(OsStr::new("rule"));
            if let (true, Some(age)) = (is_rule, age(&path))
                && age <= KEPT_FOR_A_SESSION
                && let Ok(text) = fs::read(&path)
                && let Ok(standing) = serde_json::from_slice::<Standing>(&text)
                && (standing.agent.as_str(), standing.session.as_str()) == (agent, session)
            {
                found.push(standing.receipt);
            }
        }
        found.sort_by_key(|receipt| std::cmp::Reverse(receipt.seq));
        Ok(found)
    }

    /// Says no to the call of this case.
    ///
    /// # Errors
    /// When it is not on disk whole.
    pub fn refuse(&self, case: &Case, no: No) -> Result<(), RecordError> {
        let path = self.waiting(&case.digest);
        write_json(&path.with_extension(no.mark()), &case.code)?;
        fs::remove_file(&path).map_err(RecordError::io("remove", &path))
    }

    /// The no to a call of this digest that still stands.
    pub fn refused(&self, digest: &str) -> Option<No> {
        let path = self.waiting(digest);
        let stands =
            |no: &No| age(&path.with_extension(no.mark())).is_some_and(|age| age <= no.kept());
        No::ALL.into_iter().find(stands)
    }

    /// What was allowed. Once, it is taken: whoever comes next finds nothing. `None` if nothing was, or too
    /// long ago.
    ///
    /// # Errors
    /// When it is there and cannot be taken away, or is not what was left.
    pub fn take(&self, digest: &str) -> Result<Option<Allowed>, RecordError> {
        let standing = self.waiting(digest).with_extension("standing");
        if age(&standing).is_some_and(|age| age <= KEPT_FOR_A_SESSION) {
            let text = fs::read(&standing).map_err(RecordError::io("read", &standing))?;
            let receipt = serde_json::from_slice(&text).map_err(|error| RecordError::Damaged {
                path: standing,
                problem: error.to_string(),
            })?;
            return Ok(Some(Allowed { receipt, for_session: true }));
        }
        let path = self.waiting(digest).with_extension("allowed");
        let fresh = age(&path).is_some_and(|age| age <= KEPT);
        let taken = path.with_extension("taken");
        match fs::rename(&path, &taken) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(RecordError::io("take", &path))?,
        }
        let text = fs::read(&taken).map_err(RecordError::io("read", &taken))?;
        fs::remove_file(&taken).map_err(RecordError::io("remove", &taken))?;
        if !fresh {
            return Ok(None);
        }
        serde_json::from_slice(&text)
            .map(|receipt| Some(Allowed { receipt, for_session: false }))
            .map_err(|error| RecordError::Damaged { path, problem: error.to_string() })
    }

    fn waiting(&self, digest: &str) -> PathBuf {
        let hex: String =
            digest.chars().rev().take_while(char::is_ascii_hexdigit).take(32).collect();
        self.folder.join(hex).with_extension("case")
    }

    fn lock(&self) -> Result<File, RecordError> {
        let lock = open_private(&self.lock, false)?;
        lock.lock().map_err(RecordError::io("lock", &self.lock))?;
        Ok(lock)
    }

    /// What is not whole, because it is being written, is not there yet.
    fn read(&self, path: &Path) -> Option<Case> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn files(&self) -> Result<Vec<PathBuf>, RecordError> {
        let entries = fs::read_dir(&self.folder).map_err(RecordError::io("list", &self.folder))?;
        Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
    }

    /// Removes what nobody came for, and makes room for one more. What people said stays for as long as it holds,
    /// however much is asked meanwhile. Old ones are in nobody's way, so that this may fail.
    fn forget_old(&self, but: &Path) {
        let (mut waiting, mut answers, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
        for path in self.files().unwrap_or_default().into_iter().filter(|path| path != but) {
            let extension = path.extension().unwrap_or_default();
            let is = |marks: &[&str]| marks.iter().any(|mark| extension == OsStr::new(mark));
            let lasts = is(&["standing", "rule", No::ForGood.mark()]);
            match age(&path) {
                Some(age) if lasts && age <= KEPT_FOR_A_SESSION => {}
                Some(age) if !lasts && age <= KEPT => {
                    let of_its_kind = if is(&["case"]) {
                        &mut waiting
                    } else if is(&[No::Crowded.mark()]) {
                        &mut crowded
                    } else {
                        &mut answers
                    };
                    of_its_kind.push((age, path));
                }
                _ => {
                    let _ = fs::remove_file(&path);
                }
            }
        }
        for (mut answers, most) in [(answers, MOST_ANSWERS), (crowded, MOST_CROWDED)] {
            answers.sort();
            for (_, path) in answers.into_iter().skip(most) {
                let _ = fs::remove_file(path);
            }
        }
        self.make_room(waiting);
    }

    /// Gives up so many of these that there is room for one more: the oldest of the session that has most, so that
    /// no session takes the place of others; of two that have as many, the older one.
    fn make_room(&self, waiting: Vec<(Duration, PathBuf)>) {
        let Some(too_many) = (waiting.len() + 1).checked_sub(MOST).filter(|count| *count > 0)
        else {
            return;
        };
        let mut sessions: BTreeMap<(String, String), Vec<(Duration, PathBuf)>> = BTreeMap::new();
        for (age, path) in waiting {
            let of = self.read(&path).map(|case| (case.agent, case.session)).unwrap_or_default();
            sessions.entry(of).or_default().push((age, path));
        }
        sessions.values_mut().for_each(|cases| cases.sort());
        for _ in 0..too_many {
            let most = sessions
                .values_mut()
                .max_by_key(|cases| (cases.len(), cases.last().map(|(age, _)| *age)));
            if let Some((_, oldest)) = most.and_then(Vec::pop) {
                let _ = fs::remove_file(oldest);
            }
        }
    }
}

/// How long ago a file was written. What comes from the future is of no age.
fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    let text = serde_json::to_vec(value).map_err(|error| RecordError::Damaged {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    write_whole(path, &text)
}

/// So many letters that nobody can foresee.
///
/// # Errors
/// When the system has none.
pub fn random_letters(count: usize) -> Result<String, RecordError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = vec![0; count];
    let read = File::open(path).and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(RecordError::io("read", path))?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    Ok(bytes.iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(digest: &str) -> Case {
        Case {
            code: String::new(),
            digest: format!("sha256:{digest:0>64}"),
            agent: "codex".to_owned(),
            session: "s".to_owned(),
            tool: "Bash".to_owned(),
            input: "make".to_owned(),
            rule: "x".to_owned(),
            why: "y".to_owned(),
            ..Case::default()
        }
    }

    fn receipt() -> Receipt {
        Receipt { seq: 1, hash: "sha256:0".to_owned() }
    }

    fn cases() -> (tempfile::TempDir, Cases) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        (folder, Cases::open(&state).unwrap())
    }

    fn make_old(path: &Path, by: Duration) {
        let then = std::time::SystemTime::now() - by;
        File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn what_was_allowed_serves_once_and_for_this_call_alone() {
        let (_folder, cases) = cases();
        let (mine, other) = (case("a1"), case("b2"));
        cases.leave(&mine).unwrap();
        cases.leave(&other).unwrap();
        let waiting = cases.pending().unwrap();
        assert_eq!(waiting.len(), 2);
        assert_ne!(waiting[0].code, waiting[1].code);
        assert_eq!(cases.take(&mine.digest).unwrap(), None, "nobody allowed it");
        cases.allow(&mine, &receipt()).unwrap();
        assert_eq!(cases.pending().unwrap().len(), 1);
        assert_eq!(cases.take(&other.digest).unwrap(), None);
        let allowed = Allowed { receipt: receipt(), for_session: false };
        assert_eq!(cases.take(&mine.digest).unwrap(), Some(allowed));
        assert_eq!(cases.take(&mine.digest).unwrap(), None);
    }

    #[test]
    fn what_is_allowed_for_a_session_stands_and_so_does_a_no() {
        let (_folder, cases) = cases();
        let (yes, no, never) = (case("a1"), case("b2"), case("c3"));
        for case in [&yes, &no, &never] {
            cases.leave(case).unwrap();
        }
        cases.note_approval(&yes, "one", true).unwrap();
        cases.leave(&yes).unwrap();
        let waiting = cases.pending().unwrap();
        let there = waiting.iter().find(|it| it.digest == yes.digest).unwrap();
        assert_eq!(there.approved_by, ["one"], "what was said of it stays");
        assert!(there.approved_once);
        cases.allow_for_session(&yes, &receipt()).unwrap();
        cases.refuse(&no, No::Once).unwrap();
        cases.refuse(&never, No::ForGood).unwrap();
        assert_eq!(cases.pending().unwrap(), []);
        for _ in 0..2 {
            assert!(cases.take(&yes.digest).unwrap().unwrap().for_session);
        }
        assert_eq!(cases.refused(&no.digest), Some(No::Once));
        assert_eq!(cases.refused(&never.digest), Some(No::ForGood));
        assert_eq!(cases.refused(&yes.digest), None);
        let later = KEPT + Duration::from_secs(1);
        make_old(&cases.waiting(&no.digest).with_extension("refused"), later);
        make_old(&cases.waiting(&never.digest).with_extension("never"), later);
        make_old(&cases.waiting(&yes.digest).with_extension("standing"), later);
        cases.leave(&case("d4")).unwrap();
        assert_eq!(
            (cases.refused(&no.digest), cases.refused(&never.digest)),
            (None, Some(No::ForGood))
        );
        assert!(cases.take(&yes.digest).unwrap().is_some());
        make_old(&cases.waiting(&yes.digest).with_extension("standing"), KEPT_FOR_A_SESSION * 2);
        assert_eq!(cases.take(&yes.digest).unwrap(), None);
    }

    #[test]
    fn a_rule_for_a_session_is_found_by_that_session_alone_and_does_not_last() {
        let (_folder, cases) = cases();
        let (with, without) = (case("a1"), case("b2"));
        let with = Case { session_rule: Some(serde_json::json!({})), ..with };
        for case in [&with, &without] {
            cases.leave(case).unwrap();
            cases.allow_for_session(case, &receipt()).unwrap();
        }
        assert_eq!(cases.session_rules("codex", "s").unwrap(), [receipt()]);
        assert_eq!(cases.session_rules("codex", "t").unwrap(), []);
        assert_eq!(cases.session_rules("claude-code", "s").unwrap(), []);
        let path = cases.waiting(&with.digest).with_extension("rule");
        make_old(&path, KEPT * 3);
        cases.leave(&case("c3")).unwrap();
        assert_eq!(cases.session_rules("codex", "s").unwrap().len(), 1);
        make_old(&path, KEPT_FOR_A_SESSION + Duration::from_secs(1));
        assert_eq!(cases.session_rules("codex", "s").unwrap(), []);
    }

    #[test]
    fn a_call_that_is_refused_again_is_the_same_case() {
        let (_folder, cases) = cases();
        cases.leave(&case("a1")).unwrap();
        let code = cases.pending().unwrap()[0].code.clone();
        cases.leave(&case("a1")).unwrap();
        assert_eq!(cases.pending().unwrap()[0].code, code);
    }

    #[test]
    fn neither_lasts() {
        let (_folder, cases) = cases();
        let case = case("a1");
        for age in [KEPT + Duration::from_secs(1), Duration::from_secs(60 * 60 * 24)] {
            cases.leave(&case).unwrap();
            cases.allow(&case, &receipt()).unwrap();
            make_old(&cases.waiting(&case.digest).with_extension("allowed"), age);
            assert_eq!(cases.take(&case.digest).unwrap(), None);
            cases.leave(&case).unwrap();
            make_old(&cases.waiting(&case.digest), age);
            assert_eq!(cases.pending().unwrap(), []);
        }
    }

    #[test]
    fn no_more_wait_than_a_person_reads() {
        let (_folder, cases) = cases();
        for number in 0..MOST + 9 {
            cases.leave(&case(&format!("{number}f"))).unwrap();
        }
        assert_eq!(cases.pending().unwrap().len(), MOST);
    }

    #[test]
    fn whoever_asks_much_takes_no_place_of_others_and_makes_nobody_forget() {
        let (_folder, cases) = cases();
        let of = |session: &str, digest: &str| Case { session: session.to_owned(), ..case(digest) };
        let (quiet, no, yes) = (of("quiet", "a1"), of("quiet", "b2"), of("quiet", "c3"));
        for case in [&quiet, &no, &yes] {
            cases.leave(case).unwrap();
        }
        cases.refuse(&no, No::Once).unwrap();
        cases.allow(&yes, &receipt()).unwrap();
        for path in cases.files().unwrap() {
            make_old(&path, Duration::from_secs(60));
        }
        for number in 0..MOST * 4 {
            cases.leave(&of("loud", &format!("{number}f"))).unwrap();
        }
        let waiting = cases.pending().unwrap();
        assert_eq!(waiting.len(), MOST);
        assert!(waiting.iter().any(|it| it.digest == quiet.digest), "it was there before");
        assert_eq!(cases.refused(&no.digest), Some(No::Once));
        assert!(cases.take(&yes.digest).unwrap().is_some());
    }

    #[test]
    fn who_approved_of_something_else_has_not_approved_of_this() {
        let (_folder, cases) = cases();
        let asked = case("a1");
        cases.leave(&asked).unwrap();
        cases.note_approval(&asked, "one", true).unwrap();
        let of = || cases.pending().unwrap().remove(0);
        cases.leave(&Case { process: Some("other".to_owned()), ..asked.clone() }).unwrap();
        assert_eq!(of().approved_by, ["one"], "the same is shown");
        let code = of().code;
        let other = Case { blast: "beyond this machine".to_owned(), ..asked.clone() };
        cases.leave(&other).unwrap();
        assert_eq!((of().approved_by, of().approved_once, of().code), (vec![], false, code));

        // Nor where it became something else while they answered, or is not there any more.
        assert!(!cases.is_as_shown(&asked) && cases.is_as_shown(&other));
        assert!(!cases.note_approval(&asked, "one", true).unwrap());
        assert_eq!((of().approved_by, of().blast), (vec![], other.blast.clone()));
        assert!(cases.note_approval(&other, "one", true).unwrap());
        cases.refuse(&other, No::Once).unwrap();
        assert!(!cases.note_approval(&other, "two", true).unwrap());
        assert_eq!(cases.pending().unwrap(), []);
    }

    #[test]
    fn what_somebody_approved_of_is_taken_back_everywhere() {
        let (_folder, cases) = cases();
        for digest in ["a1", "b2"] {
            cases.leave(&case(digest)).unwrap();
            cases.note_approval(&case(digest), "one", false).unwrap();
            cases.note_approval(&case(digest), "two", false).unwrap();
        }
        let old = cases.waiting(&case("b2").digest);
        make_old(&old, KEPT + Duration::from_secs(1));
        cases.take_back("one").unwrap();
        let waiting = cases.pending().unwrap();
        assert_eq!((waiting.len(), &waiting[0].approved_by[..]), (1, &["two".to_owned()][..]));
        assert!(!old.exists(), "it waits no more, and is not made to");
    }

    /// A name decides nothing: whoever picks theirs would pick the one that stays.
    #[test]
    fn of_two_sessions_that_have_as_many_the_older_case_is_given_up() {
        for (older, newer) in [("a", "z"), ("z", "a")] {
            let (_folder, cases) = cases();
            let of = |session: &str, digest: String| Case {
                session: session.to_owned(),
                ..case(&digest)
            };
            for number in 0..MOST / 2 {
                cases.leave(&of(older, format!("{number}a"))).unwrap();
            }
            for path in cases.files().unwrap() {
                make_old(&path, Duration::from_secs(60));
            }
            for number in 0..MOST / 2 {
                cases.leave(&of(newer, format!("{number}b"))).unwrap();
            }
            cases.leave(&of("new", "c".to_owned())).unwrap();
            let count = |session: &str| {
                cases.pending().unwrap().iter().filter(|it| it.session == session).count()
            };
            assert_eq!((count(older), count(newer)), (MOST / 2 - 1, MOST / 2));
        }
    }

    #[test]
    fn what_nobody_answered_is_not_kept_without_end() {
        let (_folder, cases) = cases();
        cases.leave(&case("a1")).unwrap();
        cases.refuse(&case("a1"), No::Once).unwrap();
        for number in 0..MOST_CROWDED + 20 {
            let case = case(&format!("{number}f"));
            write_json(&cases.waiting(&case.digest).with_extension("crowded"), &"code").unwrap();
        }
        cases.leave(&case("b2")).unwrap();
        let files = cases.files().unwrap();
        let crowded = files.iter().filter(|it| it.extension() == Some(OsStr::new("crowded")));
        assert_eq!(crowded.count(), MOST_CROWDED);
        assert_eq!(cases.refused(&case("a1").digest), Some(No::Once), "a person gave that");
    }
}
