//! Parameters and what `${…}` does with them.

use ringfence_action::OpaqueReason;

use super::expand::Expansion;
use super::ir::{self, Index, Operation, Parameter, Reference};
use super::state::{Binding, Variable};
use super::{Shell, glob};
use crate::value::{Span, Value};

impl Shell<'_, '_> {
    /// The value of a variable, as `$name` gives it.
    pub(super) fn variable_value(&mut self, name: &str) -> Value {
        match self.lookup(name) {
            Some(variable) => {
                let (value, fetched) = (variable.value(), variable.fetched.clone());
                let embedded = variable.embedded.clone();
                if embedded.is_some() {
                    self.frame.embedded = embedded;
                }
                if fetched.is_some() {
                    self.frame.fetched = fetched;
                }
                value
            }
            None => self.default_value(name),
        }
    }

    /// The variable, through references.
    pub(super) fn lookup(&self, name: &str) -> Option<&Variable> {
        let mut variable = self.state.variables.get(name)?;
        for _ in 0..4 {
            if !variable.reference {
                break;
            }
            variable = self.state.variables.get(variable.value().as_known()?)?;
        }
        Some(variable)
    }

    /// What a variable is that this code has not set.
    fn default_value(&self, name: &str) -> Value {
        let action = self.analyzer.action;
        match name {
            "HOME" => action.home.clone().map_or(Value::Unknown, Value::Known),
            "PWD" => self.frame.cwd.clone(),
            "OLDPWD" => self.state.previous.clone().unwrap_or(Value::Unknown),
            "IFS" => Value::known(" \t\n"),
            "0" => self.state.name.clone().unwrap_or_else(|| Value::known("bash")),
            "BASH" => Value::known("bash"),
            // A job of this very shell, as `kill` writes it.
            "!" => Value::Pattern("%[0-9]*".to_owned()),
            "?" | "$" | "RANDOM" | "SECONDS" | "LINENO" | "UID" | "EUID" | "PPID" | "BASHPID"
            | "EPOCHSECONDS" | "OPTIND" | "COLUMNS" | "LINES" | "SRANDOM" | "SHLVL" => {
                Value::number()
            }
            _ => action.facts.env.get(name).map_or(Value::Unknown, Value::known),
        }
    }

    /// Everything that a reference names: one value, or a list.
    fn referenced(&mut self, reference: &Reference, span: Span) -> Expansion {
        let name = reference.name.as_str();
        match name {
            "@" | "*" => {
                return match &self.state.positional {
                    Some(values) if name == "@" || self.zsh() => Expansion::List(values.clone()),
                    Some(values) => {
                        let separator = self.separator();
                        Expansion::Text(Expansion::List(values.clone()).joined_by(&separator))
                    }
                    None => Expansion::Text(Value::Unknown),
                };
            }
            "#" => {
                let count = self.state.positional.as_ref().map(Vec::len);
                let count = count.map_or_else(Value::number, |n| Value::known(n.to_string()));
                return Expansion::Text(count);
            }
            _ => {}
        }
        if let Ok(index @ 1..) = name.parse::<usize>() {
            let value = self.state.positional.as_ref().map(|values| values.get(index - 1).cloned());
            return Expansion::Text(match value {
                Some(value) => value.unwrap_or_else(|| Value::known("")),
                None => Value::Unknown,
            });
        }
        match &reference.index {
            None => match self.lookup(name).map(|variable| &variable.binding) {
                Some(Binding::Array(elements)) if self.zsh() && !self.state.ksh_arrays => {
                    Expansion::List(elements.iter().map(|(_, value)| value.clone()).collect())
                }
                _ => Expansion::Text(self.variable_value(name)),
            },
            Some(Index::At) | Some(Index::Star) => match self.lookup(name).map(|v| &v.binding) {
                Some(Binding::Array(elements)) => {
                    let values = elements.iter().map(|(_, value)| value.clone()).collect();
                    let list = Expansion::List(values);
                    match &reference.index {
                        Some(Index::Star) => Expansion::Text(list.joined_by(&self.separator())),
                        _ => list,
                    }
                }
                Some(Binding::Scalar(value)) => Expansion::Text(value.clone()),
                None => Expansion::Text(self.default_value(name)),
            },
            Some(Index::Key(key)) => {
                let key = self.subscript(name, key, span);
                Expansion::Text(self.element(name, &key))
            }
        }
    }

