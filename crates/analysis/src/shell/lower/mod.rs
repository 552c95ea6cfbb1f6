//! From the parser's tree to ours. Every match is exhaustive: a construct that the parser learns
//! later does not compile here until somebody decides what it means.
//!
//! While it goes, it notes where each substitution that it understood begins, for the witness.

mod arithmetic;
mod parameter;
mod quoting;
mod words;
mod zsh;

use std::rc::Rc;

use ringfence_action::{Dialect, OpaqueReason};
use shuck_ast as ast;

use super::ir::{
    Arithmetic, Arm, Assigned, Assignment, Connector, Declare, For, Index, Node, Operand, Piece,
    Redirect, RedirectKind, Script, Simple, Statement, TestWord, Word,
};
use super::witness::Understood;
use super::{parse, witness};
use crate::value::Span;

/// Why there is no tree.
pub(super) type Refusal = (OpaqueReason, String);

/// Parses a text and lowers it; refused if the witness disagrees with what was understood.
pub(super) fn lower(text: &str, dialect: Dialect) -> Result<Script, Refusal> {
    let file = parse::parse(text, dialect)?;
    let mut lowering =
        Lowering { text, dialect, fixed: None, understood: Understood::default(), nesting: 0 };
    let script = lowering.script(&file.body);
    witness::check(text, dialect, lowering.understood)?;
    Ok(script)
}

/// Lowers a text that stands in another only after unescaping: all its spans are `span`.
fn lower_within(
    text: &str,
    dialect: Dialect,
    span: Span,
    nesting: usize,
) -> Result<Script, Refusal> {
    if nesting > 8 {
        return Err((OpaqueReason::TooDeep, "backticks within backticks".to_owned()));
    }
    let file = parse::parse(text, dialect)?;
    let fixed = Some(span);
    let mut lowering =
        Lowering { text, dialect, fixed, understood: Understood::default(), nesting };
    let script = lowering.script(&file.body);
    witness::check(text, dialect, lowering.understood)?;
    Ok(script)
}

struct Lowering<'t> {
    /// What the parser's spans point into.
    text: &'t str,
    dialect: Dialect,
    /// The span of everything, where the text is not the source itself.
    fixed: Option<Span>,
    /// What the witness compares with the text.
    understood: Understood,
    nesting: usize,
}

