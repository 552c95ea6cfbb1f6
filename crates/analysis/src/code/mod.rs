//! Code in other languages than the shell's.

use ringfence_action::OpaqueReason;

use crate::context::{Analyzer, Frame};
use crate::value::Span;

/// Analyses code in `language`; what is not understood is opaque.
pub(crate) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, language: &str, code: &str) {
    analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::InlineCode, language);
}
