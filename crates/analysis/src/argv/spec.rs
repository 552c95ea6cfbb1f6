//! The compiled form of the catalogue: what `build.rs` makes of `catalog/commands`.
//!
//! Everything here is static data in tables, one for each type: a [`Row`] is a place in one, a
//! [`List`] several that follow each other, a [`Text`] a place in the text of all entries. They are
//! used like references, but are numbers, which need not be put right when the program starts.
//!
//! Options and operands that rules speak of have a [`Slot`], a number that is the same throughout an
//! entry; the rest of an entry's options only have an arity.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use ringfence_action::{Attr, EffectKind, OpaqueReason};

use super::handlers::Handler;

/// The number of a name within its entry. [`OP`] is in every entry.
pub(crate) type Slot = u8;

/// The words of the subcommand.
pub(crate) const OP: Slot = 0;

/// A program.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) root: Row<Node>,
    /// Names by slot.
    pub(crate) names: List<Text>,
    /// Options and operands that may name an environment: context, namespace, profile…
    pub(crate) environment: List<Slot>,
}

/// A subcommand, or the program itself.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) body: Row<Body>,
    /// Subcommands by word, sorted.
    pub(crate) exact: List<(Text, Row<Node>)>,
    /// Subcommands by pattern, the most telling first.
    pub(crate) wild: List<(Text, Row<Node>)>,
}

/// What an entry says of one subcommand.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) grammar: Grammar,
    /// Unknown options are of no consequence.
    pub(crate) lenient: bool,
    /// By spelling, sorted.
    pub(crate) options: List<(Text, Opt)>,
    /// The first whose condition holds is used.
    pub(crate) operands: List<Operands>,
    pub(crate) rules: List<Rule>,
    pub(crate) handler: Option<Handler>,
}

/// How options are told from operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Options anywhere before `--`, clusters of letters, long names abbreviated.
    Gnu,
    /// Like [`Grammar::Gnu`], but options end at the first operand.
    Posix,
    /// Long names with one dash (`-auto-approve`), no clusters.
    SingleDash,
    /// Like [`Grammar::SingleDash`]; operands come first, options are an expression.
    Find,
    /// `key=value`.
    Dd,
    /// Options anywhere before `--`, no abbreviations.
    Subcommand,
    /// Like [`Grammar::Gnu`], with `--no-…` for every long name.
    Git,
    /// No options at all.
    Raw,
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    pub(crate) arity: Arity,
    pub(crate) slot: Option<Slot>,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    /// Nothing.
    Flag,
    /// A value, attached or in the next word.
    Value,
    /// A value if attached.
    Optional,
    /// All the words that remain.
    Rest,
    /// The words up to `;` or `+`.
    Until,
}

/// How operands are dealt out.
#[derive(Debug)]
pub(crate) struct Operands {
    pub(crate) when: Option<Cond>,
    pub(crate) before: List<(Slot, Many)>,
    /// Whether what follows `--` goes to `after`.
    pub(crate) separated: bool,
    pub(crate) after: List<(Slot, Many)>,
}

/// How many operands a name takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    /// One.
    One,
    /// One, if there are more than others need.
    Maybe,
    /// None or more.
    Any,
    /// One or more.
    Some,
    /// Those of the form `NAME=value`.
    Assignments,
}

/// One consequence and its condition.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) when: Option<Cond>,
    pub(crate) what: What,
    pub(crate) scope: Option<(ScopeKind, Template)>,
}

/// A condition over what was given.
#[derive(Debug)]
pub(crate) enum Cond {
    Has(Slot),
    Is(Slot, Text),
    Like(Slot, Text),
    /// Standard input is a pipe, a file or a text.
    Stdin,
    /// The home folder is another one than the user's.
    Rehomed,
    Not(Row<Self>),
    All(List<Self>),
    Any(List<Self>),
}

/// A consequence.
#[derive(Debug)]
pub(crate) enum What {
    Effect {
        kind: EffectKind,
        target: Template,
        settings: List<(Attr, Setting)>,
    },
    /// The words are a program with its arguments.
    Run(Slot),
    /// The words, joined by blanks, are shell code.
    Shell(Template),
    /// Code in another language.
    Code(Text, Template),
    /// A file is run; the language may be `auto`.
    Script(Text, Template),
    /// Code comes on standard input.
    Stdin(Text),
    /// What the program writes to standard output.
    Out(Output, Template),
    Opaque(OpaqueReason, Text),
}

impl What {
    /// Whether something else runs by it, with effects of its own.
    pub(crate) fn leads_on(&self) -> bool {
        match self {
            Self::Run(_) | Self::Shell(_) | Self::Code(..) | Self::Script(..) | Self::Stdin(_) => {
                true
            }
            Self::Effect { .. } | Self::Out(..) | Self::Opaque(..) => false,
        }
    }
}

/// What standard output carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    None,
    /// What came in.
    Stdin,
    /// What came in or was read, changed.
    Filtered,
    Network,
    File,
    /// The words themselves.
    Text,
    /// Code that sets up the shell which runs it.
    Setup,
}

/// The value of an attribute.
#[derive(Debug)]
pub(crate) enum Setting {
    Flag,
    FlagIf(Cond),
    Text(Template),
    Set(List<Text>),
    Count(Template),
}

/// The scope that a consequence is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Container,
    Remote,
    Cluster,
}

/// Text with holes.
#[derive(Debug)]
pub(crate) struct Template(pub(crate) List<Piece>);

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(Text),
    Anything,
    Slot { slot: Slot, filter: Filter, default: Option<Text> },
}

