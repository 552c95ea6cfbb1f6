//! Operands that Perl opens when its code reads `<>`: by what stands at their ends, one may be a command
//! to read from or to write to, or a file to write.

use ringfence_action::{Dialect, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Value, Word};

/// Follows the operands that are more than names of files.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let mut frame = subject.frame.clone();
    frame.conditional = true;
    for word in subject.parsed.all("files").chain(subject.parsed.all("args")) {
        for text in word.value.listed().unwrap_or_default() {
            let text = text.trim();
            let command = text.strip_prefix('|').or_else(|| text.strip_suffix('|'));
            if let Some(command) = command {
                let code = Word::known(command, word.span);
                analyzer.shell(&frame, &code, Dialect::Posix, &Data::Unknown);
            } else if let Some(path) = text.strip_prefix('>') {
                let path = Value::known(path.trim_start_matches('>').trim());
                let inner = Subject { frame: &frame, ..*subject };
                effect(analyzer, &inner, EffectKind::Write, path, word.span, Vec::new());
            }
        }
    }
}
