//! Our own tree of a shell program: what the interpreter needs, and nothing of the parser's types.
//!
//! Words keep their quoting: a [`Piece`] is either text that stands for itself, text in which
//! blanks, globs, braces and tildes still mean something, or an expansion. Every construct that
//! runs a command is a node of its own, so that no command can hide in a string.

use std::rc::Rc;

use crate::value::Span;

/// A sequence of statements.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) statements: Vec<Statement>,
}

/// One command with its redirections.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) node: Node,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) background: bool,
    pub(crate) span: Span,
}

/// What a statement does.
#[derive(Debug)]
pub(crate) enum Node {
    /// A program, builtin or function with its arguments, or assignments alone.
    Simple(Simple),
    /// `export`, `declare`… whose operands may be assignments of arrays.
    Declare(Declare),
    /// `a | b`.
    Pipeline(Vec<Statement>),
    /// `a && b || c`.
    List(Box<Statement>, Vec<(Connector, Statement)>),
    /// `{ …; }`.
    Group(Script),
    /// `( … )`.
    Subshell(Script),
    /// Conditions with their branches, and what happens otherwise.
    If(Vec<(Script, Script)>, Option<Script>),
    /// `for`, `foreach` and `select`.
    For(For),
    /// `while` and `until`.
    While(Script, Script),
    /// `for ((;;))`.
    ArithmeticFor(Vec<Arithmetic>, Script),
    /// Zsh's `repeat N`.
    Repeat(Word, Script),
    /// `case`.
    Case(Word, Vec<Arm>),
    /// `(( … ))`.
    Arithmetic(Arithmetic),
    /// `[[ … ]]`: the words in it, each with what is done to it.
    Test(Vec<TestWord>),
    /// `time …`.
    Time(Option<Box<Statement>>),
    /// `coproc …`.
    Coprocess(Box<Statement>),
    /// Zsh's `{ … } always { … }`.
    Always(Script, Script),
    /// Names given to a body.
    Define(Vec<Word>, Rc<Statement>),
    /// Zsh's `() { … } args`.
    CallAnonymous(Rc<Statement>, Vec<Word>),
}

/// Between two commands of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connector {
    And,
    Or,
}

/// A program, builtin or function with its arguments.
#[derive(Debug, Default)]
pub(crate) struct Simple {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) words: Vec<Word>,
}

impl Simple {
    /// Neither assigns nor runs anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.assignments.is_empty() && self.words.is_empty()
    }

    /// `exec` without a program: its redirections are those of the shell from now on.
    pub(crate) fn is_exec_alone(&self) -> bool {
        matches!(self.words.as_slice(), [word]
            if matches!(word.pieces.as_slice(), [Piece::Bare(name)] if name == "exec"))
    }
}

/// A declaring builtin.
#[derive(Debug)]
pub(crate) struct Declare {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) builtin: String,
    pub(crate) operands: Vec<Operand>,
}

/// An operand of a declaring builtin.
#[derive(Debug)]
pub(crate) enum Operand {
    Word(Word),
    Assignment(Assignment),
}

/// `for NAME… in WORD…`.
#[derive(Debug)]
pub(crate) struct For {
    pub(crate) names: Vec<String>,
    /// `None`: the positional parameters.
    pub(crate) words: Option<Vec<Word>>,
    pub(crate) body: Script,
    /// The user picks, so that any of the words may come, in any order.
    pub(crate) select: bool,
}

/// One arm of a `case`.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: Script,
    /// `;&` and `;;&`: the next arm may run too.
    pub(crate) falls_through: bool,
}

/// A word of `[[ … ]]`.
#[derive(Debug)]
pub(crate) struct TestWord {
    pub(crate) word: Word,
    /// Evaluated as arithmetic (`-eq`), or as the name of a variable (`-v`): either way subscripts
    /// in its value run what they substitute.
    pub(crate) evaluated: bool,
}

/// `NAME=…`, `NAME[…]=…`, `NAME=(…)`.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) index: Option<Index>,
    pub(crate) value: Assigned,
    pub(crate) append: bool,
    pub(crate) span: Span,
}

/// The right side of an assignment.
#[derive(Debug)]
pub(crate) enum Assigned {
    Scalar(Word),
    Array(Vec<(Option<Index>, Word)>),
}

