//! Tools whose code nobody can see: MCP servers' and unknown ones, judged by their names.

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason, Target, Text};
use serde_json::Value as Json;

use super::arguments::{self, Argument, Does, Family, Role};
use super::{files, whole};
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Value, Word};
use crate::{hosts, paths};

/// A tool in its own words.
struct Named<'t> {
    server: &'t str,
    tool: &'t str,
    family: Option<Family>,
    does: Option<Does>,
    arguments: Vec<Argument>,
    /// An argument says that anybody may see it.
    public: bool,
    frame: Frame,
}

/// Judges a tool by name and arguments. What no word of its name tells is opaque.
pub(super) fn call(
    analyzer: &mut Analyzer<'_>,
    server: &str,
    tool: &str,
    pointer: &str,
    arguments: &Json,
) {
    let named = Named {
        server,
        tool,
        family: if server.is_empty() {
            arguments::family_of_tool(tool)
        } else {
            arguments::family(server)
        },
        does: arguments::does(tool),
        arguments: arguments::of(pointer, arguments),
        public: arguments::makes_public(arguments),
        frame: analyzer.frame(&Text::new(pointer, tool)),
    };
    named.follow_code(analyzer);
    named.follow_urls(analyzer);
    let Some(does) = named.does else {
        if named.family != Some(Family::None) {
            let name = [server, tool].join(if server.is_empty() { "" } else { "/" });
            analyzer.opaque(&named.frame, Span::default(), OpaqueReason::UnknownTool, name);
        }
        return;
    };
    if named.follow_paths(analyzer, does) {
        return;
    }
    named.follow_search(analyzer, does);
    if let Some(effect) = named.effect(does) {
        analyzer.effect(&named.frame, Span::default(), effect);
    }
    named.command_in_remark(analyzer, does);
}

/// How remarks begin that bots read as commands.
const TO_BOTS: &[&str] = &["atlantis ", "bors ", "@bors", "@dependabot ", "@mergify"];

