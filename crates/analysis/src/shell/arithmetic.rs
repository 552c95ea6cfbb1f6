//! Arithmetic: folded where it is known, and searched for the code it would run.
//!
//! Evaluating `x` evaluates the text that `x` holds, and a subscript in that text is expanded like a
//! word: `x='a[$(cmd)]'; echo $((x))` runs `cmd`.

use ringfence_action::OpaqueReason;

use super::Shell;
use super::ir::{Arithmetic, Expression, Operator};
use crate::value::{Span, Value};

/// Variables that name variables that name variables.
const CHAIN: usize = 8;

impl Shell<'_, '_> {
    /// The value of an expression: a known number, or some number.
    pub(super) fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Value {
        let span = arithmetic.text.span;
        let text = self.expand_value(&arithmetic.text);
        match &arithmetic.expression {
            Some(expression) => match self.evaluate(expression, span) {
                Some(number) => Value::known(number.to_string()),
                None => Value::number(),
            },
            None => {
                if text.as_known().is_some_and(|text| text.trim().is_empty()) {
                    return Value::known("0");
                }
                self.evaluated(&text, span, 0);
                if text.as_known().is_some_and(|text| text.trim().parse::<i64>().is_ok()) {
                    return Value::known(text.as_known().unwrap_or_default().trim());
                }
                Value::number()
            }
        }
    }

    fn evaluate(&mut self, expression: &Expression, span: Span) -> Option<i64> {
        match expression {
            Expression::Number(number) => Some(*number),
            Expression::Variable(name) => {
                let value =
                    self.state.variables.contains_key(name).then(|| self.variable_value(name));
                match value {
                    Some(value) => {
                        self.evaluated(&value, span, 0);
                        let text = value.as_known()?;
                        if text.is_empty() { Some(0) } else { text.parse().ok() }
                    }
                    None => None,
                }
            }
            Expression::Element(name, index) => {
                self.evaluate(index, span);
                let value =
                    self.state.variables.contains_key(name).then(|| self.variable_value(name));
                if let Some(value) = value {
                    self.evaluated(&value, span, 0);
                }
                None
            }
            Expression::Word(word) => {
                let value = self.expand_value(word);
                self.evaluated(&value, span, 0);
                value.as_known()?.parse().ok()
            }
            Expression::Negate(inner) => self.evaluate(inner, span)?.checked_neg(),
            Expression::Apply(operator, operands) => {
                let mut values = Vec::with_capacity(2);
                for operand in operands {
                    values.push(self.evaluate(operand, span));
                }
                match values.as_slice() {
                    [left, right] => apply(*operator, *left, *right),
                    _ => None,
                }
            }
            Expression::Assign(name, operator, value) => {
                let value = self.evaluate(value, span);
                let result = match operator {
                    None => value,
                    Some(operator) => {
                        let current = self.evaluate(&Expression::Variable(name.clone()), span);
                        apply(*operator, current, value)
                    }
                };
                let value = result.map_or_else(Value::number, |n| Value::known(n.to_string()));
                self.assign(name, value, span);
                result
            }
            Expression::Other(operands) => {
                for operand in operands {
                    self.evaluate(operand, span);
                }
                None
            }
        }
    }

    /// A text is evaluated as arithmetic: what is in its subscripts runs.
    pub(super) fn evaluated(&mut self, value: &Value, span: Span, chain: usize) {
        let Some(texts) = value.listed() else {
            if !value.is_number() {
                self.opaque(
                    span,
                    OpaqueReason::DynamicCode,
                    "a text from elsewhere is evaluated as arithmetic",
                );
            }
            return;
        };
        for text in texts {
            let text = text.trim();
            if text.contains(['$', '`', '[', '<', '>'])
                && (text.contains('[') || text.contains('$'))
            {
                self.run_text(&format!(": \"$(({text}))\""), span);
            } else if is_name(text)
                && chain < CHAIN
                && let Some(variable) = self.state.variables.get(text)
            {
                let value = variable.value();
                self.evaluated(&value, span, chain + 1);
            }
        }
    }

    /// A text is taken as the name of a variable: a subscript in it is evaluated.
    pub(super) fn evaluated_name(&mut self, value: &Value, span: Span) {
        match value.listed() {
            Some(texts) => {
                for text in texts {
                    if let Some((_, subscript)) = text.split_once('[') {
                        let subscript = subscript.strip_suffix(']').unwrap_or(subscript);
                        self.evaluated(&Value::known(subscript), span, 0);
                    }
                }
            }
            None => {
                let why = "a text from elsewhere is taken as the name of a variable";
                self.opaque(span, OpaqueReason::DynamicCode, why);
            }
        }
    }
}

fn apply(operator: Operator, left: Option<i64>, right: Option<i64>) -> Option<i64> {
    if operator == Operator::Comma {
        return right;
    }
    let (left, right) = (left?, right?);
    let shift = || u32::try_from(right).ok();
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
        Operator::ShiftLeft => left.checked_shl(shift()?),
        Operator::ShiftRight => left.checked_shr(shift()?),
        Operator::And => Some(left & right),
        Operator::Or => Some(left | right),
        Operator::Xor => Some(left ^ right),
        Operator::Comma => Some(right),
    }
}

/// Whether a text is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
