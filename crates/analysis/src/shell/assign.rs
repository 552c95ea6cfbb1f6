//! Variables get values.

use ringfence_action::OpaqueReason;

use super::Shell;
use super::ir::{Assigned, Assignment, Index};
use super::state::{Binding, Variable};
use crate::value::{Span, Value};

impl Shell<'_, '_> {
    /// `NAME=VALUE` of its own, with everything that follows from it.
    pub(super) fn assign(&mut self, name: &str, value: Value, span: Span) {
        self.bind(name, Binding::Scalar(value), span);
    }

    /// Gives a variable what it holds.
    pub(super) fn bind(&mut self, name: &str, binding: Binding, span: Span) {
        let mut name = name.to_owned();
        let existing = self.state.variables.get(&name);
        if existing.is_some_and(|variable| variable.reference)
            && let Some(target) = existing.and_then(|v| v.value().as_known().map(str::to_owned))
        {
            name = target;
        }
        let integer = self.state.variables.get(&name).is_some_and(|variable| variable.integer);
        let mut binding = binding;
        if integer && let Binding::Scalar(value) = &binding {
            let value = value.clone();
            self.evaluated(&value, span, 0);
            if !value.is_number() {
                binding = Binding::Scalar(Value::number());
            }
        }
        match &binding {
            Binding::Scalar(value) => {
                let value = value.clone();
                self.environment(&name, &value, span);
            }
            Binding::Array(elements) if self.zsh() => {
                let values = elements.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
                self.zsh_array(&name, values, span);
            }
            Binding::Array(_) => {}
        }
        let fetched = self.frame.fetched.clone();
        let embedded = self.frame.embedded.clone();
        let export_all = self.state.export_all;
        let variable =
            self.state.variables.entry(name).or_insert_with(|| Variable::scalar(Value::Unknown));
        variable.binding = binding;
        variable.exported |= export_all;
        variable.fetched = fetched;
        variable.embedded = embedded;
    }

    /// An assignment as written.
    pub(super) fn assignment(&mut self, assignment: &Assignment) {
        let name = assignment.name.as_str();
        let span = assignment.span;
        match (&assignment.value, &assignment.index) {
            (Assigned::Scalar(word), None) => {
                let value = self.expand_value(word);
                let value = if assignment.append { self.appended(name, value) } else { value };
                self.assign(name, value, span);
            }
            (Assigned::Scalar(word), Some(index)) => {
                let value = self.expand_value(word);
                let Index::Key(key) = index else {
                    return self.assign(name, Value::Unknown, span);
                };
                let key = self.subscript(name, key, span);
                self.assign_element(name, &key, value, span);
            }
            (Assigned::Array(elements), _) => {
                let mut values = match self.state.variables.get(name).map(|v| &v.binding) {
                    Some(Binding::Array(values)) if assignment.append => Some(values.clone()),
                    Some(Binding::Scalar(value)) if assignment.append => {
                        value.as_known().map(|text| vec![("0".to_owned(), Value::known(text))])
                    }
                    _ => Some(Vec::new()),
                };
                for (key, word) in elements {
                    match key {
                        Some(Index::Key(key)) => {
                            let key = self.subscript(name, key, span);
                            let value = self.expand_value(word);
                            match (key.as_known(), &mut values) {
                                (Some(key), Some(values)) => values.push((key.to_owned(), value)),
                                _ => values = None,
                            }
                        }
                        Some(Index::At | Index::Star) | None => {
                            for word in self.expand_words(std::slice::from_ref(word)) {
                                if word.splits && word.value.listed().is_none() {
                                    values = None;
                                } else if let Some(values) = &mut values {
                                    values.push((values.len().to_string(), word.value));
                                }
                            }
                        }
                    }
                }
                let binding = match values {
                    Some(values) => Binding::Array(values),
                    None => Binding::Scalar(Value::Unknown),
                };
                self.bind(name, binding, span);
            }
        }
    }

    fn appended(&mut self, name: &str, value: Value) -> Value {
        let variable = self.state.variables.get(name);
        if variable.is_some_and(|variable| variable.integer) {
            return Value::number();
        }
        let before = self.variable_value(name);
        before.concat(&value)
    }

    fn assign_element(&mut self, name: &str, key: &Value, value: Value, span: Span) {
        if self.assign_to_shell(name, key, &value, span) {
            return;
        }
        let placed = key.as_known().map(|key| self.position(name, key.to_owned()));
        let key = placed.map_or_else(|| key.clone(), Value::Known);
        let mut elements = match self.state.variables.get(name).map(|variable| &variable.binding) {
            Some(Binding::Array(elements)) => elements.clone(),
            Some(Binding::Scalar(_)) | None => Vec::new(),
        };
        match key.as_known() {
            Some(key) => {
                match elements.iter_mut().find(|(known, _)| known == key) {
                    Some((_, slot)) => *slot = value,
                    None => elements.push((key.to_owned(), value)),
                }
                self.bind(name, Binding::Array(elements), span);
            }
            None => self.bind(name, Binding::Scalar(Value::Unknown), span),
        }
    }

    /// An element of a table that the shell itself goes by. True if it was one.
    fn assign_to_shell(&mut self, name: &str, key: &Value, value: &Value, span: Span) -> bool {
        let (table, zsh) = match name {
            "BASH_ALIASES" => ("aliases", false),
            "BASH_CMDS" => ("commands", false),
            name => (name, true),
        };
        if zsh && !(self.zsh() && is_shell_table(table)) {
            return false;
        }
        match (table, key.as_known()) {
            ("aliases", Some(name)) => {
                drop(self.state.aliases.insert(name.to_owned(), value.clone()))
            }
            ("commands", Some(name)) => {
                drop(self.state.hashed.insert(name.to_owned(), value.clone()))
            }
            ("functions", Some(name)) if value.as_known().is_some() => {
                let body = value.as_known().unwrap_or_default();
                self.run_text(&format!("{name}() {{\n{body}\n}}"), span);
            }
            _ => {
                let why = format!("`{table}` is what the shell itself goes by");
                self.opaque(span, OpaqueReason::DynamicCode, why);
            }
        }
        true
    }

    /// Arrays that mean something to zsh.
    fn zsh_array(&mut self, name: &str, values: Vec<Value>, span: Span) {
        if name == "argv" {
            self.state.positional = Some(values);
        } else if name == "path" {
            self.environment("PATH", &Value::Unknown, span);
        } else if is_shell_table(name) {
            let why = format!("`{name}` is what the shell itself goes by");
            self.opaque(span, OpaqueReason::DynamicCode, why);
        } else if name.ends_with("_functions") {
            for value in values {
                match value.as_known() {
                    Some(function) => self.hook(function),
                    None => self.opaque(span, OpaqueReason::DynamicCode, name),
                }
            }
        }
    }

    /// Marks a variable as one that programs find in their environment.
    pub(super) fn export(&mut self, name: &str) {
        let known = self.state.variables.contains_key(name);
        let value = if known { Value::Unknown } else { self.variable_value(name) };
        let variable =
            self.state.variables.entry(name.to_owned()).or_insert_with(|| Variable::scalar(value));
        variable.exported = true;
    }
}

/// Whether zsh keeps its functions, aliases, programs or files in the variable.
fn is_shell_table(name: &str) -> bool {
    let name = name.strip_prefix("dis_").unwrap_or(name);
    matches!(name, "functions" | "aliases" | "galiases" | "saliases" | "commands" | "mapfile")
}
