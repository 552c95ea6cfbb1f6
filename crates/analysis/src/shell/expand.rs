//! Words become arguments: braces, tildes, expansions, splitting and globs, over abstract values.

use super::Shell;
use super::ir::{self, Piece};
use crate::context::limits::VALUE_BYTES;
use crate::value::{Span, Value, Word, escape_pattern};

/// What stands in front of a program's name where its path is meant, and which path is not known.
pub(super) const PATH_OF: &str = "/**/";
/// What a word costs apart from its text.
const WORD_BYTES: usize = 16;
/// More words than this from one pair of braces are not listed.
const BRACES: usize = 64;

/// What an expansion gives: one text, or a list of words (`"$@"`).
#[derive(Debug, Clone)]
pub(super) enum Expansion {
    Text(Value),
    List(Vec<Value>),
}

impl Expansion {
    /// As one text, as in an assignment.
    pub(super) fn joined(self) -> Value {
        self.joined_by(&Value::known(" "))
    }

    /// As one text, with this between the words of a list.
    pub(super) fn joined_by(self, separator: &Value) -> Value {
        match self {
            Self::Text(value) => value,
            Self::List(values) => {
                let known = values.iter().map(Value::as_known).collect::<Option<Vec<_>>>();
                if let (Some(texts), Some(separator)) = (known, separator.as_known()) {
                    let joined = texts.join(separator);
                    let fits = joined.len() <= VALUE_BYTES;
                    return if fits { Value::Known(joined) } else { Value::Unknown };
                }
                let mut values = values.into_iter();
                let Some(first) = values.next() else { return Value::known("") };
                values.fold(first, |joined, value| joined.concat(separator).concat(&value))
            }
        }
    }
}

/// A word taken apart for brace expansion.
#[derive(Debug, Clone)]
enum Token<'w> {
    Char(char),
    Piece(&'w Piece),
    Value(Value),
}

impl Shell<'_, '_> {
    /// The arguments that these words turn into.
    pub(super) fn expand_words(&mut self, words: &[ir::Word]) -> Vec<Word> {
        let mut expanded = Vec::with_capacity(words.len());
        for word in words {
            let before = expanded.len();
            self.expand_word(word, &mut expanded);
            let new = expanded.get(before..).unwrap_or_default();
            self.analyzer.hold(new.iter().map(|word| word.value.size() + WORD_BYTES).sum());
            if self.analyzer.exhausted() {
                let mut rest = Word::new(Value::Unknown, word.span);
                rest.splits = true;
                expanded.push(rest);
                break;
            }
        }
        expanded
    }

    fn expand_word(&mut self, word: &ir::Word, expanded: &mut Vec<Word>) {
        // Nearly every word is one plain text.
        match word.pieces.as_slice() {
            [Piece::Quoted(text)] => return expanded.push(Word::known(text.as_str(), word.span)),
            [Piece::Bare(text)] if !text.contains(['*', '?', '[', '{', '~', '=']) => {
                return expanded.push(Word::known(text.as_str(), word.span));
            }
            _ => {}
        }
        let braces = word.pieces.iter().any(
            |piece| matches!(piece, Piece::Bare(text) if text.contains('{') || text.contains('}')),
        );
        if !braces {
            let tokens = word.pieces.iter().map(Token::Piece).collect::<Vec<_>>();
            self.expand_tokens(&tokens, word.span, expanded);
            return;
        }
        let mut tokens = Vec::new();
        for piece in &word.pieces {
            match piece {
                Piece::Bare(text) => tokens.extend(text.chars().map(Token::Char)),
                other => tokens.push(Token::Piece(other)),
            }
        }
        let opened = tokens.iter().filter(|token| matches!(token, Token::Char('{'))).count();
        let alternatives = if opened > BRACES { None } else { brace_expand(&tokens, BRACES) };
        let Some(alternatives) = alternatives else {
            // Too many to list: every expansion in it still happens.
            let mut ignored = Vec::new();
            self.expand_tokens(&tokens, word.span, &mut ignored);
            let value = Value::Unknown;
            expanded.push(Word { value, span: word.span, splits: true });
            return;
        };
        for tokens in &alternatives {
            self.expand_tokens(tokens, word.span, expanded);
        }
    }

