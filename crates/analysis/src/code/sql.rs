//! SQL, with the commands that the shells of databases add to it.
//!
//! Statements are told by their tokens, not by a full grammar: every database has its own, and what
//! matters (which verb, which table, is there a condition) stands at the same places in all of them.

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::MAX_CALLS;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::shell;
use crate::value::{Span, Value, Word};

/// Reads statements and commands, recording their effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let mut statements = String::with_capacity(code.len());
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let command = command_start(line);
        let (sql, meta) =
            line.split_at_checked(command.unwrap_or(line.len())).unwrap_or((line, ""));
        statements.push_str(sql);
        if !meta.is_empty() {
            let span = Span::new(at + sql.len(), at + line.trim_end().len());
            shell_command(analyzer, frame, span, meta.trim_end());
            // A command ends the statement in front of it.
            statements.push_str(";\n");
        }
        at += line.len();
    }
    let span = Span::new(0, code.len());
    let tokens = match Tokenizer::new(&GenericDialect {}, &statements).tokenize() {
        Ok(tokens) => tokens,
        Err(error) => {
            return analyzer.opaque(frame, span, OpaqueReason::ParseError, format!("sql: {error}"));
        }
    };
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    for statement in tokens.split(|token| *token == Token::SemiColon) {
        if !statement.is_empty() && analyzer.step(frame, span) {
            Statement::new(statement).follow(analyzer, frame, span);
        }
    }
}

/// Whether a text begins like a statement.
pub(super) fn looks_like_statement(text: &str) -> bool {
    let first =
        text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    VERBS.contains(&first.to_ascii_uppercase().as_str())
}

/// Statements within one statement that are followed.
const MAX_NESTED: usize = 50;

/// What statements that change something, or read rows, begin with.
const VERBS: &[&str] = &[
    "SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "ALTER", "CREATE", "TRUNCATE", "GRANT",
    "REVOKE", "WITH", "MERGE", "COPY", "VACUUM", "PRAGMA", "CALL", "REPLACE", "EXEC", "EXECUTE",
    "ATTACH", "LOAD", "SHOW", "EXPLAIN", "SET", "BEGIN", "COMMIT",
];

