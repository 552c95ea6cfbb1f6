//! Words into options, subcommands and operands, by the grammar of an entry.

use crate::value::{Span, Value, Word};

use super::rules;
use super::spec::{Arity, Body, Entry, Grammar, Many, Node, OP, Opt, Slot, Text};

/// An invocation, understood.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The proper name of the program.
    pub(crate) name: &'static str,
    pub(crate) entry: &'static Entry,
    /// From the program to the innermost subcommand.
    pub(crate) chain: Vec<&'static Node>,
    /// Options and operands that have a name, in order.
    pub(crate) values: Vec<(Slot, Word)>,
    /// Operands as they stand, before they are dealt out.
    pub(crate) operands: Vec<Word>,
    /// How many operands stand before `--`, if it was given.
    pub(crate) separator: Option<usize>,
    /// Only help or the version is asked for.
    pub(crate) help: bool,
    /// What was not understood: the words and why.
    pub(crate) problems: Vec<(Span, Problem)>,
    /// Standard input is connected to something.
    pub(crate) stdin: bool,
    /// What is the user's own is looked for in another home folder.
    pub(crate) rehomed: bool,
}

/// Something that the catalogue does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    Option(String),
    Subcommand(String),
    /// The word is computed, and options of the program can run code.
    ComputedOption,
    ComputedSubcommand,
}

impl Parsed {
    /// The innermost body: what the catalogue says of this subcommand.
    pub(crate) fn leaf(&self) -> &'static Body {
        self.chain.last().map_or(self.entry.root.body, |node| node.body).get()
    }

    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.values.iter().any(|(given, _)| *given == slot)
    }

    pub(crate) fn words(&self, slot: Slot) -> impl Iterator<Item = &Word> {
        self.values.iter().filter(move |(given, _)| *given == slot).map(|(_, word)| word)
    }

    /// The slot of a name, for handlers.
    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        let index = self.entry.names.iter().position(|known| known.as_str() == name)?;
        Slot::try_from(index).ok()
    }

    /// Whether an option or operand of this name was given.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.slot(name).is_some_and(|slot| self.has(slot))
    }

    /// The words of an option or operand, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Word> {
        let slot = self.slot(name);
        self.values.iter().filter(move |(given, _)| Some(*given) == slot).map(|(_, word)| word)
    }

    /// The last word of an option or operand: later options win.
    pub(crate) fn last(&self, name: &str) -> Option<&Word> {
        self.all(name).last()
    }

    /// The words of the subcommand, joined.
    pub(crate) fn op(&self) -> Option<&str> {
        self.words(OP).next().and_then(|word| word.value.as_known())
    }
}

/// Reads an invocation of `entry`.
pub(crate) fn parse(
    (name, entry): (&'static str, &'static Entry),
    argv: &[Word],
    stdin: bool,
) -> Parsed {
    let parsed = Parsed {
        name,
        entry,
        chain: vec![entry.root.get()],
        values: Vec::new(),
        operands: Vec::new(),
        separator: None,
        help: false,
        problems: Vec::new(),
        stdin,
        rehomed: false,
    };
    let mut reader = Reader { parsed, rest: argv.get(1..).unwrap_or_default(), op: String::new() };
    reader.read();
    let mut parsed = reader.parsed;
    if !reader.op.is_empty() {
        let span = argv.first().map_or(Span::default(), |word| word.span);
        parsed.values.insert(0, (OP, Word::known(reader.op, span)));
    }
    deal(&mut parsed);
    parsed
}

struct Reader<'w> {
    parsed: Parsed,
    rest: &'w [Word],
    op: String,
}

/// The text of a word as far as options are concerned: a pattern keeps its literal beginning.
fn text_of(word: &Word) -> Option<&str> {
    match &word.value {
        Value::Known(text) | Value::Pattern(text) => Some(text),
        Value::OneOf(all) => all.first().map(String::as_str),
        Value::Unknown => None,
    }
}

/// The part of a word behind an option's name.
fn tail_of(word: &Word, tail: &str) -> Word {
    let value = match &word.value {
        Value::Pattern(_) if tail == "**" => Value::Unknown,
        Value::Pattern(_) if tail.contains(['*', '?', '[', '\\']) => {
            Value::Pattern(tail.to_owned())
        }
        _ => Value::known(tail),
    };
    Word::new(value, word.span)
}

