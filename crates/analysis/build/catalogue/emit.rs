//! Entries as the text of static Rust data: nothing is parsed when Ringfence starts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::{Command, Entry, Grammar};
use super::names::Names;
use super::rule;

/// The generated file, one entry after the other.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    text: String,
    statics: usize,
    /// Every name that a program goes by, with its proper name and the static that describes it.
    programs: BTreeMap<String, (String, String)>,
}

/// A subcommand in the tree of words.
#[derive(Debug, Default)]
struct Node {
    body: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn has_gap(&self) -> bool {
        self.body.is_none() || self.children.values().any(Self::has_gap)
    }
}

impl Emitter {
    /// Adds one entry.
    pub(crate) fn entry(&mut self, entry: Entry) -> Result<(), String> {
        let own = std::iter::once(&entry.name).chain(&entry.aliases);
        let mut known: Vec<(String, String)> =
            own.map(|name| (name.clone(), entry.name.clone())).collect();
        known.extend(entry.also.iter().map(|name| (name.clone(), name.clone())));
        let environment = entry.environment.clone();
        if entry.about.is_empty() || !entry.about.ends_with('.') {
            return Err("`about` should be one sentence".to_owned());
        }
        let (root, commands) = entry.split();
        let names = names(&root, &commands)?;

        let mut tree = Node { body: Some(self.body(&root, None, &names)?), ..Node::default() };
        for (key, command) in &commands {
            let body = self
                .body(command, Some(&root), &names)
                .map_err(|error| format!("[{key}] {error}"))?;
            for path in key.split('|') {
                let mut node = &mut tree;
                for word in path.split_whitespace() {
                    node = node.children.entry(word.to_owned()).or_default();
                }
                if node.body.replace(body.clone()).is_some() {
                    return Err(format!("`{}` is described twice", path.trim()));
                }
            }
        }
        // Words in the middle of a path, such as `remote` of `remote set-url`, do nothing of their own.
        let empty = if tree.has_gap() {
            self.body(&Command::default(), Some(&root), &names)?
        } else {
            String::new()
        };
        let root = self.node(&tree, &empty);
        let mut slots = Vec::new();
        for word in environment.split_whitespace() {
            slots.push(names.find(word)?.to_string());
        }
        let symbol = self.fresh("ENTRY");
        let _ = writeln!(
            self.text,
            "static {symbol}: Entry = Entry {{ root: &{root}, names: &{:?}, environment: &[{}] }};",
            names.all(),
            slots.join(", ")
        );
        for (name, shown) in known {
            if self.programs.insert(name.clone(), (shown, symbol.clone())).is_some() {
                return Err(format!("`{name}` is the name of another entry already"));
            }
        }
        Ok(())
    }

    /// The whole file.
    pub(crate) fn finish(mut self) -> String {
        let _ =
            writeln!(self.text, "/// Every name of every program, sorted, with its proper name.");
        let _ = writeln!(self.text, "pub(crate) static PROGRAMS: &[(&str, &str, &Entry)] = &[");
        for (name, (shown, symbol)) in &self.programs {
            let _ = writeln!(self.text, "    ({name:?}, {shown:?}, &{symbol}),");
        }
        self.text.push_str("];\n");
        self.text
    }

    fn fresh(&mut self, what: &str) -> String {
        self.statics += 1;
        format!("{what}_{}", self.statics)
    }

    fn node(&mut self, node: &Node, empty: &str) -> String {
        let (mut exact, mut wild) = (Vec::new(), Vec::new());
        for (word, child) in &node.children {
            let symbol = self.node(child, empty);
            let list = if word.contains('*') { &mut wild } else { &mut exact };
            list.push((word.clone(), symbol));
        }
        // The pattern that says most comes first.
        wild.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        let list = |children: &[(String, String)]| {
            let children = children.iter().map(|(word, symbol)| format!("({word:?}, &{symbol})"));
            children.collect::<Vec<_>>().join(", ")
        };
        let symbol = self.fresh("NODE");
        let body = node.body.as_deref().unwrap_or(empty);
        let _ = writeln!(
            self.text,
            "static {symbol}: Node = Node {{ body: &{body}, exact: &[{}], wild: &[{}] }};",
            list(&exact),
            list(&wild)
        );
        symbol
    }