    /// What `"$*"` puts between its words: the first character of `IFS`.
    pub(super) fn separator(&self) -> Value {
        match self.state.variables.get("IFS").map(Variable::value) {
            None => Value::known(" "),
            Some(Value::Known(ifs)) => Value::known(ifs.chars().take(1).collect::<String>()),
            Some(_) => Value::Unknown,
        }
    }

    /// The key that a subscript names. Unless the array is associative, it is arithmetic.
    pub(super) fn subscript(&mut self, name: &str, key: &ir::Word, span: Span) -> Value {
        let key = self.expand_value(key);
        if !self.lookup(name).is_some_and(|variable| variable.associative) {
            self.evaluated(&key, span, 0);
        }
        key
    }

    fn element(&mut self, name: &str, key: &Value) -> Value {
        let key = match key.as_known() {
            Some(text) if text.parse::<i64>().is_ok() => Some(text.to_owned()),
            Some(text) => {
                let value = self.state.variables.get(text).map(Variable::value);
                match value {
                    Some(Value::Known(value)) => Some(value),
                    Some(_) => None,
                    None => Some(text.to_owned()),
                }
            }
            None => None,
        };
        let key = key.map(|key| self.position(name, key));
        match self.lookup(name).map(|variable| &variable.binding) {
            Some(Binding::Array(elements)) => match key {
                Some(key) => {
                    let literal = elements.iter().find(|(known, _)| *known == key);
                    literal.map_or(Value::Unknown, |(_, value)| value.clone())
                }
                None => {
                    let mut values = elements.iter().map(|(_, value)| value.clone());
                    let first = values.next().unwrap_or(Value::Unknown);
                    values.fold(first, Value::join)
                }
            },
            Some(Binding::Scalar(value)) if key.as_deref() == Some("0") && !self.zsh() => {
                value.clone()
            }
            Some(Binding::Scalar(_)) | None => Value::Unknown,
        }
    }

    /// The key under which an element is kept: counted from zero, and from the front.
    pub(super) fn position(&self, name: &str, key: String) -> String {
        let variable = self.lookup(name);
        if variable.is_some_and(|variable| variable.associative) {
            return key;
        }
        let Ok(number) = key.parse::<i64>() else { return key };
        let count = match variable.map(|variable| &variable.binding) {
            Some(Binding::Array(elements)) => i64::try_from(elements.len()).unwrap_or(i64::MAX),
            Some(Binding::Scalar(_)) | None => 0,
        };
        let from_one = self.zsh() && !self.state.ksh_arrays;
        match number {
            ..0 => (count + number).to_string(),
            _ if from_one => (number - 1).to_string(),
            _ => key,
        }
    }

    /// `${…}`.
    pub(super) fn parameter(&mut self, parameter: &Parameter) -> Expansion {
        let base = self.referenced(&parameter.reference, parameter.span);
        self.operate(base, &parameter.reference, &parameter.operation, parameter.span)
    }

