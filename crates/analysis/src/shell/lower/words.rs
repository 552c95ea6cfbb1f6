//! Words: quoting is resolved here, expansions become nodes.

use shuck_ast as ast;

use super::super::ir::{Operation, Parameter, Piece, Reference, Word};
use super::Lowering;
use crate::value::Span;

/// Where a literal stands: what a backslash does differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Bare,
    Double,
    Heredoc,
}

impl Word {
    pub(in super::super) fn quoted(text: &str, span: Span) -> Self {
        Self { pieces: vec![Piece::Quoted(text.to_owned())], span }
    }
}

impl Lowering<'_> {
    /// Words in a row. The parser ends a word that begins with a brace where a quote comes:
    /// `{a,b}'c'` is one word, of two that have nothing between them.
    pub(super) fn words<'w>(
        &mut self,
        words: impl IntoIterator<Item = &'w ast::Word>,
    ) -> Vec<Word> {
        let mut all: Vec<Word> = Vec::new();
        let mut end = None;
        for word in words {
            let mut lowered = self.word_in(word, Context::Bare);
            match all.last_mut().filter(|_| end == Some(word.span.start.offset())) {
                Some(begun) => {
                    begun.pieces.append(&mut lowered.pieces);
                    begun.span = begun.span.cover(lowered.span);
                }
                None => all.push(lowered),
            }
            end = Some(word.span.end.offset());
        }
        all
    }

    /// A word that stands by itself.
    pub(super) fn word(&mut self, word: &ast::Word) -> Word {
        let mut lowered = self.word_in(word, Context::Bare);
        let (raw, end) = (word.span.slice(self.text), word.span.end.offset());
        let goes_on = self.text.get(end..).is_some_and(|rest| rest.starts_with(['\'', '"']));
        if goes_on && raw.starts_with('{') {
            let detail = "a word that begins with a brace";
            lowered.pieces.push(Piece::Opaque(detail, lowered.span));
        }
        lowered
    }

    pub(super) fn word_in(&mut self, word: &ast::Word, context: Context) -> Word {
        let mut pieces = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            self.part(part, context, &mut pieces);
        }
        Word { pieces, span: self.span(word.span) }
    }

    pub(super) fn optional(&mut self, word: Option<&ast::Word>, context: Context) -> Word {
        word.map(|word| self.word_in(word, context)).unwrap_or_default()
    }

    pub(super) fn part(
        &mut self,
        part: &ast::WordPartNode,
        context: Context,
        pieces: &mut Vec<Piece>,
    ) {
        use ast::WordPart as P;
        let span = self.span(part.span);
        match &part.kind {
            P::Literal(text) => self.literal(text, part.span, context, pieces),
            P::ZshQualifiedGlob(glob) => self.zsh_glob(glob, pieces),
            P::SingleQuoted { value, dollar } => {
                let text = value.slice(self.text);
                if context == Context::Bare || *dollar {
                    pieces.push(Piece::Quoted(text.to_owned()));
                } else {
                    // Within double quotes, single quotes are ordinary characters and what is
                    // between them is expanded: `"${x:-'$(cmd)'}"`.
                    self.requoted(text, span, pieces);
                }
            }
            P::DoubleQuoted { parts, dollar: _ } => {
                if !self.aligned(parts) {
                    self.requote(part.span, pieces);
                    return;
                }
                let mut inner = Vec::with_capacity(parts.len());
                for part in parts {
                    self.part(part, Context::Double, &mut inner);
                }
                pieces.push(Piece::Double(inner));
            }
            P::Variable(name) => self.variable(name.as_str(), part.span, pieces),
            P::CommandSubstitution { body, syntax } => {
                self.opener(part.span);
                let quoted = context == Context::Double;
                let piece = match syntax {
                    ast::CommandSubstitutionSyntax::DollarParen => {
                        self.substitution(body, part.span)
                    }
                    ast::CommandSubstitutionSyntax::Backtick => {
                        self.backticks(body, part.span, quoted)
                    }
                };
                pieces.push(piece);
            }
            P::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => {
                let tree = expression_ast.as_deref();
                pieces.push(self.arithmetic_expansion(tree, expression_word_ast, part.span));
            }
            P::Parameter(parameter) => self.parameter(parameter, context, pieces),
            P::ParameterExpansion {
                reference,
                operator,
                operand,
                operand_word_ast,
                colon_variant,
            } => {
                let _ = operand;
                let operation =
                    self.operator(operator, operand_word_ast.as_deref(), *colon_variant, context);
                self.parameter_piece(reference, operation, span, pieces);
            }
            P::Length(reference) | P::ArrayLength(reference) => {
                self.parameter_piece(reference, Operation::Length, span, pieces);
            }
            P::ArrayAccess(reference) => {
                self.parameter_piece(reference, Operation::Get, span, pieces);
            }
            P::ArrayIndices(reference) => {
                self.parameter_piece(reference, Operation::Keys, span, pieces);
            }
            P::Substring {
                reference,
                offset_ast,
                offset_word_ast,
                length_ast,
                length_word_ast,
                ..
            }
            | P::ArraySlice {
                reference,
                offset_ast,
                offset_word_ast,
                length_ast,
                length_word_ast,
                ..
            } => {
                let operation = self.slice(
                    (offset_ast.as_deref(), offset_word_ast),
                    (length_ast.as_deref(), length_word_ast.as_deref()),
                );
                self.parameter_piece(reference, operation, span, pieces);
            }
            P::IndirectExpansion {
                reference,
                operator,
                operand: _,
                operand_word_ast,
                colon_variant,
            } => {
                let inner = match operator {
                    Some(operator) => self.operator(
                        operator,
                        operand_word_ast.as_deref(),
                        *colon_variant,
                        context,
                    ),
                    None => Operation::Get,
                };
                self.parameter_piece(reference, Operation::Indirect(Box::new(inner)), span, pieces);
            }
            P::PrefixMatch { prefix, kind: _ } => {
                let reference = Reference { name: prefix.as_str().to_owned(), index: None };
                let parameter = Parameter { reference, operation: Operation::Names, span };
                pieces.push(Piece::Parameter(Box::new(parameter)));
            }
            P::ProcessSubstitution { body, is_input } => {
                self.opener(part.span);
                pieces.push(Piece::Process(Box::new(self.script(body)), *is_input, span));
            }
            P::Transformation { reference, operator } => {
                self.parameter_piece(reference, Operation::Transform(*operator), span, pieces);
            }
        }
    }
}
