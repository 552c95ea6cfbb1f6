//! Colour and width, as the terminal and the person have it.

use std::io::{self, IsTerminal};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Never.
    Never,
}

impl From<ColorWhen> for anstream::ColorChoice {
    fn from(when: ColorWhen) -> Self {
        match when {
            ColorWhen::Auto => Self::Auto,
            ColorWhen::Always => Self::Always,
            ColorWhen::Never => Self::Never,
        }
    }
}

/// Standard output, which drops the colours where they are not wanted.
pub(crate) fn stdout(when: ColorWhen) -> AutoStream<io::StdoutLock<'static>> {
    AutoStream::new(io::stdout().lock(), when.into())
}

/// Standard error, likewise.
pub(crate) fn stderr(when: ColorWhen) -> AutoStream<io::StderrLock<'static>> {
    AutoStream::new(io::stderr().lock(), when.into())
}

/// How many columns there are: those of the terminal, or else `COLUMNS`, or else 100.
pub(crate) fn width() -> usize {
    let terminal = io::stdout()
        .is_terminal()
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(terminal_size::Width(columns), _)| usize::from(columns));
    let columns = terminal.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok()).unwrap_or(100);
    columns.clamp(60, 200)
}

/// What matters most.
pub(crate) const STRONG: Style = Style::new().bold();
/// What matters least.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Ran or may run.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Runs inside.
pub(crate) const BLUE: Style = AnsiColor::Cyan.on_default();
/// Somebody should look.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// Stopped.
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();

/// The text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// How miette draws: the sixteen colours that every terminal theme defines.
pub(crate) fn theme() -> miette::GraphicalTheme {
    miette::GraphicalTheme {
        characters: miette::ThemeCharacters::unicode(),
        styles: miette::ThemeStyles::ansi(),
    }
}
