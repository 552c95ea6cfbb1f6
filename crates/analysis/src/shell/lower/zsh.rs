//! Patterns, and what zsh alone puts into words: flags of `${(…)…}` and qualifiers of globs.

use ringfence_action::Dialect;
use shuck_ast as ast;

use super::super::ir::{Operation, Parameter, Piece, Reference, Word};
use super::Lowering;
use super::words::Context;
use crate::value::Span;

impl Lowering<'_> {
    pub(super) fn zsh_parameter(
        &mut self,
        zsh: &ast::ZshParameterExpansion,
        span: Span,
        context: Context,
    ) -> Piece {
        use ast::{ZshExpansionOperation as O, ZshExpansionTarget as T};
        let mut words = Vec::new();
        let mut reference = Reference { name: String::new(), index: None };
        match &zsh.target {
            T::Reference(target) => reference = self.reference(target),
            T::Nested(inner) => {
                let mut pieces = Vec::new();
                self.parameter(inner, context, &mut pieces);
                words.push(Word { pieces, span });
            }
            T::Word(word) => words.push(self.word_in(word, context)),
            T::Empty => {}
        }
        let mut evaluates = false;
        for modifier in &zsh.modifiers {
            // `e` expands the value again, `P` takes it as a name: both run what it substitutes.
            evaluates |= matches!(modifier.name, 'e' | 'P');
            if let Some(word) = &modifier.argument_word_ast {
                words.push(self.word(word));
            }
        }
        let simple = zsh.modifiers.is_empty() && zsh.length_prefix.is_none() && words.is_empty();
        match &zsh.operation {
            None if evaluates => return Piece::Opaque("the value is expanded again", span),
            None if simple => {
                let parameter = Parameter { reference, operation: Operation::Get, span };
                return Piece::Parameter(Box::new(parameter));
            }
            None => {}
            Some(O::PatternOperation { kind: _, operand: _, operand_word_ast })
            | Some(O::TrimOperation { kind: _, operand: _, operand_word_ast }) => {
                words.push(self.word(operand_word_ast));
            }
            Some(O::Defaulting { kind, operand: _, operand_word_ast, colon_variant }) => {
                let word = self.word_in(operand_word_ast, context);
                if simple {
                    let operation = match kind {
                        ast::ZshDefaultingOp::UseDefault => {
                            Operation::Default(*colon_variant, word)
                        }
                        ast::ZshDefaultingOp::AssignDefault => {
                            Operation::AssignDefault(*colon_variant, word)
                        }
                        ast::ZshDefaultingOp::UseReplacement => {
                            Operation::Alternative(*colon_variant, word)
                        }
                        ast::ZshDefaultingOp::Error => Operation::Error(word),
                    };
                    let parameter = Parameter { reference, operation, span };
                    return Piece::Parameter(Box::new(parameter));
                }
                words.push(word);
            }
            Some(O::ReplacementOperation {
                kind: _,
                pattern: _,
                pattern_word_ast,
                replacement: _,
                replacement_word_ast,
            }) => {
                words.push(self.word(pattern_word_ast));
                words.extend(replacement_word_ast.iter().map(|word| self.word(word)));
            }
            Some(O::Slice { offset: _, offset_word_ast, length: _, length_word_ast }) => {
                words.push(self.word(offset_word_ast));
                words.extend(length_word_ast.iter().map(|word| self.word(word)));
            }
            Some(O::Unknown { text: _, word_ast }) => words.push(self.word(word_ast)),
        }
        if evaluates {
            return Piece::Opaque("the value is expanded again", span);
        }
        let operation = Operation::Unmodelled(words);
        Piece::Parameter(Box::new(Parameter { reference, operation, span }))
    }

    pub(super) fn zsh_glob(&mut self, glob: &ast::ZshQualifiedGlob, pieces: &mut Vec<Piece>) {
        for segment in &glob.segments {
            match segment {
                ast::ZshGlobSegment::Pattern(pattern) => {
                    pieces.extend(self.pattern(pattern).pieces);
                }
                ast::ZshGlobSegment::InlineControl(
                    ast::ZshInlineGlobControl::CaseInsensitive { .. }
                    | ast::ZshInlineGlobControl::Backreferences { .. }
                    | ast::ZshInlineGlobControl::StartAnchor { .. }
                    | ast::ZshInlineGlobControl::EndAnchor { .. },
                ) => {}
            }
        }
        let qualifiers = glob.qualifiers.as_ref().map_or(glob.span, |group| group.span);
        self.qualifiers(qualifiers, pieces);
    }

    /// In the parentheses behind a glob, `e` and `+` run code for each file.
    pub(super) fn qualifiers(&self, span: ast::Span, pieces: &mut Vec<Piece>) {
        let text = span.slice(self.text);
        let Some((_, group)) = text.split_once('(').filter(|_| self.dialect == Dialect::Zsh) else {
            return;
        };
        let runs =
            group.bytes().zip(group.bytes().skip(1).chain([0])).any(|(byte, next)| match byte {
                b'e' => !next.is_ascii_alphanumeric() && next != b')',
                b'+' => next.is_ascii_alphabetic() || next == b'_',
                _ => false,
            });
        if runs {
            pieces.push(Piece::Opaque("a glob qualifier runs code", self.span(span)));
        }
    }

    pub(super) fn pattern(&mut self, pattern: &ast::Pattern) -> Word {
        use ast::PatternPart as P;
        let mut pieces = Vec::with_capacity(pattern.parts.len());
        for part in &pattern.parts {
            match &part.kind {
                P::Literal(text) => self.literal(text, part.span, Context::Bare, &mut pieces),
                P::AnyString => pieces.push(Piece::Bare("*".to_owned())),
                P::AnyChar => pieces.push(Piece::Bare("?".to_owned())),
                P::CharClass(text) => pieces.push(Piece::Bare(text.slice(self.text).to_owned())),
                P::Group { kind: _, patterns } => {
                    let patterns = patterns.iter().map(|inner| self.pattern(inner)).collect();
                    pieces.push(Piece::Pattern(patterns));
                }
                P::Word(word) => pieces.extend(self.word(word).pieces),
            }
        }
        Word { pieces, span: self.span(pattern.span) }
    }
}