/// Where a command of `psql`, `mysql` or `sqlite3` begins in a line: `\x` outside quotes, `.x` in front.
fn command_start(line: &str) -> Option<usize> {
    let trimmed = line.trim_start();
    let dot = trimmed
        .strip_prefix('.')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let bang = ["system ", "source "].iter().any(|word| trimmed.starts_with(word));
    if dot || bang {
        return Some(line.len() - trimmed.len());
    }
    let mut quote = None;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '-') if chars.peek().is_some_and(|(_, next)| *next == '-') => return None,
            (None, '\\') => {
                let next = chars.peek().map(|(_, next)| *next);
                if next.is_some_and(|c| c.is_ascii_alphabetic() || c == '!') {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// A command of a database's shell.
fn shell_command(analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, text: &str) {
    let of_psql = text.starts_with('\\');
    let text = text.trim_start_matches(['\\', '.']);
    let (name, rest) = match text.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    let rest = rest.trim().trim_end_matches(';');
    let unquoted = rest.trim_matches(['\'', '"', '`']);
    let run = |analyzer: &mut Analyzer<'_>, command: &str| {
        let word = Word::known(command, span);
        analyzer.shell(frame, &word, Dialect::Posix, &Data::None);
    };
    // Backquotes in the arguments of a command are commands of the shell.
    if of_psql && name != "!" {
        for (at, code) in rest.split('`').enumerate() {
            if at % 2 == 1 {
                run(analyzer, code);
            }
        }
    }
    let piped = unquoted.strip_prefix('|').map(str::trim);
    let file = |analyzer: &mut Analyzer<'_>, kind: EffectKind, path: &str| {
        let path =
            Value::known(path.split_whitespace().next().unwrap_or(path).trim_matches(['\'', '"']));
        paths::effect(analyzer, frame, span, kind, &path, &[]);
    };
    match name {
        "!" | "shell" | "system" if !rest.is_empty() => run(analyzer, rest),
        "g" | "gx" | "o" | "out" | "output" | "once" | "w" | "write" | "s" | "tee" | "log" => {
            match piped {
                Some(command) => run(analyzer, command),
                None if unquoted.is_empty() || matches!(unquoted, "stdout" | "off") => {}
                None => file(analyzer, EffectKind::Write, unquoted),
            }
        }
        "i" | "ir" | "include" | "include_relative" | "read" | "source" => match piped {
            Some(command) => run(analyzer, command),
            None => included(analyzer, frame, span, unquoted),
        },
        "copy" => {
            let lower = rest.to_ascii_lowercase();
            if let Some((_, program)) =
                lower.find("program").and_then(|at| rest.split_at_checked(at + 7))
            {
                run(analyzer, program.trim().trim_matches('\''));
            } else {
                let out = lower.contains(" to ");
                let kind = if out { EffectKind::Write } else { EffectKind::Read };
                let path = rest
                    .rsplit_once(if out { " to " } else { " from " })
                    .map_or("", |(_, path)| path);
                let path = path.trim();
                if !path.is_empty() && !matches!(path, "stdin" | "stdout" | "pstdin" | "pstdout") {
                    file(analyzer, kind, path);
                }
                if !out {
                    let effect =
                        Effect::new(EffectKind::Database, Target::Unknown).with(Attr::Op, "COPY");
                    analyzer.effect(frame, span, effect);
                }
            }
        }
        "import" => match piped
            .or_else(|| unquoted.split(['"', '\'']).find_map(|w| w.trim().strip_prefix('|')))
        {
            Some(command) => run(analyzer, command),
            None => {
                file(analyzer, EffectKind::Read, rest);
                let effect =
                    Effect::new(EffectKind::Database, Target::Unknown).with(Attr::Op, "import");
                analyzer.effect(frame, span, effect);
            }
        },
        "setenv" => {
            let (variable, value) = unquoted.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let value = value.trim().trim_matches(['\'', '"']);
            let known = !value.contains([':', '`']);
            let value = if known { Value::known(value) } else { Value::Unknown };
            shell::started_with(analyzer, frame, variable, &value, span);
        }
        "load" => analyzer.opaque(frame, span, OpaqueReason::UnseenFile, unquoted),
        "gexec" => analyzer.opaque(
            frame,
            span,
            OpaqueReason::DynamicCode,
            "the rows of a query run as statements",
        ),
        "backup" | "save" | "clone" | "excel" => file(analyzer, EffectKind::Write, unquoted),
        "restore" => {
            file(analyzer, EffectKind::Read, unquoted);
            let effect = Effect::new(EffectKind::Database, Target::Unknown)
                .with(Attr::Op, "restore")
                .with(Attr::Destroy, true);
            analyzer.effect(frame, span, effect);
        }
        "open" => file(analyzer, EffectKind::Read, unquoted),
        // The rest only changes what is shown, or shows what is there.
        _ => {}
    }
}

fn included(analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, path: &str) {
    let value = Value::known(path);
    paths::effect(analyzer, frame, span, EffectKind::Read, &value, &[]);
    let target = paths::locate(analyzer, frame, &value);
    match target.as_known().and_then(|path| analyzer.file(path)) {
        Some(content) => {
            let word = Word::known(&*content, span);
            analyzer.code(frame, "sql", &word);
        }
        None => analyzer.opaque(frame, span, OpaqueReason::UnseenFile, target.to_string()),
    }
}

/// One statement: its tokens with the depth of brackets around each.
struct Statement<'s> {
    tokens: &'s [Token],
    depths: Vec<usize>,
}

impl<'s> Statement<'s> {
    fn new(tokens: &'s [Token]) -> Self {
        let mut depth = 0usize;
        let depths = tokens
            .iter()
            .map(|token| match token {
                Token::LParen => {
                    depth += 1;
                    depth - 1
                }
                Token::RParen => {
                    depth = depth.saturating_sub(1);
                    depth
                }
                _ => depth,
            })
            .collect();
        Self { tokens, depths }
    }