    fn operate(
        &mut self,
        base: Expansion,
        reference: &Reference,
        operation: &Operation,
        span: Span,
    ) -> Expansion {
        let text = |value| Expansion::Text(value);
        match operation {
            Operation::Get => base,
            Operation::Length => text(match base {
                Expansion::Text(Value::Known(known)) => {
                    Value::known(known.chars().count().to_string())
                }
                Expansion::List(values) => Value::known(values.len().to_string()),
                Expansion::Text(_) => Value::number(),
            }),
            Operation::Keys => match self.lookup(&reference.name).map(|v| &v.binding) {
                Some(Binding::Array(elements)) => {
                    Expansion::List(elements.iter().map(|(key, _)| Value::known(key)).collect())
                }
                Some(Binding::Scalar(_)) | None => text(Value::Unknown),
            },
            Operation::Names => text(Value::Unknown),
            Operation::Indirect(inner) => self.indirect(base, inner, span),
            Operation::Default(colon, word) => {
                let (base, set) = present(base, *colon);
                match set {
                    Some(true) => base,
                    Some(false) => text(self.expand_value(word)),
                    None => text(base.joined().join(self.expand_value(word))),
                }
            }
            Operation::AssignDefault(colon, word) => {
                let (base, set) = present(base, *colon);
                if set == Some(true) {
                    return base;
                }
                let default = self.expand_value(word);
                let value = if set == Some(false) { default } else { base.joined().join(default) };
                self.assign(&reference.name, value.clone(), span);
                text(value)
            }
            Operation::Alternative(colon, word) => {
                let (_, set) = present(base, *colon);
                let alternative = self.expand_value(word);
                match set {
                    Some(true) => text(alternative),
                    Some(false) => text(Value::known("")),
                    None => text(alternative.join(Value::known(""))),
                }
            }
            Operation::Error(word) => {
                self.expand_value(word);
                base
            }
            Operation::Slice(offset, length) => {
                let offset = self.arithmetic(offset);
                let length = length.as_ref().map(|length| self.arithmetic(length));
                slice(base, reference, &offset, length.as_ref())
            }
            Operation::TrimPrefix(pattern, longest) => {
                let pattern = self.expand_pattern(pattern);
                each(base, |text| glob::trim_prefix(pattern.as_deref()?, text, *longest))
            }
            Operation::TrimSuffix(pattern, longest) => {
                let pattern = self.expand_pattern(pattern);
                each(base, |text| glob::trim_suffix(pattern.as_deref()?, text, *longest))
            }
            Operation::Replace(pattern, with, all) => {
                let pattern = self.expand_pattern(pattern);
                let with = self.expand_value(with);
                each(base, |text| glob::replace(pattern.as_deref()?, text, with.as_known()?, *all))
            }
            Operation::Case { upper, all } => each(base, |text| {
                let change =
                    |c: char| if *upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                Some(match (*all, text.chars().next()) {
                    (true, _) => text.chars().map(change).collect(),
                    (false, Some(first)) => {
                        std::iter::once(change(first)).chain(text.chars().skip(1)).collect()
                    }
                    (false, None) => String::new(),
                })
            }),
            Operation::Transform(operator) => self.transform(base, *operator, span),
            Operation::Unmodelled(words) => {
                for word in words {
                    self.expand_value(word);
                }
                text(Value::Unknown)
            }
        }
    }

    /// `${!x}`: the value of the variable whose name `x` holds. The name may have a subscript, which
    /// is evaluated.
    fn indirect(&mut self, base: Expansion, inner: &Operation, span: Span) -> Expansion {
        let name = base.joined();
        self.evaluated_name(&name, span);
        let Some(names) = name.listed().map(<[String]>::to_vec) else {
            if !matches!(inner, Operation::Get) {
                let reference = Reference { name: String::new(), index: None };
                return self.operate(Expansion::Text(Value::Unknown), &reference, inner, span);
            }
            return Expansion::Text(Value::Unknown);
        };
        let mut joined: Option<Value> = None;
        for name in names {
            let reference = match name.split_once('[') {
                Some((array, rest)) => Reference {
                    name: array.to_owned(),
                    index: Some(match rest.trim_end_matches(']') {
                        "@" => Index::At,
                        "*" => Index::Star,
                        key => Index::Key(ir::Word::quoted(key, span)),
                    }),
                },
                None => Reference { name, index: None },
            };
            let value = self.referenced(&reference, span);
            let value = self.operate(value, &reference, inner, span).joined();
            joined = Some(match joined {
                Some(other) => other.join(value),
                None => value,
            });
        }
        Expansion::Text(joined.unwrap_or(Value::Unknown))
    }