impl<'w> Reader<'w> {
    fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn read(&mut self) {
        let mut options_end = false;
        while let Some(word) = self.next() {
            let grammar = self.parsed.leaf().grammar;
            let text = text_of(word);
            if grammar == Grammar::Raw || options_end {
                self.parsed.operands.push(word.clone());
                continue;
            }
            match text {
                Some("--") => {
                    self.parsed.separator = Some(self.parsed.operands.len());
                    options_end = true;
                }
                Some(text) if grammar == Grammar::Dd => self.pair(word, text),
                Some(text) if is_option(text, grammar) => self.option(word, text, grammar),
                // A dash alone is an operand, but for the few that list it: `env - CMD`.
                Some("-") if self.find("-").is_some() => {}
                text => {
                    if self.descend(word, text) {
                        continue;
                    }
                    if text.is_none() && word.splits && self.runs_code() {
                        self.parsed.problems.push((word.span, Problem::ComputedOption));
                    }
                    self.parsed.operands.push(word.clone());
                    options_end = grammar == Grammar::Posix;
                }
            }
        }
    }

    /// Whether a hidden option could run code, so that an unknown word is more than an operand.
    fn runs_code(&self) -> bool {
        let body = self.parsed.leaf();
        body.rules.iter().any(|rule| {
            let slot = match &rule.what {
                super::spec::What::Run(slot) => Some(*slot),
                super::spec::What::Shell(template) | super::spec::What::Code(_, template) => {
                    rules::first_slot(template)
                }
                _ => None,
            };
            slot.is_some_and(|slot| body.options.iter().any(|(_, opt)| opt.slot == Some(slot)))
        })
    }

    /// Takes the word as a subcommand, if there are any.
    fn descend(&mut self, word: &Word, text: Option<&str>) -> bool {
        let Some(node) = self.parsed.chain.last().copied() else { return false };
        if node.exact.is_empty() && node.wild.is_empty() || !self.parsed.operands.is_empty() {
            return false;
        }
        let child = text.filter(|_| word.value.as_known().is_some()).and_then(|text| {
            let exact = node.exact.binary_search_by(|(known, _)| known.as_str().cmp(text));
            match exact.ok().and_then(|index| node.exact.get(index)) {
                Some((_, child)) => Some(child.get()),
                None => node
                    .wild
                    .iter()
                    .find(|(known, _)| rules::like(known, text))
                    .map(|(_, c)| c.get()),
            }
        });
        match (child, text) {
            (Some(child), Some(text)) => {
                self.parsed.chain.push(child);
                if !self.op.is_empty() {
                    self.op.push(' ');
                }
                self.op.push_str(text);
                true
            }
            _ => {
                if node.body.operands.is_empty() && !node.body.lenient {
                    let problem = match word.value.as_known() {
                        Some(text) => Problem::Subcommand(text.to_owned()),
                        None => Problem::ComputedSubcommand,
                    };
                    self.parsed.problems.push((word.span, problem));
                }
                false
            }
        }
    }

    fn set(&mut self, opt: Opt, word: Word) {
        if let Some(slot) = opt.slot {
            self.parsed.values.push((slot, word));
        }
    }

    /// `key=value` of dd.
    fn pair(&mut self, word: &Word, text: &str) {
        if text == "--help" || text == "--version" {
            self.parsed.help = true;
            return;
        }
        let known = text.split_once('=').and_then(|(key, value)| Some((self.find(key)?, value)));
        match known {
            Some((opt, value)) => self.set(opt, tail_of(word, value)),
            None => self.unknown(word, text),
        }
    }

    fn option(&mut self, word: &Word, text: &str, grammar: Grammar) {
        match grammar {
            Grammar::SingleDash | Grammar::Find => self.long(word, text, grammar),
            _ if text.starts_with("--") => self.long(word, text, grammar),
            _ => self.cluster(word, text, grammar),
        }
    }

