//! One program about to run: the hand-over from the shell interpreter to the catalogue.

use crate::value::{Span, Value, Word};

/// A command after expansion, builtins that only change the shell's own state already dealt with.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Program first. Never empty.
    pub(crate) argv: Vec<Word>,
    /// Variables set for this command alone (`A=1 cmd`, `env A=1 cmd`).
    pub(crate) env: Vec<(String, Value)>,
    /// What arrives on standard input.
    pub(crate) stdin: Data,
    /// Whether standard output goes somewhere a reader sees (not a file, not another program).
    pub(crate) stdout_shown: bool,
}

impl Invocation {
    /// The span of the whole command.
    pub(crate) fn span(&self) -> Span {
        let spans = self.argv.iter().map(|word| word.span);
        spans.reduce(Span::cover).unwrap_or_default()
    }
}

/// What is known of a stream of bytes: standard input, standard output, a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Data {
    /// Nothing, or the terminal.
    #[default]
    None,
    /// Exactly this text, with the span it comes from.
    Text(String, Span),
    /// The content of this file.
    File(Value),
    /// Fetched from this URL or host.
    Network(Value),
    /// Code that this program of the catalogue prints for a shell to run: `brew shellenv`.
    Setup(String),
    /// Anything.
    Unknown,
}
