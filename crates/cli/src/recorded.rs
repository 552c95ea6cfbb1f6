//! Decisions that are recorded: on text without secrets, with what is needed to replay them.

use ringfence_action::Action;
use ringfence_engine::{Explained, Heard, Options, Session};
use ringfence_record::log::Entry;
use ringfence_record::redact::Redactor;
use ringfence_record::sessions::digest_of;
use serde_json::{Value, json};

/// Whoever decides an action in a session.
type Decide<'d> = dyn Fn(&Action, &mut Session) -> Result<Explained, String> + 'd;

/// What is the same for all that is recorded of a session.
pub(crate) struct Case<'c> {
    /// Where it came from.
    pub(crate) event: &'static str,
    /// Whose it is: agent, session, and what else tells it apart.
    pub(crate) whose: &'c Value,
    pub(crate) options: Options,
    pub(crate) redactor: &'c Redactor,
    /// What the session's state hashes to, where that is known and was not worked out yet.
    pub(crate) state: Option<&'c str>,
}

impl Case<'_> {
    /// Decides as the gate does, and says what is to be recorded before anybody is answered.
    pub(crate) fn decide(
        &self,
        decide: &Decide<'_>,
        mut action: Action,
        session: &mut Session,
    ) -> Result<(Explained, Vec<Entry>), String> {
        let Self { event, whose, options, redactor, state } = self;
        let mut entries = Vec::new();
        // What was said is kept as what it asks for, not as text.
        for message in std::mem::take(&mut action.user_messages) {
            let message = redactor.text(&message).unwrap_or(message);
            if session.has_heard(&message) {
                continue;
            }
            let heard = Heard::new(&message);
            if session.observe_heard(heard.clone()) {
                let fields = json!({"standing": "confirmed", "intent": heard});
                entries.push(entry("prompt", whose, fields));
            }
        }
        let state = match state.filter(|_| entries.is_empty()) {
            Some(state) => state.to_owned(),
            None => digest_of(&json!(session).to_string()),
        };
        let plain = action.clone();
        redactor.json(&mut action.input);
        let has_secrets = plain.input != action.input;
        let mut memory = has_secrets.then(|| session.clone());
        let mut explained = decide(&action, session)?;
        let mut facts = json!(explained.facts);
        redactor.json(&mut facts);
        let fields = json!({
            "event": event,
            "action": action,
            "facts": facts,
            "state": state,
            "remembered": true,
            "preset": options.preset,
            "sandbox": options.sandbox,
            "decision": explained.decision,
        });
        session.forget_contents();
        entries.push(entry("decision", whose, fields));
        // What looks like a secret must not hide what is done: the stricter decision is the answer.
        if let Some(memory) = &mut memory {
            let as_it_runs = decide(&plain, memory)?;
            if as_it_runs.decision.verdict > explained.decision.verdict {
                explained = as_it_runs;
            }
        }
        Ok((explained, entries))
    }
}

/// An entry, with whose it is in front.
pub(crate) fn entry(kind: &'static str, whose: &Value, fields: Value) -> Entry {
    let both = [whose.clone(), fields].into_iter().filter_map(|it| match it {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Entry { kind, fields: both.flatten().collect() }
}