    /// The word at an index, in upper case.
    fn word(&self, index: usize) -> Option<String> {
        match self.tokens.get(index)? {
            Token::Word(word) if word.quote_style.is_none() => {
                Some(word.value.to_ascii_uppercase())
            }
            _ => None,
        }
    }

    /// Whether a selection takes several things that tell of people, of all rows there are.
    fn reads_people(&self, at: usize, from: usize, depth: usize) -> bool {
        const PERSONAL: &[&str] = &[
            "NAME",
            "EMAIL",
            "MAIL",
            "PHONE",
            "MOBILE",
            "ADDRESS",
            "STREET",
            "BIRTH",
            "BIRTHDATE",
            "BIRTHDAY",
            "DOB",
            "SALARY",
            "SSN",
            "IBAN",
            "PASSPORT",
            "GENDER",
            "RELIGION",
            "DIAGNOSIS",
            "FIRSTNAME",
            "LASTNAME",
            "MOBILEPHONE",
            "HOMEPHONE",
            "PASSWORD",
        ];
        let is_personal = |index: &usize| {
            self.word(*index)
                .is_some_and(|word| word.split('_').any(|part| PERSONAL.contains(&part)))
        };
        let limits = ["WHERE", "LIMIT", "FETCH", "TOP", "GROUP", "SAMPLE", "TABLESAMPLE"];
        (at + 1..from).filter(is_personal).count() > 1 && self.find(at, depth, &limits).is_none()
    }

    fn is(&self, index: usize, words: &[&str]) -> bool {
        self.word(index).is_some_and(|word| words.contains(&word.as_str()))
    }

    /// The first of these words at a depth, from an index on.
    fn find(&self, from: usize, depth: usize, words: &[&str]) -> Option<usize> {
        (from..self.tokens.len())
            .take_while(|index| self.depths.get(*index).is_some_and(|d| *d >= depth))
            .find(|index| self.depths.get(*index) == Some(&depth) && self.is(*index, words))
    }

    /// A name with its dots: `public.users`.
    fn name(&self, from: usize) -> Target {
        let mut name = String::new();
        let mut index = from;
        while let Some(token) = self.tokens.get(index) {
            match token {
                Token::Word(word) if name.is_empty() || name.ends_with('.') => {
                    name.push_str(&word.value);
                }
                Token::Period if !name.is_empty() => name.push('.'),
                Token::SingleQuotedString(text) | Token::DoubleQuotedString(text)
                    if name.is_empty() =>
                {
                    name.push_str(text);
                }
                _ => break,
            }
            index += 1;
        }
        if name.is_empty() { Target::Unknown } else { Target::Known(name) }
    }

    /// The name that follows, past words that may stand before it.
    fn name_after(&self, from: usize, skipped: &[&str]) -> Target {
        let mut index = from;
        while self.is(index, skipped) {
            index += 1;
        }
        self.name(index)
    }

    fn string_after(&self, from: usize) -> Option<&str> {
        match self.tokens.get(from)? {
            Token::SingleQuotedString(text)
            | Token::DoubleQuotedString(text)
            | Token::NationalStringLiteral(text)
            | Token::EscapedStringLiteral(text) => Some(text),
            Token::Word(word) if word.quote_style.is_some() => Some(&word.value),
            Token::DollarQuotedString(text) => Some(&text.value),
            _ => None,
        }
    }

    fn follow(&self, analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span) {
        let start = self.tokens.iter().position(|token| *token != Token::LParen).unwrap_or(0);
        self.functions(analyzer, frame, span);
        // Data-changing statements inside `WITH x AS (…)`.
        let nested: Vec<usize> = (1..self.tokens.len())
            .filter(|index| self.tokens.get(index - 1) == Some(&Token::LParen))
            .filter(|index| self.is(*index, &["DELETE", "UPDATE", "INSERT", "MERGE"]))
            .take(MAX_CALLS)
            .collect();
        if nested.len() > MAX_NESTED {
            let detail = "more statements within a statement than are followed";
            return analyzer.opaque(frame, span, OpaqueReason::OutOfFuel, detail);
        }
        for index in nested {
            self.verb(analyzer, frame, span, index);
        }
        self.verb(analyzer, frame, span, start);
    }

