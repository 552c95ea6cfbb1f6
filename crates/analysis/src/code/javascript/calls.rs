//! Calls with an effect.

use std::rc::Rc;

use ringfence_action::{Attr, AttrValue, Dialect, Effect, EffectKind, OpaqueReason, Target};

use super::eval::is_require;
use super::tree::{self, Node};
use super::{Js, Reader};
use crate::code::python::is_secret_variable;
use crate::context::Frame;
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value, Word};
use crate::{hosts, paths};

/// Modules of which any function might run something.
fn is_sensitive(name: &str) -> bool {
    matches!(name, "child_process" | "process" | "vm" | "" | "module" | "Deno" | "Bun")
}

/// Functions that run programs or code: nobody else may call them unseen.
fn runs(name: &str) -> bool {
    let name = name.trim_end_matches(".call").trim_end_matches(".apply");
    name.starts_with("child_process.")
        || matches!(name, "eval" | "Function" | "Bun.spawn" | "Bun.spawnSync" | "Deno.Command")
        || matches!(name, "execa" | "execa.execa" | "execa.execaCommand" | "shelljs.exec")
        || (name.starts_with("vm.") && name != "vm.isContext")
}

/// Names whose template is a shell command: `` $`rm x` ``.
const SHELL_TAGS: &[&str] =
    &["zx.$", "bun.$", "Bun.$", "execa.$", "execa.execaCommand", "$", "sh", "shelljs.exec"];

/// A member is looked at: `process.env.NAME`.
pub(super) fn look(reader: &mut Reader<'_, '_>, object: &Rc<Node>, key: &Rc<Node>, span: Span) {
    if reader.eval(object) != Js::Name("process.env".to_owned()) {
        return;
    }
    let Js::Text(key) = reader.eval(key) else { return };
    for name in key.listed().unwrap_or_default() {
        if is_secret_variable(name) {
            let effect = Effect::new(EffectKind::Credential, Target::Known(format!("env:{name}")))
                .with(Attr::Op, "read")
                .with(Attr::Mechanism, "environment");
            record(reader, span, effect);
        }
    }
}

fn record(reader: &mut Reader<'_, '_>, span: Span, effect: Effect) {
    let frame = reader.frame.clone();
    reader.analyzer.effect(&frame, span, effect.with(Attr::By, "node"));
}

/// Records what a call does.
pub(super) fn call(reader: &mut Reader<'_, '_>, call: &tree::Call) {
    computed_member(reader, call);
    let callee = reader.eval(&call.callee);
    let arguments = reader.items(&call.arguments);
    for callee in callee.alternatives() {
        let Js::Name(name) = callee else { continue };
        if call.tagged {
            tagged(reader, call, name, &arguments);
        } else {
            plain(reader, call.span, name, &arguments);
        }
    }
}

/// `child_process[x]()`: any of its functions.
fn computed_member(reader: &mut Reader<'_, '_>, call: &tree::Call) {
    let Node::Member { object, key } = &*call.callee else { return };
    let (object, key) = (reader.eval(object), reader.eval(key));
    let unknown = !matches!(&key, Js::Text(key) if key.listed().is_some());
    let sensitive = |it: &Js| matches!(it, Js::Name(name) if is_sensitive(name));
    if unknown && object.alternatives().iter().any(sensitive) {
        let detail = "a function whose name is computed";
        reader.opaque(call.span, OpaqueReason::DynamicCode, detail);
    }
}

fn tagged(reader: &mut Reader<'_, '_>, call: &tree::Call, name: &str, arguments: &[Js]) {
    if SHELL_TAGS.contains(&name) {
        let code = arguments.first().map_or(Value::Unknown, Js::value);
        let frame = reader.frame.clone();
        reader.analyzer.shell(&frame, &Word::new(code, call.span), Dialect::Bash, &Data::None);
    }
}