    fn expand_tokens(&mut self, tokens: &[Token<'_>], span: Span, expanded: &mut Vec<Word>) {
        let mut fields = Fields { span, expanded, current: None, splits: false };
        let mut bare = String::new();
        let mut first = true;
        for token in tokens {
            if !matches!(token, Token::Char(_)) && !bare.is_empty() {
                self.bare(&bare, first, &mut fields);
                bare.clear();
                first = false;
            }
            match token {
                Token::Char(c) => {
                    bare.push(*c);
                    continue;
                }
                Token::Value(value) => fields.append(value),
                Token::Piece(Piece::Bare(text)) => self.bare(text, first, &mut fields),
                Token::Piece(piece) => self.field_piece(piece, &mut fields),
            }
            first = false;
        }
        if !bare.is_empty() {
            self.bare(&bare, first, &mut fields);
        }
        fields.finish();
    }

    /// Unquoted text: tilde and globs.
    fn bare(&mut self, text: &str, first: bool, fields: &mut Fields<'_>) {
        let mut text = text;
        if first && let Some(rest) = text.strip_prefix('~') {
            let end = rest.find('/').unwrap_or(rest.len());
            let (user, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
            fields.append(&self.tilde(user));
            text = rest;
        } else if let Some((name, value)) = text.split_once("=~")
            && !name.contains('/')
        {
            // `--flag=~/x` keeps its tilde in bash; as an argument it still names a home to most
            // programs that are given it (and zsh expands it).
            fields.append(&Value::known(format!("{name}=~{value}")));
            return;
        }
        if text.is_empty() {
            return;
        }
        if first && let Some(program) = self.equals(text) {
            return fields.append(&program);
        }
        if self.state.no_glob || !has_glob(text) {
            fields.append_text(text);
        } else {
            fields.append(&Value::Pattern(glob_pattern(text)));
        }
    }

    /// Zsh's `=name`: where the program is.
    fn equals(&self, text: &str) -> Option<Value> {
        let name = text.strip_prefix('=').filter(|_| self.zsh())?;
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
        (!name.is_empty() && name.bytes().all(plain))
            .then(|| Value::Pattern(format!("{PATH_OF}{name}")))
    }

    /// What `~user` stands for.
    fn tilde(&mut self, user: &str) -> Value {
        let home = self.variable_value("HOME");
        match user {
            "" => home,
            "+" => self.frame.cwd.clone(),
            "-" => self.state.previous.clone().unwrap_or(Value::Unknown),
            "root" => Value::known("/root"),
            user => match home.as_known() {
                Some(home) if ringfence_action::path::base_name(home) == user => Value::known(home),
                _ => Value::Unknown,
            },
        }
    }

    fn field_piece(&mut self, piece: &Piece, fields: &mut Fields<'_>) {
        match piece {
            Piece::Quoted(text) => fields.append_text(text),
            Piece::Double(pieces) => {
                fields.append_text("");
                for (index, inner) in pieces.iter().enumerate() {
                    match inner {
                        Piece::Quoted(text) | Piece::Bare(text) => fields.append_text(text),
                        other => match self.piece(other) {
                            Expansion::Text(value) => fields.append(&value),
                            // `"$a"` is one word in zsh, `"${a[@]}"` is one for each.
                            list if self.zsh() && !is_spread(other) => {
                                let joined = list.joined_by(&self.separator());
                                fields.append(&joined);
                            }
                            Expansion::List(values) => {
                                let alone = pieces.len() == 1 && index == 0;
                                fields.append_list(&values, alone);
                            }
                        },
                    }
                }
            }
            other => {
                // Zsh splits what a command prints, and leaves what a parameter holds alone.
                let whole =
                    self.zsh() && !self.state.split_words && !matches!(other, Piece::Command(..));
                self.one_name = false;
                match self.piece(other) {
                    // `$(git branch --show-current)`.
                    Expansion::Text(value)
                        if self.one_name && matches!(other, Piece::Command(..)) =>
                    {
                        fields.append(&value);
                    }
                    Expansion::Text(value) => self.split(&value, whole, fields),
                    Expansion::List(values) => {
                        for (index, value) in values.iter().enumerate() {
                            if index > 0 {
                                fields.close();
                            }
                            self.split(value, whole, fields);
                        }
                    }
                }
            }
        }
    }

    /// The result of an unquoted expansion: split at `IFS`, then globbed.
    fn split(&mut self, value: &Value, whole: bool, fields: &mut Fields<'_>) {
        if whole {
            // Neither split nor globbed; an empty one is no word.
            if value.as_known() != Some("") {
                fields.append(value);
            }
            fields.splits |= value.listed().is_none() && !value.is_number();
            return;
        }
        let separators = match self.state.variables.get("IFS") {
            None => Some(" \t\n".to_owned()),
            Some(ifs) => ifs.value().as_known().map(str::to_owned),
        };
        let Some(separators) = separators else {
            fields.append(&Value::Unknown);
            fields.splits = true;
            return;
        };
        match value {
            Value::Known(text) => {
                let mut parts = text.split(|c| separators.contains(c)).peekable();
                while let Some(part) = parts.next() {
                    if !part.is_empty() {
                        if self.state.no_glob || self.zsh() || !has_glob(part) {
                            fields.append_text(part);
                        } else {
                            fields.append(&Value::Pattern(glob_pattern(part)));
                        }
                    }
                    if parts.peek().is_some() {
                        fields.close();
                    }
                }
            }
            Value::OneOf(all)
                if all.iter().all(|text| {
                    !text.is_empty()
                        && !text.contains(|c| separators.contains(c))
                        && !has_glob(text)
                }) =>
            {
                fields.append(value);
            }
            Value::Pattern(_) if value.is_number() => fields.append(value),
            Value::OneOf(_) | Value::Pattern(_) | Value::Unknown => {
                fields.append(if matches!(value, Value::Pattern(_)) {
                    value
                } else {
                    &Value::Unknown
                });
                fields.splits = true;
            }
        }
    }

    /// The word as one text: assignments, redirections, `case`, here-documents.
    pub(super) fn expand_value(&mut self, word: &ir::Word) -> Value {
        match word.pieces.as_slice() {
            [] => return Value::known(""),
            [Piece::Quoted(text)] => return Value::known(text.as_str()),
            [Piece::Bare(text)] if !text.contains(['~', '=']) => {
                return Value::known(text.as_str());
            }
            _ => {}
        }
        let mut value: Option<Value> = None;
        for (index, piece) in word.pieces.iter().enumerate() {
            let next = match piece {
                Piece::Quoted(text) => Value::known(text.as_str()),
                Piece::Bare(text)
                    if index == 0
                        && let Some(program) = self.equals(text) =>
                {
                    program
                }
                Piece::Bare(text) => self.tildes(text, index == 0),
                other => self.piece(other).joined(),
            };
            value = Some(match value {
                Some(Value::Known(mut text))
                    if next
                        .as_known()
                        .is_some_and(|next| text.len() + next.len() <= VALUE_BYTES) =>
                {
                    text.push_str(next.as_known().unwrap_or_default());
                    Value::Known(text)
                }
                Some(value) => value.concat(&next),
                None => next,
            });
        }
        value.unwrap_or_else(|| Value::known(""))
    }

    /// Tildes at the start and after colons, as in an assignment.
    fn tildes(&mut self, text: &str, first: bool) -> Value {
        if !text.contains('~') {
            return Value::known(text);
        }
        let mut value: Option<Value> = None;
        for (index, part) in text.split(':').enumerate() {
            let next = match part.strip_prefix('~') {
                Some(rest) if first || index > 0 => {
                    let end = rest.find('/').unwrap_or(rest.len());
                    let (user, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    self.tilde(user).concat(&Value::known(rest))
                }
                _ => Value::known(part),
            };
            value = Some(match value {
                Some(value) => value.concat(&Value::known(":")).concat(&next),
                None => next,
            });
        }
        value.unwrap_or_else(|| Value::known(""))
    }

    /// The word as a pattern: quoted text stands for itself.
    pub(super) fn expand_pattern(&mut self, word: &ir::Word) -> Option<String> {
        let mut pattern = String::new();
        let mut known = true;
        for piece in &word.pieces {
            match piece {
                Piece::Bare(text) => pattern.push_str(text),
                Piece::Quoted(text) => pattern.push_str(&escape_pattern(text)),
                Piece::Double(_) => match self.piece(piece).joined() {
                    Value::Known(text) => pattern.push_str(&escape_pattern(&text)),
                    Value::OneOf(_) | Value::Pattern(_) | Value::Unknown => known = false,
                },
                other => match self.piece(other).joined() {
                    Value::Known(text) => pattern.push_str(&text),
                    Value::OneOf(_) | Value::Pattern(_) | Value::Unknown => known = false,
                },
            }
        }
        known.then_some(pattern)
    }

    /// What one piece gives, before any splitting.
    pub(super) fn piece(&mut self, piece: &Piece) -> Expansion {
        if matches!(piece, Piece::Bare(_) | Piece::Quoted(_)) {
            return self.expanded_piece(piece);
        }
        if self.analyzer.exhausted() {
            return Expansion::Text(Value::Unknown);
        }
        let expansion = self.expanded_piece(piece);
        self.analyzer.hold(match &expansion {
            Expansion::Text(value) => value.size() + WORD_BYTES,
            Expansion::List(values) => {
                values.iter().map(|value| value.size() + WORD_BYTES).sum::<usize>()
            }
        });
        expansion
    }

    fn expanded_piece(&mut self, piece: &Piece) -> Expansion {
        match piece {
            Piece::Bare(text) | Piece::Quoted(text) => Expansion::Text(Value::known(text.as_str())),
            Piece::Double(pieces) => {
                let mut value = Value::known("");
                for inner in pieces {
                    let next = self.piece(inner).joined();
                    value = match (value, next) {
                        (Value::Known(mut text), Value::Known(next))
                            if text.len() + next.len() <= VALUE_BYTES =>
                        {
                            text.push_str(&next);
                            Value::Known(text)
                        }
                        (value, next) => value.concat(&next),
                    };
                }
                Expansion::Text(value)
            }
            Piece::Parameter(parameter) => self.parameter(parameter),
            Piece::Command(script, span) => Expansion::Text(self.substitute(script, *span)),
            Piece::Arithmetic(arithmetic) => Expansion::Text(self.arithmetic(arithmetic)),
            Piece::Process(script, input, span) => {
                Expansion::Text(self.process_substitution(script, *input, *span))
            }
            Piece::Pattern(words) => {
                for word in words {
                    self.expand_pattern(word);
                }
                Expansion::Text(Value::Unknown)
            }
            Piece::Opaque(why, span) => {
                self.opaque(*span, ringfence_action::OpaqueReason::DynamicCode, *why);
                Expansion::Text(Value::Unknown)
            }
        }
    }
}

/// Whether an expansion in double quotes gives a word for each element.
fn is_spread(piece: &Piece) -> bool {
    matches!(piece, Piece::Parameter(parameter)
        if parameter.reference.name == "@" || matches!(parameter.reference.index, Some(ir::Index::At)))
}

/// The words that one word is turning into.
struct Fields<'e> {
    span: Span,
    expanded: &'e mut Vec<Word>,
    current: Option<Value>,
    splits: bool,
}

impl Fields<'_> {
    fn append_text(&mut self, text: &str) {
        match &mut self.current {
            Some(Value::Known(current)) => current.push_str(text),
            Some(other) => other.append(Value::known(text)),
            None => self.current = Some(Value::known(text)),
        }
    }

    fn append(&mut self, value: &Value) {
        match (&mut self.current, value) {
            (Some(Value::Known(current)), value) if current.is_empty() => {
                self.current = Some(value.clone());
            }
            (Some(current), value) => current.append(value.clone()),
            (None, value) => self.current = Some(value.clone()),
        }
    }

    fn append_list(&mut self, values: &[Value], alone: bool) {
        if values.is_empty() && alone {
            // `"$@"` without parameters is no word at all.
            self.current = None;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.close();
            }
            self.append(value);
        }
    }