/// A redirection.
#[derive(Debug)]
pub(crate) struct Redirect {
    /// The descriptor, if written.
    pub(crate) fd: Option<i32>,
    pub(crate) kind: RedirectKind,
    pub(crate) target: Word,
    pub(crate) span: Span,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectKind {
    /// `>` and `>|`.
    Write,
    /// `>>`.
    Append,
    /// `&>`.
    WriteBoth,
    /// `<`.
    Read,
    /// `<>`.
    ReadWrite,
    /// `>&`.
    DuplicateOutput,
    /// `<&`.
    DuplicateInput,
    /// `<<`: the target is the body.
    Heredoc,
    /// `<<<`.
    HereString,
}

/// A word before expansion.
#[derive(Debug, Default)]
pub(crate) struct Word {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) span: Span,
}

impl Word {
    /// `$(…)` or `"$(…)"`, and nothing else.
    pub(crate) fn is_substitution(&self) -> bool {
        match self.pieces.as_slice() {
            [Piece::Command(..)] => true,
            [Piece::Double(inner)] => matches!(inner.as_slice(), [Piece::Command(..)]),
            _ => false,
        }
    }
}

/// A part of a word.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Unquoted text.
    Bare(String),
    /// Text that stands for itself.
    Quoted(String),
    /// `"…"`: its expansions do not split.
    Double(Vec<Self>),
    /// `$x`, `${x…}`.
    Parameter(Box<Parameter>),
    /// `$(…)`, `` `…` ``.
    Command(Box<Script>, Span),
    /// `$((…))`.
    Arithmetic(Box<Arithmetic>),
    /// `<(…)`: true, `>(…)`: false.
    Process(Box<Script>, bool, Span),
    /// Words that are expanded, but whose joint text is not modelled (extended globs, zsh flags).
    Pattern(Vec<Word>),
    /// Something that would run code which is not known.
    Opaque(&'static str, Span),
}

/// A parameter with what is done to it.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) reference: Reference,
    pub(crate) operation: Operation,
    pub(crate) span: Span,
}

/// A variable or an element of it.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) index: Option<Index>,
}

/// A subscript.
#[derive(Debug)]
pub(crate) enum Index {
    /// `[@]`.
    At,
    /// `[*]`.
    Star,
    /// Arithmetic, or the key of an associative array.
    Key(Word),
}

/// What `${…}` does with the value.
#[derive(Debug)]
pub(crate) enum Operation {
    /// `$x`, `${x}`.
    Get,
    /// `${#x}`.
    Length,
    /// `${!a[@]}`.
    Keys,
    /// `${!prefix*}`.
    Names,
    /// `${!x}`, and what is done to what it names.
    Indirect(Box<Self>),
    /// `${x:-w}`; the flag is the colon.
    Default(bool, Word),
    /// `${x:=w}`.
    AssignDefault(bool, Word),
    /// `${x:+w}`.
    Alternative(bool, Word),
    /// `${x:?w}`.
    Error(Word),
    /// `${x:o:l}`.
    Slice(Arithmetic, Option<Arithmetic>),
    /// `${x#p}` and `${x##p}` (greedy).
    TrimPrefix(Word, bool),
    /// `${x%p}` and `${x%%p}` (greedy).
    TrimSuffix(Word, bool),
    /// `${x/p/r}` and `${x//p/r}` (all).
    Replace(Word, Word, bool),
    /// `${x^}`, `${x^^}`, `${x,}`, `${x,,}`.
    Case { upper: bool, all: bool },
    /// `${x@Q}` and other transformations.
    Transform(char),
    /// Words that are expanded, but whose effect on the value is not modelled.
    Unmodelled(Vec<Word>),
}

/// An arithmetic expression.
#[derive(Debug, Default)]
pub(crate) struct Arithmetic {
    /// The text with its expansions, all of which happen first.
    pub(crate) text: Word,
    /// The structure, where it is known.
    pub(crate) expression: Option<Expression>,
}

/// The structure of an arithmetic expression.
#[derive(Debug)]
pub(crate) enum Expression {
    Number(i64),
    Variable(String),
    /// An array element: what it holds is evaluated.
    Element(String, Box<Self>),
    Word(Word),
    Negate(Box<Self>),
    /// Some other operator with its operands.
    Apply(Operator, Vec<Self>),
    /// The variable gets the value; `None` as operator for `=`.
    Assign(String, Option<Operator>, Box<Self>),
    /// Operands are evaluated; the result is some number.
    Other(Vec<Self>),
}

/// Operators that are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
    Comma,
}