/// A call by name; `f.call(x, a)`, `f.apply(x, [a])` and `Reflect.apply(f, x, [a])` are `f(a)`.
fn plain(reader: &mut Reader<'_, '_>, span: Span, name: &str, arguments: &[Js]) {
    let list = |at: usize| match arguments.get(at) {
        Some(Js::List(items)) => items.clone(),
        _ => vec![Js::Unknown],
    };
    if let Some(name) = name.strip_suffix(".call") {
        return plain(reader, span, name, arguments.get(1..).unwrap_or_default());
    }
    if let Some(name) = name.strip_suffix(".apply") {
        if name == "Reflect" {
            for callee in arguments.first().map_or(&[] as &[Js], Js::alternatives) {
                if let Js::Name(name) = callee {
                    plain(reader, span, name, &list(2));
                }
            }
            return;
        }
        return plain(reader, span, name, &list(1));
    }
    let handed_on = |it: &Js| matches!(it, Js::Name(name) if runs(name));
    let harmless = matches!(name, "util.promisify" | "promisify" | "console.log");
    if !harmless && arguments.iter().flat_map(Js::alternatives).any(handed_on) {
        let detail = "a function that runs things is handed on";
        reader.opaque(span, OpaqueReason::DynamicCode, detail);
    }
    let mut call = Call { reader, span, name, arguments };
    if let Some(method) = name.strip_prefix("fs.").or_else(|| name.strip_prefix("Deno."))
        && call.file(method)
    {
        return;
    }
    call.other();
}

struct Call<'c, 'r, 'a> {
    reader: &'c mut Reader<'r, 'a>,
    span: Span,
    name: &'c str,
    arguments: &'c [Js],
}