impl Named<'_> {
    fn with_role(&self, role: Role) -> impl Iterator<Item = &Text> {
        self.arguments.iter().filter(move |a| a.role == Some(role)).map(|a| &a.text)
    }

    /// The first argument of an unknown name that holds one word, as names of things do.
    fn single_words(&self) -> impl Iterator<Item = &str> {
        let unknown = self.arguments.iter().filter(|it| it.role.is_none());
        let words = unknown.map(|it| it.text.value.as_str());
        let is_word = |text: &&str| {
            (2..=64).contains(&text.len())
                && text.contains(char::is_alphabetic)
                && !text.contains(char::is_whitespace)
        };
        words.filter(is_word).take(1)
    }

    /// Code among the arguments: shell commands, SQL, scripts.
    fn follow_code(&self, analyzer: &mut Analyzer<'_>) {
        let runs = self.does == Some(Does::Run);
        for argument in &self.arguments {
            let text = &argument.text;
            let frame = analyzer.frame(text);
            let word = Word::known(text.value.clone(), whole(text));
            let language = match argument.role {
                Some(Role::Shell) if runs || self.does.is_none() => {
                    analyzer.shell(&frame, &word, Dialect::Bash, &Data::None);
                    continue;
                }
                Some(Role::Sql)
                    if self.family == Some(Family::Database) || looks_like_sql(&text.value) =>
                {
                    "sql"
                }
                Some(Role::Python) => "python",
                Some(Role::Javascript) if runs => "javascript",
                Some(Role::Code) if runs => code_language(self.tool),
                _ => continue,
            };
            analyzer.code(&frame, language, &word);
        }
    }

    fn follow_urls(&self, analyzer: &mut Analyzer<'_>) {
        for url in self.with_role(Role::Url).filter(|url| url.value.contains("://")) {
            let frame = analyzer.frame(url);
            let sends = matches!(self.does, Some(Does::Message | Does::Change));
            let mut effect = hosts::connection(&Value::known(url.value.clone()));
            effect
                .attributes
                .set(Attr::Upload, sends && self.with_role(Role::Content).next().is_some());
            effect.attributes.set(Attr::Op, self.tool);
            analyzer.effect(&frame, whole(url), effect);
        }
    }

    /// Whoever searches messages or documents for passwords wants to have them.
    fn follow_search(&self, analyzer: &mut Analyzer<'_>, does: Does) {
        let files = matches!(self.family, Some(Family::Files | Family::None));
        if does != Does::Look || files {
            return;
        }
        let words = arguments::words(self.tool);
        let searches =
            words.iter().any(|word| matches!(word.as_str(), "search" | "find" | "query"));
        let asked = self.arguments.iter().map(|argument| &argument.text);
        for text in asked.filter(|text| searches && text.value.len() <= 400) {
            let words = arguments::words(&text.value);
            let secret = words.iter().any(|word| SECRETS.contains(&word.as_str()))
                || words.windows(2).any(|pair| matches!(pair, [a, b] if (a == "api" || a == "access" || a == "private") && (b == "key" || b == "keys" || b == "token")));
            if secret {
                let frame = analyzer.frame(text);
                let effect = Effect::new(EffectKind::Credential, Target::known(self.server))
                    .with(Attr::Op, "search")
                    .with(Attr::Place, "other");
                analyzer.effect(&frame, whole(text), effect);
                return;
            }
        }
    }

    /// Files of this machine; true if that is all the tool does.
    fn follow_paths(&self, analyzer: &mut Analyzer<'_>, does: Does) -> bool {
        let of_files = self.family == Some(Family::Files);
        let paths: Vec<&Text> = self
            .with_role(Role::Path)
            .filter(|path| of_files || super::web::looks_absolute(&path.value))
            .collect();
        let Some(first) = paths.first() else { return false };
        let moves =
            arguments::words(self.tool).iter().any(|word| word == "move" || word == "rename");
        let kind = match does {
            Does::Look | Does::None => EffectKind::Read,
            Does::Change if of_files => {
                if let (true, [from, to, ..]) = (moves, paths.as_slice()) {
                    files::rename(analyzer, from, to);
                    return true;
                }
                if let Some(content) = self.with_role(Role::Content).next() {
                    files::write(analyzer, first, content);
                    return true;
                }
                EffectKind::Write
            }
            Does::Destroy => EffectKind::Delete,
            // An attachment, an upload: the file goes to whoever is behind the tool.
            _ => EffectKind::Read,
        };
        for path in &paths {
            let frame = analyzer.frame(path);
            let value = Value::known(path.value.clone());
            let recursive = kind == EffectKind::Delete;
            let attributes = [(Attr::Op, self.tool.into()), (Attr::Recursive, recursive.into())];
            paths::effect(analyzer, &frame, whole(path), kind, &value, &attributes);
        }
        of_files && matches!(does, Does::Look | Does::Change | Does::Destroy)
    }

    fn effect(&self, does: Does) -> Option<Effect> {
        let addressed = self.with_role(Role::Recipient).count();
        let recipients: Vec<String> =
            self.with_role(Role::Recipient).map(|text| text.value.clone()).take(16).collect();
        let recipient = match recipients.as_slice() {
            [] => self.target(),
            _ => Target::one_of(recipients),
        };
        let new = |kind, target| Some(Effect::new(kind, target));
        let effect = match (does, self.family) {
            (Does::None, _) | (Does::Look, Some(Family::None | Family::Files)) => None,
            (Does::Change | Does::Run, Some(Family::None)) => None,
            // A draft waits for somebody to send it.
            (Does::Message | Does::Change, Some(Family::Message)) if self.drafts() => None,
            (Does::Pay, _) => new(EffectKind::Payment, recipient),
            (Does::Message, Some(Family::VcsRemote)) => new(EffectKind::Message, self.target()),
            (Does::Message, _) | (Does::Change, Some(Family::Message)) => {
                new(EffectKind::Message, recipient)
            }
            (Does::Grant, _) => {
                new(EffectKind::Infra, recipient).map(|effect| effect.with(Attr::Grant, true))
            }
            (Does::Look, family) => new(self.kind_of_change(family), self.target())
                .map(|e| e.with(Attr::ReadOnly, true)),
            (Does::Weaken, _) => {
                new(EffectKind::Infra, self.target()).map(|e| e.with(Attr::Insecure, true))
            }
            // The statement itself has said what it does.
            (Does::Run, Some(Family::Database)) if self.with_role(Role::Sql).next().is_some() => {
                None
            }
            (Does::Run, _) if self.runs_visible_code() => None,
            // A service of databases that is paused is no statement to a database.
            (Does::Control, Some(Family::Database)) => new(EffectKind::Infra, self.target()),
            (Does::Run | Does::Change | Does::Control, family) => {
                new(self.kind_of_change(family), self.target())
            }
            (Does::Destroy, family) => {
                new(self.kind_of_change(family), self.target()).map(|effect| {
                    let fits = Attr::Destroy.fits(effect.kind);
                    if fits { effect.with(Attr::Destroy, true) } else { effect }
                })
            }
        };
        effect.map(|mut effect| {
            effect.attributes.set(Attr::Op, self.operation());
            if Attr::Public.fits(effect.kind) && self.public {
                effect.attributes.set(Attr::Public, true);
            }
            if effect.kind == EffectKind::Message && addressed > 1 {
                let addressed = i64::try_from(addressed).unwrap_or(i64::MAX);
                effect.attributes.set(Attr::Count, addressed);
            }
            // One call for many things.
            let listed = self.listed();
            if listed > 1 && Attr::Count.fits(effect.kind) {
                effect.attributes.set(Attr::Count, listed);
            }
            if self.public && does != Does::Look && Attr::Public.fits(effect.kind) {
                effect.attributes.set(Attr::Public, true);
            }
            if Attr::Provider.fits(effect.kind) && !self.server.is_empty() {
                effect.attributes.set(Attr::Provider, self.server);
            }
            if Attr::Environment.fits(effect.kind) && self.names_production() {
                effect.attributes.set(Attr::Environment, "production");
            }
            effect
        })
    }

    /// A remark on a forge or tracker that is a command to a bot: `/deploy production`.
    fn command_in_remark(&self, analyzer: &mut Analyzer<'_>, does: Does) {
        if does != Does::Message || self.family == Some(Family::Message) {
            return;
        }
        let is_command = |text: &&Text| {
            let text = text.value.trim_start();
            let slash = text.strip_prefix('/').is_some_and(|rest| {
                let word = rest.split(char::is_whitespace).next().unwrap_or_default();
                !word.is_empty() && !word.contains('/')
            });
            slash || TO_BOTS.iter().any(|start| text.starts_with(start))
        };
        if let Some(text) = self.with_role(Role::Content).find(is_command) {
            let frame = analyzer.frame(text);
            let effect = Effect::new(EffectKind::Infra, self.target())
                .with(Attr::Op, "chatops")
                .with(Attr::Provider, self.server);
            analyzer.effect(&frame, whole(text), effect);
        }
    }

    fn drafts(&self) -> bool {
        let has =
            |word: &str| self.tool.split(['_', '-']).any(|part| part.eq_ignore_ascii_case(word));
        has("draft") && ["create", "save", "update", "new", "make"].iter().any(|verb| has(verb))
    }

    /// The tool's own name; closing by an update is closing.
    fn operation(&self) -> String {
        let state =
            self.arguments.iter().find(|argument| argument.text.pointer.ends_with("/state"));
        match state.map(|argument| argument.text.value.as_str()) {
            Some("closed" | "close") if self.tool.starts_with("update_") => {
                self.tool.replacen("update_", "close_", 1)
            }
            _ => self.tool.to_owned(),
        }
    }

    fn kind_of_change(&self, family: Option<Family>) -> EffectKind {
        match family {
            Some(Family::VcsRemote) => EffectKind::VcsRemote,
            Some(Family::VcsLocal) => EffectKind::VcsLocal,
            Some(Family::Database) => EffectKind::Database,
            Some(Family::Message | Family::Payment | Family::Files | Family::None) | None => {
                EffectKind::Infra
            }
        }
    }

    fn runs_visible_code(&self) -> bool {
        [Role::Shell, Role::Sql, Role::Python, Role::Code]
            .into_iter()
            .any(|role| self.with_role(role).next().is_some())
    }

    /// What the tool acts on: the arguments that name things, else the tool itself.
    fn target(&self) -> Target {
        let named: Vec<&str> =
            self.with_role(Role::Target).map(|text| text.value.as_str()).take(3).collect();
        let named = if named.is_empty() { self.single_words().collect() } else { named };
        if named.is_empty() {
            let name = if self.server.is_empty() {
                self.tool.to_owned()
            } else {
                format!("{}/{}", self.server, self.tool)
            };
            return Target::known(name);
        }
        Target::known(named.join("/"))
    }

    /// How many things a list among the arguments names.
    fn listed(&self) -> i64 {
        let in_list = |text: &&Text| {
            text.pointer.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok())
        };
        i64::try_from(self.with_role(Role::Target).filter(in_list).count()).unwrap_or(i64::MAX)
    }

    fn names_production(&self) -> bool {
        let is_production =
            |word: &String| matches!(word.as_str(), "prod" | "production" | "live" | "prd");
        self.arguments
            .iter()
            .filter(|argument| matches!(argument.role, Some(Role::Target | Role::Url) | None))
            .filter(|argument| argument.text.value.len() <= 80)
            .any(|argument| arguments::words(&argument.text.value).iter().any(is_production))
    }
}

/// What is searched for by whoever wants to log in as somebody else.
const SECRETS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "credential",
    "credentials",
    "secret",
    "secrets",
    "apikey",
];

fn looks_like_sql(text: &str) -> bool {
    let first =
        text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    const STATEMENTS: &[&str] = &[
        "select", "insert", "update", "delete", "drop", "alter", "create", "truncate", "grant",
        "revoke", "with", "merge", "copy", "vacuum", "pragma", "call", "replace",
    ];
    STATEMENTS.contains(&first.to_ascii_lowercase().as_str())
        && text.trim().contains(char::is_whitespace)
}

fn code_language(tool: &str) -> &'static str {
    let words = arguments::words(tool);
    let has = |word: &str| words.iter().any(|known| known == word);
    if has("javascript") || has("js") || has("node") {
        "javascript"
    } else if has("sql") {
        "sql"
    } else if has("bash") || has("shell") {
        "sh"
    } else {
        // What agents' code tools run unless their name says otherwise.
        "python"
    }
}