impl Lowering<'_> {
    fn span(&self, span: ast::Span) -> Span {
        self.fixed.unwrap_or_else(|| Span::new(span.start.offset(), span.end.offset()))
    }

    fn opener(&mut self, span: ast::Span) {
        self.understood.openers.push(span.start.offset());
    }

    fn script(&mut self, sequence: &ast::StmtSeq) -> Script {
        Script { statements: sequence.iter().map(|statement| self.statement(statement)).collect() }
    }

    fn head(&mut self, span: ast::Span) {
        self.understood.heads.push(span.start.offset());
    }

    fn statement(&mut self, statement: &ast::Stmt) -> Statement {
        self.head(statement.span);
        let node = self.command(&statement.command);
        if let Some(redirect) = statement.redirects.first() {
            self.head(redirect.span);
        }
        let redirects = statement.redirects.iter().map(|r| self.redirect(r)).collect();
        let node = self.unlike_bash(node, &statement.redirects);
        let background = match statement.terminator {
            Some(ast::StmtTerminator::Background(
                ast::BackgroundOperator::Plain
                | ast::BackgroundOperator::Pipe
                | ast::BackgroundOperator::Bang,
            )) => true,
            Some(ast::StmtTerminator::Semicolon) | None => false,
        };
        Statement { node, redirects, background, span: self.span(statement.span) }
    }

    /// A plain `sh` reads `a &>f b` as two commands.
    fn unlike_bash(&self, mut node: Node, redirects: &[ast::Redirect]) -> Node {
        let both = redirects.iter().find(|redirect| redirect.kind == ast::RedirectKind::OutputBoth);
        if self.dialect == Dialect::Posix
            && let Some(both) = both
            && let Node::Simple(simple) = &mut node
        {
            let span = self.span(both.span);
            if simple.words.last().is_some_and(|word| word.span.end > span.end) {
                let piece = Piece::Opaque("`&>` ends a command in a plain sh", span);
                simple.words.push(Word { pieces: vec![piece], span });
            }
        }
        node
    }

    fn command(&mut self, command: &ast::Command) -> Node {
        match command {
            ast::Command::Simple(simple) => self.simple(simple),
            ast::Command::Builtin(builtin) => self.builtin(builtin),
            ast::Command::Decl(declare) => Node::Declare(Declare {
                assignments: self.assignments(&declare.assignments),
                builtin: declare.variant.as_str().to_owned(),
                operands: declare.operands.iter().map(|o| self.operand(o)).collect(),
            }),
            ast::Command::Binary(binary) => self.binary(binary),
            ast::Command::Compound(compound) => self.compound(compound),
            ast::Command::Function(function) => Node::Define(
                function.header.entries.iter().map(|entry| self.word(&entry.word)).collect(),
                Rc::new(self.statement(&function.body)),
            ),
            ast::Command::AnonymousFunction(call) => {
                Node::CallAnonymous(Rc::new(self.statement(&call.body)), self.words(&call.args))
            }
        }
    }

    fn simple(&mut self, simple: &ast::SimpleCommand) -> Node {
        self.head(simple.name.span);
        if let Some(assignment) = simple.assignments.first() {
            self.head(assignment.span);
        }
        // The parser gives assignments without a command an empty name that stands nowhere.
        let absent = matches!(simple.name.parts.as_slice(), [part]
            if matches!(&part.kind, ast::WordPart::Literal(text) if text.is_empty())
                && part.span.start.offset() == part.span.end.offset());
        let name = Some(&simple.name).filter(|_| !absent);
        let words = self.words(name.into_iter().chain(&simple.args));
        Node::Simple(Simple { assignments: self.assignments(&simple.assignments), words })
    }

    fn builtin(&mut self, builtin: &ast::BuiltinCommand) -> Node {
        let (name, operand, extra, assignments, span) = match builtin {
            ast::BuiltinCommand::Break(b) => {
                ("break", &b.depth, &b.extra_args, &b.assignments, b.span)
            }
            ast::BuiltinCommand::Continue(c) => {
                ("continue", &c.depth, &c.extra_args, &c.assignments, c.span)
            }
            ast::BuiltinCommand::Return(r) => {
                ("return", &r.code, &r.extra_args, &r.assignments, r.span)
            }
            ast::BuiltinCommand::Exit(e) => {
                ("exit", &e.code, &e.extra_args, &e.assignments, e.span)
            }
        };
        let mut words = vec![Word::quoted(name, self.span(span))];
        words.extend(self.words(operand.iter().chain(extra)));
        Node::Simple(Simple { assignments: self.assignments(assignments), words })
    }

    fn operand(&mut self, operand: &ast::DeclOperand) -> Operand {
        match operand {
            ast::DeclOperand::Flag(word) | ast::DeclOperand::Dynamic(word) => {
                Operand::Word(self.word(word))
            }
            ast::DeclOperand::Name(reference) => {
                let span = self.span(reference.span);
                let mut word = Word::quoted(reference.name.as_str(), span);
                if let Some(Index::Key(key)) = self.index(reference.subscript.as_deref()) {
                    word.pieces.extend(key.pieces);
                }
                Operand::Word(word)
            }
            ast::DeclOperand::Assignment(assignment) => {
                Operand::Assignment(self.assignment(assignment))
            }
        }
    }

    fn assignments(&mut self, assignments: &[ast::Assignment]) -> Vec<Assignment> {
        assignments.iter().map(|assignment| self.assignment(assignment)).collect()
    }

    fn assignment(&mut self, assignment: &ast::Assignment) -> Assignment {
        let value = match &assignment.value {
            ast::AssignmentValue::Scalar(word) => Assigned::Scalar(self.word(word)),
            ast::AssignmentValue::Compound(array) => {
                let elements = array.elements.iter().map(|element| match element {
                    ast::ArrayElem::Sequential(value) => (None, self.word(&value.word)),
                    ast::ArrayElem::Keyed { key, value }
                    | ast::ArrayElem::KeyedAppend { key, value } => {
                        (self.index(Some(key)), self.word(&value.word))
                    }
                });
                Assigned::Array(elements.collect())
            }
        };
        Assignment {
            name: assignment.target.name.as_str().to_owned(),
            index: self.index(assignment.target.subscript.as_deref()),
            value,
            append: assignment.append,
            span: self.span(assignment.span),
        }
    }

    /// Chains lean to the left in the parser's tree; ours are flat, so that a thousand links are a
    /// loop and not a thousand stack frames.
    fn binary(&mut self, binary: &ast::BinaryCommand) -> Node {
        let piped = is_pipe(binary.op);
        let mut links = Vec::new();
        let mut current = binary;
        let first = loop {
            links.push((current.op, &*current.right));
            match &current.left.command {
                ast::Command::Binary(left)
                    if is_pipe(left.op) == piped
                        && current.left.redirects.is_empty()
                        && !current.left.negated =>
                {
                    current = left;
                }
                _ => break &*current.left,
            }
        };
        let first = self.statement(first);
        let rest = links.into_iter().rev().map(|(op, right)| (op, self.statement(right)));
        if piped {
            let rest = rest.map(|(_, statement)| statement).collect::<Vec<_>>();
            Node::Pipeline(std::iter::once(first).chain(rest).collect())
        } else {
            let rest = rest.map(|(op, statement)| match op {
                ast::BinaryOp::And | ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll => {
                    (Connector::And, statement)
                }
                ast::BinaryOp::Or => (Connector::Or, statement),
            });
            let rest = rest.collect();
            Node::List(Box::new(first), rest)
        }
    }

    fn compound(&mut self, compound: &ast::CompoundCommand) -> Node {
        use ast::CompoundCommand as C;
        match compound {
            C::If(command) => {
                let first = (self.script(&command.condition), self.script(&command.then_branch));
                let mut branches = vec![first];
                for (condition, body) in &command.elif_branches {
                    branches.push((self.script(condition), self.script(body)));
                }
                Node::If(branches, command.else_branch.as_ref().map(|body| self.script(body)))
            }
            C::For(command) => Node::For(For {
                names: command
                    .targets
                    .iter()
                    .map(|target| {
                        target
                            .name
                            .as_ref()
                            .map(|name| name.as_str().to_owned())
                            .unwrap_or_default()
                    })
                    .collect(),
                words: command.words.as_deref().map(|words| self.words(words)),
                body: self.script(&command.body),
                select: false,
            }),
            C::Repeat(command) => {
                Node::Repeat(self.word(&command.count), self.script(&command.body))
            }
            C::Foreach(command) => Node::For(For {
                names: vec![command.variable.as_str().to_owned()],
                words: Some(self.words(&command.words)),
                body: self.script(&command.body),
                select: false,
            }),
            C::Select(command) => Node::For(For {
                names: vec![command.variable.as_str().to_owned()],
                words: Some(self.words(&command.words)),
                body: self.script(&command.body),
                select: true,
            }),
            C::ArithmeticFor(command) => {
                let parts = [
                    (&command.init_ast, command.init_span),
                    (&command.condition_ast, command.condition_span),
                    (&command.step_ast, command.step_span),
                ];
                let parts = parts.map(|(tree, span)| self.arithmetic(tree.as_ref(), span));
                Node::ArithmeticFor(parts.into(), self.script(&command.body))
            }
            C::While(command) => {
                Node::While(self.script(&command.condition), self.script(&command.body))
            }
            C::Until(command) => {
                Node::While(self.script(&command.condition), self.script(&command.body))
            }
            C::Case(command) => {
                let arms = command.cases.iter().map(|arm| Arm {
                    patterns: self.case_patterns(&arm.patterns),
                    body: self.script(&arm.body),
                    falls_through: match arm.terminator {
                        ast::CaseTerminator::Break => false,
                        ast::CaseTerminator::FallThrough
                        | ast::CaseTerminator::Continue
                        | ast::CaseTerminator::ContinueMatching => true,
                    },
                });
                let arms = arms.collect();
                Node::Case(self.word(&command.word), arms)
            }
            C::Subshell(body) => Node::Subshell(self.script(body)),
            C::BraceGroup(body) => Node::Group(self.script(body)),
            C::Arithmetic(command) => {
                let arithmetic = self.arithmetic(command.expr_ast.as_ref(), command.expr_span);
                Node::Arithmetic(self.no_arithmetic(arithmetic, command.expr_span))
            }
            C::Time(command) => {
                Node::Time(command.command.as_deref().map(|inner| Box::new(self.statement(inner))))
            }
            C::Conditional(command) => {
                let mut words = Vec::new();
                self.test(&command.expression, false, &mut words);
                self.no_test(&command.expression, &mut words);
                Node::Test(words)
            }
            C::Coproc(command) => Node::Coprocess(Box::new(self.statement(&command.body))),
            C::Always(command) => {
                Node::Always(self.script(&command.body), self.script(&command.always_body))
            }
        }
    }

    /// A plain `sh` has no `[[`: what looks like an operator in it is one of the shell.
    fn no_test(&self, test: &ast::ConditionalExpr, words: &mut Vec<TestWord>) {
        use ast::ConditionalBinaryOp as B;
        let ast::ConditionalExpr::Binary(binary) = test else { return };
        let shell = matches!(binary.op, B::And | B::Or | B::LexicalBefore | B::LexicalAfter);
        if self.dialect == Dialect::Posix && shell {
            let span = words.first().map(|word| word.word.span).unwrap_or_default();
            let piece = Piece::Opaque("`[[` is a program to a plain sh", span);
            let word = Word { pieces: vec![piece], span };
            words.push(TestWord { word, evaluated: false });
        }
    }

    /// A plain `sh` has no `((`: these are two subshells.
    fn no_arithmetic(&self, mut arithmetic: Arithmetic, span: Option<ast::Span>) -> Arithmetic {
        let raw = span.map_or("", |span| span.slice(self.text)).trim();
        let name = raw.trim_end_matches(['+', '-']);
        let counts = name.len() + 2 == raw.len()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if self.dialect == Dialect::Posix && !counts {
            let piece = Piece::Opaque("`((` is two subshells in a plain sh", arithmetic.text.span);
            arithmetic.text.pieces.push(piece);
        }
        arithmetic
    }

    fn case_patterns(&mut self, patterns: &[ast::Pattern]) -> Vec<Word> {
        let pattern = |pattern: &ast::Pattern| {
            self.head(pattern.span);
            self.pattern(pattern)
        };
        patterns.iter().map(pattern).collect()
    }

    fn test(&mut self, test: &ast::ConditionalExpr, evaluated: bool, words: &mut Vec<TestWord>) {
        use ast::{ConditionalBinaryOp as B, ConditionalExpr as E, ConditionalUnaryOp as U};
        match test {
            E::Binary(binary) => {
                let evaluated = match binary.op {
                    B::ArithmeticEq
                    | B::ArithmeticNe
                    | B::ArithmeticLe
                    | B::ArithmeticGe
                    | B::ArithmeticLt
                    | B::ArithmeticGt => true,
                    B::RegexMatch
                    | B::NewerThan
                    | B::OlderThan
                    | B::SameFile
                    | B::And
                    | B::Or
                    | B::PatternEqShort
                    | B::PatternEq
                    | B::PatternNe
                    | B::LexicalBefore
                    | B::LexicalAfter => false,
                };
                self.test(&binary.left, evaluated, words);
                self.test(&binary.right, evaluated, words);
            }
            E::Unary(unary) => {
                let evaluated = match unary.op {
                    U::VariableSet | U::ReferenceVariable => true,
                    U::Exists
                    | U::RegularFile
                    | U::Directory
                    | U::CharacterSpecial
                    | U::BlockSpecial
                    | U::NamedPipe
                    | U::Socket
                    | U::Symlink
                    | U::Sticky
                    | U::SetGroupId
                    | U::SetUserId
                    | U::GroupOwned
                    | U::UserOwned
                    | U::Modified
                    | U::Readable
                    | U::Writable
                    | U::Executable
                    | U::NonEmptyFile
                    | U::FdTerminal
                    | U::EmptyString
                    | U::NonEmptyString
                    | U::OptionSet
                    | U::Not => false,
                };
                self.test(&unary.expr, evaluated, words);
            }
            E::Parenthesized(inner) => self.test(&inner.expr, evaluated, words),
            E::Word(word) | E::Regex(word) => {
                words.push(TestWord { word: self.word(word), evaluated });
            }
            E::Pattern(pattern) => {
                words.push(TestWord { word: self.pattern(pattern), evaluated });
            }
            E::VarRef(reference) => {
                let mut word = Word::quoted(reference.name.as_str(), self.span(reference.span));
                if let Some(Index::Key(key)) = self.index(reference.subscript.as_deref()) {
                    word.pieces.extend(key.pieces);
                }
                words.push(TestWord { word, evaluated });
            }
        }
    }

    fn redirect(&mut self, redirect: &ast::Redirect) -> Redirect {
        use ast::RedirectKind as K;
        let kind = match redirect.kind {
            K::Output | K::Clobber => RedirectKind::Write,
            K::Append => RedirectKind::Append,
            K::Input => RedirectKind::Read,
            K::ReadWrite => RedirectKind::ReadWrite,
            K::HereDoc | K::HereDocStrip => RedirectKind::Heredoc,
            K::HereString => RedirectKind::HereString,
            K::DupOutput => RedirectKind::DuplicateOutput,
            K::DupInput => RedirectKind::DuplicateInput,
            K::OutputBoth => RedirectKind::WriteBoth,
        };
        let target = match &redirect.target {
            ast::RedirectTarget::Word(word) => self.word(word),
            ast::RedirectTarget::Heredoc(heredoc) => self.heredoc(heredoc),
        };
        Redirect { fd: redirect.fd, kind, target, span: self.span(redirect.span) }
    }
}

