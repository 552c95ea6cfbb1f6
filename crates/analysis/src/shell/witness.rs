//! An independent look at the text: does every live substitution begin where one was understood,
//! and does a command that was understood begin behind every separator?
//!
//! The scanner below knows quotes, comments and here-documents and little else of the grammar. It
//! shares no code with the parser, so that what the parser drops in silence is noticed here. It may
//! cry wolf; it must not be quiet where the parser was wrong.

use ringfence_action::{Dialect, OpaqueReason};

/// What the parser and its lowering made of a text.
#[derive(Debug, Default)]
pub(super) struct Understood {
    /// Offsets at which a substitution begins that became a command.
    pub(super) openers: Vec<usize>,
    /// Offsets at which a command begins, or the pattern of a `case`.
    pub(super) heads: Vec<usize>,
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

/// Refuses a text in which a substitution or a command begins that was not understood.
pub(super) fn check(
    text: &str,
    dialect: Dialect,
    mut understood: Understood,
) -> Result<(), (OpaqueReason, String)> {
    let bytes = text.as_bytes();
    let live = |byte: &u8| matches!(byte, b'`' | b'(' | b'{' | b';' | b'&' | b'|' | b'\n');
    if !bytes.iter().any(live) {
        return Ok(());
    }
    understood.openers.sort_unstable();
    understood.heads.sort_unstable();
    understood.heredocs.sort_unstable_by_key(|heredoc| heredoc.start);
    let mut scanner = Scanner {
        bytes,
        at: 0,
        modes: vec![Mode::Code(Code::default())],
        heredocs: &understood.heredocs,
        zsh: dialect == Dialect::Zsh,
    };
    while let Some(event) = scanner.next_event() {
        let unseen = match event {
            Event::Opener(at) => {
                Some(at).filter(|at| understood.openers.binary_search(at).is_err())
            }
            Event::Separator(at) => unseen_command(bytes, at, &understood),
        };
        let Some(at) = unseen else { continue };
        if !understood.reparsed.iter().any(|(start, end)| (*start..*end).contains(&at)) {
            let found = text.get(at..).unwrap_or_default().chars().take(12).collect::<String>();
            return Err((OpaqueReason::Unvisited, found));
        }
    }
    Ok(())
}

/// Something that must have been understood.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A substitution begins here.
    Opener(usize),
    /// One command ends here, and another may begin behind it.
    Separator(usize),
}

/// Words with a command behind them.
const BEFORE_COMMANDS: [&[u8]; 4] = [b"then", b"do", b"else", b"elif"];
/// Words that end a compound command, or stand in the middle of its head.
const CLOSERS: [&[u8]; 9] =
    [b"fi", b"done", b"esac", b"in", b"end", b"always", b"}", b"select", b"]]"];

/// Where the command behind a separator begins, if it is none that was understood.
fn unseen_command(bytes: &[u8], separator: usize, understood: &Understood) -> Option<usize> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let line_end = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
    };
    let mut at = separator;
    loop {
        // A body and the line with its delimiter.
        let body = understood.heredocs.iter().find(|body| {
            (body.start..=line_end(body.end)).contains(&at) && (at > separator || at == body.start)
        });
        if let Some(body) = body.filter(|body| line_end(body.end) >= at) {
            at = line_end(body.end) + 1;
            continue;
        }
        match byte(at) {
            0 if at >= bytes.len() => return None,
            b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'!' => at += 1,
            b'\\' if byte(at + 1) == b'\n' => at += 2,
            b'#' => at = line_end(at),
            b')' | b'`' => return None,
            _ if understood.heads.binary_search(&at).is_ok() => return None,
            b'(' => at += 1,
            // A group: what begins is the command in it.
            b'{' if matches!(byte(at + 1), b' ' | b'\t' | b'\n') => at += 1,
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                let end = rest.iter().position(|byte| {
                    matches!(
                        byte,
                        b' ' | b'\t'
                            | b'\n'
                            | b';'
                            | b'&'
                            | b'|'
                            | b'('
                            | b')'
                            | b'<'
                            | b'>'
                            | b'`'
                    )
                });
                let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                if BEFORE_COMMANDS.contains(&word) {
                    at += word.len();
                } else if CLOSERS.contains(&word) {
                    return None;
                } else {
                    return Some(at);
                }
            }
        }
    }
}

/// Commands, up to the byte that ends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Code {
    parentheses: usize,
    cases: usize,
    /// None for the whole text.
    closes: Option<u8>,
    /// From this depth of parentheses on it is an array, a pattern or arithmetic: no command ends.
    quiet: Option<usize>,
    /// Within `[[ … ]]`.
    test: bool,
}