    fn body(
        &mut self,
        command: &Command,
        root: Option<&Command>,
        names: &Names,
    ) -> Result<String, String> {
        let root_grammar = root.and_then(|root| root.grammar);
        let grammar = command.grammar.or(root_grammar).unwrap_or(Grammar::Gnu);
        let lenient = command.lenient.or(root.and_then(|root| root.lenient)).unwrap_or(false);
        let options = options(command, names)?;
        let mut operands = Vec::new();
        for line in command.operands.iter() {
            operands.push(operand_pattern(line, names)?);
        }
        let mut rules = Vec::new();
        for line in command.effects.iter() {
            let rule = rule::rule(line, names).map_err(|error| format!("`{line}`: {error}"))?;
            rules.push(rule);
        }
        let handler = match &command.handler {
            Some(name) => format!("Some(Handler::{})", camel(name)),
            None => "None".to_owned(),
        };
        let symbol = self.fresh("BODY");
        let _ = writeln!(
            self.text,
            "static {symbol}: Body = Body {{ grammar: Grammar::{grammar:?}, lenient: {lenient}, \
             options: &[{}], operands: &[{}], rules: &[{}], handler: {handler} }};",
            options.join(", "),
            operands.join(", "),
            rules.join(", ")
        );
        Ok(symbol)
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::new();
    for part in name.split('-') {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        camel.extend(chars);
    }
    camel
}

/// Every name that an option or operand of this entry defines.
fn names(root: &Command, commands: &BTreeMap<String, Command>) -> Result<Names, String> {
    let mut names = Names::new();
    for command in std::iter::once(root).chain(commands.values()) {
        for meaning in command.option.values() {
            names.define(meaning.trim_end_matches(['=', '?', '.', ';']))?;
        }
        for line in command.operands.iter() {
            let (_, pattern) = rule::guarded(line);
            for part in pattern.split_whitespace().filter(|part| *part != "--") {
                names.define(part.trim_end_matches(['*', '+', '?', '=']))?;
            }
        }
    }
    Ok(names)
}

fn options(command: &Command, names: &Names) -> Result<Vec<String>, String> {
    let mut options: BTreeMap<&str, String> = BTreeMap::new();
    let plain =
        [(&command.flags, "Flag"), (&command.values, "Value"), (&command.optional, "Optional")];
    let plain = plain.into_iter().map(|(spelled, arity)| (spelled.as_str(), arity, None));
    let mut named = Vec::new();
    for (spelled, meaning) in &command.option {
        let (name, arity) = match meaning {
            name if name.ends_with("=?") => (name.trim_end_matches("=?"), "Optional"),
            name if name.ends_with('=') => (name.trim_end_matches('='), "Value"),
            name if name.ends_with("...") => (name.trim_end_matches('.'), "Rest"),
            name if name.ends_with(';') => (name.trim_end_matches(';'), "Until"),
            name => (name.as_str(), "Flag"),
        };
        named.push((spelled.as_str(), arity, Some(names.find(name)?)));
    }
    for (spelled, arity, slot) in plain.chain(named) {
        for option in spelled.split_whitespace() {
            let text = format!("({option:?}, Opt {{ arity: Arity::{arity}, slot: {slot:?} }})");
            let other = options.insert(option, text.clone());
            if other.is_some_and(|other| other != text) {
                return Err(format!("option `{option}` is described twice"));
            }
        }
    }
    Ok(options.into_values().collect())
}

/// `CONDITION -> source+ target`, `pattern files*`, `pod -- command*`.
fn operand_pattern(line: &str, names: &Names) -> Result<String, String> {
    let (when, pattern) = rule::guarded(line);
    let when = match when {
        Some(text) => format!("Some({})", rule::condition(text, names)?),
        None => "None".to_owned(),
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut list = &mut before;
    let mut separated = false;
    for part in pattern.split_whitespace() {
        if part == "--" {
            separated = true;
            list = &mut after;
            continue;
        }
        let (name, many) = match part {
            part if part.ends_with("=*") => (part.trim_end_matches("=*"), "Assignments"),
            part if part.ends_with('*') => (part.trim_end_matches('*'), "Any"),
            part if part.ends_with('+') => (part.trim_end_matches('+'), "Some"),
            part if part.ends_with('?') => (part.trim_end_matches('?'), "Maybe"),
            part => (part, "One"),
        };
        list.push(format!("({}, Many::{many})", names.find(name)?));
    }
    Ok(format!(
        "Operands {{ when: {when}, before: &[{}], separated: {separated}, after: &[{}] }}",
        before.join(", "),
        after.join(", ")
    ))
}
