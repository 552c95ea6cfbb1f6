//! Backslashes, quotes within quotes, backticks and here-documents: text that has to be read again.

use shuck_ast as ast;

use super::super::ir::{Node, Piece, Script, Word};
use super::super::parse::parse;
use super::super::witness::Heredoc;
use super::words::Context;
use super::{Lowering, lower_within};
use crate::value::Span;

impl Lowering<'_> {
    /// The text of a literal with its backslashes resolved as its context does.
    pub(super) fn literal(
        &mut self,
        text: &ast::LiteralText,
        span: ast::Span,
        context: Context,
        pieces: &mut Vec<Piece>,
    ) {
        let raw = span.slice(self.text);
        if context == Context::Bare {
            self.qualifiers(span, pieces);
        }
        match text {
            ast::LiteralText::Owned(owned) if **owned != *raw => {
                pieces.push(Piece::Quoted(owned.to_string()));
                return;
            }
            ast::LiteralText::Owned(_)
            | ast::LiteralText::Source
            | ast::LiteralText::CookedSource(_) => {}
        }
        if context == Context::Bare {
            return self.bare(raw, span, pieces);
        }
        let mut plain = String::new();
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                plain.push(c);
                continue;
            }
            match (context, chars.next()) {
                (_, None) => plain.push('\\'),
                (_, Some('\n')) => {}
                (Context::Double, Some(next @ ('$' | '`' | '"' | '\\')))
                | (Context::Heredoc, Some(next @ ('$' | '`' | '\\'))) => plain.push(next),
                (_, Some(next)) => plain.extend(['\\', next]),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Quoted(plain));
        }
    }

    /// Text outside quotes. The parser leaves quotes in it where it stands in braces: `{'a',"b"}`.
    fn bare(&mut self, raw: &str, span: ast::Span, pieces: &mut Vec<Piece>) {
        let mut plain = String::new();
        let mut chars = raw.chars();
        let mut push = |plain: &mut String, quoted: String| {
            if !plain.is_empty() {
                pieces.push(Piece::Bare(std::mem::take(plain)));
            }
            pieces.push(Piece::Quoted(quoted));
        };
        let mut computed = false;
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    None => plain.push('\\'),
                    Some('\n') => {}
                    Some(next) => push(&mut plain, next.to_string()),
                },
                '\'' | '"' => match closed(chars.as_str(), c) {
                    Some((text, rest)) => {
                        computed |= c == '"' && text.contains(['$', '`']);
                        push(&mut plain, text);
                        chars = rest.chars();
                    }
                    None => plain.push(c),
                },
                c => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Bare(plain));
        }
        if computed {
            pieces.push(Piece::Opaque("quotes in braces", self.span(span)));
        }
    }

    /// `$(…)`. In a here-document or a test the parser may take the `)` of a `case` for the end, and says
    /// nothing: then what stands within is no program.
    pub(super) fn substitution(&mut self, body: &ast::StmtSeq, span: ast::Span) -> Piece {
        let raw = span.slice(self.text);
        let inner = raw.strip_prefix("$(").and_then(|inner| inner.strip_suffix(')'));
        let cut_off = |inner: &str| parse(inner, self.dialect).is_err();
        if raw.contains("case") && inner.is_none_or(cut_off) {
            return Piece::Opaque("a substitution that does not parse", self.span(span));
        }
        Piece::Command(Box::new(self.script(body)), self.span(span))
    }

    /// Text that has to be parsed again: the parser does not look into it.
    pub(super) fn reparsed(&self, text: &str, span: ast::Span) -> Piece {
        let span = self.span(span);
        match lower_within(text, self.dialect, span, self.nesting + 1) {
            Ok(script) => Piece::Command(Box::new(script), span),
            Err(_) => Piece::Opaque("a substitution that does not parse", span),
        }
    }

    /// Backslashes in backticks are resolved before the command is parsed, which the parser does
    /// only in part: such a command is unescaped and parsed again.
    pub(super) fn backticks(
        &mut self,
        body: &ast::StmtSeq,
        span: ast::Span,
        quoted: bool,
    ) -> Piece {
        let raw = span.slice(self.text);
        let inner = raw.strip_prefix('`').and_then(|inner| inner.strip_suffix('`'));
        match inner {
            Some(inner) if inner.contains('\\') => {
                let mut plain = String::with_capacity(inner.len());
                let mut chars = inner.chars().peekable();
                while let Some(c) = chars.next() {
                    let resolved = match chars.peek() {
                        Some('$' | '`' | '\\') => c == '\\',
                        Some('"') => c == '\\' && quoted,
                        _ => false,
                    };
                    if !resolved {
                        plain.push(c);
                    } else if let Some(next) = chars.next() {
                        plain.push(next);
                    }
                }
                self.reparsed(&plain, span)
            }
            _ => Piece::Command(Box::new(self.script(body)), self.span(span)),
        }
    }

    /// Whether the parser's spans point at what they should. After `\"` in a double-quoted string with
    /// expansions they may be too far to the left.
    pub(super) fn aligned(&self, parts: &[ast::WordPartNode]) -> bool {
        parts.iter().all(|part| {
            let plain = matches!(
                part.kind,
                ast::WordPart::Literal(_)
                    | ast::WordPart::SingleQuoted { .. }
                    | ast::WordPart::DoubleQuoted { .. }
            );
            plain || part.span.slice(self.text).starts_with(['$', '`', '<', '>'])
        })
    }

    /// Reads a double-quoted string again, each `\"` of it written as `"'"'"`.
    pub(super) fn requote(&mut self, span: ast::Span, pieces: &mut Vec<Piece>) {
        let rewritten = rewrite_quotes(span.slice(self.text));
        let own = self.span(span);
        let (start, end) = (span.start.offset(), span.end.offset());
        self.understood.reparsed.push((start, end));
        let script = (self.nesting < 4)
            .then(|| lower_within(&format!(": {rewritten}"), self.dialect, own, self.nesting + 1));
        let word = match script {
            Some(Ok(mut script)) => match script.statements.pop().map(|statement| statement.node) {
                Some(Node::Simple(mut simple)) if simple.words.len() == 2 => simple.words.pop(),
                _ => None,
            },
            _ => None,
        };
        match word {
            Some(word) => pieces.extend(word.pieces),
            None => pieces.push(Piece::Opaque("quotes within quotes", own)),
        }
    }

    pub(super) fn requoted(&mut self, text: &str, span: Span, pieces: &mut Vec<Piece>) {
        if !text.contains(['$', '`', '\\']) {
            pieces.push(Piece::Quoted(format!("'{text}'")));
            return;
        }
        let again = format!(": \"{text}\"");
        match lower_within(&again, self.dialect, span, self.nesting + 1) {
            Ok(script) => {
                // Its words are expanded like any other; the text they form is not modelled.
                pieces.push(Piece::Command(Box::new(script), span));
            }
            Err(_) => pieces.push(Piece::Opaque("quotes within quotes", span)),
        }
    }

    pub(super) fn heredoc(&mut self, heredoc: &ast::Heredoc) -> Word {
        use ast::HeredocBodyPart as P;
        let body = &heredoc.body;
        let delimiter = heredoc.delimiter.span.slice(self.text);
        let quoted = delimiter.contains(['\'', '"', '\\']);
        let literal = body.mode == ast::HeredocBodyMode::Literal;
        if literal && !quoted && self.fixed.is_none() {
            // The parser takes a second here-document to be quoted if the first is.
            return self.heredoc_again(body.span, delimiter);
        }
        let (start, end) = (body.span.start.offset(), body.span.end.offset());
        self.understood.heredocs.push(Heredoc { start, end, literal });
        let mut pieces = Vec::with_capacity(body.parts.len());
        for part in &body.parts {
            match &part.kind {
                P::Literal(text) if literal || !body.source_backed => {
                    pieces.push(Piece::Quoted(text.as_str(self.text, part.span).to_owned()));
                }
                P::Literal(text) => {
                    self.literal(text, part.span, Context::Heredoc, &mut pieces);
                }
                P::Variable(name) => self.variable(name.as_str(), part.span, &mut pieces),
                P::CommandSubstitution { body, syntax } => {
                    self.opener(part.span);
                    pieces.push(match syntax {
                        ast::CommandSubstitutionSyntax::DollarParen => {
                            self.substitution(body, part.span)
                        }
                        ast::CommandSubstitutionSyntax::Backtick => {
                            self.backticks(body, part.span, false)
                        }
                    });
                }
                P::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => {
                    let tree = expression_ast.as_deref();
                    pieces.push(self.arithmetic_expansion(tree, expression_word_ast, part.span));
                }
                P::Parameter(parameter) => {
                    self.parameter(parameter, Context::Heredoc, &mut pieces);
                }
            }
        }
        Word { pieces: vec![Piece::Double(pieces)], span: self.span(body.span) }
    }

    pub(super) fn heredoc_again(&mut self, span: ast::Span, delimiter: &str) -> Word {
        let (start, end) = (span.start.offset(), span.end.offset());
        // A text with a witness of its own.
        self.understood.heredocs.push(Heredoc { start, end, literal: true });
        let body = span.slice(self.text);
        let own = self.span(span);
        let again = format!(": <<{delimiter}\n{body}{delimiter}\n");
        let target = match lower_within(&again, self.dialect, own, self.nesting + 1) {
            Ok(mut script) => {
                let statement = script.statements.pop();
                statement.and_then(|mut statement| statement.redirects.pop()).map(|r| r.target)
            }
            Err(_) => None,
        };
        target.unwrap_or_else(|| Word {
            pieces: vec![Piece::Opaque("a here-document after another", own)],
            span: own,
        })
    }

    /// The commands in a text of which only the commands matter.
    pub(super) fn commands_of(&self, text: &str, span: ast::Span) -> Result<Script, Piece> {
        let span = self.span(span);
        lower_within(text, self.dialect, span, self.nesting + 1)
            .map_err(|_| Piece::Opaque("an expression that does not parse", span))
    }
}

