//! One session, decided in the order in which it happened.

use std::collections::HashMap;

use ringfence_action::{Action, Decision, Verdict};
use ringfence_classify::judge::Ended;
use ringfence_engine::{Came, Explained, Session};

use crate::exit::Problem;
use crate::recording::{Person, Recording, Step};
use crate::reviewing;
use crate::wiring::Judge;

/// A call and what was decided about it.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    /// Its place among the session's calls, from zero.
    pub(crate) call: usize,
    pub(crate) action: &'a Action,
    pub(crate) explained: Explained,
    /// The last prompt before it.
    pub(crate) prompt: Option<&'a str>,
    /// What the person did, where the transcript tells.
    pub(crate) person: Option<Person>,
    /// What the probe made of what it returned.
    pub(crate) returned: Option<Came>,
    /// How far the session has moved from what was asked for, after it.
    pub(crate) drift: f64,
}

impl Judged<'_> {
    pub(crate) fn decision(&self) -> &Decision {
        &self.explained.decision
    }
}

/// Decides every call, with what the session has said and seen until then.
pub(crate) fn judge<'a>(
    judge: &Judge,
    recording: &'a Recording,
) -> Result<Vec<Judged<'a>>, Problem> {
    let mut session = Session::new();
    let mut history = reviewing::history();
    let mut prompt = None;
    let mut judged: Vec<Judged<'a>> = Vec::new();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for step in &recording.steps {
        match step {
            Step::Prompt(text) => {
                session.observe_user(text);
                if judge.listens() {
                    reviewing::hear(&mut history, text);
                }
                prompt = Some(text.as_str());
            }
            Step::Relayed(text) => session.observe_relayed(text),
            Step::Call(action) => {
                let call = judged.len();
                let decided = judge.decide_heard(action, &mut session, &mut history);
                let explained =
                    decided.map_err(|error| undecided(recording, call).because(error))?;
                // Here history went on as if nothing had happened; an agent that was told no would
                // have gone another way. One denial is not counted against what follows it.
                if explained.decision.verdict == Verdict::Deny {
                    session.release();
                }
                if let Some(id) = &action.id {
                    by_id.insert(id, call);
                }
                let drift = explained.drift;
                judged.push(Judged {
                    call,
                    action,
                    explained,
                    prompt,
                    person: None,
                    returned: None,
                    drift,
                });
            }
            Step::Result { id, text, is_error, person } => {
                // A result without a name belongs to the call before it.
                let of = match id {
                    Some(id) => by_id.get(id.as_str()).copied(),
                    None => judged.len().checked_sub(1),
                };
                if let Some(judged) = of.and_then(|call| judged.get_mut(call)) {
                    if let Some(id) = &judged.action.id {
                        history.came_back(id, if *is_error { Ended::Failed } else { Ended::Ran });
                    }
                    judged.person = *person;
                    let call = ringfence_adapters::normalize(judged.action);
                    judged.returned = Some(session.observe_result(judged.action, &call, text));
                    if !is_error {
                        for made in judged.explained.would_create() {
                            session.observe_created(&made);
                        }
                    }
                }
            }
        }
    }
    Ok(judged)
}

fn undecided(recording: &Recording, call: usize) -> Problem {
    Problem::new(
        format!("call {call} of session `{}` could not be decided", recording.session),
        "report the call; the other transcripts can be replayed without this one",
    )
}
