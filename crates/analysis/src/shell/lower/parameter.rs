//! `$x` and `${…}`.

use shuck_ast as ast;

use super::super::ir::{Arithmetic, Index, Operation, Parameter, Piece, Reference, Word};
use super::Lowering;
use super::words::Context;
use crate::value::Span;

impl Lowering<'_> {
    /// `$x`. The parser reads bash 5.3's `${ cmd; }` and `${| cmd; }` as a variable without name.
    pub(super) fn variable(&mut self, name: &str, span: ast::Span, pieces: &mut Vec<Piece>) {
        let raw = span.slice(self.text);
        let body = raw.strip_prefix("${").and_then(|body| body.strip_suffix('}'));
        if name.is_empty()
            && let Some(body) = body
        {
            self.opener(span);
            // `${{ github.sha }}` is for whoever fills in the text before a shell sees it. A shell that does
            // see it ends with an error.
            if body.starts_with('{') && !body.contains(['`', '$']) {
                pieces.push(Piece::Pattern(Vec::new()));
                return;
            }
            let body = body.strip_prefix('|').unwrap_or(body);
            pieces.push(self.reparsed(body, span));
            return;
        }
        let reference = Reference { name: name.to_owned(), index: None };
        let span = self.span(span);
        let parameter = Parameter { reference, operation: Operation::Get, span };
        pieces.push(Piece::Parameter(Box::new(parameter)));
    }

    pub(super) fn parameter_piece(
        &mut self,
        reference: &ast::VarRef,
        operation: Operation,
        span: Span,
        pieces: &mut Vec<Piece>,
    ) {
        let reference = self.reference(reference);
        pieces.push(Piece::Parameter(Box::new(Parameter { reference, operation, span })));
    }

    pub(super) fn reference(&mut self, reference: &ast::VarRef) -> Reference {
        Reference {
            name: reference.name.as_str().to_owned(),
            index: self.index(reference.subscript.as_deref()),
        }
    }

    pub(super) fn index(&mut self, subscript: Option<&ast::Subscript>) -> Option<Index> {
        let subscript = subscript?;
        Some(match subscript.kind {
            ast::SubscriptKind::Selector(ast::SubscriptSelector::At) => Index::At,
            ast::SubscriptKind::Selector(ast::SubscriptSelector::Star) => Index::Star,
            ast::SubscriptKind::Ordinary => Index::Key(match subscript.word_ast() {
                Some(word) => self.word(word),
                None => {
                    let span = self.span(subscript.span());
                    Word::quoted(subscript.syntax_text(self.text), span)
                }
            }),
        })
    }

    pub(super) fn parameter(
        &mut self,
        parameter: &ast::ParameterExpansion,
        context: Context,
        pieces: &mut Vec<Piece>,
    ) {
        use ast::BourneParameterExpansion as B;
        let span = self.span(parameter.span);
        let bourne = match &parameter.syntax {
            ast::ParameterExpansionSyntax::Bourne(bourne) => bourne,
            ast::ParameterExpansionSyntax::Zsh(zsh) => {
                pieces.push(self.zsh_parameter(zsh, span, context));
                return;
            }
        };
        let (reference, operation) = match bourne {
            B::Access { reference } => {
                if reference.name.as_str().is_empty() && reference.subscript.is_none() {
                    self.variable("", parameter.span, pieces);
                    return;
                }
                (self.reference(reference), Operation::Get)
            }
            B::Length { reference } => (self.reference(reference), Operation::Length),
            B::Indices { reference } => (self.reference(reference), Operation::Keys),
            B::Indirect { reference, operator, operand: _, operand_word_ast, colon_variant } => {
                let inner = match operator {
                    Some(operator) => self.operator(
                        operator,
                        operand_word_ast.as_deref(),
                        *colon_variant,
                        context,
                    ),
                    None => Operation::Get,
                };
                (self.reference(reference), Operation::Indirect(Box::new(inner)))
            }
            B::PrefixMatch { prefix, kind: _ } => {
                (Reference { name: prefix.as_str().to_owned(), index: None }, Operation::Names)
            }
            B::Slice {
                reference,
                offset: _,
                offset_ast,
                offset_word_ast,
                length: _,
                length_ast,
                length_word_ast,
            } => {
                let operation = self.slice(
                    (offset_ast.as_deref(), offset_word_ast),
                    (length_ast.as_deref(), length_word_ast.as_deref()),
                );
                (self.reference(reference), operation)
            }
            B::Operation { reference, operator, operand: _, operand_word_ast, colon_variant } => {
                let operation =
                    self.operator(operator, operand_word_ast.as_deref(), *colon_variant, context);
                (self.reference(reference), operation)
            }
            B::Transformation { reference, operator } => {
                (self.reference(reference), Operation::Transform(*operator))
            }
        };
        pieces.push(Piece::Parameter(Box::new(Parameter { reference, operation, span })));
    }

    pub(super) fn operator(
        &mut self,
        operator: &ast::ParameterOp,
        operand: Option<&ast::Word>,
        colon: bool,
        context: Context,
    ) -> Operation {
        use ast::ParameterOp as O;
        match operator {
            O::UseDefault => Operation::Default(colon, self.optional(operand, context)),
            O::AssignDefault => Operation::AssignDefault(colon, self.optional(operand, context)),
            O::UseReplacement => Operation::Alternative(colon, self.optional(operand, context)),
            O::Error => Operation::Error(self.optional(operand, context)),
            O::RemovePrefixShort { pattern } => Operation::TrimPrefix(self.pattern(pattern), false),
            O::RemovePrefixLong { pattern } => Operation::TrimPrefix(self.pattern(pattern), true),
            O::RemoveSuffixShort { pattern } => Operation::TrimSuffix(self.pattern(pattern), false),
            O::RemoveSuffixLong { pattern } => Operation::TrimSuffix(self.pattern(pattern), true),
            O::ReplaceFirst { pattern, replacement: _, replacement_word_ast } => {
                Operation::Replace(
                    self.pattern(pattern),
                    self.word_in(replacement_word_ast, context),
                    false,
                )
            }
            O::ReplaceAll { pattern, replacement: _, replacement_word_ast } => Operation::Replace(
                self.pattern(pattern),
                self.word_in(replacement_word_ast, context),
                true,
            ),
            // With a pattern, only what matches it changes.
            O::UpperFirst | O::UpperAll | O::LowerFirst | O::LowerAll if operand.is_some() => {
                Operation::Unmodelled(vec![self.optional(operand, context)])
            }
            O::UpperFirst => Operation::Case { upper: true, all: false },
            O::UpperAll => Operation::Case { upper: true, all: true },
            O::LowerFirst => Operation::Case { upper: false, all: false },
            O::LowerAll => Operation::Case { upper: false, all: true },
        }
    }

    /// Text and structure of an expression. Arithmetic within arithmetic keeps its text alone: both
    /// hold all that is nested, and to follow both doubles the work with each level.
    pub(super) fn expanded_arithmetic(
        &mut self,
        text: Word,
        tree: Option<&ast::ArithmeticExprNode>,
    ) -> Arithmetic {
        let nested = text.pieces.iter().any(|piece| matches!(piece, Piece::Arithmetic(_)));
        let expression = tree.filter(|_| !nested).map(|tree| self.expression(tree));
        Arithmetic { text, expression }
    }

    pub(super) fn slice(
        &mut self,
        offset: (Option<&ast::ArithmeticExprNode>, &ast::Word),
        length: (Option<&ast::ArithmeticExprNode>, Option<&ast::Word>),
    ) -> Operation {
        let offset = Arithmetic {
            expression: offset.0.map(|tree| self.expression(tree)),
            text: self.word_in(offset.1, Context::Double),
        };
        let length = length.1.map(|word| Arithmetic {
            expression: length.0.map(|tree| self.expression(tree)),
            text: self.word_in(word, Context::Double),
        });
        Operation::Slice(offset, length)
    }
}
