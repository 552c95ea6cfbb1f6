//! sed: commands that run programs (`e`, `s///e`) and that read and write files (`r`, `w`, `s///w`).

use ringfence_action::{Attr, Dialect, EffectKind, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

/// Reads a script, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let mut script = Script { code, at: 0, lines_with: None };
    while let Some(problem) = script.command(analyzer, frame) {
        if let Err(detail) = problem {
            let span = Span::new(script.at.min(code.len()), code.len());
            return analyzer.opaque(
                frame,
                span,
                OpaqueReason::UnsupportedSyntax,
                format!("sed: {detail}"),
            );
        }
    }
}

struct Script<'s> {
    code: &'s str,
    at: usize,
    /// The text that lines must have for the command that comes next.
    lines_with: Option<&'s str>,
}

/// An expression as the text that it most plainly stands for.
fn plain(expression: &str) -> String {
    let mut text = String::with_capacity(expression.len());
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                // Where a word begins or ends, and what stood in a group.
                Some('b' | '<' | '>' | '0'..='9') | None => {}
                Some(other) => text.push(other),
            },
            '^' | '$' => {}
            c => text.push(c),
        }
    }
    text
}

impl<'s> Script<'s> {
    fn peek(&self) -> Option<char> {
        self.code.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self, of: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&of) {
            self.next();
        }
    }

    /// Up to the end of the line.
    fn line(&mut self) -> (&'s str, Span) {
        self.skip(|c| c == ' ' || c == '\t');
        let rest = self.code.get(self.at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let span = Span::new(self.at, self.at + line.len());
        self.at = span.end;
        (line.trim_end(), span)
    }

    /// Text up to an unescaped delimiter, which is taken too.
    fn delimited(&mut self, delimiter: char) -> bool {
        let mut class = false;
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next();
                }
                '[' if !class => {
                    class = true;
                    // `[]x]` and `[^]x]` hold the bracket.
                    if self.peek() == Some('^') {
                        self.next();
                    }
                    if self.peek() == Some(']') {
                        self.next();
                    }
                }
                ']' if class => class = false,
                c if c == delimiter && (!class || delimiter != '/' || !self.closes_class()) => {
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// Whether a bracket expression that is open here is closed before the line ends.
    fn closes_class(&self) -> bool {
        let rest = self.code.get(self.at..).unwrap_or_default();
        rest.split('\n').next().is_some_and(|line| line.contains(']'))
    }

    /// Replacement texts know no bracket expressions.
    fn plain_delimited(&mut self, delimiter: char) -> bool {
        while let Some(c) = self.next() {
            if c == '\\' {
                self.next();
            } else if c == delimiter {
                return true;
            }
        }
        false
    }

    fn address(&mut self) -> Result<(), &'static str> {
        loop {
            match self.peek() {
                Some(c)
                    if c.is_ascii_digit()
                        || matches!(c, '$' | ',' | '~' | '+' | ' ' | '\t' | '!') =>
                {
                    self.next();
                }
                Some('/') => {
                    self.next();
                    let start = self.at;
                    if !self.delimited('/') {
                        return Err("an address without an end");
                    }
                    self.lines_with = self.code.get(start..self.at.saturating_sub(1));
                    self.skip(|c| matches!(c, 'I' | 'M'));
                }
                Some('\\') => {
                    self.next();
                    let delimiter = self.next().ok_or("an address without an end")?;
                    if !self.delimited(delimiter) {
                        return Err("an address without an end");
                    }
                    self.skip(|c| matches!(c, 'I' | 'M'));
                }
                _ => return Ok(()),
            }
        }
    }

    /// One command; `None` at the end of the script.
    fn command(
        &mut self,
        analyzer: &mut Analyzer<'_>,
        frame: &Frame,
    ) -> Option<Result<(), String>> {
        self.skip(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}'));
        self.peek()?;
        self.lines_with = None;
        if let Err(problem) = self.address() {
            return Some(Err(problem.to_owned()));
        }
        let Some(command) = self.next() else { return Some(Err("an address alone".to_owned())) };
        Some(self.act(analyzer, frame, command))
    }

    fn act(
        &mut self,
        analyzer: &mut Analyzer<'_>,
        frame: &Frame,
        command: char,
    ) -> Result<(), String> {
        match command {
            'd' => {
                if let Some(lines) = self.lines_with {
                    analyzer.substitutes(plain(lines), String::new());
                }
            }
            '=' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' | '{'
            | '}' => {}
            'q' | 'Q' | 'l' | 'L' => self.skip(|c| c == ' ' || c.is_ascii_digit()),
            'b' | 't' | 'T' | ':' => self.skip(|c| !matches!(c, ';' | '\n' | '}')),
            '#' | 'v' => {
                self.line();
            }
            'a' | 'i' | 'c' => {
                // Continued lines belong to the text.
                while self.line().0.ends_with('\\') {
                    self.next();
                }
            }
            'r' | 'R' | 'w' | 'W' => {
                let kind = if command.eq_ignore_ascii_case(&'w') {
                    EffectKind::Write
                } else {
                    EffectKind::Read
                };
                self.file(analyzer, frame, kind);
            }
            'e' => {
                let (code, span) = self.line();
                let value = if code.is_empty() { Value::Unknown } else { Value::known(code) };
                analyzer.shell(frame, &Word::new(value, span), Dialect::Posix, &Data::None);
            }
            'y' => {
                let delimiter = self.next().ok_or("`y` without its texts")?;
                if !(self.plain_delimited(delimiter) && self.plain_delimited(delimiter)) {
                    return Err("`y` without its texts".to_owned());
                }
            }
            's' => self.substitute(analyzer, frame)?,
            other => return Err(format!("unknown command `{other}`")),
        }
        Ok(())
    }

    fn substitute(&mut self, analyzer: &mut Analyzer<'_>, frame: &Frame) -> Result<(), String> {
        let start = self.at;
        let delimiter = self.next().ok_or("`s` without its texts")?;
        let (old_at, first) = (self.at, self.delimited(delimiter));
        let (new_at, second) = (self.at, first && self.plain_delimited(delimiter));
        if !second {
            return Err("`s` without its texts".to_owned());
        }
        let text = |from: usize, to: usize| {
            plain(self.code.get(from..to.saturating_sub(delimiter.len_utf8())).unwrap_or_default())
        };
        analyzer.substitutes(text(old_at, new_at), text(new_at, self.at));
        while let Some(flag) = self.peek() {
            match flag {
                'g' | 'p' | 'i' | 'I' | 'm' | 'M' => {}
                c if c.is_ascii_digit() => {}
                'e' => {
                    let span = Span::new(start, self.at + 1);
                    analyzer.opaque(
                        frame,
                        span,
                        OpaqueReason::DynamicCode,
                        "sed runs what it replaced",
                    );
                }
                'w' => {
                    self.next();
                    self.file(analyzer, frame, EffectKind::Write);
                    return Ok(());
                }
                ';' | '\n' | '}' | ' ' | '\t' | '#' | '\r' => return Ok(()),
                other => return Err(format!("unknown flag `{other}`")),
            }
            self.next();
        }
        Ok(())
    }

    fn file(&mut self, analyzer: &mut Analyzer<'_>, frame: &Frame, kind: EffectKind) {
        let (path, span) = self.line();
        if !matches!(path, "" | "/dev/stdout" | "/dev/stderr" | "/dev/stdin") {
            paths::effect(
                analyzer,
                frame,
                span,
                kind,
                &Value::known(path),
                &[(Attr::By, "sed".into())],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::code::tests::expect;

    #[test]
    fn sed_edits_a_stream_unless_it_is_told_to_act() {
        for script in [
            "s/a/b/g; 10,20d",
            "/^#/!s|/usr/bin|/bin|",
            "s/[/]/x/",
            "$!N;P;D",
            "1i\\\nhello w\n2d",
            "s/w /e /gI",
            "y/abc/xyz/",
            ":a;s/x/y/;ta",
            "/x/,/y/{p;q}",
            "s,e,w,",
            "1~2p",
            "s/\\//e/",
            "/re[/]x/Id",
            "s/[^]]*//",
        ] {
            expect("sed", script, &["!opaque", "!write", "!read"]);
        }
        expect("sed", "w /etc/cron.d/x", &["persist /etc/cron.d/x", "write /etc/cron.d/x by=sed"]);
        expect("sed", "s/a/b/w out.txt", &["write /home/u/proj/out.txt"]);
        expect("sed", "/x/r /etc/shadow", &["credential /etc/shadow"]);
        expect("sed", "s/.*/ls/e", &["opaque dynamic_code"]);
        expect("sed", "e", &["opaque dynamic_code"]);
        expect("sed", "k", &["opaque unsupported_syntax"]);
    }
}
