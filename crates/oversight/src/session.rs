//! One session, counted as it goes by.
//!
//! A *turn* is what the agent does on something that a person typed: from its first doing after that to its
//! last before the person types again. What is typed before the agent did anything belongs to the same turn; what
//! subagents do is within a turn of the main session and does not make its length.

use std::collections::HashMap;

use crate::counts::{CALLS, Counts, PROMPTS, RUBBER_STAMP_MS, add_in};
use crate::measure::Share;
use crate::seen::{By, Decided, Mode, Seen, What};

/// A session that is being counted.
#[derive(Debug, Default)]
pub struct Session {
    counts: Counts,
    turn: Option<Turn>,
    begun: Option<i64>,
    prompts: u64,
    modes: Vec<Mode>,
    headless: bool,
    tells_decisions: bool,
    tells_prose: bool,
    turns: Vec<Turn>,
    calls: Vec<Called>,
    by_id: HashMap<String, usize>,
    answers: Vec<Answer>,
    /// When a person last answered: the next of several calls waits from there.
    answered_at: Option<i64>,
    /// A refusal and the marks of an interruption after it are one step in.
    just_refused: bool,
}

#[derive(Debug, Default)]
struct Turn {
    events: u64,
    first: Option<i64>,
    last: Option<i64>,
    calls: u64,
    interrupted: bool,
    asked: bool,
    ends_in_question: bool,
    irreversible_at: Option<i64>,
    intervened: bool,
}

#[derive(Debug)]
struct Called {
    at: Option<i64>,
    print: u64,
    denied: Option<bool>,
    waited_ms: Option<u64>,
}

#[derive(Debug)]
struct Answer {
    at: Option<i64>,
    call: Option<usize>,
    accepted: bool,
    /// From when the call could be looked at to its result.
    gap: Option<u64>,
    ran_ms: Option<u64>,
}

impl Session {
    /// Something happened.
    pub fn see(&mut self, seen: &Seen) {
        let Seen { at, subagent, what } = seen;
        if !subagent {
            self.begun = self.begun.or(*at);
        }
        match what {
            What::Prompt => self.prompt(),
            What::Spoke { asks } => {
                self.tells_prose = true;
                self.act(*at, *subagent, *asks);
            }
            What::Call { id, print, asks, irreversible, guarded } => {
                self.act(*at, *subagent, false);
                if let Some(turn) = self.turn.as_mut().filter(|_| !subagent) {
                    turn.calls += 1;
                    turn.asked |= asks;
                    if *irreversible == Some(true) {
                        turn.irreversible_at = turn.irreversible_at.or(*at);
                    }
                }
                self.counts.calls += 1;
                irreversible.iter().for_each(|it| self.counts.irreversible.add(*it));
                guarded.iter().for_each(|it| self.counts.covered.add(*it));
                if let Some(id) = id {
                    self.by_id.insert(id.clone(), self.calls.len());
                }
                self.calls.push(Called { at: *at, print: *print, denied: None, waited_ms: None });
            }
            What::Result { id, decided, ran_ms } => {
                self.result(*at, *subagent, id.as_deref(), *decided, *ran_ms);
            }
            What::Waited { id, ms } => {
                let call = self.by_id.get(id).and_then(|at| self.calls.get_mut(*at));
                if let Some(call) = call {
                    call.waited_ms = Some(*ms);
                }
            }
            What::Interrupted => {
                self.step_in(*at, *subagent);
                self.just_refused = true;
            }
            What::Woken => self.turns.extend(self.turn.take()),
            What::Mode(mode) => self.modes.push(*mode),
            What::Headless => self.headless = true,
            What::TellsDecisions => self.tells_decisions = true,
            What::TellsProse => self.tells_prose = true,
        }
    }

    fn prompt(&mut self) {
        self.prompts += 1;
        self.just_refused = false;
        let acted = self.turn.as_ref().is_none_or(|turn| turn.events > 0 || turn.interrupted);
        if acted {
            self.turns.extend(self.turn.replace(Turn::default()));
        }
    }

    /// The agent did something.
    fn act(&mut self, at: Option<i64>, subagent: bool, asks: bool) {
        if subagent {
            return;
        }
        self.just_refused = false;
        if let Some(turn) = &mut self.turn {
            turn.events += 1;
            turn.first = turn.first.or(at);
            turn.last = at.or(turn.last);
            turn.ends_in_question = asks;
        }
    }