    fn long(&mut self, word: &Word, text: &str, grammar: Grammar) {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(tail_of(word, value))),
            None => (text, None),
        };
        let opt = self.find(name).or_else(|| match grammar {
            Grammar::SingleDash => name.strip_prefix('-').and_then(|name| self.find(name)),
            _ => None,
        });
        let opt = opt.or_else(|| match grammar {
            Grammar::Gnu | Grammar::Posix | Grammar::Git => self.abbreviated(name),
            _ => None,
        });
        // `--logger:trx`: what .NET has instead of the equals sign.
        let colon = opt.is_none().then(|| text.split_once(':')).flatten();
        if let Some((name, value)) = colon
            && let Some(opt) = self.find(name).filter(|opt| opt.arity != Arity::Flag)
        {
            return self.set(opt, tail_of(word, value));
        }
        let Some(opt) = opt else {
            if grammar == Grammar::Git && self.negated(name) {
                return;
            }
            return self.unknown(word, name);
        };
        match (opt.arity, attached) {
            (Arity::Flag, Some(value)) => {
                if !matches!(value.value.as_known(), Some("false" | "0" | "no")) {
                    self.set(opt, word.clone());
                }
            }
            (_, Some(value)) => self.set(opt, value),
            (Arity::Flag | Arity::Optional, None) => self.set(opt, word.clone()),
            (Arity::Value, None) => {
                if let Some(value) = self.next() {
                    self.set(opt, value.clone());
                }
            }
            (Arity::Rest, None) => self.rest(opt),
            (Arity::Until, None) => self.until(opt),
        }
    }

    fn rest(&mut self, opt: Opt) {
        while let Some(word) = self.next() {
            self.set(opt, word.clone());
        }
    }

    fn until(&mut self, opt: Opt) {
        while let Some(word) = self.next() {
            // Several `-exec` follow each other: the end mark keeps them apart.
            self.set(opt, word.clone());
            if matches!(word.value.as_known(), Some(";" | "+" | r"\;")) {
                break;
            }
        }
    }

    /// `-xvf FILE`, `-n5`, `-5`.
    fn cluster(&mut self, word: &Word, text: &str, grammar: Grammar) {
        // Spelled as a whole: a long name with one dash among short ones.
        let whole = text.split_once('=').map_or(text, |(name, _)| name);
        if whole.len() > 2 && self.find(whole).is_some() {
            return self.long(word, text, grammar);
        }
        let digits = text.get(1..).unwrap_or_default();
        if !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && let Some(opt) = self.find("-#")
        {
            return self.set(opt, word.clone());
        }
        for (at, letter) in digits.char_indices() {
            let mut name = [b'-'; 5];
            let Some(buffer) = name.get_mut(1..) else { return };
            let length = letter.encode_utf8(buffer).len();
            let name = name.get(..=length).and_then(|name| std::str::from_utf8(name).ok());
            let Some(opt) = name.and_then(|name| self.find(name)) else {
                return self.unknown(word, name.unwrap_or(text));
            };
            let tail = digits.get(at + letter.len_utf8()..).unwrap_or_default();
            match opt.arity {
                Arity::Flag => self.set(opt, word.clone()),
                Arity::Value | Arity::Optional if !tail.is_empty() => {
                    let short = tail.strip_prefix('=').filter(|_| grammar == Grammar::Subcommand);
                    return self.set(opt, tail_of(word, short.unwrap_or(tail)));
                }
                Arity::Optional => self.set(opt, word.clone()),
                Arity::Value => {
                    if let Some(value) = self.next() {
                        self.set(opt, value.clone());
                    }
                    return;
                }
                Arity::Rest => return self.rest(opt),
                Arity::Until => return self.until(opt),
            }
        }
    }

    /// The option as the innermost subcommand knows it, or else an outer one.
    fn find(&self, name: &str) -> Option<Opt> {
        self.parsed.chain.iter().rev().find_map(|node| {
            let options = node.body.options;
            let exact = options.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok();
            match exact.and_then(|index| options.get(index)) {
                Some((_, opt)) => Some(*opt),
                None => family(&options, name),
            }
        })
    }

    /// A long name that begins like this; all candidates must mean the same.
    fn abbreviated(&self, name: &str) -> Option<Opt> {
        if name.len() < 3 {
            return None;
        }
        self.parsed.chain.iter().rev().find_map(|node| {
            let mut found: Option<Opt> = None;
            for (_, opt) in node.body.options.iter().filter(|(known, _)| known.starts_with(name)) {
                match found {
                    Some(other) if other.slot != opt.slot || other.arity != opt.arity => {
                        return None;
                    }
                    _ => found = Some(*opt),
                }
            }
            found
        })
    }

    /// `--no-force` takes back `--force`.
    fn negated(&mut self, name: &str) -> bool {
        let Some(positive) = name.strip_prefix("--no-").map(|name| format!("--{name}")) else {
            return false;
        };
        let Some(opt) = self.find(&positive) else { return false };
        if let Some(slot) = opt.slot {
            self.parsed.values.retain(|(given, _)| *given != slot);
        }
        true
    }

    fn unknown(&mut self, word: &Word, name: &str) {
        let no_operand_yet = self.parsed.operands.is_empty();
        let grammar = self.parsed.leaf().grammar;
        let permutes = matches!(grammar, Grammar::Subcommand | Grammar::Git);
        let alone = self.rest.is_empty() && no_operand_yet;
        if matches!(name, "--help" | "--version" | "-help" | "-version")
            && (no_operand_yet || permutes)
            || alone && self.parsed.values.is_empty() && matches!(name, "-h" | "-V" | "-?")
        {
            self.parsed.help = true;
        } else if !self.parsed.leaf().lenient && !refused(name, grammar) {
            self.parsed.problems.push((word.span, Problem::Option(name.to_owned())));
        }
    }
}

