//! What came back from a call: what the session makes of it, and what the agent gets of it.

use ringfence_action::Action;
use ringfence_adapters::hook::{Answer, Replacement, words_of};
use ringfence_adapters::normalize;
use ringfence_classify::probe::{self, Treatment};
use ringfence_engine::Came;
use ringfence_record::log::Entry;
use serde_json::{Value, json};

use super::{Turn, object};
use crate::command::hook::state;
use crate::command::probe::second_told;

/// Why a result is not handed on that was not looked at.
const UNREAD: &str = "it is too long to be looked at";

impl Turn<'_> {
    /// What the call returned is read before the agent acts on it. Returns what the agent is told about it, or gets
    /// instead of it.
    pub(super) fn hear_result(&mut self, action: &Action, response: &Value) -> Option<Answer> {
        let text = words_of(response);
        let reader = self.desk.reader();
        let call = normalize(action);
        let came = self.kept.session.observe_result_with(&reader, action, &call, &text);
        self.note_unread(&came);
        let taint = came.taint()?;
        let (agent, event) = (self.desk.agent(), &self.desk.message.name);
        let treatment = self.desk.treatment();
        let replaced = treatment != Treatment::Note && agent.replaces(event);
        let mut fields = object([
            ("code", json!("probe.result")),
            ("taints", json!(taint)),
            ("treatment", json!(treatment.as_str())),
            ("replaced", json!(replaced)),
            // What it was, can be told by who has it still.
            ("result", json!(state::digest(response))),
        ]);
        let about = match &came {
            Came::Read(report) => {
                let findings = report.findings.iter().map(|it| {
                    json!({"kind": it.kind.as_str(), "span": it.span, "why": it.why, "confidence": it.confidence})
                });
                fields.insert("score".to_owned(), json!(report.score));
                fields.insert("findings".to_owned(), findings.collect());
                if let Some(second) = &report.second {
                    fields.insert("second".to_owned(), second_told(second));
                }
                report.about()
            }
            Came::Unread | Came::Nothing => UNREAD,
        };
        let mark = self.desk.redactor.mark(&self.desk.message.session);
        let note = probe::warning(about, &mark);
        let answer = match treatment {
            Treatment::Quarantine => {
                let notice = probe::withheld(about, &mark);
                Some(Answer::Replace(Replacement::withheld(response, &notice, note)))
            }
            Treatment::Wrap => {
                let [before, after] = probe::around(about, &mark);
                Some(Answer::Replace(Replacement::between(response, [&before, &after], note)))
            }
            Treatment::Note => {
                matches!(came, Came::Read(_)).then_some(Answer::Context { text: note })
            }
        };
        let fields = self.addressed(fields);
        self.entries.push(Entry { kind: "finding", fields });
        answer
    }

    /// Where the second score was to read a result and did not read all that it should, the record says so: the first
    /// score stands alone.
    fn note_unread(&mut self, came: &Came) {
        let Came::Read(report) = came else { return };
        let unread = report.second.as_ref().filter(|second| second.problem.is_some());
        let Some(second) = unread.filter(|_| !report.taints) else { return };
        let fields = object([("code", json!("probe.encoder")), ("second", second_told(second))]);
        let fields = self.addressed(fields);
        self.entries.push(Entry { kind: "finding", fields });
    }
}
