//! Decisions that are recorded: on text without secrets, with what is needed to replay them.

use ringfence_action::{Action, Decision, Facts, Preset};
use ringfence_engine::{Explained, Heard, Options, Session};
use ringfence_record::RecordError;
use ringfence_record::log::{Log, Prepared};
use ringfence_record::redact::Redactor;
use ringfence_record::sessions::digest_of;
use serde::Serialize;

/// Whoever decides an action in a session.
type Decide<'d> = dyn Fn(&Action, &mut Session) -> Result<Explained, String> + 'd;

/// Whose an entry is.
#[derive(Debug, Serialize)]
pub(crate) struct Whose<'w> {
    /// The agent's kind.
    pub(crate) agent: &'w str,
    /// What else tells it apart.
    pub(crate) run: &'w str,
    pub(crate) session: Option<&'w str>,
}

/// What is the same for all that is recorded of a session.
pub(crate) struct Case<'c> {
    /// Where it came from.
    pub(crate) event: &'static str,
    pub(crate) whose: &'c Whose<'c>,
    pub(crate) at: &'c str,
    pub(crate) options: Options,
    pub(crate) redactor: &'c Redactor,
    pub(crate) log: &'c Log,
    /// What a message asks for and rules out.
    pub(crate) hear: &'c dyn Fn(&str) -> Heard,
    /// What the session's state hashes to, where that is known and was not worked out yet.
    pub(crate) state: Option<&'c str>,
}

/// What was said.
#[derive(Serialize)]
struct Prompt<'p> {
    standing: &'static str,
    intent: &'p Heard,
}

/// What was decided, with what it follows from.
#[derive(Serialize)]
struct Decided<'d> {
    event: &'static str,
    action: &'d Action,
    facts: &'d Facts,
    state: &'d str,
    remembered: bool,
    preset: Preset,
    sandbox: bool,
    decision: &'d Decision,
}

/// Fields, with whose they are in front.
#[derive(Serialize)]
struct Of<'w, F> {
    #[serde(flatten)]
    whose: &'w Whose<'w>,
    #[serde(flatten)]
    fields: F,
}

impl Case<'_> {
    /// Decides as the gate does, and says what is to be recorded before anybody is answered.
    pub(crate) fn decide(
        &self,
        decide: &Decide<'_>,
        mut action: Action,
        session: &mut Session,
    ) -> Result<(Explained, Vec<Prepared>), String> {
        let Self { event, options, redactor, hear, state, .. } = self;
        let mut entries = Vec::new();
        // What was said is kept as what it asks for, not as text.
        for message in std::mem::take(&mut action.user_messages) {
            let message = redactor.text(&message).unwrap_or(message);
            if session.has_heard(&message) {
                continue;
            }
            let heard = hear(&message);
            if session.observe_heard(heard.clone()) {
                let prompt = Prompt { standing: "confirmed", intent: &heard };
                entries.push(self.entry("prompt", prompt)?);
            }
        }
        let state = match state.filter(|_| entries.is_empty()) {
            Some(state) => state.to_owned(),
            None => serde_json::to_string(session)
                .map(|state| digest_of(&state))
                .map_err(|error| error.to_string())?,
        };
        let plain = redactor.finds_in(&action.input).then(|| action.clone());
        if plain.is_some() {
            redactor.json(&mut action.input);
        }
        let mut memory = plain.as_ref().map(|_| session.clone());
        let mut explained = decide(&action, session)?;
        let decided = Decided {
            event,
            action: &action,
            facts: &explained.facts,
            state: &state,
            remembered: true,
            preset: options.preset,
            sandbox: options.sandbox,
            decision: &explained.decision,
        };
        entries.push(self.entry("decision", decided)?);
        session.forget_contents();
        // What looks like a secret must not hide what is done: the stricter decision is the answer.
        if let Some((plain, memory)) = plain.as_ref().zip(memory.as_mut()) {
            let as_it_runs = decide(plain, memory)?;
            if as_it_runs.decision.verdict > explained.decision.verdict {
                explained = as_it_runs;
            }
        }
        Ok((explained, entries))
    }

    /// An entry, with whose it is in front, and without secrets.
    pub(crate) fn entry(
        &self,
        kind: &'static str,
        fields: impl Serialize,
    ) -> Result<Prepared, String> {
        let entry = Of { whose: self.whose, fields };
        let prepared = self.log.prepare_as(self.at, kind, &entry);
        prepared.map_err(|error: RecordError| error.to_string())
    }
}
