//! Arithmetic: numbers are folded later, substitutions and subscripts must not get lost.

use shuck_ast as ast;

use super::super::ir::{Arithmetic, Expression, Operator, Piece, Word};
use super::Lowering;
use super::words::Context;

impl Lowering<'_> {
    /// An arithmetic command or a part of a `for ((;;))`: the parser keeps the tree and the span.
    pub(super) fn arithmetic(
        &mut self,
        tree: Option<&ast::ArithmeticExprNode>,
        span: Option<ast::Span>,
    ) -> Arithmetic {
        let Some(span) = span else { return Arithmetic::default() };
        let raw = span.slice(self.text);
        let mut text = Word { pieces: Vec::new(), span: self.span(span) };
        if tree.is_none() && raw.contains(['$', '`']) {
            // No tree, but something to expand in it.
            match self.commands_of(&format!(": \"{raw}\""), span) {
                Ok(script) => text.pieces.push(Piece::Command(Box::new(script), text.span)),
                Err(opaque) => text.pieces.push(opaque),
            }
        } else {
            text.pieces.push(Piece::Quoted(raw.to_owned()));
        }
        Arithmetic { text, expression: tree.map(|tree| self.expression(tree)) }
    }

    /// `$((…))`.
    pub(super) fn arithmetic_expansion(
        &mut self,
        tree: Option<&ast::ArithmeticExprNode>,
        word: &ast::Word,
        span: ast::Span,
    ) -> Piece {
        let raw = span.slice(self.text);
        if is_subshell(raw) {
            // `$((a) | b)`: the parser takes it for arithmetic.
            let code = raw.strip_prefix("$(").and_then(|code| code.strip_suffix(')'));
            return self.reparsed(code.unwrap_or_default(), span);
        }
        let text = self.word_in(word, Context::Double);
        Piece::Arithmetic(Box::new(self.expanded_arithmetic(text, tree)))
    }

    pub(super) fn expression(&mut self, node: &ast::ArithmeticExprNode) -> Expression {
        use ast::ArithmeticExpr as E;
        match &node.kind {
            E::Number(text) => number(text.slice(self.text)),
            E::Variable(name) => Expression::Variable(name.as_str().to_owned()),
            E::Indexed { name, index } => {
                Expression::Element(name.as_str().to_owned(), Box::new(self.expression(index)))
            }
            E::ShellWord(word) => Expression::Word(self.word(word)),
            E::Parenthesized { expression } => self.expression(expression),
            E::Unary { op, expr } => match op {
                ast::ArithmeticUnaryOp::Minus => {
                    Expression::Negate(Box::new(self.expression(expr)))
                }
                ast::ArithmeticUnaryOp::Plus => self.expression(expr),
                ast::ArithmeticUnaryOp::PreIncrement => self.step(expr, Operator::Add),
                ast::ArithmeticUnaryOp::PreDecrement => self.step(expr, Operator::Subtract),
                ast::ArithmeticUnaryOp::LogicalNot | ast::ArithmeticUnaryOp::BitwiseNot => {
                    Expression::Other(vec![self.expression(expr)])
                }
            },
            E::Postfix { expr, op } => {
                let operator = match op {
                    ast::ArithmeticPostfixOp::Increment => Operator::Add,
                    ast::ArithmeticPostfixOp::Decrement => Operator::Subtract,
                };
                self.step(expr, operator)
            }
            E::Binary { left, op, right } => {
                let operands = vec![self.expression(left), self.expression(right)];
                match binary(*op) {
                    Some(operator) => Expression::Apply(operator, operands),
                    None => Expression::Other(operands),
                }
            }
            E::Conditional { condition, then_expr, else_expr } => Expression::Other(vec![
                self.expression(condition),
                self.expression(then_expr),
                self.expression(else_expr),
            ]),
            E::Assignment { target, op, value } => {
                let value = self.expression(value);
                match target {
                    ast::ArithmeticLvalue::Variable(name) => Expression::Assign(
                        name.as_str().to_owned(),
                        assigning(*op),
                        Box::new(value),
                    ),
                    ast::ArithmeticLvalue::Indexed { name, index } => {
                        let index = Box::new(self.expression(index));
                        let element = Expression::Element(name.as_str().to_owned(), index);
                        Expression::Other(vec![element, value])
                    }
                }
            }
        }
    }

    /// `x++` and the like: the value of the whole is some number, the variable changes by one.
    fn step(&mut self, target: &ast::ArithmeticExprNode, operator: Operator) -> Expression {
        match self.expression(target) {
            Expression::Variable(name) => {
                let one = Box::new(Expression::Number(1));
                Expression::Other(vec![Expression::Assign(name, Some(operator), one)])
            }
            other => Expression::Other(vec![other]),
        }
    }
}