/// Whether no program of this grammar has such an option: it ends with an error. `grep '--- FAIL'`.
fn refused(name: &str, grammar: Grammar) -> bool {
    grammar == Grammar::Gnu && name.starts_with("--") && name.contains(char::is_whitespace)
}

/// An option of a family such as `--define:*`, whose names go on as they like; the closest family counts.
fn family(options: &[(Text, Opt)], name: &str) -> Option<Opt> {
    let member = |known: &str| known.strip_suffix('*').is_some_and(|head| name.starts_with(head));
    let members = options.iter().filter(|(known, _)| member(known));
    members.max_by_key(|(known, _)| known.len()).map(|(_, opt)| *opt)
}

fn is_option(text: &str, grammar: Grammar) -> bool {
    match grammar {
        Grammar::Find => {
            text.starts_with('-') && text.len() > 1 || matches!(text, "!" | "(" | ")" | ",")
        }
        _ => text.starts_with('-') && text.len() > 1,
    }
}

/// Deals operands out to the names of the first pattern whose condition holds.
fn deal(parsed: &mut Parsed) {
    let body = parsed.leaf();
    let holds = |when: &Option<_>| when.as_ref().is_none_or(|when| rules::holds(when, parsed));
    let Some(pattern) = body.operands.iter().find(|pattern| holds(&pattern.when)) else { return };
    let operands = parsed.operands.clone();
    let at = match parsed.separator {
        Some(at) if pattern.separated => at,
        _ => operands.len(),
    };
    let (before, after) = operands.split_at_checked(at).unwrap_or((&operands, &[]));
    deal_part(parsed, &pattern.before, before);
    deal_part(parsed, &pattern.after, after);
}

fn deal_part(parsed: &mut Parsed, names: &[(Slot, Many)], operands: &[Word]) {
    let mut operands: Vec<&Word> = operands.iter().collect();
    let stops = parsed.leaf().grammar == Grammar::Posix;
    let needed = |names: &[(Slot, Many)]| {
        names.iter().filter(|(_, many)| matches!(many, Many::One | Many::Some)).count()
    };
    for (index, (slot, many)) in names.iter().enumerate() {
        let others = needed(names.get(index + 1..).unwrap_or_default());
        let free = operands.len().saturating_sub(others);
        let rest = names.get(index + 1..).unwrap_or_default();
        let maybes = rest.iter().filter(|(_, many)| *many == Many::Maybe).count();
        let take = match many {
            Many::One => 1.min(operands.len()),
            Many::Maybe => free.min(1),
            Many::Any => free.saturating_sub(maybes),
            Many::Some => free.saturating_sub(maybes).max(1).min(operands.len()),
            Many::Assignments => {
                let given: Vec<&Word>;
                if stops {
                    let count = operands.iter().take_while(|word| is_setting(word)).count();
                    given = operands.drain(..count).collect();
                } else {
                    (given, operands) = operands.into_iter().partition(|word| is_assignment(word));
                }
                parsed.values.extend(given.into_iter().map(|word| (*slot, word.clone())));
                continue;
            }
        };
        let taken: Vec<_> = operands.drain(..take).map(|word| (*slot, word.clone())).collect();
        parsed.values.extend(taken);
    }
}

/// `NAME=value`.
pub(crate) fn is_assignment(word: &Word) -> bool {
    let Some((name, _)) = text_of(word).and_then(|text| text.split_once('=')) else { return false };
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Anything that `env` puts into the environment: whatever has an equals sign in it.
fn is_setting(word: &Word) -> bool {
    text_of(word).is_some_and(|text| text.find('=').is_some_and(|at| at > 0))
}

/// `NAME` and the value of an assignment.
pub(crate) fn assignment(word: &Word) -> Option<(String, Value)> {
    let (name, value) = text_of(word)?.split_once('=')?;
    Some((name.to_owned(), tail_of(word, value).value))
}
