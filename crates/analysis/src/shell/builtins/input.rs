//! Builtins that give variables values: `read`, `mapfile`, `let`.

use super::super::Shell;
use super::super::arithmetic::is_name;
use super::super::state::Binding;
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

/// Longer inputs are not read line by line in a loop.
const LOOPED_BYTES: usize = 4 << 10;

impl Shell<'_, '_> {
    /// A builtin gives a variable a value; its name may have a subscript, which is evaluated.
    pub(super) fn fill(&mut self, name: &Word, value: Value) {
        self.evaluated_name(&name.value, name.span);
        for name in name.value.listed().unwrap_or_default().to_vec() {
            if is_name(&name) {
                self.assign(&name, value.clone(), Span::default());
            } else if let Some((array, _)) = name.split_once('[') {
                self.bind(array, Binding::Scalar(Value::Unknown), Span::default());
            }
        }
    }

    pub(super) fn read(&mut self, arguments: &[Word]) {
        let mut names = Vec::new();
        let mut words = arguments.iter();
        let mut array = None;
        let mut plain = true;
        let mut raw = false;
        // Options that take a value, or name an array.
        let (valued, lists) = if self.zsh() { ("dtu", 'A') } else { ("dinNptu", 'a') };
        while let Some(word) = words.next() {
            match word.value.as_known() {
                Some(flag) if flag.starts_with('-') && flag.len() > 1 => {
                    let last = flag.chars().last();
                    if flag.contains(lists) {
                        array = words.next();
                    } else if last.is_some_and(|c| valued.contains(c)) {
                        words.next();
                    }
                    raw |= flag.contains('r');
                    plain &= !flag.contains(['d', 'n', 'N', 'u', 'i', 'k', 'q']);
                }
                _ => names.push(word),
            }
        }
        let lines = if plain { self.lines_to_read(raw) } else { None };
        if let Data::Network(from) = &self.stdin {
            self.frame.fetched = Some(from.clone());
        }
        if !plain && matches!(self.stdin, Data::Text(..)) {
            self.stdin = Data::Unknown;
        }
        if let Some(array) = array {
            self.fill(array, Value::Unknown);
            return;
        }
        let separators = match self.state.variables.get("IFS").map(|variable| variable.value()) {
            None => Some(" \t\n".to_owned()),
            Some(value) => value.as_known().map(str::to_owned),
        };
        let count = names.len().max(1);
        let mut values = vec![Value::Unknown; count];
        if let (Some(lines), Some(separators)) = (lines, separators) {
            let rows: Vec<_> = lines.iter().map(|line| fields(line, &separators, count)).collect();
            for (index, value) in values.iter_mut().enumerate() {
                let column = rows.iter().map(|row| row.get(index).cloned().unwrap_or_default());
                *value = Value::one_of(column.collect());
            }
        }
        if names.is_empty() {
            let value = values.pop().unwrap_or(Value::Unknown);
            self.assign("REPLY", value, Span::default());
            return;
        }
        for (name, value) in names.into_iter().zip(values) {
            self.fill(name, value);
        }
    }

    /// The line that is read next, or each that may be. What is read is gone.
    fn lines_to_read(&mut self, raw: bool) -> Option<Vec<String>> {
        let Data::Text(text, span) = &self.stdin else { return None };
        if !raw && text.contains('\\') {
            return None;
        }
        if self.loops > 0 && text.len() > LOOPED_BYTES {
            return None;
        }
        let (text, span) = (text.clone(), *span);
        self.analyzer.hold(text.len());
        if self.loops > 0 {
            // In a loop, each in its turn, and nothing at the end.
            return Some(text.lines().chain([""]).map(str::to_owned).collect());
        }
        if self.frame.conditional {
            // It may not be read: then it is there for the next.
            self.stdin = Data::Unknown;
            return Some(text.lines().map(str::to_owned).collect());
        }
        let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
        self.stdin = Data::Text(rest.to_owned(), span);
        Some(vec![line.to_owned()])
    }

    pub(super) fn mapfile(&mut self, arguments: &[Word], span: Span) {
        let mut words = arguments.iter();
        let mut name = None;
        while let Some(word) = words.next() {
            match word.value.as_known() {
                Some("-C") => {
                    if let Some(code) = words.next() {
                        // It is told the index and the line.
                        let code = code.value.concat(&Value::known(" \"$_\""));
                        self.eval_value(&code, span);
                    }
                }
                Some(flag) if flag.starts_with('-') && flag.len() == 2 && flag != "-t" => {
                    words.next();
                }
                Some(flag) if flag.starts_with('-') => {}
                _ => name = Some(word),
            }
        }
        let lines = match &self.stdin {
            Data::Text(text, _) => {
                let lines = text.lines().enumerate();
                Some(lines.map(|(index, line)| (index.to_string(), Value::known(line))).collect())
            }
            _ => None,
        };
        let binding = lines.map_or(Binding::Scalar(Value::Unknown), Binding::Array);
        match name {
            Some(word) => {
                if let Some(name) = word.value.as_known().map(str::to_owned) {
                    self.bind(&name, binding, span);
                }
            }
            None => self.bind("MAPFILE", binding, span),
        }
    }
}

pub(super) fn let_expression(shell: &mut Shell<'_, '_>, word: &Word) {
    let Some(texts) = word.value.listed().map(<[String]>::to_vec) else {
        shell.evaluated(&word.value, word.span, 0);
        return;
    };
    for text in texts {
        shell.run_text(&format!("(({text}))"), word.span);
    }
}

/// A line in so many fields: the last has all that is left.
fn fields(line: &str, separators: &str, count: usize) -> Vec<String> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n') && separators.contains(c);
    let mut rest = line.trim_matches(blank);
    let mut fields = Vec::with_capacity(count);
    while fields.len() + 1 < count {
        let Some(at) = rest.find(|c| separators.contains(c)) else { break };
        let (field, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        fields.push(field.to_owned());
        let after = after.trim_start_matches(blank);
        let mut chars = after.chars();
        rest = match chars.next() {
            // One separator that is no blank, with blanks around it.
            Some(c) if separators.contains(c) => chars.as_str().trim_start_matches(blank),
            _ => after,
        };
    }
    fields.push(rest.to_owned());
    fields
}
