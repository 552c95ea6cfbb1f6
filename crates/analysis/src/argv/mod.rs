//! Programs and their options: a catalogue entry says what an invocation would do.

use ringfence_action::{Effect, EffectKind};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};

/// Resolves one invocation into effects. Returns what it writes to standard output.
pub(crate) fn run(analyzer: &mut Analyzer<'_>, frame: &Frame, invocation: &Invocation) -> Data {
    let Some(program) = invocation.argv.first() else { return Data::None };
    let exec = Effect::new(EffectKind::Exec, program.value.to_target());
    analyzer.effect(frame, program.span, exec);
    Data::Unknown
}
