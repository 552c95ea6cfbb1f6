//! Tool calls: the agents' own file, web, browser and MCP tools.

use ringfence_action::Call;

use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Span, Word};

/// Analyses one call.
pub(crate) fn analyze(analyzer: &mut Analyzer<'_>, call: &Call) {
    if let Call::Shell { command, dialect, .. } = call {
        let frame = analyzer.frame(command);
        let word = Word::known(command.value.clone(), Span::new(0, command.value.len()));
        analyzer.shell(&frame, &word, *dialect, &Data::None);
    }
}
