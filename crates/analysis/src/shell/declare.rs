//! `export`, `declare`, `typeset`, `local`, `readonly`: variables with attributes.

use super::Shell;
use super::arithmetic::is_name;
use super::ir::{Assigned, Declare, Operand};
use super::state::{Binding, Variable};
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

/// What a declaration does to its variables.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    export: bool,
    integer: bool,
    reference: bool,
    associative: bool,
    functions: bool,
    /// `declare -p` and the like: nothing is declared.
    prints: bool,
}

impl Shell<'_, '_> {
    /// A declaration as written: its operands may be arrays.
    pub(super) fn declare(&mut self, declare: &Declare) -> Data {
        for assignment in &declare.assignments {
            self.assignment(assignment);
        }
        let mut marks = Marks { export: declare.builtin == "export", ..Marks::default() };
        for operand in &declare.operands {
            match operand {
                Operand::Word(word) => {
                    for word in self.expand_words(std::slice::from_ref(word)) {
                        self.declared(&word, &mut marks);
                    }
                }
                Operand::Assignment(assignment) => {
                    self.mark(&assignment.name, marks);
                    if marks.integer
                        && let Assigned::Scalar(word) = &assignment.value
                    {
                        let value = self.expand_value(word);
                        self.evaluated(&value, assignment.span, 0);
                    }
                    self.assignment(assignment);
                    self.refer(&assignment.name, marks);
                }
            }
        }
        if marks.prints || declare.operands.is_empty() { Data::Unknown } else { Data::None }
    }

    /// A declaration after expansion (`command export X=1`, `"export" X=1`).
    pub(super) fn declare_words(&mut self, builtin: &str, words: &[Word]) -> Data {
        let integer = matches!(builtin, "integer" | "float");
        let mut marks = Marks { export: builtin == "export", integer, ..Marks::default() };
        for word in words {
            self.declared(word, &mut marks);
        }
        if marks.prints || words.is_empty() { Data::Unknown } else { Data::None }
    }

    fn declared(&mut self, word: &Word, marks: &mut Marks) {
        let span = word.span;
        match word.value.listed().map(<[String]>::to_vec) {
            Some(texts) => {
                for text in texts {
                    self.declared_text(&text, marks, span);
                }
            }
            None => match word.value.as_pattern().split_once('=') {
                // `declare NAME="$unknown"` after expansion.
                Some((name, _)) if is_name(name) => {
                    self.mark(name, *marks);
                    self.assign(name, Value::Unknown, span);
                }
                _ => self.evaluated_name(&word.value, span),
            },
        }
    }

    fn declared_text(&mut self, text: &str, marks: &mut Marks, span: Span) {
        if text.starts_with(['-', '+']) && !text.contains('=') {
            let on = text.starts_with('-');
            for flag in text.chars().skip(1) {
                match flag {
                    'x' => marks.export = on,
                    'i' => marks.integer = on,
                    'n' if on => marks.reference = true,
                    'A' => marks.associative = on,
                    'f' | 'F' => marks.functions = on,
                    'p' => marks.prints = on,
                    _ => {}
                }
            }
            return;
        }
        let (target, value) = match text.split_once('=') {
            Some((target, value)) => (target, Some(value)),
            None => (text, None),
        };
        let target = target.strip_suffix('+').unwrap_or(target);
        if marks.functions {
            if marks.export {
                self.state.exported_functions.insert(target.to_owned());
            }
            // `declare -f` prints the code of a function.
            marks.prints |= !marks.export;
            return;
        }
        let name = target.split('[').next().unwrap_or(target);
        self.mark(name, *marks);
        if target.contains('[') && !marks.associative {
            self.evaluated_name(&Value::known(target), span);
        }
        if let Some(value) = value {
            let value = if target.contains('[') { Value::Unknown } else { Value::known(value) };
            self.assign(name, value, span);
            self.refer(name, *marks);
        }
    }

    fn mark(&mut self, name: &str, marks: Marks) {
        if marks.prints || marks.functions {
            return;
        }
        if marks.export {
            self.export(name);
        }
        if marks.integer || marks.reference || marks.associative {
            let variable = self
                .state
                .variables
                .entry(name.to_owned())
                .or_insert_with(|| Variable::scalar(Value::known("")));
            variable.integer |= marks.integer;
            variable.associative |= marks.associative;
            if marks.associative
                && matches!(&variable.binding, Binding::Scalar(Value::Known(text)) if text.is_empty())
            {
                variable.binding = Binding::Array(Vec::new());
            }
            if marks.reference {
                // The value that follows is the name that is referred to.
                variable.reference = false;
            }
        }
    }

    /// After its assignment, the variable is a name for another.
    fn refer(&mut self, name: &str, marks: Marks) {
        if marks.reference
            && let Some(variable) = self.state.variables.get_mut(name)
        {
            variable.reference = true;
            let target = variable.value();
            // A subscript in it is evaluated whenever the name is used.
            self.evaluated_name(&target, Span::default());
        }
    }
}
