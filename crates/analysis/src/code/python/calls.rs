//! Calls with an effect.

use ringfence_action::{Attr, AttrValue, Dialect, Effect, EffectKind, OpaqueReason, Target};
use ruff_python_ast::{Expr, ExprCall, ExprSubscript};

use super::table::{self, RUN_CODE, UNPICKLE};
use super::{Py, Reader};
use crate::hosts;
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value, Word};

/// Records what a call does. Its arguments have been visited already.
pub(super) fn call(reader: &mut Reader<'_, '_>, call: &ExprCall) {
    let span = reader.span(call);
    if let Expr::Attribute(attribute) = &*call.func
        && table::writes_table(attribute.attr.as_str())
    {
        return table_written(reader, call, span);
    }
    let name = match reader.callee(call) {
        Py::Name(name) => name,
        Py::Local(name) => {
            if let Some(function) = reader.functions.get(&name).cloned() {
                reader.bind_parameters(&function, call);
            }
            return;
        }
        _ => {
            item_called(reader, call, span);
            method_of_unknown(reader, call, span);
            return;
        }
    };
    if let Some(method) = name.strip_prefix("builtins.")
        && let Some(function) = reader.functions.get(method).cloned()
    {
        reader.bind_parameters(&function, call);
        return;
    }
    let mut known = Known { call, span, name: &name, reader };
    known.dispatch();
}

/// `frame.to_csv("a")`; without a path the text is the result.
fn table_written(reader: &mut Reader<'_, '_>, call: &ExprCall, span: Span) {
    let named = ["path_or_buf", "path", "excel_writer"];
    let to = named.iter().find_map(|name| reader.argument(call, 0, name));
    match to.unwrap_or(Py::Nothing) {
        Py::Nothing | Py::Object(..) => {}
        Py::Name(name) if name.starts_with("sys.") => {}
        to => reader.path(span, EffectKind::Write, &to.value(), &[]),
    }
}

/// `os.__dict__[name](…)`: any function of the module.
fn item_called(reader: &mut Reader<'_, '_>, call: &ExprCall, span: Span) {
    let Expr::Subscript(subscript) = &*call.func else { return };
    if let Py::Name(name) = reader.eval(&subscript.value)
        && (name.ends_with(".__dict__") || name == "sys.modules" || name == "builtins.__builtins__")
    {
        let detail = "python: a function whose name is computed";
        reader.opaque(span, OpaqueReason::DynamicCode, detail);
    }
}

/// A method of an object that is not known: perhaps one defined here, perhaps a database cursor.
fn method_of_unknown(reader: &mut Reader<'_, '_>, call: &ExprCall, span: Span) {
    let Expr::Attribute(attribute) = &*call.func else { return };
    let method = attribute.attr.as_str();
    if let Some(function) = reader.functions.get(method).cloned() {
        return reader.bind_parameters(&function, call);
    }
    if matches!(method, "execute" | "executemany" | "executescript")
        && let Some(Py::Str(Value::Known(sql))) = reader.argument(call, 0, "query")
        && super::super::sql::looks_like_statement(&sql)
    {
        let mut known = Known { call, span, name: "db.execute", reader };
        known.dispatch();
    }
}

/// `os.environ["X"] = …` and the like.
pub(super) fn assigned_item(reader: &mut Reader<'_, '_>, subscript: &ExprSubscript, _value: &Py) {
    let (Py::Name(base), Py::Str(Value::Known(name))) =
        (reader.eval(&subscript.value), reader.eval(&subscript.slice))
    else {
        return;
    };
    if base == "os.environ" && table::is_exec_variable(&name) {
        let span = reader.span(subscript);
        reader.effect(span, Effect::new(EffectKind::EnvExec, Target::Known(name)));
    }
}

/// `os.environ["X"]`.
pub(super) fn item(reader: &mut Reader<'_, '_>, subscript: &ExprSubscript) {
    if subscript.ctx.is_load()
        && let (Py::Name(base), Py::Str(key)) =
            (reader.eval(&subscript.value), reader.eval(&subscript.slice))
        && base == "os.environ"
    {
        let span = reader.span(subscript);
        variable_read(reader, span, &key);
    }
}

fn variable_read(reader: &mut Reader<'_, '_>, span: Span, key: &Value) {
    if let Value::Known(key) = key
        && table::is_secret_variable(key)
    {
        let effect = Effect::new(EffectKind::Credential, Target::Known(format!("env:{key}")))
            .with(Attr::Op, "read")
            .with(Attr::Mechanism, "environment");
        reader.effect(span, effect);
    }
}

struct Known<'k, 'r, 'a> {
    call: &'k ExprCall,
    span: Span,
    name: &'k str,
    reader: &'k mut Reader<'r, 'a>,
}