    /// The statement whose verb stands at this index.
    fn verb(&self, analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, at: usize) {
        let depth = self.depths.get(at).copied().unwrap_or(0);
        let Some(verb) = self.word(at) else {
            if at < self.tokens.len() {
                analyzer.opaque(frame, span, OpaqueReason::UnsupportedSyntax, "sql without a verb");
            }
            return;
        };
        let object = self.word(at + 1).unwrap_or_default();
        let record = |analyzer: &mut Analyzer<'_>, effect: Effect, op: &str| {
            analyzer.effect(frame, span, effect.with(Attr::Op, op));
        };
        let database = |target: Target| Effect::new(EffectKind::Database, target);
        const NOISE: &[&str] = &[
            "IF",
            "NOT",
            "EXISTS",
            "ONLY",
            "TABLE",
            "INTO",
            "FROM",
            "OR",
            "REPLACE",
            "IGNORE",
            "LOW_PRIORITY",
            "TEMPORARY",
            "TEMP",
            "UNIQUE",
            "CONCURRENTLY",
            "ABORT",
            "ROLLBACK",
            "OVERWRITE",
        ];
        match verb.as_str() {
            "SELECT" | "VALUES" | "TABLE" | "SHOW" | "DESCRIBE" | "DESC" | "HELP" | "LIST" => {
                let from = self.find(at, depth, &["FROM"]);
                let table = from.map_or(Target::Unknown, |from| self.name(from + 1));
                match self.find(at, depth, &["INTO"]).filter(|into| {
                    from.is_none_or(|from| *into < from)
                        || self.is(into + 1, &["OUTFILE", "DUMPFILE"])
                }) {
                    Some(into) if self.is(into + 1, &["OUTFILE", "DUMPFILE"]) => {
                        let path = self.string_after(into + 2).map_or(Value::Unknown, Value::known);
                        paths::effect(analyzer, frame, span, EffectKind::Write, &path, &[]);
                        record(analyzer, database(table).with(Attr::ReadOnly, true), &verb);
                    }
                    Some(into) => record(
                        analyzer,
                        database(self.name_after(into + 1, NOISE)).with(Attr::Ddl, true),
                        "SELECT INTO",
                    ),
                    None => {
                        let everybody = from.is_some_and(|from| self.reads_people(at, from, depth));
                        let effect = database(table).with(Attr::ReadOnly, true);
                        record(analyzer, effect.with(Attr::Unbounded, everybody), &verb);
                    }
                }
            }
            "EXPLAIN" => {
                let mut inner = at + 1;
                let mut runs = false;
                while self.is(inner, &["ANALYZE", "VERBOSE", "QUERY", "PLAN", "FORMAT", "JSON"]) {
                    runs |= self.is(inner, &["ANALYZE"]);
                    inner += 1;
                }
                if runs {
                    self.verb(analyzer, frame, span, inner);
                } else {
                    record(analyzer, database(Target::Unknown).with(Attr::ReadOnly, true), &verb);
                }
            }
            "WITH" => {
                let main = self.find(
                    at + 1,
                    depth,
                    &["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES"],
                );
                if let Some(main) = main {
                    self.verb(analyzer, frame, span, main);
                }
            }
            "PRAGMA" => {
                let sets = self.tokens.contains(&Token::Eq);
                record(analyzer, database(self.name(at + 1)).with(Attr::ReadOnly, !sets), &verb);
            }
            "DELETE" | "UPDATE" => {
                let table = match verb.as_str() {
                    "DELETE" => self
                        .find(at, depth, &["FROM"])
                        .map_or_else(|| self.name(at + 1), |from| self.name_after(from + 1, NOISE)),
                    _ => self.name_after(at + 1, NOISE),
                };
                let unbounded = !self.is_limited(at, depth);
                let effect = database(table).with(Attr::Unbounded, unbounded);
                let destroys = unbounded && verb == "DELETE";
                record(analyzer, effect.with(Attr::Destroy, destroys), &verb);
            }
            "TRUNCATE" => {
                let effect = database(self.name_after(at + 1, NOISE));
                record(
                    analyzer,
                    effect.with(Attr::Destroy, true).with(Attr::Unbounded, true),
                    &verb,
                );
            }
            "DROP" => {
                let effect = database(self.name_after(at + 2, NOISE)).with(Attr::Ddl, true);
                let keeps_data = matches!(
                    object.as_str(),
                    "INDEX"
                        | "TRIGGER"
                        | "FUNCTION"
                        | "PROCEDURE"
                        | "VIEW"
                        | "POLICY"
                        | "RULE"
                        | "AGGREGATE"
                        | "OPERATOR"
                        | "CAST"
                );
                let temporary = object == "TEMPORARY";
                record(
                    analyzer,
                    effect.with(Attr::Destroy, !keeps_data && !temporary),
                    &format!("DROP {object}"),
                );
            }
            "ALTER" => {
                let drops = self.find(at + 2, depth, &["DROP"]).is_some_and(|drop| {
                    !self.is(
                        drop + 1,
                        &[
                            "CONSTRAINT",
                            "DEFAULT",
                            "NOT",
                            "INDEX",
                            "KEY",
                            "FOREIGN",
                            "PRIMARY",
                            "IDENTITY",
                            "EXPRESSION",
                        ],
                    )
                });
                let effect = database(self.name_after(at + 2, NOISE))
                    .with(Attr::Ddl, true)
                    .with(Attr::Destroy, drops);
                record(analyzer, effect, &format!("ALTER {object}"));
                if matches!(object.as_str(), "ROLE" | "USER" | "SYSTEM")
                    || self.find(at, depth, &["OWNER"]).is_some()
                {
                    self.grants(
                        analyzer,
                        frame,
                        span,
                        self.name_after(at + 2, NOISE),
                        (&format!("ALTER {object}"), self.rights_beyond(at, depth)),
                    );
                }
            }
            "CREATE" => {
                let effect = database(self.name_after(at + 2, NOISE)).with(Attr::Ddl, true);
                record(analyzer, effect, &format!("CREATE {object}"));
                if matches!(object.as_str(), "ROLE" | "USER" | "LOGIN") {
                    self.grants(
                        analyzer,
                        frame,
                        span,
                        self.name_after(at + 2, NOISE),
                        (&format!("CREATE {object}"), self.rights_beyond(at, depth)),
                    );
                }
            }
            "GRANT" | "REVOKE" => {
                let to = self
                    .find(at, depth, &["TO", "FROM"])
                    .map_or(Target::Unknown, |to| self.name(to + 1));
                if verb == "GRANT" {
                    let end = self.find(at, depth, &["ON", "TO"]).unwrap_or(at + 1);
                    let rights = self.written(at + 1, end);
                    self.grants(analyzer, frame, span, to.clone(), ("GRANT", &rights));
                }
                record(analyzer, database(to).with(Attr::Ddl, true), &verb);
            }
            "INSERT" | "REPLACE" | "MERGE" | "UPSERT" => {
                record(analyzer, database(self.name_after(at + 1, NOISE)), &verb);
            }
            "COPY" => self.copy(analyzer, frame, span, at),
            "LOAD" | "IMPORT" => {
                if let Some(file) =
                    self.find(at, depth, &["INFILE"]).and_then(|at| self.string_after(at + 1))
                {
                    paths::effect(
                        analyzer,
                        frame,
                        span,
                        EffectKind::Read,
                        &Value::known(file),
                        &[],
                    );
                }
                let into = self
                    .find(at, depth, &["INTO"])
                    .map_or(Target::Unknown, |into| self.name_after(into + 1, NOISE));
                record(analyzer, database(into), &verb);
            }
            "ATTACH" | "DETACH" => {
                let file = (at + 1..self.tokens.len()).find_map(|index| self.string_after(index));
                if let Some(file) = file.filter(|_| verb == "ATTACH") {
                    paths::effect(
                        analyzer,
                        frame,
                        span,
                        EffectKind::Write,
                        &Value::known(file),
                        &[],
                    );
                }
            }
            "EXEC" | "EXECUTE" | "CALL" => {
                if object == "IMMEDIATE" || self.tokens.get(at + 1) == Some(&Token::LParen) {
                    analyzer.opaque(
                        frame,
                        span,
                        OpaqueReason::DynamicCode,
                        "a statement that is computed",
                    );
                }
                record(analyzer, database(self.name(at + 1)), &verb);
            }
            "DO" | "DECLARE" => {
                let body = (at..self.tokens.len()).find_map(|index| match self.tokens.get(index) {
                    Some(Token::DollarQuotedString(text)) => Some(text.value.as_str()),
                    _ => None,
                });
                match body {
                    // The statements of a block stand between its own words.
                    Some(body) if !body.to_ascii_uppercase().contains("EXECUTE") => {
                        let body = block_statements(body);
                        analyzer.code(frame, "sql", &Word::known(body, span));
                    }
                    _ => analyzer.opaque(
                        frame,
                        span,
                        OpaqueReason::DynamicCode,
                        "a block of procedural sql",
                    ),
                }
            }
            "KILL" => {
                let effect =
                    Effect::new(EffectKind::Process, Target::Unknown).with(Attr::Op, "KILL");
                analyzer.effect(frame, span, effect);
            }
            "VACUUM" | "REINDEX" | "OPTIMIZE" | "REFRESH" | "CLUSTER" | "REPAIR" | "COMMENT"
            | "RENAME" | "FLUSH" | "NOTIFY" | "LOCK" | "SECURITY" | "REASSIGN" | "INSTALL"
            | "PURGE" | "PREPARE" => {
                let effect = database(self.name_after(at + 1, NOISE));
                record(
                    analyzer,
                    effect.with(Attr::Ddl, verb == "RENAME").with(Attr::Destroy, verb == "PURGE"),
                    &verb,
                );
            }
            // Nothing of these outlives the connection.
            "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "END" | "SAVEPOINT" | "RELEASE" | "SET"
            | "RESET" | "USE" | "ANALYZE" | "DEALLOCATE" | "LISTEN" | "UNLISTEN" | "DISCARD"
            | "CHECKPOINT" | "DELIMITER" | "FETCH" | "CLOSE" | "MOVE" | "UNLOCK" | "GO"
            | "EXIT" | "QUIT" | "ABORT" | "CONNECT" | "NULL" | "ELSE" | "RAISE" | "RETURN"
            | "PERFORM" | "IF" | "FOR" | "LOOP" | "WHILE" | "ELSIF" | "EXCEPTION" | "WHEN"
            | "PRINT" => {}
            _ => {
                analyzer.opaque(
                    frame,
                    span,
                    OpaqueReason::UnsupportedSyntax,
                    format!("sql: {verb}"),
                );
            }
        }
    }

    /// Whether a condition says which rows: `WHERE` that is not always true, or a limit.
    fn is_limited(&self, at: usize, depth: usize) -> bool {
        if self.find(at, depth, &["LIMIT"]).is_some() {
            return true;
        }
        let Some(condition) = self.find(at, depth, &["WHERE"]) else { return false };
        let rest = self.tokens.get(condition + 1..).unwrap_or_default();
        match rest {
            [Token::Number(a, _), Token::Eq, Token::Number(b, _), ..] if a == b => false,
            [Token::SingleQuotedString(a), Token::Eq, Token::SingleQuotedString(b), ..]
                if a == b =>
            {
                false
            }
            [Token::Word(word), ..] if word.value.eq_ignore_ascii_case("true") => false,
            [Token::Number(_, _)] => false,
            _ => true,
        }
    }

    /// Somebody gets rights: by which statement, and which they are, if it says so.
    fn grants(
        &self,
        analyzer: &mut Analyzer<'_>,
        frame: &Frame,
        span: Span,
        to: Target,
        (op, rights): (&str, &str),
    ) {
        let mut effect = Effect::new(EffectKind::Infra, to)
            .with(Attr::Grant, true)
            .with(Attr::Provider, "sql")
            .with(Attr::Op, op);
        if !rights.is_empty() {
            effect.attributes.set(Attr::Role, rights);
        }
        analyzer.effect(frame, span, effect);
    }

    /// What a role may do beyond its own tables.
    fn rights_beyond(&self, at: usize, depth: usize) -> &'static str {
        const BEYOND: &[&str] = &["SUPERUSER", "CREATEROLE", "BYPASSRLS", "SYSADMIN"];
        if self.find(at, depth, BEYOND).is_some() { "superuser" } else { "" }
    }

    /// The words between two places, in lower case.
    fn written(&self, from: usize, to: usize) -> String {
        let words =
            self.tokens.get(from..to).unwrap_or_default().iter().filter_map(|token| match token {
                Token::Word(word) => Some(word.value.to_lowercase()),
                Token::Mul => Some("*".to_owned()),
                _ => None,
            });
        words.collect::<Vec<_>>().join(" ")
    }

    fn copy(&self, analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span, at: usize) {
        let Some(way) = self.find(at, 0, &["FROM", "TO"]) else { return };
        let reads = self.is(way, &["TO"]);
        let mut effect =
            Effect::new(EffectKind::Database, self.name(at + 1)).with(Attr::Op, "COPY");
        effect.attributes.set(Attr::ReadOnly, reads);
        analyzer.effect(frame, span, effect);
        if self.is(way + 1, &["PROGRAM"]) {
            let command = self.string_after(way + 2).map_or(Value::Unknown, Value::known);
            // It runs where the server runs.
            let mut frame = frame.clone();
            frame.cwd = Value::Unknown;
            analyzer.shell(&frame, &Word::new(command, span), Dialect::Posix, &Data::None);
        } else if let Some(path) = self.string_after(way + 1) {
            let kind = if reads { EffectKind::Write } else { EffectKind::Read };
            paths::effect(analyzer, frame, span, kind, &Value::known(path), &[]);
        }
    }

    /// Functions that reach out of the database.
    fn functions(&self, analyzer: &mut Analyzer<'_>, frame: &Frame, span: Span) {
        for index in 0..self.tokens.len() {
            let Some(name) = self.word(index) else { continue };
            let called = self.tokens.get(index + 1) == Some(&Token::LParen);
            let argument = || self.string_after(index + 2).map_or(Value::Unknown, Value::known);
            match name.as_str() {
                "PG_READ_FILE"
                | "PG_READ_BINARY_FILE"
                | "LOAD_FILE"
                | "READFILE"
                | "LO_IMPORT"
                | "READ_CSV"
                | "READ_TEXT"
                | "READ_BLOB"
                    if called =>
                {
                    paths::effect(analyzer, frame, span, EffectKind::Read, &argument(), &[]);
                }
                "WRITEFILE" if called => {
                    paths::effect(analyzer, frame, span, EffectKind::Write, &argument(), &[]);
                }
                "LOAD_EXTENSION" | "FTS3_TOKENIZER" if called => {
                    analyzer.opaque(
                        frame,
                        span,
                        OpaqueReason::UnseenFile,
                        "a native library is loaded",
                    );
                }
                "SYS_EXEC" | "SYS_EVAL" | "EDIT" if called => {
                    let word = Word::new(argument(), span);
                    analyzer.shell(frame, &word, Dialect::Posix, &Data::None);
                }
                "XP_CMDSHELL" => {
                    let command = self.string_after(index + 1).map_or(Value::Unknown, Value::known);
                    analyzer.shell(frame, &Word::new(command, span), Dialect::Cmd, &Data::None);
                }
                "PG_TERMINATE_BACKEND" | "PG_CANCEL_BACKEND" if called => {
                    let effect = Effect::new(EffectKind::Process, Target::Unknown)
                        .with(Attr::Op, name.to_ascii_lowercase());
                    analyzer.effect(frame, span, effect);
                }
                "DBLINK" | "DBLINK_CONNECT" | "DBLINK_EXEC" | "URL" | "HTTP_GET" | "HTTP_POST"
                    if called && self.string_after(index + 2).is_some() =>
                {
                    let effect =
                        Effect::new(EffectKind::Net, Target::Unknown).with(Attr::Upload, true);
                    analyzer.effect(frame, span, effect);
                }
                _ => {}
            }
        }
    }
}

