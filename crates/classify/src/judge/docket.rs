//! All that a judge may see.
//!
//! Three doors, and no other. [`Said`] is a message that the user typed; who makes one from a text answers for
//! that, and `xtask tidy` knows the few places that may. [`Seen`] is made from a call. [`Known`] has numbers, yes
//! or no, and words of this program's own: a text that was read somewhere has no `'static` lifetime.

use std::collections::VecDeque;

use ringfence_action::Facts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::seen::Seen;

/// Bytes of one message that are shown: its beginning and its end.
const MESSAGE: usize = 8 << 10;

/// Bytes of the whole record. The first message of the user stays, the oldest of the rest goes first, half of it
/// at once: what is left in front stays the same for a while, and a provider has it in its cache.
const RECORD: usize = 48 << 10;

/// Bytes of a call that happened before.
const EARLIER: usize = 1_200;

/// What the user typed. Not what others put into the user's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// A message that is known to have been typed by the user.
    pub fn typed_by_the_user(message: &str) -> Self {
        let most = MESSAGE / 2;
        if message.len() <= MESSAGE {
            return Self(message.to_owned());
        }
        let start = message.get(..message.floor_char_boundary(most)).unwrap_or_default();
        let end =
            message.get(message.ceil_char_boundary(message.len() - most)..).unwrap_or_default();
        Self(format!("{start}\n[…]\n{end}"))
    }
}

/// How a call ended, as the harness says. Not what it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It was let go; nothing is known of its end.
    LetGo,
    /// It ran.
    Ran,
    /// It ran, and failed.
    Failed,
    /// A person was asked.
    Asked,
    /// It was refused.
    Refused,
}

/// What was said and done before, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Between lines with this, which nobody can guess, the record stands.
    mark: String,
    events: VecDeque<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    User { said: String },
    Call { id: String, seen: Seen, ended: Ended },
}

impl History {
    /// Nothing happened yet. `mark`: see [`mark`](super::mark).
    pub fn new(mark: String) -> Self {
        Self { mark, events: VecDeque::new() }
    }

    /// The user says something. The same again changes nothing.
    pub fn hear(&mut self, said: &Said) {
        let known =
            |event: &Event| matches!(event, Event::User { said: known } if *known == said.0);
        if !self.events.iter().any(known) {
            self.events.push_back(Event::User { said: said.0.clone() });
            self.shorten();
        }
    }

    /// The agent calls a tool. `id`: the agent's own name of the call.
    pub fn called(&mut self, id: Option<&str>, seen: Seen, ended: Ended) {
        let id = id.unwrap_or_default().to_owned();
        self.events.push_back(Event::Call { id, seen, ended });
        self.shorten();
    }

    /// A call came back.
    pub fn came_back(&mut self, id: &str, now: Ended) {
        let named =
            |event: &&mut Event| matches!(event, Event::Call { id: known, .. } if known == id);
        if let Some(Event::Call { ended, .. }) = self.events.iter_mut().rev().find(named) {
            *ended = now;
        }
    }

    /// It is not known what happened in between: what the user said before is not shown any more.
    pub fn lose_consent(&mut self) {
        self.events.retain(|event| matches!(event, Event::Call { .. }));
    }

    fn said(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| match event {
            Event::User { said } => Some(said.as_str()),
            Event::Call { .. } => None,
        })
    }

    fn shorten(&mut self) {
        if self.events.iter().map(Event::length).sum::<usize>() <= RECORD {
            return;
        }
        let first = self.events.iter().position(|event| matches!(event, Event::User { .. }));
        let first = first.and_then(|at| self.events.remove(at));
        let mut length: usize = self.events.iter().map(Event::length).sum();
        while length > RECORD / 2 {
            let Some(gone) = self.events.pop_front() else { break };
            length -= gone.length();
        }
        first.into_iter().for_each(|first| self.events.push_front(first));
    }
}