impl Call<'_, '_, '_> {
    fn argument(&self, index: usize) -> Js {
        self.arguments.get(index).cloned().unwrap_or(Js::Unknown)
    }

    fn value(&self, index: usize) -> Value {
        self.argument(index).value()
    }

    /// The value of an option in an object among the arguments: `{ method: 'POST' }`.
    fn option(&self, name: &str) -> Option<Js> {
        self.arguments.iter().find_map(|argument| match argument {
            Js::Object(properties) => {
                let named = properties.iter().rev().find(|(key, _)| key == name);
                named.map(|(_, value)| value.clone())
            }
            _ => None,
        })
    }

    fn is_set(&self, name: &str) -> bool {
        self.option(name).is_some_and(|value| value == Js::Text(Value::known("true")))
    }

    fn frame(&self) -> Frame {
        let mut frame = self.reader.frame.clone();
        if let Some(cwd) = self.option("cwd") {
            frame.cwd = match self.reader.target(&cwd.value()) {
                Target::Known(path) => Value::Known(path),
                Target::Pattern(pattern) => Value::Pattern(pattern),
                Target::OneOf(_) | Target::Unknown => Value::Unknown,
            };
        }
        frame
    }

    fn path(&mut self, kind: EffectKind, index: usize, attributes: &[(Attr, AttrValue)]) {
        let path = self.value(index);
        let frame = self.reader.frame.clone();
        let by = [(Attr::By, AttrValue::from("node"))];
        let attributes: Vec<_> = attributes.iter().cloned().chain(by).collect();
        paths::effect(self.reader.analyzer, &frame, self.span, kind, &path, &attributes);
        // What was read of the file before is no longer what is there.
        if matches!(kind, EffectKind::Write | EffectKind::Delete)
            && let Target::Known(path) = self.reader.target(&path)
        {
            self.reader.analyzer.wrote(&path, Data::Unknown);
        }
    }

    fn opaque(&mut self, reason: OpaqueReason, detail: &str) {
        self.reader.opaque(self.span, reason, detail);
    }

    /// Functions of `fs` and Deno; false if it is none.
    fn file(&mut self, method: &str) -> bool {
        let moved = [(Attr::Op, AttrValue::from("move"))];
        let recursive = self.is_set("recursive");
        let all = [(Attr::Recursive, AttrValue::from(recursive))];
        match method.trim_end_matches("Sync") {
            "rm" | "rmdir" | "unlink" => {
                let force = self.is_set("force");
                let attributes = [(Attr::Recursive, recursive.into()), (Attr::Force, force.into())];
                self.path(EffectKind::Delete, 0, &attributes);
            }
            "remove" | "emptyDir" => {
                let tree = recursive || self.name.starts_with("fs.");
                self.path(EffectKind::Delete, 0, &[(Attr::Recursive, tree.into())]);
            }
            "writeFile" | "createWriteStream" | "outputFile" | "writeJson" | "writeTextFile"
            | "truncate" | "create" => {
                self.path(EffectKind::Write, 0, &[]);
            }
            // `open(path, "w")`; without flags it reads.
            "open" => match self.argument(1) {
                Js::Text(Value::Known(flags)) if !flags.contains(['w', 'a', '+']) => {
                    self.path(EffectKind::Read, 0, &[]);
                }
                _ if self.arguments.len() < 2 => self.path(EffectKind::Read, 0, &[]),
                Js::Function(_) => self.path(EffectKind::Read, 0, &[]),
                _ => self.path(EffectKind::Write, 0, &[]),
            },
            "appendFile" => self.path(EffectKind::Write, 0, &[(Attr::Append, true.into())]),
            "rename" | "move" => {
                self.path(EffectKind::Delete, 0, &moved);
                self.path(EffectKind::Write, 1, &moved);
            }
            "cp" | "copyFile" | "copy" | "link" => {
                self.path(EffectKind::Read, 0, &all);
                self.path(EffectKind::Write, 1, &all);
            }
            "symlink" => self.path(EffectKind::Create, 1, &[]),
            "mkdir" | "mkdtemp" | "ensureDir" => self.path(EffectKind::Create, 0, &[]),
            "chmod" | "chown" | "lchown" | "utimes" => self.path(EffectKind::Metadata, 0, &[]),
            "readFile" | "createReadStream" | "readTextFile" | "readJson" => {
                self.path(EffectKind::Read, 0, &[]);
            }
            _ => return false,
        }
        true
    }

    fn other(&mut self) {
        match self.name {
            "child_process.exec"
            | "child_process.execSync"
            | "shelljs.exec"
            | "execa.execaCommand"
            | "execa.execaCommandSync" => {
                let code = Word::new(self.value(0), self.span);
                let frame = self.frame();
                self.reader.analyzer.shell(&frame, &code, Dialect::Posix, &Data::None);
            }
            "child_process.spawn"
            | "child_process.spawnSync"
            | "child_process.execFile"
            | "child_process.execFileSync"
            | "execa.execa"
            | "execa.execaSync"
            | "execa"
            | "cross-spawn"
            | "cross-spawn.sync"
            | "spawn" => self.program(),
            "child_process.fork" => {
                let script = self.value(0);
                self.run(vec![Value::known("node"), script]);
            }
            "Bun.spawn" | "Bun.spawnSync" => match self.argument(0) {
                Js::List(items) => self.run(items.iter().map(Js::value).collect()),
                _ => self.opaque(OpaqueReason::DynamicProgram, "the program is computed"),
            },
            "Deno.Command" | "Deno.run" => {
                let program = self.value(0);
                let mut argv = vec![program];
                match self.option("args").or_else(|| self.option("cmd")) {
                    Some(Js::List(items)) => argv.extend(items.iter().map(Js::value)),
                    Some(_) => argv.push(Value::Unknown),
                    None => {}
                }
                self.run(argv);
            }
            "eval"
            | "Function"
            | "vm.runInThisContext"
            | "vm.runInNewContext"
            | "vm.runInContext"
            | "vm.Script"
            | "vm.compileFunction" => {
                self.code(true);
            }
            name if name.ends_with(".constructor.constructor")
                || name.ends_with("?.constructor") =>
            {
                self.opaque(OpaqueReason::DynamicCode, "a function made from text");
            }
            "setTimeout" | "setInterval" | "setImmediate" => self.code(false),
            "worker_threads.Worker" | "Worker" if self.option("eval").is_some() => self.code(true),
            name if name.starts_with("Function().") => {
                self.opaque(
                    OpaqueReason::DynamicCode,
                    "a function of what code made from text gives",
                );
            }
            name if is_require(name) => {
                if !self.arguments.is_empty() && self.value(0).as_known().is_none() {
                    let detail = "a module whose name is computed";
                    self.opaque(OpaqueReason::DynamicCode, detail);
                }
            }
            "process.binding" | "process.dlopen" | "Deno.dlopen" | "process._linkedBinding" => {
                self.opaque(OpaqueReason::InlineCode, "a native library is called");
            }
            "process.kill" | "Deno.kill" => {
                let effect = Effect::new(EffectKind::Process, self.value(0).to_target())
                    .with(Attr::Op, "kill");
                record(self.reader, self.span, effect);
            }
            "process.setuid" | "process.setgid" | "process.seteuid" => {
                let effect = Effect::new(EffectKind::Privilege, self.value(0).to_target())
                    .with(Attr::Mechanism, self.name.trim_start_matches("process."));
                record(self.reader, self.span, effect);
            }
            "process.chdir" => {
                let path = self.value(0);
                self.reader.frame.cwd = match self.reader.target(&path) {
                    Target::Known(path) => Value::Known(path),
                    _ => Value::Unknown,
                };
            }
            "console.log" | "JSON.stringify" | "console.dir" | "Object.entries" => {
                if self.argument(0) == Js::Name("process.env".to_owned()) {
                    let effect = Effect::new(EffectKind::Credential, Target::known("env:*"))
                        .with(Attr::Op, "read")
                        .with(Attr::Mechanism, "environment")
                        .with(Attr::Shown, self.name.starts_with("console"));
                    record(self.reader, self.span, effect);
                }
            }
            "rimraf" | "rimraf.sync" | "rimraf.rimraf" | "rimraf.rimrafSync"
            | "del.deleteAsync" | "del" | "shelljs.rm" | "trash" => {
                self.path(EffectKind::Delete, 0, &[(Attr::Recursive, true.into())]);
            }
            "Bun.write" => self.path(EffectKind::Write, 0, &[]),
            "Bun.file" => self.path(EffectKind::Read, 0, &[]),
            name if name.ends_with(".query")
                || name.ends_with(".execute")
                || name.ends_with(".prepare")
                || name.ends_with(".exec") =>
            {
                self.statement();
            }
            _ => self.network(),
        }
    }

    fn program(&mut self) {
        let shell =
            self.option("shell").is_some_and(|value| value != Js::Text(Value::known("false")));
        let program = self.value(0);
        let mut argv = vec![program];
        match self.argument(1) {
            Js::List(items) => argv.extend(items.iter().map(Js::value)),
            Js::Object(_) | Js::Function(_) => {}
            Js::Unknown if self.arguments.len() < 2 => {}
            Js::Name(_) | Js::Text(_) | Js::Either(_) | Js::Unknown => argv.push(Value::Unknown),
        }
        if shell {
            let word = Word::new(Value::words(argv.iter()), self.span);
            let frame = self.frame();
            return self.reader.analyzer.shell(&frame, &word, Dialect::Posix, &Data::None);
        }
        self.run(argv);
    }

    fn run(&mut self, argv: Vec<Value>) {
        if argv.first().is_none_or(|program| *program == Value::Unknown) {
            return self.opaque(OpaqueReason::DynamicProgram, "the program is computed");
        }
        let argv = argv.into_iter().map(|value| Word::new(value, self.span)).collect();
        let invocation =
            Invocation { argv, env: Vec::new(), stdin: Data::Unknown, stdout_shown: true };
        let frame = self.frame();
        self.reader.analyzer.run(&frame, &invocation);
    }

    /// Text that runs as code. A function in its place (`setTimeout(() => …)`) is no text.
    fn code(&mut self, computed: bool) {
        let index =
            if self.name == "Function" { self.arguments.len().saturating_sub(1) } else { 0 };
        match self.argument(index) {
            Js::Text(value) if value.listed().is_some() => {
                let word = Word::new(value, self.span);
                let frame = self.reader.frame.clone();
                self.reader.analyzer.code(&frame, "javascript", &word);
            }
            _ if computed && !self.arguments.is_empty() => {
                self.opaque(OpaqueReason::DynamicCode, "code that is computed");
            }
            _ => {}
        }
    }

    fn statement(&mut self) {
        if let Js::Text(value) = self.argument(0)
            && value.as_known().is_some_and(crate::code::sql::looks_like_statement)
        {
            let word = Word::new(value, self.span);
            let frame = self.reader.frame.clone();
            self.reader.analyzer.code(&frame, "sql", &word);
        }
    }

    fn network(&mut self) {
        let (library, method) = self.name.rsplit_once('.').unwrap_or((self.name, ""));
        let requests = matches!(
            (library, method),
            (
                "fetch" | "node-fetch" | "axios" | "got" | "undici",
                "" | "get"
                    | "post"
                    | "put"
                    | "patch"
                    | "delete"
                    | "head"
                    | "request"
                    | "fetch"
                    | "stream"
                    | "default"
            ) | ("http", "get" | "request")
                | (
                    "ky" | "superagent" | "needle" | "request",
                    "" | "get" | "post" | "put" | "patch" | "delete"
                )
        );
        if requests {
            let url = match self.argument(0) {
                Js::Text(url) => url,
                _ => match self
                    .option("url")
                    .or_else(|| self.option("hostname"))
                    .or_else(|| self.option("host"))
                {
                    Some(url) => url.value(),
                    None => Value::Unknown,
                },
            };
            let by_name = matches!(method, "post" | "put" | "patch" | "delete" | "head")
                .then(|| method.to_uppercase());
            let by_option =
                self.option("method").and_then(|m| m.value().as_known().map(str::to_uppercase));
            let sends_body = matches!(method, "post" | "put" | "patch")
                && self.arguments.len() > 1
                && !matches!(library, "got" | "ky" | "undici");
            let body =
                ["body", "data", "json", "formData"].iter().any(|name| self.option(name).is_some());
            let method = by_name.or(by_option).unwrap_or_else(|| "GET".to_owned());
            let effect = hosts::connection(&url)
                .with(Attr::Method, method)
                .with(Attr::Upload, body || sends_body);
            return record(self.reader, self.span, effect);
        }
        match self.name {
            "WebSocket" | "ws" | "ws.WebSocket" | "EventSource" | "navigator.sendBeacon" => {
                let url = self.value(0);
                let effect =
                    hosts::connection(&url).with(Attr::Upload, self.name.ends_with("Beacon"));
                record(self.reader, self.span, effect);
            }
            "dns.lookup"
            | "dns.resolve"
            | "dns.resolve4"
            | "dns.resolve6"
            | "dns.resolveTxt"
            | "dns.promises.lookup"
            | "dns.promises.resolve"
            | "dns/promises.lookup"
            | "dns/promises.resolve" => {
                let host = self.value(0);
                record(self.reader, self.span, hosts::connection(&host));
            }
            "net.connect" | "net.createConnection" | "tls.connect" => {
                let host = match self.option("host") {
                    Some(host) => host.value(),
                    None if self.arguments.len() > 1 => self.value(1),
                    None => Value::known("localhost"),
                };
                record(self.reader, self.span, hosts::connection(&host));
            }
            _ => {}
        }
    }
}
