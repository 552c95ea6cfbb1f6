//! Variables get values.

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
        if let Binding::Scalar(value) = &binding {
            let value = value.clone();
            self.environment(&name, &value, span);
        }
        let fetched = self.frame.fetched.clone();
        let export_all = self.state.export_all;
        let variable =
            self.state.variables.entry(name).or_insert_with(|| Variable::scalar(Value::Unknown));
        variable.binding = binding;
        variable.exported |= export_all;
        variable.fetched = fetched;
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

    /// Marks a variable as one that programs find in their environment.
    pub(super) fn export(&mut self, name: &str) {
        let known = self.state.variables.contains_key(name);
        let value = if known { Value::Unknown } else { self.variable_value(name) };
        let variable =
            self.state.variables.entry(name.to_owned()).or_insert_with(|| Variable::scalar(value));
        variable.exported = true;
    }
}
