//! What a shell remembers between commands.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ir::Statement;
use crate::value::Value;

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Binding {
    Scalar(Value),
    /// Elements by key, in order.
    Array(Vec<(String, Value)>),
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) binding: Binding,
    pub(super) exported: bool,
    /// `declare -i`: what is assigned is evaluated.
    pub(super) integer: bool,
    /// `declare -n`: the value is the name of another variable.
    pub(super) reference: bool,
    /// `declare -A`: subscripts are keys, not arithmetic.
    pub(super) associative: bool,
    /// The text came from the network, from here.
    pub(super) fetched: Option<Value>,
    /// The text is, or has in it, the content of this file.
    pub(super) embedded: Option<Value>,
}

impl Variable {
    pub(super) fn scalar(value: Value) -> Self {
        Self {
            binding: Binding::Scalar(value),
            exported: false,
            integer: false,
            reference: false,
            associative: false,
            fetched: None,
            embedded: None,
        }
    }

    /// What `$name` gives.
    pub(super) fn value(&self) -> Value {
        match &self.binding {
            Binding::Scalar(value) => value.clone(),
            Binding::Array(elements) => {
                let zero = elements.iter().find(|(key, _)| key == "0");
                zero.map_or_else(|| Value::known(""), |(_, value)| value.clone())
            }
        }
    }
}

/// A function: the bodies it may have (more than one after a branch).
#[derive(Debug, Clone)]
pub(crate) struct Function(pub(super) Vec<Rc<Statement>>);

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(one, two)| Rc::ptr_eq(one, two))
    }
}

impl Eq for Function {}

/// What a shell leaves to the programs it starts, and a shell among them takes over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Exported variables, as far as the action itself sets them.
    pub(crate) variables: BTreeMap<String, Value>,
    /// Exported functions.
    pub(super) functions: BTreeMap<String, Function>,
}

/// Variables, functions and settings of a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) functions: BTreeMap<String, Function>,
    pub(super) exported_functions: BTreeSet<String>,
    pub(super) aliases: BTreeMap<String, Value>,
    /// `hash -p`: names that stand for another program.
    pub(super) hashed: BTreeMap<String, Value>,
    /// `enable -n`: builtins that are switched off.
    pub(super) disabled: BTreeSet<String>,
    /// `$1`…; `None` where they are not known.
    pub(super) positional: Option<Vec<Value>>,
    /// `$0`.
    pub(super) name: Option<Value>,
    /// Functions that the shell calls of its own accord (zsh's `chpwd`, `TRAPEXIT`…).
    pub(super) hooks: BTreeSet<String>,
    /// `autoload`: functions whose code is in a file.
    pub(super) autoloaded: BTreeSet<String>,
    /// Zsh's `shwordsplit`: parameters are split as elsewhere.
    pub(super) split_words: bool,
    /// Zsh's `ksharrays`: elements are counted from zero, and `$a` is the first.
    pub(super) ksh_arrays: bool,
    /// `set -f`.
    pub(super) no_glob: bool,
    /// `set -a`.
    pub(super) export_all: bool,
    /// `cd` came here from there.
    pub(super) previous: Option<Value>,
    /// `pushd`.
    pub(super) stack: Vec<Value>,
}