fn is_pipe(op: ast::BinaryOp) -> bool {
    match op {
        ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll => true,
        ast::BinaryOp::And | ast::BinaryOp::Or => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the last link or statement away, as a parser that lost it would.
    fn lose_last(file: &mut shuck_ast::File) {
        let Some(last) = file.body.stmts.last_mut() else { return };
        let kept = match &last.command {
            ast::Command::Binary(binary) => Some((*binary.left).clone()),
            _ => None,
        };
        match kept {
            Some(kept) => *last = kept,
            None => drop(file.body.stmts.pop()),
        }
    }

    #[test]
    fn a_command_that_gets_lost_is_noticed() {
        for text in [
            "ls; rm x",
            "ls\nrm x",
            "ls & rm x",
            "ls && rm x",
            "ls || rm x",
            "ls | rm x",
            "ls |& rm x",
            "ls;\n# a comment\nrm x",
            "cat <<E\nls\nE\nrm x",
            "echo 'a; b' \"c | d\"; rm x",
            "case a in a) ls;; esac; rm x",
            "ls; if a; then rm x; fi",
            "ls; (rm x)",
            "ls; { rm x; }",
            "ls; a=1 rm x",
            "ls; >f rm x",
            "ls; ! rm x",
            "a=(b\nc); rm x",
        ] {
            let mut file = parse::parse(text, Dialect::Bash).unwrap();
            let lowered = |file: &shuck_ast::File| {
                let mut lowering = Lowering {
                    text,
                    dialect: Dialect::Bash,
                    fixed: None,
                    understood: Understood::default(),
                    nesting: 0,
                };
                lowering.script(&file.body);
                witness::check(text, Dialect::Bash, lowering.understood)
            };
            assert_eq!(lowered(&file), Ok(()), "{text}");
            lose_last(&mut file);
            assert!(lowered(&file).is_err(), "{text}");
        }
    }
}