    fn transform(&mut self, base: Expansion, operator: char, span: Span) -> Expansion {
        match operator {
            // As a prompt: what it substitutes is run.
            'P' => {
                let value = base.joined();
                match value.listed() {
                    Some(texts) if texts.iter().all(|text| !text.contains(['$', '`', '\\'])) => {}
                    _ => {
                        self.opaque(span, OpaqueReason::DynamicCode, "`@P` expands the value again")
                    }
                }
                Expansion::Text(Value::Unknown)
            }
            'U' => each(base, |text| Some(text.to_uppercase())),
            'L' => each(base, |text| Some(text.to_lowercase())),
            'Q' => each(base, |text| Some(format!("'{}'", text.replace('\'', r"'\''")))),
            _ => Expansion::Text(Value::Unknown),
        }
    }
}

/// Whether the value is there and not empty: known only for known values. An unset variable of the
/// surrounding environment may be either.
///
/// Without the colon, an empty value counts as one; whether it is empty or unset is not kept apart.
fn present(base: Expansion, colon: bool) -> (Expansion, Option<bool>) {
    let set = match &base {
        Expansion::Text(Value::Known(text)) if text.is_empty() && !colon => None,
        Expansion::Text(Value::Known(text)) => Some(!text.is_empty()),
        Expansion::Text(Value::OneOf(all)) if all.iter().all(|text| !text.is_empty()) => Some(true),
        Expansion::Text(value) if value.is_number() => Some(true),
        Expansion::Text(_) => None,
        Expansion::List(values) => Some(!values.is_empty()),
    };
    (base, set)
}

/// Applies a function to every known text; the rest is unknown.
fn each(base: Expansion, f: impl Fn(&str) -> Option<String>) -> Expansion {
    let apply = |value: &Value| match value.listed() {
        Some(texts) => {
            let results = texts.iter().map(|text| f(text)).collect::<Option<Vec<_>>>();
            results.map_or(Value::Unknown, Value::one_of)
        }
        None => Value::Unknown,
    };
    match base {
        Expansion::Text(value) => Expansion::Text(apply(&value)),
        Expansion::List(values) => Expansion::List(values.iter().map(apply).collect()),
    }
}

fn slice(
    base: Expansion,
    reference: &Reference,
    offset: &Value,
    length: Option<&Value>,
) -> Expansion {
    let number = |value: &Value| value.as_known().and_then(|text| text.parse::<i64>().ok());
    let (Some(offset), Ok(length)) =
        (number(offset), length.map(|length| number(length).ok_or(())).transpose())
    else {
        return Expansion::Text(Value::Unknown);
    };
    let bounds = |count: usize| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let start = if offset < 0 { (count + offset).max(0) } else { offset.min(count) };
        let end = match length {
            Some(length) if length < 0 => (count + length).max(start),
            Some(length) => start.saturating_add(length).min(count),
            None => count,
        };
        let size = |n: i64| usize::try_from(n).unwrap_or(0);
        (size(start), size(end - start))
    };
    match base {
        Expansion::List(mut values) => {
            // The positional parameters are counted from `$0`.
            if reference.name == "@" {
                values.insert(0, Value::known("bash"));
            }
            let (skip, take) = bounds(values.len());
            Expansion::List(values.into_iter().skip(skip).take(take).collect())
        }
        Expansion::Text(value) => each(Expansion::Text(value), |text| {
            let (skip, take) = bounds(text.chars().count());
            Some(text.chars().skip(skip).take(take).collect())
        }),
    }
}
