//! The compiled form of the catalogue: what `build.rs` makes of `catalog/commands`.
//!
//! Everything here is static data. Options and operands that rules speak of have a [`Slot`], a
//! number that is the same throughout an entry; the rest of an entry's options only have an arity.

use ringfence_action::{Attr, EffectKind, OpaqueReason};

use super::handlers::Handler;

/// The number of a name within its entry. [`OP`] is in every entry.
pub(crate) type Slot = u8;

/// The words of the subcommand.
pub(crate) const OP: Slot = 0;

/// A program.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) root: &'static Node,
    /// Names by slot.
    pub(crate) names: &'static [&'static str],
    /// Options and operands that may name an environment: context, namespace, profile…
    pub(crate) environment: &'static [Slot],
}

/// A subcommand, or the program itself.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) body: &'static Body,
    /// Subcommands by word, sorted.
    pub(crate) exact: &'static [(&'static str, &'static Node)],
    /// Subcommands by pattern, the most telling first.
    pub(crate) wild: &'static [(&'static str, &'static Node)],
}

/// What an entry says of one subcommand.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) grammar: Grammar,
    /// Unknown options are of no consequence.
    pub(crate) lenient: bool,
    /// By spelling, sorted.
    pub(crate) options: &'static [(&'static str, Opt)],
    /// The first whose condition holds is used.
    pub(crate) operands: &'static [Operands],
    pub(crate) rules: &'static [Rule],
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
    pub(crate) before: &'static [(Slot, Many)],
    /// Whether what follows `--` goes to `after`.
    pub(crate) separated: bool,
    pub(crate) after: &'static [(Slot, Many)],
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
    Is(Slot, &'static str),
    Like(Slot, &'static str),
    /// Standard input is a pipe, a file or a text.
    Stdin,
    Not(&'static Self),
    All(&'static [Self]),
    Any(&'static [Self]),
}

/// A consequence.
#[derive(Debug)]
pub(crate) enum What {
    Effect {
        kind: EffectKind,
        target: Template,
        settings: &'static [(Attr, Setting)],
    },
    /// The words are a program with its arguments.
    Run(Slot),
    /// The words, joined by blanks, are shell code.
    Shell(Template),
    /// Code in another language.
    Code(&'static str, Template),
    /// A file is run; the language may be `auto`.
    Script(&'static str, Template),
    /// Code comes on standard input.
    Stdin(&'static str),
    /// What the program writes to standard output.
    Out(Output, Template),
    Opaque(OpaqueReason, &'static str),
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
}

/// The value of an attribute.
#[derive(Debug)]
pub(crate) enum Setting {
    Flag,
    FlagIf(Cond),
    Text(Template),
    Set(&'static [&'static str]),
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
pub(crate) struct Template(pub(crate) &'static [Piece]);

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(&'static str),
    Anything,
    Slot { slot: Slot, filter: Filter, default: Option<&'static str> },
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
}

/// The generated tables.
pub(crate) mod table {
    use ringfence_action::{Attr, EffectKind, OpaqueReason};

    use super::{
        Arity, Body, Cond, Entry, Filter, Grammar, Many, Node, Operands, Opt, Output, Piece, Rule,
        ScopeKind, Setting, Template, What,
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
    let found = table::PROGRAMS.binary_search_by(|(known, _, _)| (*known).cmp(name)).ok()?;
    table::PROGRAMS.get(found).map(|(_, shown, entry)| (*shown, *entry))
}
