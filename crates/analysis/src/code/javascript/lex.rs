//! JavaScript and TypeScript cut into tokens: names, texts, and the signs between them.

use crate::value::{Span, Value};

/// A token. Types, keywords and JSX text come out as names and signs; they mean nothing here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A string or template; the inner expressions of a template are lexed by themselves.
    Text(Text),
    Number(String),
    Sign(char),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// Literal pieces; between two of them stands an expression.
    pub(super) pieces: Vec<String>,
    /// The expressions between the pieces.
    pub(super) inner: Vec<Vec<(Token, Span)>>,
    pub(super) template: bool,
}

impl Text {
    /// The text where it holds no expression.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Templates within templates deeper than this are not cut further.
const MAX_DEPTH: usize = 20;

/// The tokens of a program. Never fails: what is no token is a sign.
pub(super) fn tokens(code: &str) -> Vec<(Token, Span)> {
    let mut lexer = Lexer { code, at: 0, depth: 0 };
    lexer.until(None)
}

struct Lexer<'c> {
    code: &'c str,
    at: usize,
    depth: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.code.get(self.at..)?.chars().next()
    }

    fn rest(&self) -> &str {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Tokens up to the end, or up to a closing brace that opened outside.
    fn until(&mut self, close: Option<char>) -> Vec<(Token, Span)> {
        let mut tokens: Vec<(Token, Span)> = Vec::new();
        let mut braces = 0usize;
        while let Some(c) = self.peek() {
            let start = self.at;
            if Some(c) == close && braces == 0 {
                self.next();
                break;
            }
            let token = match c {
                c if c.is_whitespace() => {
                    self.next();
                    continue;
                }
                '/' if self.rest().starts_with("//") => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                    continue;
                }
                '/' if self.rest().starts_with("/*") => {
                    let end = self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
                    self.at += end;
                    continue;
                }
                '/' if starts_regex(tokens.last().map(|(token, _)| token)) => {
                    self.regex();
                    Token::Sign('/')
                }
                '"' | '\'' => {
                    self.next();
                    Token::Text(self.string(c))
                }
                '`' => {
                    self.next();
                    Token::Text(self.template())
                }
                c if c.is_ascii_digit() => Token::Number(self.word()),
                c if c.is_alphanumeric() || matches!(c, '_' | '$' | '#') => {
                    Token::Name(self.word())
                }
                c => {
                    self.next();
                    braces = match c {
                        '{' => braces + 1,
                        '}' => braces.saturating_sub(1),
                        _ => braces,
                    };
                    Token::Sign(c)
                }
            };
            tokens.push((token, Span::new(start, self.at)));
        }
        tokens
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) =
            self.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
        {
            word.push(c);
            self.next();
        }
        word
    }

    fn regex(&mut self) {
        self.next();
        let mut class = false;
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next();
                }
                '[' => class = true,
                ']' => class = false,
                '/' if !class => break,
                '\n' => break,
                _ => {}
            }
        }
    }

    fn string(&mut self, quote: char) -> Text {
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                c if c == quote || c == '\n' => break,
                '\\' => self.escape(&mut text),
                c => text.push(c),
            }
        }
        Text { pieces: vec![text], inner: Vec::new(), template: false }
    }

    fn escape(&mut self, text: &mut String) {
        let Some(c) = self.next() else { return };
        let hex = |lexer: &mut Self, digits: usize| {
            let code = lexer.code.get(lexer.at..lexer.at + digits)?;
            let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?;
            lexer.at += digits;
            Some(c)
        };
        match c {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '\n' => {}
            'x' => text.extend(hex(self, 2)),
            'u' if self.peek() == Some('{') => {
                self.next();
                let mut digits = String::new();
                while let Some(c) = self.next().filter(|c| *c != '}') {
                    digits.push(c);
                }
                text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            'u' => text.extend(hex(self, 4)),
            c => text.push(c),
        }
    }

    fn template(&mut self) -> Text {
        let mut text = Text { pieces: Vec::new(), inner: Vec::new(), template: true };
        let mut piece = String::new();
        while let Some(c) = self.next() {
            match c {
                '`' => break,
                '\\' => self.escape(&mut piece),
                '$' if self.peek() == Some('{') && self.depth < MAX_DEPTH => {
                    self.next();
                    self.depth += 1;
                    let inner = self.until(Some('}'));
                    self.depth -= 1;
                    text.pieces.push(std::mem::take(&mut piece));
                    text.inner.push(inner);
                }
                c => piece.push(c),
            }
        }
        text.pieces.push(piece);
        text
    }
}

/// Whether a slash behind this token begins a regular expression rather than divides.
fn starts_regex(before: Option<&Token>) -> bool {
    match before {
        None => true,
        Some(Token::Sign(sign)) => !matches!(sign, ')' | ']' | '}'),
        Some(Token::Name(name)) => {
            matches!(
                name.as_str(),
                "return" | "typeof" | "case" | "in" | "of" | "do" | "else" | "await"
            )
        }
        Some(Token::Text(_) | Token::Number(_)) => false,
    }
}

/// A literal piece as a value.
pub(super) fn piece(text: &str) -> Value {
    Value::known(text)
}