impl Event {
    fn length(&self) -> usize {
        match self {
            Self::User { said } => said.len(),
            Self::Call { seen, .. } => seen.shown().to_string().len().min(EARLIER) + 40,
        }
    }

    fn shown(&self) -> Value {
        match self {
            Self::User { said } => json!({"user_says": said}),
            Self::Call { seen, ended, .. } => {
                let text = seen.shown().to_string();
                let call = if seen.is_addressed() {
                    let does = seen.shown().get("does");
                    json!({"does": does, "text": "not shown: it speaks to whoever judges it"})
                } else if text.len() <= EARLIER {
                    seen.shown().clone()
                } else {
                    let end = text.floor_char_boundary(EARLIER);
                    json!(format!("{}…", text.get(..end).unwrap_or_default()))
                };
                json!({"agent_calls": call, "ended": ended})
            }
        }
    }
}

/// What the harness knows, in words of this program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Known {
    /// Kinds of what it would do: `delete`, `net`…
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<&'static str>,
    /// Reasons why something of it is not understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_understood: Vec<&'static str>,
    /// Kinds of sources that the session has read and that are not to be trusted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_untrusted: Vec<&'static str>,
    /// Whether the session has read what is private.
    pub read_private: bool,
    /// What the user ruled out: operations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ruled_out: Vec<&'static str>,
    /// Whether all that it changes was made by this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by_session: Option<bool>,
    /// Whether the branch that is checked out is the project's trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_trunk: Option<bool>,
    /// Whether there are uncommitted changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncommitted: Option<bool>,
    /// How many commits no remote has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpushed: Option<u64>,
}

impl Known {
    /// With what facts say of the repository. Names of branches and files are others' words and stay out.
    pub fn of_repository(mut self, facts: &Facts) -> Self {
        if let Some(git) = &facts.git {
            let both = git.branch.as_ref().zip(git.default_branch.as_ref());
            self.on_trunk = both.map(|(branch, trunk)| branch == trunk);
            (self.uncommitted, self.unpushed) = (git.dirty, git.unpushed);
        }
        self
    }
}

/// What decides about an action beside what is shown: the files that it would run. A digest, no content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside(String);

impl Beside {
    /// The digest of the files that analysis read.
    pub fn of(facts: &Facts) -> Self {
        if facts.files.is_empty() {
            return Self::default();
        }
        let mut digest = Sha256::new();
        for (path, content) in &facts.files {
            for part in [path, content] {
                digest.update(part.len().to_le_bytes());
                digest.update(part.as_bytes());
            }
        }
        Self(format!("{:x}", digest.finalize()))
    }
}

/// What is to be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subject<'a> {
    /// A call that is about to run.
    Call(&'a Seen, &'a Known),
    /// What subagents did since they were started, now that the agent hears of it.
    Return(&'a Seen),
}

/// Everything that a judge sees.
#[derive(Debug, Clone, Copy)]
pub struct Docket<'a> {
    history: &'a History,
    subject: Subject<'a>,
    beside: &'a Beside,
}

impl<'a> Docket<'a> {
    /// This, after that. `beside`: what is not shown and matters.
    pub fn new(history: &'a History, subject: Subject<'a>, beside: &'a Beside) -> Self {
        Self { history, subject, beside }
    }