fn number(text: &str) -> Expression {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let parsed = if let Some(digits) = hexadecimal {
        i64::from_str_radix(digits, 16)
    } else if text.len() > 1 && text.starts_with('0') {
        i64::from_str_radix(text, 8)
    } else if let Some((base, digits)) = text.split_once('#') {
        let base = base.parse().ok().filter(|base| (2..=36).contains(base));
        i64::from_str_radix(digits, base.unwrap_or(10))
    } else {
        text.parse()
    };
    parsed.map_or_else(|_| Expression::Other(Vec::new()), Expression::Number)
}

fn binary(op: ast::ArithmeticBinaryOp) -> Option<Operator> {
    use ast::ArithmeticBinaryOp as B;
    match op {
        B::Comma => Some(Operator::Comma),
        B::Multiply => Some(Operator::Multiply),
        B::Divide => Some(Operator::Divide),
        B::Modulo => Some(Operator::Modulo),
        B::Add => Some(Operator::Add),
        B::Subtract => Some(Operator::Subtract),
        B::ShiftLeft => Some(Operator::ShiftLeft),
        B::ShiftRight => Some(Operator::ShiftRight),
        B::BitwiseAnd => Some(Operator::And),
        B::BitwiseXor => Some(Operator::Xor),
        B::BitwiseOr => Some(Operator::Or),
        B::Power
        | B::LessThan
        | B::LessThanOrEqual
        | B::GreaterThan
        | B::GreaterThanOrEqual
        | B::Equal
        | B::NotEqual
        | B::LogicalAnd
        | B::LogicalOr => None,
    }
}

fn assigning(op: ast::ArithmeticAssignOp) -> Option<Operator> {
    use ast::ArithmeticAssignOp as A;
    match op {
        A::Assign => None,
        A::AddAssign => Some(Operator::Add),
        A::SubAssign => Some(Operator::Subtract),
        A::MulAssign => Some(Operator::Multiply),
        A::DivAssign => Some(Operator::Divide),
        A::ModAssign => Some(Operator::Modulo),
        A::ShiftLeftAssign => Some(Operator::ShiftLeft),
        A::ShiftRightAssign => Some(Operator::ShiftRight),
        A::AndAssign => Some(Operator::And),
        A::XorAssign => Some(Operator::Xor),
        A::OrAssign => Some(Operator::Or),
    }
}

/// Whether `$((` opens a substitution that begins with a subshell: as a shell decides it, by the two
/// parentheses at its end, which have to close the two at its beginning.
fn is_subshell(expansion: &str) -> bool {
    let inner = expansion.strip_prefix("$((").and_then(|inner| inner.strip_suffix(')'));
    let Some(inner) = inner else { return false };
    let Some(inner) = inner.strip_suffix(')') else { return true };
    let (mut open, mut quote) = (0_usize, None);
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => drop(chars.next()),
            (c, Some(by)) if c == by => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            ('(', None) => open += 1,
            (')', None) => match open.checked_sub(1) {
                Some(left) => open = left,
                None => return true,
            },
            _ => {}
        }
    }
    false
}
