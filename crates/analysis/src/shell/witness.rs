//! An independent look at the text: does every live substitution begin where one was understood?
//!
//! The scanner below knows quotes, comments and here-documents and nothing else of the grammar. It
//! shares no code with the parser, so that what the parser drops in silence is noticed here. It may
//! cry wolf; it must not be quiet where the parser was wrong.

use ringfence_action::{Dialect, OpaqueReason};

/// What the parser and its lowering made of a text.
#[derive(Debug, Default)]
pub(super) struct Understood {
    /// Offsets at which a substitution begins that became a command.
    pub(super) openers: Vec<usize>,
    /// Pieces that are parsed again, as texts with a witness of their own.
    pub(super) reparsed: Vec<(usize, usize)>,
    /// Bodies of here-documents.
    pub(super) heredocs: Vec<Heredoc>,
}

/// The body of a here-document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heredoc {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Nothing in it is expanded.
    pub(super) literal: bool,
}

/// Refuses a text in which a substitution begins that was not understood.
pub(super) fn check(
    text: &str,
    dialect: Dialect,
    mut understood: Understood,
) -> Result<(), (OpaqueReason, String)> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'`' | b'(' | b'{')) {
        return Ok(());
    }
    understood.openers.sort_unstable();
    understood.heredocs.sort_unstable_by_key(|heredoc| heredoc.start);
    let mut scanner = Scanner {
        bytes,
        at: 0,
        modes: vec![Mode::Code { parentheses: 0, cases: 0, closes: None }],
        heredocs: &understood.heredocs,
        zsh: dialect == Dialect::Zsh,
    };
    while let Some(opener) = scanner.next_opener() {
        let again = understood.reparsed.iter().any(|(start, end)| (*start..*end).contains(&opener));
        if !again && understood.openers.binary_search(&opener).is_err() {
            let found = text.get(opener..).unwrap_or_default().chars().take(12).collect::<String>();
            return Err((OpaqueReason::Unvisited, found));
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Commands. `closes` is the byte that ends them, none for the whole text.
    Code { parentheses: usize, cases: usize, closes: Option<u8> },
    /// `"…"`.
    Double,
    /// `${…}`, within double quotes or not.
    Brace { double: bool },
    /// `((…))`: how many parentheses are open.
    Arithmetic(usize),
    /// The body of a here-document, up to this offset.
    Heredoc(usize),
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    modes: Vec<Mode>,
    heredocs: &'t [Heredoc],
    zsh: bool,
}

impl Scanner<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The offset of the next live opener.
    fn next_opener(&mut self) -> Option<usize> {
        while self.at < self.bytes.len() {
            if let Some(heredoc) = self.heredocs.first()
                && self.at >= heredoc.start
            {
                let heredoc = *heredoc;
                self.heredocs = self.heredocs.get(1..).unwrap_or_default();
                if heredoc.literal {
                    self.at = self.at.max(heredoc.end);
                } else {
                    self.modes.push(Mode::Heredoc(heredoc.end));
                }
                continue;
            }
            let mode = self.modes.last().copied()?;
            if let Mode::Heredoc(end) = mode
                && self.at >= end
            {
                self.modes.pop();
                continue;
            }
            let opener = self.step(mode);
            if opener.is_some() {
                return opener;
            }
        }
        None
    }

    /// Reads one token of the current mode; the offset of an opener if it is one.
    fn step(&mut self, mode: Mode) -> Option<usize> {
        let at = self.at;
        let byte = self.byte(at);
        let next = self.byte(at + 1);
        self.at += 1;
        match byte {
            b'\\' => self.at += 1,
            b'`' => return self.backtick(at),
            b'$' if next == b'(' => {
                self.at += 1;
                self.modes.push(Mode::Code { parentheses: 0, cases: 0, closes: Some(b')') });
                // `$((` is arithmetic, or a subshell in a substitution: what is in it is scanned
                // either way.
                return (self.byte(at + 2) != b'(').then_some(at);
            }
            b'$' if next == b'{' => {
                self.at += 1;
                let double =
                    matches!(mode, Mode::Double | Mode::Heredoc(_) | Mode::Brace { double: true });
                self.modes.push(Mode::Brace { double });
                let command = matches!(self.byte(at + 2), b' ' | b'\t' | b'\n' | b'|');
                return command.then_some(at);
            }
            b'$' if next == b'\'' && !is_double(mode) => {
                self.at += 1;
                self.skip_ansi_quote();
            }
            b'\'' if !is_double(mode) && !matches!(mode, Mode::Arithmetic(_)) => {
                while self.at < self.bytes.len() && self.byte(self.at) != b'\'' {
                    self.at += 1;
                }
                self.at += 1;
            }
            b'"' if mode == Mode::Double => {
                self.modes.pop();
            }
            b'"' if !matches!(mode, Mode::Heredoc(_)) => self.modes.push(Mode::Double),
            b'}' if matches!(mode, Mode::Brace { .. }) => {
                self.modes.pop();
            }
            _ => return self.bracketing(mode, at),
        }
        None
    }

    /// What means something only outside of quotes: parentheses, comments, `case`.
    fn bracketing(&mut self, mode: Mode, at: usize) -> Option<usize> {
        let byte = self.byte(at);
        let next = self.byte(at + 1);
        match mode {
            Mode::Double | Mode::Heredoc(_) | Mode::Brace { double: true } => {}
            Mode::Brace { double: false } => {
                if matches!(byte, b'<' | b'>') && next == b'(' {
                    return Some(at);
                }
            }
            Mode::Arithmetic(open) => {
                let open = match byte {
                    b'(' => open + 1,
                    b')' => open - 1,
                    _ => return None,
                };
                self.modes.pop();
                if open > 0 {
                    self.modes.push(Mode::Arithmetic(open));
                }
            }
            Mode::Code { parentheses, cases, closes } => {
                let starts_word = at == 0
                    || matches!(
                        self.byte(at - 1),
                        b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`'
                    );
                let mut code = (parentheses, cases);
                match byte {
                    b'<' | b'>' if next == b'(' => {
                        self.at += 1;
                        self.modes.push(Mode::Code {
                            parentheses: 0,
                            cases: 0,
                            closes: Some(b')'),
                        });
                        return Some(at);
                    }
                    b'=' if self.zsh && next == b'(' && starts_word => {
                        self.at += 1;
                        self.modes.push(Mode::Code {
                            parentheses: 0,
                            cases: 0,
                            closes: Some(b')'),
                        });
                        return Some(at);
                    }
                    b'#' if starts_word => {
                        while self.at < self.bytes.len() && self.byte(self.at) != b'\n' {
                            self.at += 1;
                        }
                        return None;
                    }
                    b'(' if next == b'(' && starts_word => {
                        self.at += 1;
                        self.modes.push(Mode::Arithmetic(2));
                        return None;
                    }
                    b'(' => code.0 += 1,
                    b')' if parentheses > 0 => code.0 -= 1,
                    // The pattern of a case.
                    b')' if cases > 0 => return None,
                    b')' if closes == Some(b')') => {
                        self.modes.pop();
                        return None;
                    }
                    b'c' if starts_word && self.word_is(at, b"case") => code.1 += 1,
                    b'e' if starts_word && self.word_is(at, b"esac") => {
                        code.1 = cases.saturating_sub(1);
                    }
                    _ => return None,
                }
                self.modes.pop();
                self.modes.push(Mode::Code { parentheses: code.0, cases: code.1, closes });
            }
        }
        None
    }

    /// A backtick opens a command, or closes the one that is open. A body with backslashes is
    /// unescaped, parsed and witnessed as a text of its own.
    fn backtick(&mut self, at: usize) -> Option<usize> {
        let open = self
            .modes
            .iter()
            .rposition(|mode| matches!(mode, Mode::Code { closes: Some(b'`'), .. }));
        if let Some(open) = open {
            self.modes.truncate(open);
            return None;
        }
        let mut end = at + 1;
        let mut escaped = false;
        while end < self.bytes.len() && self.byte(end) != b'`' {
            if self.byte(end) == b'\\' {
                escaped = true;
                end += 1;
            }
            end += 1;
        }
        if escaped {
            self.at = end + 1;
        } else {
            self.modes.push(Mode::Code { parentheses: 0, cases: 0, closes: Some(b'`') });
        }
        Some(at)
    }

    fn skip_ansi_quote(&mut self) {
        while self.at < self.bytes.len() {
            match self.byte(self.at) {
                b'\\' => self.at += 2,
                b'\'' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    fn word_is(&self, at: usize, word: &[u8]) -> bool {
        let end = at + word.len();
        self.bytes.get(at..end) == Some(word)
            && !self
                .bytes
                .get(end)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && self.previous_is_separator(at)
    }

    fn previous_is_separator(&self, at: usize) -> bool {
        at == 0 || !self.byte(at - 1).is_ascii_alphanumeric()
    }
}

fn is_double(mode: Mode) -> bool {
    matches!(mode, Mode::Double | Mode::Heredoc(_) | Mode::Brace { double: true })
}