    fn close(&mut self) {
        if let Some(value) = self.current.take() {
            self.expanded.push(Word { value, span: self.span, splits: self.splits });
        }
    }

    fn finish(mut self) {
        self.close();
    }
}

/// Whether unquoted text is a glob. A lone `[` is the test command.
fn has_glob(text: &str) -> bool {
    text.contains(['*', '?'])
        || text
            .find('[')
            .is_some_and(|open| text.get(open + 2..).is_some_and(|rest| rest.contains(']')))
}

/// A glob in the notation of patterns, which is the shell's own. Braces and the like are literal.
fn glob_pattern(text: &str) -> String {
    text.replace("**", "*")
}

/// The alternatives of a word with braces; `None` for more than `limit`.
fn brace_expand<'w>(tokens: &[Token<'w>], limit: usize) -> Option<Vec<Vec<Token<'w>>>> {
    let mut from = 0;
    while let Some(open) = position(tokens, from, |c| c == '{') {
        let Some((close, commas)) = closing(tokens, open) else {
            from = open + 1;
            continue;
        };
        let inner = tokens.get(open + 1..close).unwrap_or_default();
        let items: Vec<Vec<Token<'w>>> = if commas.is_empty() {
            match sequence(inner, limit) {
                Some(items) => items,
                None => {
                    from = open + 1;
                    continue;
                }
            }
        } else {
            let mut items = Vec::new();
            let mut start = open + 1;
            for end in commas.into_iter().chain([close]) {
                items.push(tokens.get(start..end).unwrap_or_default().to_vec());
                start = end + 1;
            }
            items
        };
        let before = tokens.get(..open).unwrap_or_default();
        let after = tokens.get(close + 1..).unwrap_or_default();
        let mut all = Vec::new();
        for item in items {
            let mut word = item;
            word.extend_from_slice(after);
            for expanded in brace_expand(&word, limit)? {
                let mut whole = before.to_vec();
                whole.extend(expanded);
                all.push(whole);
                if all.len() > limit {
                    return None;
                }
            }
        }
        return Some(all);
    }
    Some(vec![tokens.to_vec()])
}