/// What is taken from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    None,
    /// The host of a URL or of `user@host:path`.
    Host,
    /// The absolute path.
    Path,
    /// The environment that the name hints at.
    Environment,
    /// In capitals.
    Upper,
    /// The last component.
    Base,
    /// Of words that name groups, a verb and what it is done to, the last; all where no verb is among them.
    Object,
    /// The folder that a repository of this URL is cloned into.
    Repository,
    /// The path of a `file:` address.
    File,
}

/// A text of the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    start: u32,
    length: u16,
}

impl Text {
    const fn at(start: u32, length: u16) -> Self {
        Self { start, length }
    }

    /// The text itself.
    pub(crate) fn as_str(self) -> &'static str {
        let (start, length) = (self.start as usize, usize::from(self.length));
        table::POOL.get(start..start + length).unwrap_or_default()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// Something that has a table.
pub(crate) trait Tabled: Sized + 'static {
    /// All of them.
    fn table() -> &'static [Self];
}

/// Rows of a table that follow each other.
#[derive(Debug)]
pub(crate) struct List<T> {
    start: u32,
    length: u16,
    of: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    const fn at(start: u32, length: u16) -> Self {
        Self { start, length, of: PhantomData }
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T: Tabled> List<T> {
    /// The rows themselves.
    pub(crate) fn rows(self) -> &'static [T] {
        let (start, length) = (self.start as usize, usize::from(self.length));
        T::table().get(start..start + length).unwrap_or_default()
    }
}

impl<T: Tabled> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.rows()
    }
}

impl<T: Tabled> IntoIterator for List<T> {
    type Item = &'static T;
    type IntoIter = std::slice::Iter<'static, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows().iter()
    }
}
/// A row of a table.
#[derive(Debug)]
pub(crate) struct Row<T> {
    number: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Row<T> {
    const fn at(number: u32) -> Self {
        Self { number, of: PhantomData }
    }
}

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Row<T> {}

impl<T: Tabled> Row<T> {
    /// The row itself.
    #[expect(
        clippy::indexing_slicing,
        reason = "rows are numbered where the table is made, and a test looks at each"
    )]
    pub(crate) fn get(self) -> &'static T {
        &T::table()[self.number as usize]
    }
}

impl<T: Tabled> Deref for Row<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.get()
    }
}

macro_rules! tabled {
    ($($row:ty => $table:ident,)+) => {$(
        impl Tabled for $row {
            fn table() -> &'static [Self] {
                table::$table
            }
        }
    )+};
}

tabled! {
    Body => BODIES,
    (Text, Row<Node>) => BRANCHES,
    Cond => CONDITIONS,
    (Slot, Many) => DEALT,
    Entry => ENTRIES,
    Node => NODES,
    Operands => OPERANDS,
    (Text, Opt) => OPTIONS,
    Piece => PIECES,
    Rule => RULES,
    (Attr, Setting) => SETTINGS,
    Slot => SLOTS,
    Text => TEXTS,
}

/// The generated tables.
pub(crate) mod table {
    use ringfence_action::{Attr, EffectKind, OpaqueReason};

    use super::{
        Arity, Body, Cond, Entry, Filter, Grammar, List, Many, Node, Operands, Opt, Output, Piece,
        Row, Rule, ScopeKind, Setting, Slot, Template, Text, What,
    };
    use crate::argv::handlers::Handler;

    include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));
}

/// The proper name and the entry for a program's base name. A version behind the name (`python3.12`) or `.exe` is no
/// other program.
pub(crate) fn entry(name: &str) -> Option<(&'static str, &'static Entry)> {
    if let Some(entry) = exact(name) {
        return Some(entry);
    }
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_suffix(".exe").unwrap_or(&lower);
    let unversioned =
        bare.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    [bare, unversioned]
        .into_iter()
        .filter(|other| *other != name && !other.is_empty())
        .find_map(exact)
}

fn exact(name: &str) -> Option<(&'static str, &'static Entry)> {
    let found = table::PROGRAMS.binary_search_by(|(known, _, _)| known.as_str().cmp(name)).ok()?;
    table::PROGRAMS.get(found).map(|(_, shown, entry)| (shown.as_str(), entry.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number in the tables is the number of something.
    #[test]
    fn every_row_is_there() {
        fn all<T>(list: List<T>) -> usize
        where
            T: Tabled,
        {
            assert_eq!(list.rows().len(), usize::from(list.length));
            list.rows().len()
        }
        fn said(text: Text) {
            assert_eq!(text.as_str().len(), usize::from(text.length));
        }
        for (name, shown, entry) in table::PROGRAMS {
            said(*name);
            said(*shown);
            all(entry.names);
            all(entry.environment);
            assert!(!entry.root.body.get().lenient || !entry.names.is_empty(), "{name}");
        }
        let mut rules = 0;
        for node in table::NODES {
            all(node.exact);
            all(node.wild);
            for (word, child) in node.exact.into_iter().chain(node.wild) {
                said(*word);
                rules += child.body.rules.len();
            }
            all(node.body.options);
            all(node.body.operands);
            all(node.body.rules);
        }
        assert!(rules > 1_000);
        table::TEXTS.iter().copied().for_each(said);
        for condition in table::CONDITIONS {
            match condition {
                Cond::Is(_, text) | Cond::Like(_, text) => said(*text),
                Cond::Not(inner) => assert!(!matches!(inner.get(), Cond::Not(_))),
                Cond::All(terms) | Cond::Any(terms) => assert!(all(*terms) > 1),
                Cond::Has(_) | Cond::Stdin | Cond::Rehomed => {}
            }
        }
    }
}
