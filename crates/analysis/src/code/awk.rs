//! awk: commands it runs (`system`, pipes, `getline`) and files it writes (`print >`).

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target};

use super::MAX_CALLS;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number,
    Regex,
    /// One sign, or `>>`, `||`, `|&`, `==` and the like as one.
    Sign(&'static str),
    Other,
    End,
}

/// Scans a program, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let tokens = tokens(code);
    // Statements end at `;`, a line's end, or a brace.
    let ends = |token: &Token| matches!(token, Token::End | Token::Sign("{" | "}"));
    let acts = |token: &Token| match token {
        Token::Name(name) => name == "system" || name == "getline",
        Token::Sign(sign) => matches!(*sign, "|" | "|&" | ">>" | ">"),
        _ => false,
    };
    if tokens.iter().filter(|(token, _)| acts(token)).count() > MAX_CALLS {
        let detail = "more calls than are followed";
        return analyzer.opaque(frame, Span::new(0, code.len()), OpaqueReason::OutOfFuel, detail);
    }
    for statement in tokens.split(|(token, _)| ends(token)) {
        let Some(span) = statement.iter().map(|(_, span)| *span).reduce(Span::cover) else {
            continue;
        };
        if !analyzer.step(frame, span) {
            return;
        }
        follow(analyzer, frame, statement, span);
    }
}

fn follow(analyzer: &mut Analyzer<'_>, frame: &Frame, statement: &[(Token, Span)], span: Span) {
    let prints = statement.iter().position(
        |(token, _)| matches!(token, Token::Name(name) if name == "print" || name == "printf"),
    );
    let mut depth = 0usize;
    for (index, (token, at)) in statement.iter().enumerate() {
        let rest = statement.get(index + 1..).unwrap_or_default();
        match token {
            Token::Sign("(") => depth += 1,
            Token::Sign(")") => depth = depth.saturating_sub(1),
            Token::Name(name)
                if name == "system" && rest.first().is_some_and(|t| t.0 == Token::Sign("(")) =>
            {
                let inside = rest.get(1..closing(rest)).unwrap_or_default();
                shell(analyzer, frame, *at, &expression(inside));
            }
            // `"cmd" | getline`, and `print | "cmd"`.
            Token::Sign("|" | "|&") => {
                let reads =
                    matches!(rest.first(), Some((Token::Name(name), _)) if name == "getline");
                let command = if reads {
                    let before = statement.get(..index).unwrap_or_default();
                    let from = before
                        .iter()
                        .rposition(|(token, _)| matches!(token, Token::Sign("(" | "=" | "," | "!")))
                        .map_or(0, |at| at + 1);
                    expression(before.get(from..).unwrap_or_default())
                } else {
                    expression(rest)
                };
                shell(analyzer, frame, *at, &command);
            }
            Token::Sign(redirect @ (">" | ">>")) if prints.is_some() && depth == 0 => {
                let append = [(Attr::Append, (*redirect == ">>").into()), (Attr::By, "awk".into())];
                let path = expression(rest);
                paths::effect(analyzer, frame, span, EffectKind::Write, &path, &append);
            }
            Token::Sign("<") if index > 0 => {
                let getline = statement.get(index.saturating_sub(2)..index).unwrap_or_default();
                if getline
                    .iter()
                    .any(|(token, _)| matches!(token, Token::Name(name) if name == "getline"))
                {
                    let path = expression(rest);
                    paths::effect(
                        analyzer,
                        frame,
                        span,
                        EffectKind::Read,
                        &path,
                        &[(Attr::By, "awk".into())],
                    );
                }
            }
            Token::Name(name) if name == "@load" || name == "@include" => {
                analyzer.opaque(frame, *at, OpaqueReason::UnseenFile, name.as_str());
            }
            Token::Name(name) if name.starts_with('@') => {
                analyzer.opaque(
                    frame,
                    *at,
                    OpaqueReason::DynamicCode,
                    "a function whose name is computed",
                );
            }
            Token::Name(name) if name == "ENVIRON" => {
                if let [(Token::Sign("["), _), (Token::Text(key), _), ..] = rest
                    && super::python::is_secret_variable(key)
                {
                    let effect =
                        Effect::new(EffectKind::Credential, Target::Known(format!("env:{key}")))
                            .with(Attr::Op, "read")
                            .with(Attr::Mechanism, "environment");
                    analyzer.effect(frame, *at, effect);
                }
            }
            _ => {}
        }
    }
}