impl Code {
    fn substitution() -> Self {
        Self { closes: Some(b')'), ..Self::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Code(Code),
    /// `"…"`.
    Double,
    /// `${…}`, within double quotes or not.
    Brace {
        double: bool,
    },
    /// `((…))`: how many parentheses are open.
    Arithmetic(usize),
    /// `$[…]`: how many brackets are open.
    Square(usize),
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

    /// The next live opener or separator.
    fn next_event(&mut self) -> Option<Event> {
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
            let event = self.step(mode);
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// Reads one token of the current mode; what it is, if it matters.
    fn step(&mut self, mode: Mode) -> Option<Event> {
        let at = self.at;
        let byte = self.byte(at);
        let next = self.byte(at + 1);
        self.at += 1;
        match byte {
            b'\\' => self.at += 1,
            b'`' => return self.backtick(at).map(Event::Opener),
            b'$' if next == b'(' => {
                self.at += 1;
                // `$((` is arithmetic, or a subshell in a substitution: what is in it is scanned
                // either way.
                let arithmetic = self.byte(at + 2) == b'(';
                let quiet = arithmetic.then_some(0);
                self.modes.push(Mode::Code(Code { quiet, ..Code::substitution() }));
                return (!arithmetic).then_some(Event::Opener(at));
            }
            b'$' if next == b'[' && !matches!(mode, Mode::Brace { .. }) => {
                self.at += 1;
                self.modes.push(Mode::Square(1));
            }
            b'$' if next == b'{' => {
                self.at += 1;
                let double =
                    matches!(mode, Mode::Double | Mode::Heredoc(_) | Mode::Brace { double: true });
                self.modes.push(Mode::Brace { double });
                let command = matches!(self.byte(at + 2), b' ' | b'\t' | b'\n' | b'|');
                return command.then_some(Event::Opener(at));
            }
            b'$' if next == b'\'' && !is_double(mode) => {
                self.at += 1;
                self.skip_ansi_quote();
            }
            b'\'' if !is_double(mode) && !matches!(mode, Mode::Arithmetic(_) | Mode::Square(_)) => {
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

    /// What means something only outside of quotes: parentheses, comments, separators, `case`.
    fn bracketing(&mut self, mode: Mode, at: usize) -> Option<Event> {
        let byte = self.byte(at);
        let next = self.byte(at + 1);
        match mode {
            Mode::Double | Mode::Heredoc(_) | Mode::Brace { double: true } => None,
            Mode::Brace { double: false } => {
                (matches!(byte, b'<' | b'>') && next == b'(').then_some(Event::Opener(at))
            }
            Mode::Arithmetic(open) => self.nested(byte, (b'(', b')'), open, Mode::Arithmetic),
            Mode::Square(open) => self.nested(byte, (b'[', b']'), open, Mode::Square),
            Mode::Code(code) => self.code(code, at),
        }
    }

    fn nested(
        &mut self,
        byte: u8,
        (opens, closes): (u8, u8),
        open: usize,
        mode: fn(usize) -> Mode,
    ) -> Option<Event> {
        let open = match byte {
            _ if byte == opens => open + 1,
            _ if byte == closes => open - 1,
            _ => return None,
        };
        self.modes.pop();
        if open > 0 {
            self.modes.push(mode(open));
        }
        None
    }

    fn code(&mut self, before: Code, at: usize) -> Option<Event> {
        let byte = self.byte(at);
        let next = self.byte(at + 1);
        let previous = if at == 0 { b'\n' } else { self.byte(at - 1) };
        let starts_word =
            matches!(previous, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`');
        let mut code = before;
        match byte {
            b'\n' | b';' | b'|' | b'&' => {
                // `>&2`, `&>f` and `>|f` are redirections.
                let redirects = matches!(byte, b'&' | b'|') && matches!(previous, b'<' | b'>')
                    || byte == b'&' && next == b'>';
                let ends = code.quiet.is_none() && !code.test && !redirects;
                return ends.then_some(Event::Separator(at));
            }
            b'<' | b'>' if next == b'(' => {
                self.at += 1;
                self.modes.push(Mode::Code(Code::substitution()));
                return Some(Event::Opener(at));
            }
            b'=' if self.zsh && next == b'(' && starts_word => {
                self.at += 1;
                self.modes.push(Mode::Code(Code::substitution()));
                return Some(Event::Opener(at));
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
            b'(' => {
                code.parentheses += 1;
                // An array or a pattern hangs on its word; in zsh it may stand alone.
                if code.quiet.is_none() && (!starts_word || self.zsh) {
                    code.quiet = Some(code.parentheses);
                }
            }
            b')' if code.parentheses > 0 => {
                if code.quiet == Some(code.parentheses) {
                    code.quiet = None;
                }
                code.parentheses -= 1;
            }
            // The pattern of a case.
            b')' if code.cases > 0 => return None,
            b')' if code.closes == Some(b')') => {
                self.modes.pop();
                return None;
            }
            b'[' if starts_word && next == b'[' => code.test = true,
            b']' if starts_word && next == b']' => code.test = false,
            b'c' if starts_word && self.word_is(at, b"case") => code.cases += 1,
            b'e' if starts_word && self.word_is(at, b"esac") => {
                code.cases = code.cases.saturating_sub(1);
            }
            _ => return None,
        }
        self.modes.pop();
        self.modes.push(Mode::Code(code));
        None
    }

    /// A backtick opens a command, or closes the one that is open. A body with backslashes is
    /// unescaped, parsed and witnessed as a text of its own.
    fn backtick(&mut self, at: usize) -> Option<usize> {
        let open = self
            .modes
            .iter()
            .rposition(|mode| matches!(mode, Mode::Code(Code { closes: Some(b'`'), .. })));
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
            self.modes.push(Mode::Code(Code { closes: Some(b'`'), ..Code::default() }));
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
