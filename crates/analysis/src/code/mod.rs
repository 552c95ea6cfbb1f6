//! Code in other languages than the shell's.
//!
//! Each language has a reader that turns calls with an effect into effects, and says opaque where code
//! is computed. Nothing here runs anything.

mod javascript;
mod python;
mod sql;
#[cfg(test)]
mod tests;

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason, Target};

use crate::context::{Analyzer, Frame};
use crate::value::Span;

/// Analyses code in `language`; what is not understood is opaque.
pub(crate) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, language: &str, code: &str) {
    if !frame.content {
        let effect = Effect::new(EffectKind::ExecCode, Target::known(language))
            .with(Attr::Lang, language)
            .with(Attr::Source, "inline");
        analyzer.effect(frame, Span::new(0, code.len()), effect);
    }
    match language {
        "python" => python::analyze(analyzer, frame, code),
        "javascript" | "typescript" => javascript::analyze(analyzer, frame, code),
        "sql" => sql::analyze(analyzer, frame, code),
        _ => analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::InlineCode, language),
    }
}
