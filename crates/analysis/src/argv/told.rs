//! What the words of a command tell of code that nobody has read.
//!
//! A task of the project, a script, a program that the catalogue does not know does whatever it does. Where
//! its code cannot be read, its words still tell something: `npm run deploy -- --env production` changes
//! production, `payout.py --execute` pays, `db:reset:shared` takes away what others use. They are believed to make
//! a decision stricter, and never to make it milder.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, Effect, EffectKind, Scope, Target};

use super::environment;
use super::program::Program;
use crate::context::{Analyzer, Frame};
use crate::invocation::Invocation;
use crate::value::Word;

/// Says what the words tell, where code runs that was not read. `since`: how many effects there were before
/// this command.
pub(super) fn tell(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
    since: usize,
) {
    if frame.scope != Scope::Local || frame.content || program.base.is_empty() {
        return;
    }
    let new = analyzer.effects_since(since);
    // What is known to happen is judged by that.
    let is_told = new.iter().any(|effect| {
        let tells = matches!(
            effect.kind,
            EffectKind::Infra | EffectKind::Database | EffectKind::Payment | EffectKind::Message
        );
        tells || effect.is(Attr::Publish) || effect.is(Attr::DryRun)
    });
    let code = new.iter().find(|effect| is_unseen(effect)).cloned();
    if is_told || (code.is_none() && program.entry.is_some()) {
        return;
    }
    if let Some(path) = code.as_ref().and_then(|code| code.target.as_known())
        && path.starts_with('/')
        && analyzer.file(path).is_some()
    {
        return;
    }
    let told = Told::of(frame, invocation, program, code.as_ref());
    if let Some(effect) = told.effect(code.is_some()) {
        let span = invocation.span();
        analyzer.effect(frame, span, effect.with(Attr::By, program.base.as_str()));
    }
}

fn is_unseen(effect: &Effect) -> bool {
    effect.kind == EffectKind::ExecCode
        && !effect.is(Attr::Content)
        && match effect.text(Attr::Source) {
            Some("task") => true,
            Some("file") => effect.is(Attr::Unread) && effect.text(Attr::Place) != Some("system"),
            _ => false,
        }
}

/// What the words of one command say.
#[derive(Debug, Default)]
struct Told {
    /// What it is called by: the task, the script.
    name: String,
    /// The words of that name, and the operands that are no paths.
    verbs: Vec<String>,
    environment: Option<&'static str>,
    /// Where it is at work is told by the address of a database or a host.
    address: bool,
    /// It is told to do it, and not to show what it would do.
    really: bool,
    /// It is told to do it to everybody.
    all: bool,
    /// It only shows what it would do.
    shows: bool,
}

/// Options with which programs do what they otherwise only show.
const REALLY: &[&str] =
    &["live", "execute", "apply", "no-dry-run", "for-real", "really", "wet-run", "no-dryrun"];
const SHOWS: &[&str] = &["dry-run", "dryrun", "preview", "what-if", "check", "help", "noop"];

/// Names of options and variables that say where something is at work.
const PLACES: &[&str] = &[
    "env",
    "environment",
    "stage",
    "tier",
    "target",
    "cluster",
    "context",
    "profile",
    "project",
    "account",
    "namespace",
    "e",
];
const ADDRESSES: &[&str] =
    &["url", "uri", "dsn", "host", "hosts", "server", "db", "database", "connection"];

/// What builds, tests or looks, wherever it says that it does.
const QUIET: &[&str] = &[
    "build",
    "compile",
    "bundle",
    "test",
    "tests",
    "lint",
    "check",
    "typecheck",
    "format",
    "fmt",
    "install",
    "ci",
    "plan",
    "diff",
    "preview",
    "status",
    "logs",
    "log",
    "list",
    "show",
    "print",
    "describe",
    "validate",
    "verify",
    "info",
    "version",
    "docs",
    "start",
    "serve",
    "dev",
    "watch",
    "analyze",
    "health",
    "ping",
    "smoke",
    "export",
    "generate",
    "codegen",
    "template",
    "render",
    "package",
    "prepare",
    "synth",
    "config",
    "pytest",
    "jest",
    "spec",
    "bench",
    "storybook",
];
const DEPLOYS: &[&str] =
    &["deploy", "deployment", "release", "ship", "rollout", "promote", "provision", "golive"];
const TAKES: &[&str] = &[
    "reset", "drop", "wipe", "destroy", "purge", "truncate", "nuke", "teardown", "flush", "delete",
    "rollback", "erase",
];
const CHANGES: &[&str] = &[
    "migrate",
    "migration",
    "migrations",
    "seed",
    "import",
    "sync",
    "backfill",
    "upgrade",
    "restart",
    "stop",
    "scale",
    "publish",
    "push",
    "update",
    "fix",
    "cleanup",
    "restore",
    "apply",
    "cron",
    "job",
    "send",
    "run",
    "up",
    "recalculate",
    "rotate",
];
const PAYS: &[&str] = &[
    "payout", "payouts", "pay", "payment", "payments", "refund", "refunds", "charge", "charges",
    "invoice", "invoices", "billing", "transfer", "payroll",
];
const TELLS: &[&str] = &[
    "newsletter",
    "reminder",
    "reminders",
    "mail",
    "mails",
    "mailing",
    "email",
    "emails",
    "notify",
    "notification",
    "notifications",
    "broadcast",
    "campaign",
    "sms",
    "announce",
    "announcement",
];