/// The statements of a procedural block, its own structure cut away.
fn block_statements(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for line in body.lines() {
        let trimmed = line.trim();
        let upper = trimmed.to_ascii_uppercase();
        let rest = match upper.rfind(" THEN").or_else(|| upper.rfind(" LOOP")) {
            Some(at) => trimmed.get(at + 5..).unwrap_or_default(),
            None if upper == "BEGIN" || upper.starts_with("DECLARE") => "",
            None => trimmed,
        };
        text.push_str(rest);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::code::tests::expect;

    #[test]
    fn statements_say_what_they_do() {
        expect(
            "sql",
            "SELECT * FROM users WHERE id = 1;",
            &["database users read_only op=SELECT", "!database users unbounded", "!opaque"],
        );
        expect(
            "sql",
            "SELECT name, home_phone FROM staff",
            &["database staff read_only unbounded"],
        );
        expect("sql", "SELECT name, email FROM staff WHERE id = 3", &["!database staff unbounded"]);
        expect("sql", "delete from users", &["database users unbounded destroy op=DELETE"]);
        expect(
            "sql",
            "DELETE FROM a.users WHERE id IN (SELECT id FROM b)",
            &["database a.users op=DELETE !unbounded !destroy"],
        );
        expect("sql", "DELETE FROM users WHERE 1=1", &["database users unbounded"]);
        expect(
            "sql",
            "UPDATE t SET x = (SELECT 1 WHERE true)",
            &["database t unbounded op=UPDATE !destroy"],
        );
        expect(
            "sql",
            "DROP TABLE IF EXISTS \"orders\" CASCADE",
            &["database orders ddl destroy op=\"DROP TABLE\""],
        );
        expect("sql", "DROP INDEX i", &["database i ddl !destroy"]);
        expect("sql", "TRUNCATE TABLE logs", &["database logs destroy op=TRUNCATE"]);
        expect("sql", "ALTER TABLE t DROP COLUMN c", &["database t ddl destroy"]);
        expect("sql", "ALTER TABLE t ADD COLUMN c int", &["database t ddl !destroy"]);
        expect("sql", "GRANT ALL ON t TO bob", &["infra bob grant op=GRANT"]);
        expect(
            "sql",
            "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
            &["database t unbounded op=DELETE"],
        );
        expect("sql", "EXPLAIN DELETE FROM t", &["database _ read_only", "!database t"]);
        expect(
            "sql",
            "BEGIN; INSERT INTO t VALUES (1, 'a;b'); COMMIT;",
            &["database t op=INSERT", "!opaque"],
        );
        expect("sql", "INSERT INTO t VALUES ('DROP TABLE users; -- x')", &["!database users"]);
        expect("sql", "FROBNICATE x", &["opaque unsupported_syntax"]);
    }

    #[test]
    fn statements_that_leave_the_database() {
        expect("sql", "COPY t TO '/tmp/out.csv'", &["write /tmp/out.csv", "database t read_only"]);
        expect("sql", "SELECT pg_read_file('/etc/shadow')", &["credential /etc/shadow"]);
        expect("sql", "SELECT 'x' INTO OUTFILE '/var/www/a.php'", &["write /var/www/a.php"]);
        expect(
            "sql",
            "\\copy t from '/home/u/.aws/credentials'",
            &["credential /home/u/.aws/credentials"],
        );
        expect(
            "sql",
            ".import data.csv t",
            &["read /home/u/proj/data.csv", "database ? op=import"],
        );
        expect("sql", "select 1 \\gexec", &["opaque dynamic_code"]);
        expect("sql", "\\dt\n.tables\n\\d users", &["!opaque", "!database"]);
    }
}