impl Known<'_, '_, '_> {
    fn argument(&self, index: usize, name: &str) -> Py {
        self.reader.argument(self.call, index, name).unwrap_or(Py::Nothing)
    }

    fn value(&self, index: usize, name: &str) -> Value {
        self.argument(index, name).value()
    }

    fn receiver(&self) -> Py {
        self.reader.receiver(self.call)
    }

    fn word(&self, value: Value, index: usize) -> Word {
        let argument = self.call.arguments.args.get(index);
        let span = argument.map_or(self.span, |argument| self.reader.span(argument));
        Word::new(value, span)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.reader.keyword(self.call, name)? {
            Expr::BooleanLiteral(literal) => Some(literal.value),
            _ => Some(true),
        }
    }

    fn path(&mut self, kind: EffectKind, path: &Value, attributes: &[(Attr, AttrValue)]) {
        self.reader.path(self.span, kind, path, attributes);
    }

    fn dispatch(&mut self) {
        match self.name {
            "os.system"
            | "os.popen"
            | "subprocess.getoutput"
            | "subprocess.getstatusoutput"
            | "commands.getoutput"
            | "commands.getstatusoutput"
            | "asyncio.create_subprocess_shell"
            | "popen2.popen2"
            | "pexpect.run"
            | "pexpect.spawn" => {
                let command = self.argument(0, "command");
                self.shell(&command);
            }
            "subprocess.run"
            | "subprocess.call"
            | "subprocess.check_call"
            | "subprocess.check_output"
            | "subprocess.Popen" => {
                self.subprocess();
            }
            "asyncio.create_subprocess_exec" => {
                let all = Py::List(self.arguments_from(0));
                self.program(&all);
            }
            "os.execv" | "os.execve" | "os.execvp" | "os.execvpe" | "pty.spawn" => {
                let at = usize::from(self.name != "pty.spawn");
                let argv = self.argument(at, "args");
                self.program(&argv);
            }
            "os.execl" | "os.execle" | "os.execlp" | "os.execlpe" => {
                let mut argv = self.arguments_from(0);
                if argv.len() > 1 {
                    argv.remove(1);
                }
                self.program(&Py::List(argv));
            }
            "os.spawnv" | "os.spawnve" | "os.spawnvp" | "os.posix_spawn" | "os.posix_spawnp" => {
                let at = if self.name.starts_with("os.posix") { 1 } else { 2 };
                let argv = self.argument(at, "args");
                self.program(&argv);
            }
            "os.spawnl" | "os.spawnlp" => {
                let argv = Py::List(self.arguments_from(2));
                self.program(&argv);
            }
            "os.startfile" => {
                let program = Py::List(vec![self.argument(0, "path")]);
                self.program(&program);
            }
            "pip.main" | "pip._internal.main" | "pip._internal.cli.main.main" => {
                let mut argv = vec![Py::Str(Value::known("pip"))];
                match self.argument(0, "args") {
                    Py::List(items) => argv.extend(items),
                    _ => argv.push(Py::Unknown),
                }
                self.program(&Py::List(argv));
            }
            name if RUN_CODE.contains(&name) => self.run_code(),
            name if UNPICKLE.contains(&name) => {
                let from = self.argument(0, "data");
                self.data_code(&from);
            }
            "yaml.load" if self.argument(1, "Loader") == Py::Nothing => {
                let from = self.argument(0, "stream");
                self.data_code(&from);
            }
            "importlib.import_module" | "builtins.__import__"
                if self.value(0, "name").as_known().is_none() =>
            {
                self.opaque(OpaqueReason::DynamicCode, "a module whose name is computed");
            }
            "builtins.getattr" => self.getattr(),
            "code.interact" | "code.InteractiveConsole" | "pdb.set_trace" => {
                self.opaque(OpaqueReason::DynamicCode, "code that is typed in");
            }
            "fileinput.input" | "fileinput.FileInput" if self.flag("inplace") == Some(true) => {
                match self.argument(0, "files") {
                    Py::List(files) => {
                        for file in files {
                            self.path(EffectKind::Write, &file.value(), &[]);
                        }
                    }
                    files => self.path(EffectKind::Write, &files.value(), &[]),
                }
            }
            "logging.basicConfig" => {
                let file = self.argument(usize::MAX, "filename");
                if file != Py::Nothing {
                    self.path(EffectKind::Write, &file.value(), &[(Attr::Append, true.into())]);
                }
            }
            "logging.FileHandler" | "logging.handlers.RotatingFileHandler" => {
                let file = self.value(0, "filename");
                self.path(EffectKind::Write, &file, &[(Attr::Append, true.into())]);
            }
            "runpy.run_path" => {
                let path = self.value(0, "path_name");
                self.run_file(&path);
            }
            name if name.starts_with("ctypes.") || name.starts_with("cffi.") => {
                self.opaque(OpaqueReason::InlineCode, "a native library is called");
            }
            "os.setuid" | "os.seteuid" | "os.setgid" | "os.setresuid" | "os.setreuid"
            | "os.setgroups" => {
                let effect = Effect::new(EffectKind::Privilege, self.value(0, "uid").to_target())
                    .with(Attr::Mechanism, self.name.trim_start_matches("os."));
                self.reader.effect(self.span, effect);
            }
            "os.getenv" | "os.environ.get" | "os.environ.pop" => {
                let key = self.value(0, "key");
                variable_read(self.reader, self.span, &key);
            }
            "os.putenv" | "os.environ.setdefault" | "os.environ.update" => {
                if let Value::Known(name) = self.value(0, "key")
                    && table::is_exec_variable(&name)
                {
                    let effect = Effect::new(EffectKind::EnvExec, Target::Known(name));
                    self.reader.effect(self.span, effect);
                }
            }
            "builtins.print" | "builtins.dict" | "json.dumps" | "builtins.repr"
            | "pprint.pprint" | "os.environ.items" => {
                self.environment_shown();
            }
            "os.chdir" => {
                let path = self.value(0, "path");
                let frame = self.reader.frame.clone();
                let target = crate::paths::locate(self.reader.analyzer, &frame, &path);
                self.reader.memo.borrow_mut().clear();
                self.reader.frame.cwd = match target {
                    Target::Known(path) => Value::Known(path),
                    Target::Pattern(pattern) => Value::Pattern(pattern),
                    Target::OneOf(_) | Target::Unknown => Value::Unknown,
                };
            }
            "os.dup2" => self.network(),
            name if name.starts_with("Path.") => self.path_method(),
            name if name.starts_with("shutil.") || name.starts_with("os.") => self.file_function(),
            "builtins.open" | "io.open" | "codecs.open" | "gzip.open" | "bz2.open"
            | "lzma.open" => {
                let (path, mode) = (self.value(0, "file"), self.argument(1, "mode"));
                self.open(&path, &mode);
            }
            "open.write" | "open.writelines" | "json.dump" | "open.read" => {}
            "numpy.save" | "numpy.savetxt" | "joblib.dump" => {
                let at = usize::from(self.name == "joblib.dump");
                let path = self.value(at, "file");
                self.path(EffectKind::Write, &path, &[]);
            }
            "archive.extractall" | "archive.extract" => {
                let path = match self.argument(0, "path") {
                    Py::Nothing => Value::known("."),
                    path => path.value(),
                };
                self.path(EffectKind::Write, &path, &[(Attr::Recursive, true.into())]);
            }
            "process.kill" | "process.terminate" | "process.suspend" => {
                let pid = match self.receiver() {
                    Py::Object(_, pid) => pid.to_target(),
                    _ => Target::Unknown,
                };
                let effect = Effect::new(EffectKind::Process, pid).with(Attr::Op, "kill");
                self.reader.effect(self.span, effect);
            }
            name if name.starts_with("cloud.") || name.starts_with("cluster.") => self.cloud(),
            name if name.starts_with("stripe.") => self.money(),
            "chat.chat_postMessage"
            | "chat.files_upload"
            | "chat.files_upload_v2"
            | "chat.chat_scheduleMessage" => {
                let channel = self.value(usize::MAX, "channel").to_target();
                let effect = Effect::new(EffectKind::Message, channel).with(Attr::Op, "post");
                self.reader.effect(self.span, effect);
            }
            name if name.starts_with("db.") => self.database(),
            _ => self.network(),
        }
    }

    fn opaque(&mut self, reason: OpaqueReason, detail: &str) {
        self.reader.opaque(self.span, reason, format!("python: {detail}"));
    }

    fn arguments_from(&self, from: usize) -> Vec<Py> {
        let all = self.call.arguments.args.iter().skip(from);
        all.flat_map(|argument| match argument {
            Expr::Starred(starred) => match self.reader.eval(&starred.value) {
                Py::List(items) => items,
                _ => vec![Py::Unknown],
            },
            argument => vec![self.reader.eval(argument)],
        })
        .collect()
    }

    fn shell(&mut self, command: &Py) {
        if !self.reader.recording {
            return;
        }
        match command {
            Py::NetText(from) => self.download_runs(from, "sh"),
            Py::FileText(path) => {
                let path = path.clone();
                self.run_file_as("sh", &path);
            }
            command => {
                let frame = self.frame();
                let word = self.word(command.value(), 0);
                self.reader.analyzer.shell(&frame, &word, Dialect::Posix, &Data::None);
            }
        }
    }

    /// The frame of what the call starts: its `cwd=` is another folder.
    fn frame(&mut self) -> crate::context::Frame {
        let mut frame = self.reader.here();
        match self.argument(usize::MAX, "cwd") {
            Py::Nothing => {}
            cwd => {
                frame.cwd = match crate::paths::locate(self.reader.analyzer, &frame, &cwd.value()) {
                    Target::Known(path) => Value::Known(path),
                    Target::Pattern(pattern) => Value::Pattern(pattern),
                    Target::OneOf(_) | Target::Unknown => Value::Unknown,
                };
            }
        }
        frame
    }

    fn subprocess(&mut self) {
        let arguments = self.argument(0, "args");
        // `**options` may say `shell=True`.
        let maybe = self.call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none())
            && matches!(arguments, Py::Str(_));
        if maybe || self.flag("shell") == Some(true) {
            let command = match &arguments {
                Py::List(items) => items.first().cloned().unwrap_or(Py::Unknown),
                other => other.clone(),
            };
            return self.shell(&command);
        }
        self.program(&arguments);
    }

    /// A program with its arguments, as a list; a lone string is the program.
    fn program(&mut self, argv: &Py) {
        if !self.reader.recording {
            return;
        }
        let items: Vec<Value> = match argv {
            Py::List(items) => items.iter().map(Py::value).collect(),
            Py::Str(_) | Py::Path(_) => vec![argv.value()],
            Py::NetText(from) => return self.download_runs(from, "sh"),
            _ => {
                return self.opaque(OpaqueReason::DynamicProgram, "the program is computed");
            }
        };
        let Some(first) = items.first() else { return };
        if *first == Value::Unknown {
            return self.opaque(OpaqueReason::DynamicProgram, "the program is computed");
        }
        let words: Vec<Word> = items.into_iter().map(|value| self.word(value, 0)).collect();
        let stdin = match self.argument(usize::MAX, "input") {
            Py::Str(Value::Known(text)) => Data::Text(text, self.span),
            Py::NetText(url) => Data::Network(url),
            Py::FileText(path) => Data::File(path),
            Py::Nothing => Data::None,
            _ => Data::Unknown,
        };
        let frame = self.frame();
        let invocation = Invocation { argv: words, env: Vec::new(), stdin, stdout_shown: true };
        self.reader.analyzer.run(&frame, &invocation);
    }

    fn run_code(&mut self) {
        let code = self.argument(0, "source");
        match code {
            Py::Str(value) if value.listed().is_some() => {
                if self.reader.recording {
                    let frame = self.frame();
                    let word = self.word(value, 0);
                    self.reader.analyzer.code(&frame, "python", &word);
                }
            }
            Py::NetText(from) => self.download_runs(&from, "python"),
            Py::FileText(path) => self.run_file(&path),
            Py::Nothing if self.call.arguments.is_empty() => {}
            _ => self.opaque(OpaqueReason::DynamicCode, "code that is computed"),
        }
    }

    fn data_code(&mut self, from: &Py) {
        match from {
            Py::NetText(from) => {
                let from = from.clone();
                self.download_runs(&from, "python");
            }
            _ => self.opaque(OpaqueReason::DynamicCode, "objects from data, which may run code"),
        }
    }

    fn run_file(&mut self, path: &Value) {
        self.run_file_as("python", path);
    }

    fn run_file_as(&mut self, language: &str, path: &Value) {
        if !self.reader.recording {
            return;
        }
        let mut frame = self.reader.here();
        let target = crate::paths::locate(self.reader.analyzer, &frame, path);
        let content = target.as_known().and_then(|path| self.reader.analyzer.file(path));
        match content {
            Some(content) => {
                frame.source = frame.source.nested("\u{0}", self.span);
                let word = Word::known(&*content, self.span);
                if language == "sh" {
                    self.reader.analyzer.shell(&frame, &word, Dialect::Posix, &Data::None);
                } else {
                    self.reader.analyzer.code(&frame, language, &word);
                }
            }
            None => self.opaque(OpaqueReason::UnseenFile, &target.to_string()),
        }
    }

    fn download_runs(&mut self, from: &Value, language: &str) {
        let connection = hosts::connection(from);
        let mut effect = Effect::new(EffectKind::DownloadExec, connection.target.clone())
            .with(Attr::Lang, language)
            .with(Attr::Source, "network");
        for attr in [Attr::Url, Attr::Classes] {
            if let Some(value) = connection.attributes.get(attr) {
                effect.attributes.set(attr, value.clone());
            }
        }
        self.reader.effect(self.span, effect);
        self.opaque(OpaqueReason::DynamicCode, "code from the network");
    }

    fn getattr(&mut self) {
        let computed = self.value(1, "name").as_known().is_none();
        if let (Py::Name(module), true) = (self.argument(0, "object"), computed)
            && matches!(
                module.as_str(),
                "os" | "subprocess"
                    | "builtins"
                    | "builtins.__builtins__"
                    | "shutil"
                    | "sys"
                    | "importlib"
            )
        {
            self.opaque(OpaqueReason::DynamicCode, "a function whose name is computed");
        }
    }

    fn environment_shown(&mut self) {
        let whole = |argument: &Expr| matches!(self.reader.eval(argument), Py::Name(name) if name == "os.environ");
        let items = self.name == "os.environ.items";
        if items || self.call.arguments.args.iter().any(whole) {
            let effect = Effect::new(EffectKind::Credential, Target::known("env:*"))
                .with(Attr::Op, "read")
                .with(Attr::Mechanism, "environment")
                .with(Attr::Shown, self.name.ends_with("print"));
            self.reader.effect(self.span, effect);
        }
    }

    fn open(&mut self, path: &Value, mode: &Py) {
        let mode = match mode {
            Py::Nothing => "r".to_owned(),
            Py::Str(Value::Known(mode)) => mode.clone(),
            _ => "r+".to_owned(),
        };
        if !mode.contains(['w', 'a', 'x']) {
            self.path(EffectKind::Read, path, &[]);
        }
        if mode.contains(['w', 'a', 'x', '+']) {
            let append = mode.contains('a');
            self.path(EffectKind::Write, path, &[(Attr::Append, append.into())]);
        }
    }

    fn path_method(&mut self) {
        let path = self.receiver().value();
        let method = self.name.trim_start_matches("Path.");
        match method {
            "write_text" | "write_bytes" => self.path(EffectKind::Write, &path, &[]),
            "touch" | "mkdir" => self.path(EffectKind::Create, &path, &[]),
            "unlink" | "rmdir" => self.path(EffectKind::Delete, &path, &[]),
            "rename" | "replace" => {
                self.path(EffectKind::Delete, &path, &[(Attr::Op, "move".into())]);
                let to = self.value(0, "target");
                self.path(EffectKind::Write, &to, &[(Attr::Op, "move".into())]);
            }
            "chmod" | "lchmod" => self.path(EffectKind::Metadata, &path, &[]),
            "symlink_to" | "hardlink_to" | "link_to" => self.path(EffectKind::Create, &path, &[]),
            "read_text" | "read_bytes" => self.path(EffectKind::Read, &path, &[]),
            "open" => {
                let mode = self.argument(0, "mode");
                self.open(&path, &mode);
            }
            _ => {}
        }
    }

    fn file_function(&mut self) {
        let recursive = (Attr::Recursive, AttrValue::from(true));
        let moved = [(Attr::Op, AttrValue::from("move"))];
        match self.name {
            "os.remove" | "os.unlink" | "os.rmdir" | "os.removedirs" => {
                let path = self.value(0, "path");
                self.path(EffectKind::Delete, &path, &[]);
            }
            "shutil.rmtree" => {
                let path = self.value(0, "path");
                let force = self.flag("ignore_errors") == Some(true);
                self.path(EffectKind::Delete, &path, &[recursive, (Attr::Force, force.into())]);
            }
            "os.rename" | "os.replace" | "os.renames" | "shutil.move" => {
                let (from, to) = (self.value(0, "src"), self.value(1, "dst"));
                self.path(EffectKind::Delete, &from, &moved);
                self.path(EffectKind::Write, &to, &moved);
            }
            "shutil.copy" | "shutil.copy2" | "shutil.copyfile" | "shutil.copytree" | "os.link" => {
                let tree = [(Attr::Recursive, AttrValue::from(self.name == "shutil.copytree"))];
                let (from, to) = (self.value(0, "src"), self.value(1, "dst"));
                self.path(EffectKind::Read, &from, &tree);
                self.path(EffectKind::Write, &to, &tree);
            }
            "os.symlink" => {
                let (from, to) = (self.value(0, "src"), self.value(1, "dst"));
                let link = from.as_known().map(|from| (Attr::Link, AttrValue::from(from)));
                self.path(EffectKind::Create, &to, link.as_slice());
            }
            "os.mkdir" | "os.makedirs" | "os.mkfifo" | "os.mknod" => {
                let path = self.value(0, "name");
                self.path(EffectKind::Create, &path, &[]);
            }
            "os.chmod" | "os.chown" | "os.lchown" | "os.utime" | "shutil.chown" | "os.setxattr" => {
                let path = self.value(0, "path");
                self.path(EffectKind::Metadata, &path, &[]);
            }
            "os.truncate" => {
                let path = self.value(0, "path");
                self.path(EffectKind::Write, &path, &[]);
            }
            "os.open" => {
                let path = self.value(0, "path");
                self.path(EffectKind::Write, &path, &[]);
            }
            "shutil.make_archive" => {
                let (to, from) = (self.value(0, "base_name"), self.value(2, "root_dir"));
                self.path(EffectKind::Read, &from, std::slice::from_ref(&recursive));
                self.path(EffectKind::Write, &to, &[]);
            }
            "shutil.unpack_archive" => {
                let to = self.value(1, "extract_dir");
                self.path(EffectKind::Write, &to, &[recursive]);
            }
            "os.kill" | "os.killpg" => {
                let effect = Effect::new(EffectKind::Process, self.value(0, "pid").to_target())
                    .with(Attr::Op, "kill");
                self.reader.effect(self.span, effect);
            }
            _ => {}
        }
    }

    fn database(&mut self) {
        if !matches!(self.name, "db.execute" | "db.executemany" | "db.executescript")
            || !self.reader.recording
        {
            return;
        }
        match self.argument(0, "sql") {
            Py::Str(value) if value.listed().is_some() => {
                let frame = self.reader.here();
                let word = self.word(value, 0);
                self.reader.analyzer.code(&frame, "sql", &word);
            }
            Py::Str(value) => {
                // The verb in front is known even if the rest is not.
                let start = value.as_pattern();
                let verb = start.split_whitespace().next().unwrap_or_default().to_uppercase();
                let reads = matches!(verb.as_str(), "SELECT" | "PRAGMA" | "EXPLAIN" | "SHOW");
                let effect = Effect::new(EffectKind::Database, Target::Unknown)
                    .with(Attr::Op, verb.as_str())
                    .with(Attr::ReadOnly, reads);
                self.reader.effect(self.span, effect);
            }
            _ => self.opaque(OpaqueReason::DynamicCode, "a statement that is computed"),
        }
    }

    /// Money that moves: objects of the payment service that come into being.
    fn money(&mut self) {
        let (class, method) = self.name.rsplit_once('.').unwrap_or(("stripe", self.name));
        let moves = matches!(
            method,
            "create" | "capture" | "confirm" | "pay" | "refund" | "cancel" | "modify" | "delete"
        );
        if moves && !class.ends_with("checkout.Session") {
            let named = ["payment_intent", "charge", "id", "sid", "customer"];
            let target =
                named.iter().find_map(|name| self.value(0, name).as_known().map(str::to_owned));
            let operation = self.name.trim_start_matches("stripe.").to_lowercase();
            let target = Target::known(target.unwrap_or_else(|| operation.clone()));
            let effect = Effect::new(EffectKind::Payment, target).with(Attr::Op, operation);
            self.reader.effect(self.span, effect);
        }
    }

    /// Operations of a cloud's own library are told by their names.
    fn cloud(&mut self) {
        let of_cluster = self.name.starts_with("cluster.");
        let operation = self.name.trim_start_matches("cloud.").trim_start_matches("cluster.");
        let verb = operation.split('_').next().unwrap_or_default();
        const NAMES: &[&str] = &[
            "Name",
            "Bucket",
            "InstanceIds",
            "FunctionName",
            "TableName",
            "QueueUrl",
            "SecretId",
            "Key",
            "DBInstanceIdentifier",
            "StackName",
            "UserName",
            "RoleName",
            "name",
        ];
        let named = NAMES.iter().find_map(|name| match self.argument(usize::MAX, name) {
            Py::List(items) => {
                items.first().and_then(|item| item.value().as_known().map(str::to_owned))
            }
            value => value.value().as_known().map(str::to_owned),
        });
        let profile = match self.receiver() {
            Py::Object("cloud", Value::Known(profile)) => Some(profile),
            _ => None,
        };
        let hints =
            profile.iter().chain(&named).filter_map(|name| crate::argv::environment_of(name));
        let environment = hints.min_by_key(|environment| *environment != "production");
        let target = named.clone().unwrap_or_else(|| operation.to_owned());
        let mut effect = Effect::new(EffectKind::Infra, Target::known(target))
            .with(Attr::Provider, if of_cluster { "kubernetes" } else { "aws" })
            .with(Attr::Op, operation);
        if let Some(environment) = environment {
            effect.attributes.set(Attr::Environment, environment);
        }
        match verb {
            "get" | "list" | "describe" | "head" | "download" | "generate" | "can" | "meta"
            | "read" | "query" | "scan" | "batch" | "filter" | "lookup" | "select" | "close" => {
                effect.attributes.set(Attr::ReadOnly, true);
            }
            "delete" | "terminate" | "purge" | "remove" | "deregister" => {
                effect.attributes.set(Attr::Destroy, true);
            }
            _ => {}
        }
        self.reader.effect(self.span, effect);
        if operation.starts_with("upload") || operation == "put_object" {
            let payload = self.value(0, "Filename");
            let mut leaves = hosts::connection(&Value::known("s3.amazonaws.com"));
            leaves.attributes.set(Attr::Upload, true);
            if let Value::Known(path) = payload {
                leaves.attributes.set(Attr::Payload, path);
            }
            self.reader.effect(self.span, leaves);
        }
    }

    fn network(&mut self) {
        if table::is_request(self.name) {
            return self.request();
        }
        match self.name {
            "socket.create_connection" | "socket.connect" | "socket.connect_ex" => {
                let address = self.argument(0, "address");
                self.connect(&address);
            }
            // A name that is looked up tells whoever answers for it.
            "socket.gethostbyname" | "socket.gethostbyname_ex" | "socket.getaddrinfo" => {
                let host = self.value(0, "host");
                self.reader.effect(self.span, hosts::connection(&host));
            }
            "socket.bind" | "socket.listen" => {
                if let Py::List(items) = self.argument(0, "address") {
                    let host = items.first().map_or(Value::Unknown, Py::value);
                    let mut effect = Effect::new(EffectKind::Net, Target::known("localhost"))
                        .with(Attr::Listen, true);
                    if let Value::Known(host) = host {
                        let host = if host.is_empty() { "0.0.0.0".to_owned() } else { host };
                        effect.attributes.set(Attr::Bind, host);
                    }
                    if let Some(Py::Int(port)) = items.get(1) {
                        effect.attributes.set(Attr::Port, *port);
                    }
                    self.reader.effect(self.span, effect);
                }
            }
            // Standard input, output or errors of this process become a connection: whoever is at
            // the other end types what a shell started from here runs.
            "os.dup2" => {
                let from = self.call.arguments.args.first().map(|from| self.descriptor(from));
                if let Some(Some(host)) = from {
                    let effect = hosts::connection(&host).with(Attr::Tunnel, true);
                    self.reader.effect(self.span, effect);
                }
            }
            "socket.send" | "socket.sendall" | "socket.sendto" => {
                if let Py::FileText(path) = self.argument(0, "data") {
                    let effect =
                        Effect::new(EffectKind::Net, Target::Unknown).with(Attr::Upload, true);
                    self.sends(effect, &Py::FileText(path));
                }
            }
            "smtplib.SMTP"
            | "smtplib.SMTP_SSL"
            | "ftplib.FTP"
            | "ftplib.FTP_TLS"
            | "http.client.HTTPConnection"
            | "http.client.HTTPSConnection"
            | "telnetlib.Telnet"
            | "imaplib.IMAP4_SSL"
            | "poplib.POP3_SSL" => {
                let host = self.value(0, "host");
                let connection = hosts::connection(&host);
                self.reader.effect(self.span, connection);
            }
            "ssh.connect"
            | "paramiko.Transport"
            | "websocket.create_connection"
            | "websockets.connect"
            | "webbrowser.open" => {
                let host = self.value(0, "hostname");
                let connection = hosts::connection(&host);
                self.reader.effect(self.span, connection);
            }
            "ssh.exec_command" => {
                let command = self.word(self.value(0, "command"), 0);
                if self.reader.recording {
                    let mut frame = self.reader.here();
                    frame.scope = ringfence_action::Scope::Remote(String::new());
                    frame.cwd = Value::Unknown;
                    self.reader.analyzer.shell(&frame, &command, Dialect::Posix, &Data::None);
                }
            }
            "smtp.sendmail" | "smtp.send_message" => {
                let to = match self.argument(1, "to_addrs") {
                    Py::List(items) => items
                        .iter()
                        .map(Py::value)
                        .fold(None, |all: Option<Value>, one| {
                            Some(all.map_or(one.clone(), |all| all.join(one)))
                        })
                        .unwrap_or(Value::Unknown),
                    other => other.value(),
                };
                let effect =
                    Effect::new(EffectKind::Message, to.to_target()).with(Attr::Op, "mail");
                self.reader.effect(self.span, effect);
            }
            "ftp.storbinary" | "ftp.storlines" => {
                let host = match self.receiver() {
                    Py::Object(_, host) => host,
                    _ => Value::Unknown,
                };
                let effect = hosts::connection(&host).with(Attr::Upload, true);
                let payload = self.argument(1, "fp");
                self.sends(effect, &payload);
            }
            "http.request" => {
                if let Py::Object(_, host) = self.receiver() {
                    let body = self.argument(2, "body");
                    let effect = hosts::connection(&host).with(Attr::Upload, body != Py::Nothing);
                    self.sends(effect, &body);
                }
            }
            "http.server.HTTPServer"
            | "socketserver.TCPServer"
            | "http.server.ThreadingHTTPServer" => {
                let effect = Effect::new(EffectKind::Net, Target::known("localhost"))
                    .with(Attr::Listen, true);
                self.reader.effect(self.span, effect);
            }
            _ => {}
        }
    }

    /// The host of the socket whose descriptor an expression is.
    fn descriptor(&self, expression: &Expr) -> Option<Value> {
        let Expr::Call(call) = expression else { return None };
        let Expr::Attribute(method) = &*call.func else { return None };
        if method.attr.as_str() != "fileno" {
            return None;
        }
        match self.reader.eval(&method.value) {
            Py::Object("socket", host) => Some(host),
            _ => None,
        }
    }

    fn connect(&mut self, address: &Py) {
        let Py::List(items) = address else {
            let effect = Effect::new(EffectKind::Net, Target::Unknown);
            return self.reader.effect(self.span, effect);
        };
        let host = items.first().map_or(Value::Unknown, Py::value);
        let mut effect = hosts::connection(&host);
        if let Some(Py::Int(port)) = items.get(1) {
            effect.attributes.set(Attr::Port, *port);
        }
        self.reader.effect(self.span, effect);
    }

    fn request(&mut self) {
        let method = self.name.rsplit('.').next().unwrap_or_default().to_uppercase();
        let by_name = matches!(method.as_str(), "REQUEST" | "STREAM");
        let at = usize::from(by_name);
        let (url, made, carried) = match self.argument(at, "url") {
            Py::Request(parts) => {
                let [url, method, body] = *parts;
                (url.value(), method.value(), body)
            }
            url => (url.value(), Value::Unknown, Py::Nothing),
        };
        let by_request = made.as_known().map(str::to_uppercase);
        let by_body = (carried != Py::Nothing).then(|| "POST".to_owned());
        let method = match self.argument(0, "method") {
            Py::Str(Value::Known(method)) if by_name => method.to_uppercase(),
            _ if by_request.is_some() || by_body.is_some() => {
                by_request.or(by_body).unwrap_or_default()
            }
            _ if matches!(method.as_str(), "URLOPEN" | "URLRETRIEVE" | "DOWNLOAD" | "REQUEST") => {
                "GET".to_owned()
            }
            _ => method,
        };
        // Positional: `requests.post(url, data)`, `urlopen(url, data)`.
        let positional =
            matches!(method.as_str(), "POST" | "PUT" | "PATCH") || self.name.ends_with("urlopen");
        let body = ["data", "json", "files", "content", "body"]
            .iter()
            .find_map(|name| self.reader.keyword(self.call, name))
            .or_else(|| {
                self.call
                    .arguments
                    .args
                    .get(at + 1)
                    .filter(|_| positional && carried == Py::Nothing)
            });
        let uploads = body.is_some() || carried != Py::Nothing;
        let payload = body.map_or(carried, |body| self.sent(body));
        let mut effect = hosts::connection(&url).with(Attr::Method, method.as_str());
        effect.attributes.set(Attr::Upload, uploads);
        effect.attributes.set(Attr::Insecure, self.flag("verify") == Some(false));
        self.sends(effect, &payload);
        if self.name.ends_with("urlretrieve") || self.name == "wget.download" {
            let to = self.value(1, "filename");
            self.path(EffectKind::Write, &to, &[]);
        }
    }

    /// What leaves: a file's text, an open file, or one of them inside a dictionary or tuple.
    fn sent(&self, body: &Expr) -> Py {
        match body {
            Expr::Dict(dict) => dict
                .items
                .iter()
                .map(|item| self.sent(&item.value))
                .find(|value| matches!(value, Py::FileText(_)))
                .unwrap_or(Py::Unknown),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .map(|item| self.sent(item))
                .find(|value| matches!(value, Py::FileText(_)))
                .unwrap_or(Py::Unknown),
            body => match self.reader.eval(body) {
                Py::Object("open", path) => Py::FileText(path),
                Py::Name(name) if name == "os.environ" => Py::FileText(Value::known("env:*")),
                value => value,
            },
        }
    }

    fn sends(&mut self, mut effect: Effect, payload: &Py) {
        if let Py::FileText(Value::Known(path)) | Py::Object("open", Value::Known(path)) = payload {
            effect.attributes.set(Attr::Payload, path.as_str());
        }
        self.reader.effect(self.span, effect);
    }
}