    fn result(
        &mut self,
        at: Option<i64>,
        subagent: bool,
        id: Option<&str>,
        decided: Option<Decided>,
        ran_ms: Option<u64>,
    ) {
        let call = match id {
            Some(id) => self.by_id.get(id).copied(),
            None => self.calls.len().checked_sub(1),
        };
        let refused = decided.is_some_and(|it| !it.accepted && it.by == By::Person);
        if refused {
            // The person acts here, not the agent.
            self.step_in(at, subagent);
            self.just_refused = true;
        } else {
            self.act(at, subagent, false);
        }
        let called = call.and_then(|call| self.calls.get_mut(call));
        // Several calls of one message are put to the person one after the other.
        let answered = self.answered_at.filter(|answered| Some(*answered) <= at);
        let since =
            called.as_ref().and_then(|called| called.at).map(|it| it.max(answered.unwrap_or(it)));
        if let Some(called) = called {
            called.denied = Some(decided.is_some_and(|it| !it.accepted));
        }
        let Some(Decided { accepted, by }) = decided else {
            self.counts.untold_calls += 1;
            return;
        };
        *self.counts.layers.entry(by).or_default() += 1;
        self.counts.unattended.of += u64::from(accepted);
        self.counts.unattended.count += u64::from(accepted && by != By::Person);
        if by == By::Person {
            let gap = at.zip(since).map(|(at, since)| u64::try_from(at - since).unwrap_or(0));
            self.answers.push(Answer { at, call, accepted, gap, ran_ms });
            self.answered_at = at.or(self.answered_at);
        }
    }

    /// A person stops the agent, or one of its calls.
    fn step_in(&mut self, at: Option<i64>, subagent: bool) {
        if !self.just_refused {
            self.counts.interventions += 1;
        }
        let Some(turn) = self.turn.as_mut().filter(|_| !subagent) else { return };
        turn.interrupted = true;
        if !turn.intervened
            && let Some((at, since)) = at.zip(turn.irreversible_at)
        {
            self.counts.intervene_ms.push(u64::try_from(at - since).unwrap_or(0));
            turn.intervened = true;
        }
    }

    /// What the session came to.
    pub fn finish(mut self) -> Counts {
        self.turns.extend(self.turn.take());
        if self.prompts == 0 && self.calls.is_empty() {
            return Counts::default();
        }
        self.counts.sessions = 1;
        self.counts.headless = u64::from(self.headless);
        self.counts.telling = u64::from(self.tells_decisions);
        if !self.tells_decisions {
            // Where refusals alone are told, what was let run is not known to be nobody's.
            self.counts.untold_calls += self.counts.layers.values().sum::<u64>();
            self.counts.layers.clear();
            self.counts.unattended = Share::default();
        }
        self.count_turns();
        self.count_answers();
        self.count_overridden();
        // The most that ran unasked, if it was so all along.
        let mode = self.modes.iter().min().copied();
        match (mode, self.begun) {
            (Some(mode), Some(begun)) => self.counts.modes.push((begun, mode)),
            (Some(mode), None) => self.counts.undated.push(mode),
            (None, _) => self.counts.modeless = 1,
        }
        self.counts
    }

    fn count_turns(&mut self) {
        let counts = &mut self.counts;
        let turns = self.turns.iter().filter(|turn| turn.events > 0 || turn.interrupted);
        for turn in turns {
            counts.turns += 1;
            counts.interrupted.add(turn.interrupted);
            let clarified = turn.asked || turn.ends_in_question;
            if self.tells_prose {
                counts.clarified.add(clarified);
                add_in(&mut counts.clarified_by_calls, CALLS, turn.calls, clarified);
            }
            // Of one event alone there is no length, and nobody waits where a program asked.
            if let Some((first, last)) = turn.first.zip(turn.last)
                && turn.events > 1
                && !self.headless
            {
                counts.turn_ms.push(u64::try_from(last - first).unwrap_or(0));
            }
        }
        counts.attended = u64::from(counts.turns > 0);
    }