fn position(tokens: &[Token<'_>], from: usize, is: impl Fn(char) -> bool) -> Option<usize> {
    let found =
        tokens.iter().skip(from).position(|token| matches!(token, Token::Char(c) if is(*c)));
    found.map(|at| at + from)
}

/// The brace that closes the one at `open`, and the commas between.
fn closing(tokens: &[Token<'_>], open: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0;
    let mut commas = Vec::new();
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Char('{') => depth += 1,
            Token::Char('}') => {
                depth -= 1;
                if depth == 0 {
                    return Some((at, commas));
                }
            }
            Token::Char(',') if depth == 1 => commas.push(at),
            Token::Char(_) | Token::Piece(_) | Token::Value(_) => {}
        }
    }
    None
}

/// `{1..5}`, `{a..e}`, with an optional step.
fn sequence<'w>(inner: &[Token<'w>], limit: usize) -> Option<Vec<Vec<Token<'w>>>> {
    let text = inner
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(*c),
            Token::Piece(_) | Token::Value(_) => None,
        })
        .collect::<Option<String>>();
    let Some(text) = text else {
        // `{1..$n}` stays as it is in bash; zsh counts. Some number, then.
        let dots =
            inner.windows(2).any(|pair| matches!(pair, [Token::Char('.'), Token::Char('.')]));
        return dots.then(|| vec![inner.to_vec()]);
    };
    let mut parts = text.split("..");
    let (start, end, step) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let step = step.map_or(Some(1), |step| step.parse::<i64>().ok())?.unsigned_abs().max(1);
    let step = usize::try_from(step).ok()?;
    if let (Ok(first), Ok(last)) = (start.parse::<i64>(), end.parse::<i64>()) {
        let count = first.abs_diff(last) / step as u64;
        if count >= limit as u64 {
            return Some(vec![vec![Token::Value(Value::number())]]);
        }
        let padded = [start, end]
            .iter()
            .any(|text| text.len() > 1 && text.trim_start_matches('-').starts_with('0'));
        let width = if padded { start.len().max(end.len()) } else { 0 };
        let numbers: Vec<i64> = if first <= last {
            (first..=last).step_by(step).collect()
        } else {
            (last..=first).rev().step_by(step).collect()
        };
        let words = numbers.into_iter().map(|number| format!("{number:0width$}"));
        return Some(words.map(|word| word.chars().map(Token::Char).collect()).collect());
    }
    let single = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|c| c.is_ascii() && chars.next().is_none())
    };
    let (first, last) = (single(start)?, single(end)?);
    let chars: Vec<char> = if first <= last {
        (first..=last).step_by(step).collect()
    } else {
        (last..=first).rev().step_by(step).collect()
    };
    Some(chars.into_iter().map(|c| vec![Token::Char(c)]).collect())
}
