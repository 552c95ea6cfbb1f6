//! What came back from a call: read by the probe, and what a session makes of it.

use ringfence_action::{Action, Call};
use ringfence_classify::probe::{Reader, Report};

use crate::plan;
use crate::session::Session;

/// The taint of a session that read what looks like an instruction to an agent.
pub const INJECTION: &str = "injection";
/// The taint of a session that read more than was looked at.
pub const UNREAD: &str = "unread-result";

/// Longer results are not looked at: what is in them is not known.
const LONGEST: usize = 4 << 20;

/// What became of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// Nothing came in that the agent had not written itself.
    Nothing,
    /// It was looked at.
    Read(Report),
    /// It was too long to be looked at.
    Unread,
}

impl Came {
    /// The taint that the session has from it.
    pub fn taint(&self) -> Option<&'static str> {
        match self {
            Self::Read(report) if report.taints => Some(INJECTION),
            Self::Unread => Some(UNREAD),
            Self::Nothing | Self::Read(_) => None,
        }
    }
}

impl Session {
    /// Reads what a call returned. A text that looks like an instruction to an agent taints the session:
    /// rules are stricter from then on. Nothing is ever cleared by a result.
    pub fn observe_result(&mut self, action: &Action, call: &Call, text: &str) -> Came {
        self.observe_result_with(&Reader::default(), action, call, text)
    }

    /// As [`Session::observe_result`], by a reader of one's own: with a second score, or with other weights.
    pub fn observe_result_with(
        &mut self,
        reader: &Reader<'_>,
        action: &Action,
        call: &Call,
        text: &str,
    ) -> Came {
        let came = read(reader, call, text);
        if let Some(plan) = plan::plan_in(action, call, text) {
            self.observe_created(&plan);
        }
        if let Some(taint) = came.taint() {
            self.distrust(taint);
        }
        came
    }
}

/// Looks at what a call returned.
fn read(reader: &Reader<'_>, call: &Call, text: &str) -> Came {
    match call {
        // It says again what the agent wrote, or what its own program or its user says.
        Call::Write { .. }
        | Call::Edit { .. }
        | Call::Delete { .. }
        | Call::Move { .. }
        | Call::Stop { .. }
        | Call::Inert => Came::Nothing,
        _ if text.len() > LONGEST => Came::Unread,
        _ => Came::Read(reader.read(text)),
    }
}