    pub(super) fn subject(&self) -> Subject<'a> {
        self.subject
    }

    pub(super) fn mark(&self) -> &'a str {
        &self.history.mark
    }

    pub(super) fn said(&self) -> impl Iterator<Item = &'a str> {
        self.history.said()
    }

    pub(super) fn is_whole(&self) -> bool {
        match self.subject {
            Subject::Call(seen, _) => seen.is_whole(),
            Subject::Return(_) => true,
        }
    }

    pub(super) fn is_addressed(&self) -> bool {
        match self.subject {
            Subject::Call(seen, _) | Subject::Return(seen) => seen.is_addressed(),
        }
    }

    /// What happened before, one line each.
    pub(super) fn record(&self) -> impl Iterator<Item = Value> {
        self.history.events.iter().map(Event::shown)
    }

    /// What is judged, in its form for the judge.
    pub(super) fn shown(&self) -> Value {
        match self.subject {
            Subject::Call(seen, known) => json!({"call": seen.shown(), "known": known}),
            Subject::Return(seen) => json!({"returned": seen.shown()}),
        }
    }

    /// The digest of what is seen.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for line in self.record().chain([self.shown()]) {
            digest.update(line.to_string().as_bytes());
            digest.update([b'\n']);
        }
        format!("sha256:{:x}", digest.finalize())
    }

    /// What an answer is kept under: the canonical action, what the user said, what is known, what is beside
    /// it, and `rules`. What a subagent did is part of what returns.
    pub(super) fn key(&self, rules: &[&str]) -> String {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update(text.len().to_le_bytes());
            digest.update(text.as_bytes());
        };
        rules.iter().for_each(|rule| part(rule));
        part(&self.beside.0);
        self.history.said().for_each(&mut part);
        part(&self.shown().to_string());
        if let Subject::Return(_) = self.subject {
            self.record().for_each(|line| part(&line.to_string()));
        }
        format!("{:x}", digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: usize) -> Seen {
        let text = json!({"tool": "Bash", "input": {"command": format!("echo {number} {}", "x".repeat(900))}});
        let action = ringfence_action::Action::from_json(text.to_string().as_bytes()).unwrap();
        Seen::of(&action, &ringfence_adapters::normalize(&action), &Default::default(), &[])
    }

    #[test]
    fn a_long_record_keeps_the_task_and_its_end() {
        let mut history = History::new("m".to_owned());
        history.hear(&Said::typed_by_the_user("the task"));
        history.hear(&Said::typed_by_the_user("the task"));
        let mut fronts = std::collections::BTreeSet::new();
        for number in 0..400 {
            history.called(Some(&number.to_string()), seen(number), Ended::LetGo);
            let length: usize = history.events.iter().map(Event::length).sum();
            assert!(length <= RECORD, "{length}");
            fronts.insert(history.events[1].shown().to_string());
        }
        assert_eq!(history.said().collect::<Vec<_>>(), ["the task"]);
        assert!(history.events.back().unwrap().shown().to_string().contains("echo 399"));
        assert!(fronts.len() < 25, "what is in front changes seldom: {}", fronts.len());
        history.came_back("399", Ended::Failed);
        assert!(history.events.back().unwrap().shown().to_string().contains("\"failed\""));
    }

    #[test]
    fn an_answer_is_for_this_action_these_words_and_these_rules() {
        let mut history = History::new("m".to_owned());
        history.hear(&Said::typed_by_the_user("the task"));
        let (known, one) = (Known::default(), seen(1));
        let key = |history: &History, known: &Known, script: &str, rules: &str| {
            let mut facts = Facts::default();
            facts.files.insert("/p/x.sh".to_owned(), script.to_owned());
            Docket::new(history, Subject::Call(&one, known), &Beside::of(&facts)).key(&[rules])
        };
        let first = key(&history, &known, "", "r");
        let mut later = history.clone();
        later.called(None, seen(2), Ended::Ran);
        assert_eq!(key(&later, &known, "", "r"), first, "what was done in between does not matter");
        later.hear(&Said::typed_by_the_user("but not there"));
        let tainted = Known { read_untrusted: vec!["web"], ..Known::default() };
        for other in [
            key(&later, &known, "", "r"),
            key(&history, &tainted, "", "r"),
            key(&history, &known, "rm -rf ~", "r"),
            key(&history, &known, "", "s"),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn a_long_message_keeps_both_ends() {
        let Said(said) = Said::typed_by_the_user(&format!("do this{}not that", "ä".repeat(9_000)));
        assert!(
            said.starts_with("do this") && said.ends_with("not that") && said.len() < MESSAGE + 9
        );
    }
}
