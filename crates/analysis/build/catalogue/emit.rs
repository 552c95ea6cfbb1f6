//! Entries as rows of the tables that are compiled in: nothing is parsed when Ringfence starts.

use std::collections::BTreeMap;

use super::format::{Command, Entry, Grammar};
use super::names::Names;
use super::rule;
use super::tables::Tables;

/// The generated file, one entry after the other.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    tables: Tables,
    /// Every name that a program goes by, with its proper name and the row that describes it.
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
        let environment = self.tables.list("SLOTS", slots);
        let names = self.tables.texts(names.all().iter().map(String::as_str));
        let row = format!("Entry {{ root: {root}, names: {names}, environment: {environment} }}");
        let entry = self.tables.row("ENTRIES", row);
        for (name, shown) in known {
            if self.programs.insert(name.clone(), (shown, entry.clone())).is_some() {
                return Err(format!("`{name}` is the name of another entry already"));
            }
        }
        Ok(())
    }

    /// The whole file. `PROGRAMS` has every name of every program, sorted, with its proper name.
    pub(crate) fn finish(mut self) -> String {
        let mut rows = Vec::new();
        for (name, (shown, entry)) in &self.programs {
            let (name, shown) = (self.tables.text(name), self.tables.text(shown));
            rows.push(format!("({name}, {shown}, {entry})"));
        }
        self.tables.list("PROGRAMS", rows);
        self.tables.finish()
    }

    fn node(&mut self, node: &Node, empty: &str) -> String {
        let (mut exact, mut wild) = (Vec::new(), Vec::new());
        for (word, child) in &node.children {
            let row = self.node(child, empty);
            let list = if word.contains('*') { &mut wild } else { &mut exact };
            list.push((word.clone(), row));
        }
        // The pattern that says most comes first.
        wild.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        let mut branches = |children: Vec<(String, String)>| {
            let rows = children
                .iter()
                .map(|(word, child)| format!("({}, {child})", self.tables.text(word)))
                .collect();
            self.tables.list("BRANCHES", rows)
        };
        let (exact, wild) = (branches(exact), branches(wild));
        let body = node.body.as_deref().unwrap_or(empty);
        let row = format!("Node {{ body: {body}, exact: {exact}, wild: {wild} }}");
        self.tables.row("NODES", row)
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
        let options = options(command, names, &mut self.tables)?;
        let mut operands = Vec::new();
        for line in command.operands.iter() {
            operands.push(operand_pattern(line, names, &mut self.tables)?);
        }
        let mut rules = Vec::new();
        for line in command.effects.iter() {
            let rule = rule::rule(line, names, &mut self.tables)
                .map_err(|error| format!("`{line}`: {error}"))?;
            rules.push(rule);
        }
        let handler = match &command.handler {
            Some(name) => format!("Some(Handler::{})", camel(name)),
            None => "None".to_owned(),
        };
        let options = self.tables.list("OPTIONS", options);
        let operands = self.tables.list("OPERANDS", operands);
        let rules = self.tables.list("RULES", rules);
        let row = format!(
            "Body {{ grammar: Grammar::{grammar:?}, lenient: {lenient}, options: {options}, \
             operands: {operands}, rules: {rules}, handler: {handler} }}"
        );
        Ok(self.tables.row("BODIES", row))
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

fn options(command: &Command, names: &Names, tables: &mut Tables) -> Result<Vec<String>, String> {
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
            let word = tables.text(option);
            let text = format!("({word}, Opt {{ arity: Arity::{arity}, slot: {slot:?} }})");
            let other = options.insert(option, text.clone());
            if other.is_some_and(|other| other != text) {
                return Err(format!("option `{option}` is described twice"));
            }
        }
    }
    Ok(options.into_values().collect())
}

/// `CONDITION -> source+ target`, `pattern files*`, `pod -- command*`.
fn operand_pattern(line: &str, names: &Names, tables: &mut Tables) -> Result<String, String> {
    let (when, pattern) = rule::guarded(line);
    let when = match when {
        Some(text) => format!("Some({})", rule::condition(text, names, tables)?),
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
    let (before, after) = (tables.list("DEALT", before), tables.list("DEALT", after));
    Ok(format!(
        "Operands {{ when: {when}, before: {before}, separated: {separated}, after: {after} }}"
    ))
}