impl Told {
    fn of(
        frame: &Frame,
        invocation: &Invocation,
        program: &Program,
        code: Option<&Effect>,
    ) -> Self {
        let mut told = Self::default();
        let task = code.and_then(|code| code.text(Attr::Op)).filter(|op| !op.is_empty());
        let file = code.and_then(|code| code.target.as_known()).map(base_name);
        let written = |file: &str| {
            let words = invocation.argv.iter().filter_map(|word| word.value.as_known());
            words.into_iter().find(|word| base_name(word) == file).unwrap_or(file).to_owned()
        };
        let is_word = |file: &str| {
            let words = invocation.argv.iter().skip(1);
            words.filter_map(|word| word.value.as_known()).any(|word| word == file)
        };
        let by_file = code.is_some_and(|code| code.text(Attr::Source) == Some("file"));
        told.name = match (task, file) {
            (Some(task), _) => task.to_owned(),
            (None, Some(file)) if by_file => written(file),
            // `fab deploy`: the entry knows the task by the word that names it.
            (None, Some(file)) if is_word(file) => file.to_owned(),
            _ => program.base.clone(),
        };
        told.add_name(base_name(&told.name.clone()));
        let words: Vec<&Word> = invocation.argv.iter().skip(1).collect();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).and_then(|next| next.value.as_known());
            match word.value.as_known() {
                Some(text) => told.add_word(text, next),
                None => told.add_variables(&frame.source.evidence(word.span).text),
            }
        }
        for (name, value) in &invocation.env {
            if let Some(text) = value.as_known().filter(|_| name != "NODE_ENV") {
                told.add_place(&name.to_lowercase(), text);
            }
        }
        told
    }

    fn add_name(&mut self, text: &str) {
        if self.environment.is_none() || environment::of(text) == Some("production") {
            self.environment = environment::of(text).or(self.environment);
        }
        self.verbs.extend(segments(text).map(|part| part.to_lowercase()));
    }

    fn add_word(&mut self, text: &str, next: Option<&str>) {
        if let Some(option) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, next),
            };
            let name = name.to_lowercase().replace('_', "-");
            self.really |= REALLY.contains(&name.as_str());
            self.shows |= SHOWS.contains(&name.as_str());
            self.all |= name == "all" || value == Some("all");
            if matches!(name.as_str(), "prod" | "production") {
                self.environment = Some("production");
            }
            if let Some(value) = value.filter(|value| !value.starts_with('-')) {
                self.add_place(&name, value);
            }
        } else if let Some((name, value)) = text.split_once('=') {
            self.add_place(&name.to_lowercase(), value);
        } else if !text.contains(['/', '.', ' ']) {
            self.add_name(text);
        }
    }

    /// An option or a variable that says where.
    fn add_place(&mut self, name: &str, value: &str) {
        let is = |list: &[&str]| segments(name).any(|part| list.contains(&part));
        let address = is(ADDRESSES);
        if (is(PLACES) || address)
            && let Some(found) = environment::of(value)
        {
            self.environment = environment::stricter(self.environment, Some(found));
            self.address |= address;
        }
    }

    /// `$PROD_DATABASE_URL`: what a variable is called tells where it leads.
    fn add_variables(&mut self, text: &str) {
        for name in variables(text) {
            if environment::of(&name.to_lowercase()) == Some("production") {
                self.environment = Some("production");
                self.address = true;
            }
        }
    }

    fn has(&self, list: &[&str]) -> bool {
        self.verbs.iter().any(|verb| list.contains(&verb.as_str()))
    }

    fn effect(&self, is_code: bool) -> Option<Effect> {
        let new = |kind| Effect::new(kind, Target::known(self.name.as_str()));
        let op = |list: &[&str]| self.verbs.iter().find(|verb| list.contains(&verb.as_str()));
        if self.shows {
            return None;
        }
        if is_code && (self.really || self.all) {
            if self.has(PAYS) && self.really {
                return Some(new(EffectKind::Payment).with(Attr::Op, "run"));
            }
            if self.has(TELLS) {
                return Some(new(EffectKind::Message).with(Attr::Op, "run"));
            }
        }
        // Building for production is building.
        if self.has(QUIET) && !(self.address && self.environment == Some("production")) {
            return None;
        }
        let verb = op(DEPLOYS).or_else(|| op(TAKES)).or_else(|| op(CHANGES));
        let changes = verb.is_some() || self.really || (self.address && self.has(QUIET));
        let shared = self.verbs.iter().any(|word| matches!(word.as_str(), "shared" | "common"));
        let production = self.environment == Some("production");
        let infra = || {
            let op = verb.map_or("run", String::as_str);
            let effect = new(EffectKind::Infra).with(Attr::Provider, "task").with(Attr::Op, op);
            match self.environment {
                Some(environment) => effect.with(Attr::Environment, environment),
                None => effect,
            }
        };
        if self.has(TAKES) && (production || shared || self.environment == Some("staging")) {
            return Some(infra().with(Attr::Destroy, true));
        }
        if production && (changes || is_code) {
            return Some(if changes { infra() } else { infra().with(Attr::ReadOnly, true) });
        }
        (is_code && (self.has(DEPLOYS) || self.really)).then(infra)
    }
}

fn segments(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty())
}

/// The names of the variables that a word is made of, as it is written.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|after| {
        let name = after.strip_prefix('{').unwrap_or(after);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        name.get(..end).filter(|name| !name.is_empty())
    })
}