/// A double-quoted string in which every `\"` of its own is written as `"'"'"`. Quotes within its
/// substitutions stay as they are.
fn rewrite_quotes(quoted: &str) -> String {
    let mut rewritten = String::with_capacity(quoted.len() + 16);
    let mut chars = quoted.chars().peekable();
    let mut depth = 0_usize;
    let mut backticks = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('"') if depth == 0 && !backticks => rewritten.push_str("\"'\"'\""),
                Some(next) => rewritten.extend(['\\', next]),
                None => rewritten.push('\\'),
            },
            '`' => {
                backticks = !backticks;
                rewritten.push(c);
            }
            '$' if matches!(chars.peek(), Some('(' | '{')) => {
                depth += 1;
                rewritten.push(c);
                rewritten.extend(chars.next());
            }
            '(' | '{' if depth > 0 => {
                depth += 1;
                rewritten.push(c);
            }
            ')' | '}' if depth > 0 => {
                depth -= 1;
                rewritten.push(c);
            }
            c => rewritten.push(c),
        }
    }
    rewritten
}

/// The text up to the quote that closes it, backslashes resolved, and what stands behind it.
fn closed(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inner = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Some((inner, chars.as_str())),
            '\\' if quote == '"' => match chars.next()? {
                '\n' => {}
                next @ ('$' | '`' | '"' | '\\') => inner.push(next),
                next => inner.extend(['\\', next]),
            },
            c => inner.push(c),
        }
    }
    None
}