fn shell(analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, command: &Value) {
    analyzer.shell(frame, &Word::new(command.clone(), span), Dialect::Posix, &Data::Unknown);
}

/// Longer expressions are unknown.
const MAX_EXPRESSION: usize = 500;

/// Texts side by side are one text; what is not a text is unknown.
fn expression(tokens: &[(Token, Span)]) -> Value {
    let mut value = Value::known("");
    let mut depth = 0usize;
    if tokens.len() > MAX_EXPRESSION {
        return Value::Unknown;
    }
    for (token, _) in tokens {
        match token {
            Token::Text(text) if depth == 0 => value = value.concat(&Value::known(text.as_str())),
            Token::Sign("(" | "[") => depth += 1,
            Token::Sign(")" | "]") if depth > 0 => depth -= 1,
            Token::Sign(")" | "," | "|" | "|&" | ">" | ">>" | "&&" | "||") if depth == 0 => break,
            _ => value = value.concat(&Value::Unknown),
        }
    }
    if value == Value::known("") { Value::Unknown } else { value }
}

fn closing(tokens: &[(Token, Span)]) -> usize {
    let mut depth = 0usize;
    for (index, (token, _)) in tokens.iter().enumerate().take(MAX_EXPRESSION) {
        match token {
            Token::Sign("(") => depth += 1,
            Token::Sign(")") => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn tokens(code: &str) -> Vec<(Token, Span)> {
    const SIGNS: &[&str] = &[
        ">>", ">=", "<=", "==", "!=", "&&", "||", "|&", "++", "--", "+=", "-=", "*=", "/=", "!~",
        "|", ">", "<", "(", ")", "[", "]", "{", "}", ",", "=", "!", "~",
    ];
    let mut tokens: Vec<(Token, Span)> = Vec::new();
    let mut at = 0;
    while let Some(c) = code.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = code.get(at..).unwrap_or_default();
        let (token, length) = match c {
            '\n' | ';' => (Token::End, 1),
            '\\' if rest.starts_with("\\\n") => {
                at += 2;
                continue;
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' => {
                let (text, length) = text(rest, '"');
                (Token::Text(text), length)
            }
            '/' if starts_regex(tokens.last().map(|(token, _)| token)) => {
                (Token::Regex, text(rest, '/').1)
            }
            c if c.is_ascii_digit() => (
                Token::Number,
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len()),
            ),
            c if c.is_alphabetic() || c == '_' || c == '@' => {
                let length = rest
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| !c.is_alphanumeric() && *c != '_')
                    .map_or(rest.len(), |(at, _)| at);
                (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            c => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => (Token::Other, c.len_utf8()),
            },
        };
        tokens.push((token, Span::new(at, at + length)));
        at += length;
    }
    tokens
}

/// A text up to its closing quote, and its length with both quotes.
fn text(rest: &str, quote: char) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return (text, at + 1),
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, c)) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    (text, rest.len())
}

fn starts_regex(before: Option<&Token>) -> bool {
    match before {
        None | Some(Token::End) => true,
        Some(Token::Sign(sign)) => !matches!(*sign, ")" | "]" | "++" | "--"),
        Some(Token::Name(_) | Token::Text(_) | Token::Number | Token::Regex | Token::Other) => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::code::tests::expect;

    #[test]
    fn awk_computes_unless_it_is_told_to_act() {
        expect(
            "awk",
            "$3 > 100 && /rm -rf/ { sum += $1 / $2 } END { print sum, \"x | sh\" }",
            &["!write", "!exec", "!opaque"],
        );
        expect("awk", "{ print $1 > \"/etc/hosts\" }", &["write /etc/hosts by=awk"]);
        expect("awk", "{ print ($1 > 2) }", &["!write"]);
        expect("awk", "{ print >> $2 }", &["write ? append"]);
        expect("awk", "{ print $1 > (\"/tmp/out-\" NR) }", &["write"]);
        expect(
            "awk",
            "BEGIN { while ((getline line < \"/etc/shadow\") > 0) print line }",
            &["credential /etc/shadow"],
        );
        expect("awk", "{ system(\"rm \" $1) }", &["opaque dynamic_code"]);
        expect("awk", "BEGIN { cmd | getline x }", &["opaque dynamic_code"]);
        expect("awk", "{ print ENVIRON[\"API_TOKEN\"] }", &["credential env:API_TOKEN"]);
    }
}
