//! Code in other languages than the shell's.
//!
//! Each language has a reader that turns calls with an effect into effects, and says opaque where code
//! is computed. Nothing here runs anything.

mod awk;
mod cmd;
mod cron;
mod javascript;
mod perl;
mod powershell;
mod python;
mod sed;
mod sql;
#[cfg(test)]
mod tests;
mod words;

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target};

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Word};

pub(crate) use powershell::decode as decode_powershell;

/// Calls of one scanned program that are followed; more than that is no program a person wrote.
const MAX_CALLS: usize = 500;

/// Analyses code in `language`; what is not understood is opaque.
pub(crate) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, language: &str, code: &str) {
    // awk and sed are filters: all that they do beyond computing is an effect of its own.
    if !frame.content && !matches!(language, "awk" | "sed" | "crontab") {
        let effect = Effect::new(EffectKind::ExecCode, Target::known(language))
            .with(Attr::Lang, language)
            .with(Attr::Source, "inline");
        analyzer.effect(frame, Span::new(0, code.len()), effect);
    }
    match language {
        "python" => python::analyze(analyzer, frame, code),
        "javascript" | "typescript" => javascript::analyze(analyzer, frame, code),
        "awk" => awk::analyze(analyzer, frame, code),
        "sed" => sed::analyze(analyzer, frame, code),
        "perl" | "ruby" | "php" => words::analyze(analyzer, frame, language, code),
        "sh" | "bash" => {
            let word = Word::known(code, Span::new(0, code.len()));
            analyzer.shell(frame, &word, Dialect::Bash, &Data::None);
        }
        "crontab" => cron::analyze(analyzer, frame, code),
        "powershell" => powershell::analyze(analyzer, frame, code),
        "cmd" | "bat" => cmd::analyze(analyzer, frame, code),
        "sql" => sql::analyze(analyzer, frame, code),
        _ => analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::InlineCode, language),
    }
}
