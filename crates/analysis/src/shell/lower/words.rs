//! Words: quoting is resolved here, expansions become nodes.

use shuck_ast as ast;

use super::super::ir::{
    Arithmetic, Index, Node, Operation, Parameter, Piece, Reference, Script, Word,
};
use super::super::witness::Heredoc;
use super::{Lowering, lower_within};
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
    pub(super) fn words(&mut self, words: &[ast::Word]) -> Vec<Word> {
        words.iter().map(|word| self.word(word)).collect()
    }

    pub(super) fn word(&mut self, word: &ast::Word) -> Word {
        self.word_in(word, Context::Bare)
    }

    fn word_in(&mut self, word: &ast::Word, context: Context) -> Word {
        let mut pieces = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            self.part(part, context, &mut pieces);
        }
        Word { pieces, span: self.span(word.span) }
    }

    fn optional(&mut self, word: Option<&ast::Word>, context: Context) -> Word {
        word.map(|word| self.word_in(word, context)).unwrap_or_default()
    }

    fn part(&mut self, part: &ast::WordPartNode, context: Context, pieces: &mut Vec<Piece>) {
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
                        Piece::Command(Box::new(self.script(body)), span)
                    }
                    ast::CommandSubstitutionSyntax::Backtick => {
                        self.backticks(body, part.span, quoted)
                    }
                };
                pieces.push(piece);
            }
            P::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => {
                let text = self.word_in(expression_word_ast, Context::Double);
                let arithmetic = self.expanded_arithmetic(text, expression_ast.as_deref());
                pieces.push(Piece::Arithmetic(Box::new(arithmetic)));
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

    /// The text of a literal with its backslashes resolved as its context does.
    fn literal(
        &mut self,
        text: &ast::LiteralText,
        span: ast::Span,
        context: Context,
        pieces: &mut Vec<Piece>,
    ) {
        let raw = span.slice(self.text);
        match text {
            ast::LiteralText::Owned(owned) if **owned != *raw => {
                pieces.push(Piece::Quoted(owned.to_string()));
                return;
            }
            ast::LiteralText::Owned(_)
            | ast::LiteralText::Source
            | ast::LiteralText::CookedSource(_) => {}
        }
        if !raw.contains('\\') {
            pieces.push(match context {
                Context::Bare => Piece::Bare(raw.to_owned()),
                Context::Double | Context::Heredoc => Piece::Quoted(raw.to_owned()),
            });
            return;
        }
        let mut plain = String::new();
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                plain.push(c);
                continue;
            }
            let Some(next) = chars.next() else {
                plain.push('\\');
                break;
            };
            match (context, next) {
                (_, '\n') => {}
                (Context::Bare, _) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Bare(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Quoted(next.to_string()));
                }
                (Context::Double, '$' | '`' | '"' | '\\')
                | (Context::Heredoc, '$' | '`' | '\\') => plain.push(next),
                (Context::Double | Context::Heredoc, _) => {
                    plain.push('\\');
                    plain.push(next);
                }
            }
        }
        if !plain.is_empty() {
            pieces.push(match context {
                Context::Bare => Piece::Bare(plain),
                Context::Double | Context::Heredoc => Piece::Quoted(plain),
            });
        }
    }

    /// `$x`. The parser reads bash 5.3's `${ cmd; }` and `${| cmd; }` as a variable without name.
    fn variable(&mut self, name: &str, span: ast::Span, pieces: &mut Vec<Piece>) {
        let raw = span.slice(self.text);
        let body = raw.strip_prefix("${").and_then(|body| body.strip_suffix('}'));
        if name.is_empty()
            && let Some(body) = body
        {
            self.opener(span);
            let body = body.strip_prefix('|').unwrap_or(body);
            pieces.push(self.reparsed(body, span));
            return;
        }
        let reference = Reference { name: name.to_owned(), index: None };
        let span = self.span(span);
        let parameter = Parameter { reference, operation: Operation::Get, span };
        pieces.push(Piece::Parameter(Box::new(parameter)));
    }

    /// Text that has to be parsed again: the parser does not look into it.
    fn reparsed(&self, text: &str, span: ast::Span) -> Piece {
        let span = self.span(span);
        match lower_within(text, self.dialect, span, self.nesting + 1) {
            Ok(script) => Piece::Command(Box::new(script), span),
            Err(_) => Piece::Opaque("a substitution that does not parse", span),
        }
    }

    /// Backslashes in backticks are resolved before the command is parsed, which the parser does
    /// only in part: such a command is unescaped and parsed again.
    fn backticks(&mut self, body: &ast::StmtSeq, span: ast::Span, quoted: bool) -> Piece {
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
    fn aligned(&self, parts: &[ast::WordPartNode]) -> bool {
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
    fn requote(&mut self, span: ast::Span, pieces: &mut Vec<Piece>) {
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

    fn requoted(&mut self, text: &str, span: Span, pieces: &mut Vec<Piece>) {
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

    fn parameter_piece(
        &mut self,
        reference: &ast::VarRef,
        operation: Operation,
        span: Span,
        pieces: &mut Vec<Piece>,
    ) {
        let reference = self.reference(reference);
        pieces.push(Piece::Parameter(Box::new(Parameter { reference, operation, span })));
    }

    fn reference(&mut self, reference: &ast::VarRef) -> Reference {
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

    fn parameter(
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

    fn operator(
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
    fn expanded_arithmetic(
        &mut self,
        text: Word,
        tree: Option<&ast::ArithmeticExprNode>,
    ) -> Arithmetic {
        let nested = text.pieces.iter().any(|piece| matches!(piece, Piece::Arithmetic(_)));
        let expression = tree.filter(|_| !nested).map(|tree| self.expression(tree));
        Arithmetic { text, expression }
    }

    fn slice(
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

    fn zsh_parameter(
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

    fn zsh_glob(&mut self, glob: &ast::ZshQualifiedGlob, pieces: &mut Vec<Piece>) {
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
        let Some(qualifiers) = &glob.qualifiers else { return };
        // `e` and `+` run code for each file.
        let text = qualifiers.span.slice(self.text);
        if text.contains(['e', '+']) {
            pieces.push(Piece::Opaque("a glob qualifier runs code", self.span(qualifiers.span)));
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
            let span = self.span(part.span);
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
                            Piece::Command(Box::new(self.script(body)), span)
                        }
                        ast::CommandSubstitutionSyntax::Backtick => {
                            self.backticks(body, part.span, false)
                        }
                    });
                }
                P::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => {
                    let text = self.word_in(expression_word_ast, Context::Double);
                    let arithmetic = self.expanded_arithmetic(text, expression_ast.as_deref());
                    pieces.push(Piece::Arithmetic(Box::new(arithmetic)));
                }
                P::Parameter(parameter) => {
                    self.parameter(parameter, Context::Heredoc, &mut pieces);
                }
            }
        }
        Word { pieces: vec![Piece::Double(pieces)], span: self.span(body.span) }
    }

    fn heredoc_again(&mut self, span: ast::Span, delimiter: &str) -> Word {
        let (start, end) = (span.start.offset(), span.end.offset());
        self.understood.reparsed.push((start, end));
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
