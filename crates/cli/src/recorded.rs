//! Decisions that are recorded: on text without secrets, with what is needed to replay them.

use ringfence_action::Action;
use ringfence_engine::{Explained, Heard, Options, Session};
use ringfence_record::log::Entry;
use ringfence_record::redact::Redactor;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

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
}

impl Case<'_> {
    /// Decides as the gate does, and says what is to be recorded before anybody is answered.
    pub(crate) fn decide(
        &self,
        decide: &Decide<'_>,
        mut action: Action,
        session: &mut Session,
    ) -> Result<(Explained, Vec<Entry>), String> {
        let Self { event, whose, options, redactor } = self;
        let mut plain = action.clone();
        plain.user_messages.clear();
        redactor.json(&mut action.input);
        let mut entries = Vec::new();
        // What was said is kept as what it asks for, not as text.
        for message in std::mem::take(&mut action.user_messages) {
            let message = redactor.text(&message).unwrap_or(message);
            let heard = Heard::new(&message);
            if session.observe_heard(heard.clone()) {
                let fields = json!({"standing": "confirmed", "intent": heard});
                entries.push(entry("prompt", whose, fields));
            }
        }
        let state = json!(session).to_string();
        let mut memory = session.clone();
        let mut explained = decide(&action, session)?;
        let mut facts = json!(explained.facts);
        redactor.json(&mut facts);
        let fields = json!({
            "event": event,
            "action": action,
            "facts": facts,
            "state": format!("sha256:{:x}", Sha256::digest(state.as_bytes())),
            "remembered": true,
            "preset": options.preset,
            "sandbox": options.sandbox,
            "decision": explained.decision,
        });
        session.forget_contents();
        entries.push(entry("decision", whose, fields));
        // What looks like a secret must not hide what is done: the stricter decision is the answer.
        if plain.input != action.input {
            let as_it_runs = decide(&plain, &mut memory)?;
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