    fn count_answers(&mut self) {
        let counts = &mut self.counts;
        self.answers.sort_by_key(|answer| answer.at);
        for (index, answer) in self.answers.iter().enumerate() {
            let waited = answer.call.and_then(|call| self.calls.get(call)?.waited_ms);
            let latency = match (waited, answer.accepted) {
                (Some(waited), _) => Some(waited),
                // What was refused never ran.
                (None, false) => answer.gap,
                (None, true) => {
                    answer.gap.zip(answer.ran_ms).map(|(gap, ran)| gap.saturating_sub(ran))
                }
            };
            counts.latency_ms.extend(latency);
            if answer.accepted {
                counts.approval_ms.extend(latency);
                if let (None, Some(gap)) = (latency, answer.gap) {
                    counts.bounded.add(gap < RUBBER_STAMP_MS);
                }
            }
            if self.tells_decisions {
                counts.approved.add(answer.accepted);
                let ordinal = index as u64 + 1;
                add_in(&mut counts.approved_by_prompt, PROMPTS, ordinal, answer.accepted);
            } else if !answer.accepted {
                counts.refused_untold += 1;
            }
        }
    }

    /// A denial is overridden where the very same call ran later.
    fn count_overridden(&mut self) {
        self.calls.sort_by_key(|call| call.at);
        let mut last_run: HashMap<u64, usize> = HashMap::new();
        for (index, call) in self.calls.iter().enumerate() {
            if call.denied == Some(false) {
                last_run.insert(call.print, index);
            }
        }
        let mut overridden = Share::default();
        for (index, call) in self.calls.iter().enumerate() {
            if call.denied == Some(true) {
                overridden.add(last_run.get(&call.print).is_some_and(|ran| *ran > index));
            }
        }
        self.counts.overridden = overridden;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(moments: &[(i64, What)]) -> Counts {
        let mut session = Session::default();
        for (at, what) in moments {
            session.see(&Seen { at: Some(*at), subagent: false, what: what.clone() });
        }
        session.finish()
    }

    fn call(id: &str, print: u64, irreversible: bool) -> What {
        let (id, irreversible) = (Some(id.to_owned()), Some(irreversible));
        What::Call { id, print, asks: false, irreversible, guarded: None }
    }

    fn answered(id: &str, accepted: bool, by: By) -> What {
        What::Result {
            id: Some(id.to_owned()),
            decided: Some(Decided { accepted, by }),
            ran_ms: None,
        }
    }

    #[test]
    fn a_refusal_and_the_stop_after_it_are_one_intervention() {
        let counts = live(&[
            (0, What::Prompt),
            (1_000, call("a", 1, true)),
            (3_000, answered("a", false, By::Person)),
            (3_001, What::Interrupted),
            (3_002, What::Interrupted),
            (9_000, What::Prompt),
            (9_500, What::Spoke { asks: true }),
            (9_900, What::Interrupted),
        ]);
        assert_eq!((counts.interventions, counts.interrupted), (2, Share::new(2, 2)));
        assert_eq!(counts.intervene_ms, [2_000]);
        assert_eq!((counts.clarified, counts.latency_ms), (Share::new(1, 2), vec![2_000]));
        // Refusals alone tell nothing about how much is approved.
        assert_eq!((counts.approved, counts.refused_untold), (Share::default(), 1));
    }

    /// The second of two calls was looked at only after the first was answered.
    #[test]
    fn calls_of_one_message_wait_for_each_other() {
        let counts = live(&[
            (0, What::TellsDecisions),
            (0, What::Prompt),
            (100, call("a", 1, false)),
            (100, call("b", 2, false)),
            (30_100, answered("a", false, By::Person)),
            (31_100, answered("b", false, By::Person)),
        ]);
        assert_eq!(counts.latency_ms, [30_000, 1_000]);
        assert_eq!(counts.approved_by_prompt.first(), Some(&Share::new(0, 1)));
    }

    #[test]
    fn a_denial_is_overridden_by_the_same_call_alone_and_later_alone() {
        let denied = |id: &str| answered(id, false, By::Hook);
        let counts = live(&[
            (1, call("a", 7, false)),
            (2, answered("a", true, By::Config)),
            (3, call("b", 7, false)),
            (4, denied("b")),
            (5, call("c", 8, false)),
            (6, denied("c")),
            (7, call("d", 8, false)),
            (8, answered("d", true, By::Person)),
        ]);
        assert_eq!(counts.overridden, Share::new(1, 2));
    }

    /// An agent that a task woke at night was not in a turn for hours.
    #[test]
    fn a_turn_ends_where_something_else_sets_the_agent_going() {
        let counts = live(&[
            (0, What::Prompt),
            (1_000, What::Spoke { asks: false }),
            (3_000, What::Spoke { asks: false }),
            (40_000_000, What::Woken),
            (40_001_000, What::Spoke { asks: false }),
            (50_000_000, What::Prompt),
        ]);
        assert_eq!((counts.turns, counts.turn_ms), (1, vec![2_000]));
    }
}