impl State {
    pub(super) fn inheriting(inherited: &Inherited) -> Self {
        let variables = inherited.variables.iter().map(|(name, value)| {
            let mut variable = Variable::scalar(value.clone());
            variable.exported = true;
            (name.clone(), variable)
        });
        Self {
            variables: variables.collect(),
            functions: inherited.functions.clone(),
            exported_functions: inherited.functions.keys().cloned().collect(),
            positional: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// How many entries there are to copy.
    pub(super) fn size(&self) -> usize {
        let elements = |variable: &Variable| match &variable.binding {
            Binding::Scalar(_) => 1,
            Binding::Array(elements) => 1 + elements.len(),
        };
        let positional = self.positional.as_ref().map_or(0, Vec::len);
        let variables: usize = self.variables.values().map(elements).sum();
        variables + self.functions.len() + self.aliases.len() + self.hashed.len() + positional
    }

    /// What programs that are started now find.
    pub(super) fn leave(&self) -> Inherited {
        let exported = self.variables.iter().filter(|(_, variable)| variable.exported);
        let functions = self.functions.iter();
        Inherited {
            variables: exported.map(|(name, v)| (name.clone(), v.value())).collect(),
            functions: functions
                .filter(|(name, _)| self.exported_functions.contains(*name))
                .map(|(name, function)| (name.clone(), function.clone()))
                .collect(),
        }
    }

    /// This or that: after a branch.
    pub(super) fn join(mut self, other: Self) -> Self {
        if self == other {
            return self;
        }
        for (name, theirs) in &other.variables {
            if !self.variables.contains_key(name) {
                let mut unknown = Variable::scalar(Value::Unknown);
                unknown.exported = theirs.exported;
                unknown.fetched.clone_from(&theirs.fetched);
                unknown.embedded.clone_from(&theirs.embedded);
                self.variables.insert(name.clone(), unknown);
            }
        }
        for (name, ours) in &mut self.variables {
            let Some(theirs) = other.variables.get(name) else {
                ours.binding = Binding::Scalar(Value::Unknown);
                continue;
            };
            if ours.binding != theirs.binding {
                ours.binding = join_bindings(&ours.binding, &theirs.binding);
            }
            ours.exported |= theirs.exported;
            ours.integer |= theirs.integer;
            ours.reference |= theirs.reference;
            ours.associative &= theirs.associative;
            if ours.fetched.is_none() {
                ours.fetched.clone_from(&theirs.fetched);
            }
            if ours.embedded.is_none() {
                ours.embedded.clone_from(&theirs.embedded);
            }
        }
        for (name, theirs) in other.functions {
            let ours = self.functions.entry(name).or_insert_with(|| Function(Vec::new()));
            for body in theirs.0 {
                if !ours.0.iter().any(|known| Rc::ptr_eq(known, &body)) {
                    ours.0.push(body);
                }
            }
        }
        for (table, theirs) in
            [(&mut self.aliases, other.aliases), (&mut self.hashed, other.hashed)]
        {
            for (name, value) in theirs {
                let ours = table.entry(name).or_insert_with(|| value.clone());
                *ours = ours.clone().join(value);
            }
        }
        self.exported_functions.extend(other.exported_functions);
        self.disabled.extend(other.disabled);
        self.hooks.extend(other.hooks);
        self.autoloaded.extend(other.autoloaded);
        self.split_words |= other.split_words;
        self.ksh_arrays |= other.ksh_arrays;
        if self.positional != other.positional {
            self.positional = None;
        }
        self.no_glob &= other.no_glob;
        self.export_all |= other.export_all;
        if self.previous != other.previous {
            self.previous = None;
        }
        if self.stack != other.stack {
            self.stack.clear();
        }
        self
    }

    /// After some more turns of a loop: what changed in one turn may change in the next.
    pub(super) fn widen(mut self, before: &Self) -> Self {
        for (name, ours) in &mut self.variables {
            let changed = before.variables.get(name).is_none_or(|b| b.binding != ours.binding);
            if changed {
                let number = |binding: &Binding| match binding {
                    Binding::Scalar(value) => value.is_number(),
                    Binding::Array(_) => false,
                };
                let stays_number = number(&ours.binding)
                    && before.variables.get(name).is_some_and(|b| number(&b.binding));
                let value = if stays_number { Value::number() } else { Value::Unknown };
                ours.binding = Binding::Scalar(value);
            }
        }
        if self.positional != before.positional {
            self.positional = None;
        }
        self
    }
}

fn join_bindings(one: &Binding, two: &Binding) -> Binding {
    match (one, two) {
        (Binding::Scalar(one), Binding::Scalar(two)) => {
            Binding::Scalar(one.clone().join(two.clone()))
        }
        (Binding::Array(one), Binding::Array(two)) if one.len() == two.len() => {
            let pairs = one.iter().zip(two);
            if pairs.clone().all(|((a, _), (b, _))| a == b) {
                let joined =
                    pairs.map(|((key, a), (_, b))| (key.clone(), a.clone().join(b.clone())));
                return Binding::Array(joined.collect());
            }
            Binding::Scalar(Value::Unknown)
        }
        (Binding::Scalar(_) | Binding::Array(_), Binding::Scalar(_) | Binding::Array(_)) => {
            Binding::Scalar(Value::Unknown)
        }
    }
}
