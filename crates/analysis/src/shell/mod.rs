//! Shell code: parsed, lowered into our own tree, and interpreted over abstract values.

use ringfence_action::{Dialect, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::Span;

/// Interprets shell code. Every program it would run goes through [`Analyzer::run`].
pub(crate) fn interpret(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    code: &str,
    _dialect: Dialect,
    _stdin: &Data,
) {
    analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::UnsupportedDialect, "");
}
