//! What a Python expression may be.

use base64::Engine as _;
use ruff_python_ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, Number, Operator};

use ruff_text_size::Ranged as _;

use super::{Py, Reader, table};
use crate::paths;
use crate::value::Value;

impl Reader<'_, '_> {
    pub(super) fn eval(&self, expression: &Expr) -> Py {
        if !self.works(1) {
            return Py::Unknown;
        }
        let value = self.value_of(expression);
        // What is made of others is as much work as there is in it.
        if self.works(value.weight()) { value } else { Py::Unknown }
    }

    fn value_of(&self, expression: &Expr) -> Py {
        match expression {
            Expr::StringLiteral(text) => Py::Str(Value::known(text.value.to_str())),
            Expr::BytesLiteral(bytes) => {
                let all: Vec<u8> =
                    bytes.value.iter().flat_map(|part| part.value.to_vec()).collect();
                Py::Str(Value::known(String::from_utf8_lossy(&all)))
            }
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => int.as_i64().map_or(Py::Unknown, Py::Int),
                Number::Float(_) | Number::Complex { .. } => Py::Unknown,
            },
            Expr::NoneLiteral(_) => Py::Nothing,
            Expr::FString(text) => Py::Str(self.f_string(text.value.as_slice())),
            Expr::List(list) => Py::List(self.eval_all(&list.elts)),
            Expr::Tuple(tuple) => Py::List(self.eval_all(&tuple.elts)),
            Expr::Name(name) => self.name(name.id.as_str()),
            Expr::Attribute(attribute) => {
                self.attribute(&self.eval(&attribute.value), attribute.attr.as_str())
            }
            Expr::BinOp(operation) => {
                let (left, right) = (self.eval(&operation.left), self.eval(&operation.right));
                match operation.op {
                    Operator::Add => add(&left, &right),
                    Operator::Div => match &left {
                        Py::Path(base) => Py::Path(join(base, &right.value())),
                        _ => Py::Unknown,
                    },
                    Operator::Mod => match left {
                        Py::Str(Value::Known(format)) => Py::Str(percent(&format, &right)),
                        _ => Py::Unknown,
                    },
                    _ => Py::Unknown,
                }
            }
            Expr::If(choice) => self.eval(&choice.body).join(self.eval(&choice.orelse)),
            Expr::BoolOp(operation) => {
                operation.values.iter().map(|value| self.eval(value)).fold(Py::Nothing, Py::join)
            }
            Expr::Named(named) => self.eval(&named.value),
            Expr::Await(awaited) => self.eval(&awaited.value),
            Expr::Starred(starred) => self.eval(&starred.value),
            Expr::Subscript(subscript) => self.subscript(&subscript.value, &subscript.slice),
            Expr::Call(call) => {
                if let Some(known) = self.memo.borrow().get(&call.range()) {
                    return known.clone();
                }
                let value = self.call_value(call);
                self.memo.borrow_mut().insert(call.range(), value.clone());
                value
            }
            Expr::ListComp(comprehension) => Py::List(vec![self.eval(&comprehension.elt)]),
            Expr::Generator(comprehension) => Py::List(vec![self.eval(&comprehension.elt)]),
            _ => Py::Unknown,
        }
    }

    fn eval_all(&self, items: &[Expr]) -> Vec<Py> {
        items
            .iter()
            .flat_map(|item| match item {
                Expr::Starred(starred) => match self.eval(&starred.value) {
                    Py::List(items) => items,
                    _ => vec![Py::Unknown],
                },
                item => vec![self.eval(item)],
            })
            .collect()
    }

    fn name(&self, name: &str) -> Py {
        if let Some(value) = self.lookup(name) {
            return value.clone();
        }
        if let Some(module) = self.star(name) {
            return Py::Name(module);
        }
        Py::Name(format!("builtins.{name}"))
    }

    /// A name that came with `from module import *`.
    fn star(&self, name: &str) -> Option<String> {
        if !self.has_stars {
            return None;
        }
        const EXPORTS: &[(&str, &[&str])] = &[
            (
                "os",
                &[
                    "system", "popen", "remove", "unlink", "rename", "kill", "chmod", "rmdir",
                    "makedirs", "execv", "environ",
                ],
            ),
            ("subprocess", &["run", "call", "Popen", "check_output", "check_call", "getoutput"]),
            ("shutil", &["rmtree", "move", "copy", "copytree"]),
            ("pathlib", &["Path"]),
            ("socket", &["socket", "create_connection"]),
        ];
        EXPORTS.iter().find_map(|(module, names)| {
            let imported = self.lookup(&format!("*{module}")).is_some();
            (imported && names.contains(&name)).then(|| format!("{module}.{name}"))
        })
    }

    fn attribute(&self, base: &Py, name: &str) -> Py {
        match base {
            // What a module imported is that module: `shutil.os`, `cProfile.sys`.
            Py::Name(module)
                if table::is_module_of_others(name)
                    && !module.contains('.')
                    && module != "builtins" =>
            {
                Py::Name(name.to_owned())
            }
            Py::Name(module) => match format!("{module}.{name}").as_str() {
                "os.sep" | "os.path.sep" => Py::Str(Value::known("/")),
                "os.devnull" => Py::Str(Value::known("/dev/null")),
                "sys.executable" => Py::Str(Value::known("python3")),
                dotted => Py::Name(dotted.to_owned()),
            },
            Py::Path(path) => match name {
                "parent" => Py::Path(join(path, &Value::known(".."))),
                "name" | "stem" | "suffix" => Py::Str(Value::Unknown),
                method => Py::Name(format!("Path.{method}")),
            },
            Py::NetText(_) if matches!(name, "text" | "content" | "data" | "raw") => base.clone(),
            Py::Object("shell", _) if matches!(name, "stdout" | "stderr") => {
                Py::Str(Value::Unknown)
            }
            Py::Object(class, _) => Py::Name(format!("{class}.{name}")),
            Py::Str(_) => Py::Name(format!("str.{name}")),
            _ => self.value_in("self", name).cloned().unwrap_or(Py::Unknown),
        }
    }

    fn subscript(&self, base: &Expr, index: &Expr) -> Py {
        match (self.eval(base), self.eval(index)) {
            (Py::List(items), Py::Int(index)) => usize::try_from(index)
                .ok()
                .and_then(|index| items.get(index).cloned())
                .unwrap_or(Py::Unknown),
            (Py::Name(name), Py::Str(Value::Known(key))) if name == "os.environ" => {
                self.variable(&key)
            }
            // `sys.modules["os"]` is the module, `os.__dict__["system"]` its function.
            (Py::Name(name), Py::Str(Value::Known(key))) if name == "sys.modules" => Py::Name(key),
            (Py::Name(name), Py::Str(Value::Known(key))) if name.ends_with(".__dict__") => {
                let module = name.trim_end_matches(".__dict__").to_owned();
                self.attribute(&Py::Name(module), &key)
            }
            _ => Py::Unknown,
        }
    }

    fn variable(&self, name: &str) -> Py {
        match name {
            "HOME" | "USERPROFILE" => Py::Str(paths::home(self.analyzer.action)),
            name => {
                let known = self.analyzer.action.facts.env.get(name);
                known.map_or(Py::Str(Value::Unknown), |value| Py::Str(Value::known(value.as_str())))
            }
        }
    }

    fn f_string(&self, parts: &[FStringPart]) -> Value {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                FStringPart::Literal(literal) => pieces.push(Value::known(&*literal.value)),
                FStringPart::FString(formatted) => {
                    pieces.extend(formatted.elements.iter().map(|element| match element {
                        InterpolatedStringElement::Literal(literal) => {
                            Value::known(&*literal.value)
                        }
                        InterpolatedStringElement::Interpolation(inner) => {
                            self.eval(&inner.expression).value()
                        }
                    }));
                }
            }
        }
        Value::concat_all(pieces)
    }

    /// The dotted name of what is called: `os.system`, `Path.unlink`, `builtins.open`.
    pub(super) fn callee(&self, call: &ExprCall) -> Py {
        self.eval(&call.func)
    }

    /// What the call's function is a method of.
    pub(super) fn receiver(&self, call: &ExprCall) -> Py {
        match &*call.func {
            Expr::Attribute(attribute) => self.eval(&attribute.value),
            _ => Py::Unknown,
        }
    }

    pub(super) fn argument(&self, call: &ExprCall, index: usize, name: &str) -> Option<Py> {
        let positional = call.arguments.args.get(index).map(|value| self.eval(value));
        positional.or_else(|| call.arguments.find_keyword(name).map(|k| self.eval(&k.value)))
    }

    pub(super) fn keyword<'c>(&self, call: &'c ExprCall, name: &str) -> Option<&'c Expr> {
        call.arguments.find_keyword(name).map(|keyword| &keyword.value)
    }

    fn call_value(&self, call: &ExprCall) -> Py {
        let callee = self.callee(call);
        let name = match &callee {
            Py::Name(name) => name.as_str(),
            Py::Local(name) => {
                let function = self.functions.get(name);
                let returned =
                    function.and_then(|function| self.value_in(&function.scope, "return"));
                return returned.cloned().unwrap_or(Py::Unknown);
            }
            _ => "",
        };
        let text = |index: usize, name: &str| {
            self.argument(call, index, name).map_or(Value::Unknown, |value| value.value())
        };
        let receiver = || self.receiver(call);
        match name {
            "pathlib.Path" | "pathlib.PosixPath" | "pathlib.PurePath" | "os.path.join" => {
                let mut parts = self.eval_all(&call.arguments.args).into_iter();
                let first = parts.next().map_or(Value::known("."), |part| part.value());
                let path = parts.fold(first, |path, part| join(&path, &part.value()));
                if name == "os.path.join" { Py::Str(path) } else { Py::Path(path) }
            }
            "pathlib.Path.home" => Py::Path(paths::home(self.analyzer.action)),
            "pathlib.Path.cwd" => Py::Path(self.frame.cwd.clone()),
            "os.getcwd" => Py::Str(self.frame.cwd.clone()),
            "os.path.expanduser" | "os.path.abspath" | "os.path.realpath" | "os.path.normpath"
            | "os.fspath" | "builtins.str" | "os.path.expandvars" | "shlex.quote"
            | "builtins.bytes" => match self.argument(call, 0, "path") {
                Some(kept @ (Py::FileText(_) | Py::NetText(_))) => kept,
                Some(value) => Py::Str(value.value()),
                None => Py::Unknown,
            },
            "os.path.dirname" => Py::Str(join(&text(0, "p"), &Value::known(".."))),
            "os.environ.get" | "os.getenv" => match text(0, "key") {
                Value::Known(key) => match (self.variable(&key), self.argument(call, 1, "default"))
                {
                    (Py::Str(Value::Unknown), _) | (_, None) => self.variable(&key),
                    (value, Some(default)) => value.join(default),
                },
                _ => Py::Unknown,
            },
            "builtins.open" | "io.open" | "codecs.open" | "os.fdopen" | "gzip.open" => {
                Py::Object("open", text(0, "file"))
            }
            "Path.open" => Py::Object("open", receiver().value()),
            "Path.read_text" | "Path.read_bytes" => Py::FileText(receiver().value()),
            "open.read" | "open.readlines" | "open.readline" => match receiver() {
                Py::Object(_, path) => Py::FileText(path),
                _ => Py::Unknown,
            },
            "Path.expanduser" | "Path.resolve" | "Path.absolute" => Py::Path(receiver().value()),
            "Path.joinpath" => {
                let parts = self.eval_all(&call.arguments.args);
                let join_part = |path: Value, part: Py| join(&path, &part.value());
                Py::Path(parts.into_iter().fold(receiver().value(), join_part))
            }
            "Path.with_suffix" | "Path.with_name" => {
                Py::Path(join(&join(&receiver().value(), &Value::known("..")), &Value::Unknown))
            }
            "glob.glob" | "glob.iglob" => Py::Object("glob", globbed(&text(0, "pathname"))),
            "Path.glob" | "Path.rglob" => {
                let below = if name == "Path.rglob" { "**" } else { "." };
                let base = join(&receiver().value(), &Value::Pattern(below.to_owned()));
                Py::Object("glob", join(&base, &globbed(&text(0, "pattern"))))
            }
            "Path.iterdir" => {
                Py::Object("glob", join(&receiver().value(), &Value::Pattern("*".to_owned())))
            }
            "os.listdir" | "os.scandir" => Py::Object("glob", Value::Pattern("*".to_owned())),
            "os.walk" => Py::Object("walk", text(0, "top")),
            "tempfile.mkdtemp"
            | "tempfile.mkstemp"
            | "tempfile.gettempdir"
            | "tempfile.mktemp"
            | "tempfile.TemporaryDirectory" => Py::Str(Value::Pattern("/tmp/*".to_owned())),
            "builtins.sorted" | "builtins.list" | "builtins.set" | "builtins.tuple"
            | "builtins.reversed" | "builtins.iter" => {
                self.argument(call, 0, "iterable").unwrap_or(Py::Unknown)
            }
            "builtins.__import__" | "importlib.import_module" => match text(0, "name") {
                Value::Known(module) => Py::Name(module),
                _ => Py::Unknown,
            },
            "builtins.getattr" => match (self.argument(call, 0, ""), text(1, "")) {
                (Some(base), Value::Known(name)) => self.attribute(&base, &name),
                _ => Py::Unknown,
            },
            "builtins.vars" => match self.argument(call, 0, "") {
                Some(Py::Name(module)) => Py::Name(format!("{module}.__dict__")),
                _ => Py::Unknown,
            },
            "builtins.chr" => match self.argument(call, 0, "") {
                Some(Py::Int(code)) => u32::try_from(code)
                    .ok()
                    .and_then(char::from_u32)
                    .map_or(Py::Unknown, |c| Py::Str(Value::known(c.to_string()))),
                _ => Py::Str(Value::Unknown),
            },
            "base64.b64decode" | "base64.urlsafe_b64decode" | "base64.standard_b64decode" => {
                match self.argument(call, 0, "s") {
                    Some(kept @ (Py::FileText(_) | Py::NetText(_))) => kept,
                    Some(Py::Str(Value::Known(text))) => decoded(&text),
                    _ => Py::Str(Value::Unknown),
                }
            }
            "bytes.fromhex" | "builtins.bytes.fromhex" | "binascii.unhexlify" | "codecs.decode" => {
                match text(0, "") {
                    Value::Known(text) if name != "codecs.decode" => from_hex(&text),
                    _ => Py::Str(Value::Unknown),
                }
            }
            "str.format" => match receiver() {
                Py::Str(Value::Known(format)) => {
                    Py::Str(braces(&format, &self.eval_all(&call.arguments.args)))
                }
                _ => Py::Str(Value::Unknown),
            },
            "str.join" => match (receiver(), self.argument(call, 0, "")) {
                (Py::Str(glue), Some(Py::List(items))) => {
                    let texts = items.iter().enumerate().flat_map(|(index, item)| {
                        let glue = (index > 0).then(|| glue.clone());
                        glue.into_iter().chain([item.value()])
                    });
                    Py::Str(Value::concat_all(texts))
                }
                _ => Py::Str(Value::Unknown),
            },
            "str.encode" | "str.decode" | "str.strip" | "str.rstrip" | "str.lstrip"
            | "textwrap.dedent" => match receiver() {
                Py::Str(value) => Py::Str(value),
                _ => Py::Str(text(0, "text")),
            },
            "str.replace" => match (receiver(), text(0, ""), text(1, "")) {
                (Py::Str(Value::Known(whole)), Value::Known(old), Value::Known(new)) => {
                    Py::Str(Value::replaced(&whole, &old, &new))
                }
                _ => Py::Str(Value::Unknown),
            },
            "str.split" | "shlex.split" => {
                let whole = if name == "shlex.split" { text(0, "s") } else { receiver().value() };
                match whole {
                    Value::Known(whole)
                        if call.arguments.args.len() <= usize::from(name == "shlex.split") =>
                    {
                        let words = whole.split_whitespace();
                        Py::List(words.map(|word| Py::Str(Value::known(word))).collect())
                    }
                    _ => Py::Unknown,
                }
            }
            _ => self.made(call, name, &receiver()),
        }
    }

    /// Objects with methods that matter, and text that comes from outside.
    fn made(&self, call: &ExprCall, name: &str, receiver: &Py) -> Py {
        let first = self.argument(call, 0, "url").map_or(Value::Unknown, |value| value.value());
        if let Some(class) = table::class_made(name) {
            if class == "request" {
                let body = self.argument(call, 1, "data").unwrap_or(Py::Nothing);
                let method = self.argument(call, 5, "method").map_or(Value::Unknown, |m| m.value());
                return Py::Request(Box::new([Py::Str(first), Py::Str(method), body]));
            }
            if class == "account" {
                let profile = self.argument(call, usize::MAX, "profile_name");
                return Py::Object(class, profile.map_or(Value::Unknown, |name| name.value()));
            }
            return Py::Object(class, first);
        }
        if table::is_request(name) {
            let at = usize::from(name.ends_with(".request"));
            let url = self.argument(call, at, "url").map_or(Value::Unknown, |value| match value {
                Py::Request(parts) => {
                    let [url, ..] = *parts;
                    url.value()
                }
                value => value.value(),
            });
            return Py::NetText(url);
        }
        match (receiver, name) {
            // Whatever is taken out of a response or a file's text still comes from there.
            (Py::NetText(_) | Py::FileText(_), _) => receiver.clone(),
            (Py::Object("socket", host), "socket.recv" | "socket.recvfrom" | "socket.makefile") => {
                Py::NetText(host.clone())
            }
            (Py::Object("db", _), "db.cursor" | "db.connect" | "db.begin") => receiver.clone(),
            (Py::Object("account", profile), "account.client" | "account.resource") => {
                Py::Object("cloud", profile.clone())
            }
            (Py::Object("http", host), "http.getresponse") => Py::NetText(host.clone()),
            _ => Py::Unknown,
        }
    }
}

/// `a + b`.
pub(super) fn add(left: &Py, right: &Py) -> Py {
    match (left, right) {
        (Py::List(a), Py::List(b)) => Py::List(a.iter().chain(b).cloned().collect()),
        (Py::Str(a), b @ (Py::Str(_) | Py::Unknown)) => Py::Str(a.concat(&b.value())),
        (a @ Py::Unknown, Py::Str(b)) => Py::Str(a.value().concat(b)),
        (kept @ (Py::FileText(_) | Py::NetText(_)), _)
        | (_, kept @ (Py::FileText(_) | Py::NetText(_))) => kept.clone(),
        _ => Py::Unknown,
    }
}

/// A path below another, unless it is absolute.
pub(super) fn join(base: &Value, part: &Value) -> Value {
    match part {
        Value::Known(part) if part.starts_with('/') => Value::known(part.as_str()),
        part => base.concat(&Value::known("/")).concat(part),
    }
}

/// A text read as a glob.
fn globbed(pattern: &Value) -> Value {
    match pattern {
        Value::Known(pattern) if pattern.contains(['*', '?', '[']) => {
            Value::Pattern(pattern.clone())
        }
        other => other.clone(),
    }
}

/// `"…%s…" % value`.
fn percent(format: &str, right: &Py) -> Value {
    let one = std::slice::from_ref(right);
    let mut values = match right {
        Py::List(items) => items.iter(),
        _ => one.iter(),
    };
    let mut pieces = format.split('%');
    let mut all = vec![Value::known(pieces.next().unwrap_or_default())];
    for piece in pieces {
        let rest =
            piece.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
        let kept = rest.get(1..).unwrap_or_default();
        let value = values.next().map_or(Value::Unknown, Py::value);
        all.extend([value, Value::known(kept)]);
    }
    Value::concat_all(all)
}

/// `"…{}…".format(value)`; names inside the braces are not followed.
fn braces(format: &str, arguments: &[Py]) -> Value {
    let mut values = arguments.iter();
    let mut all = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or(("", ""));
        let value = match name.parse::<usize>() {
            Ok(index) => arguments.get(index),
            Err(_) if name.is_empty() => values.next(),
            Err(_) => None,
        };
        all.extend([Value::known(before), value.map_or(Value::Unknown, Py::value)]);
        rest = tail;
    }
    all.push(Value::known(rest));
    Value::concat_all(all)
}

fn decoded(text: &str) -> Py {
    let engine = base64::engine::general_purpose::STANDARD;
    let bytes = engine.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Py::Str(bytes.map_or(Value::Unknown, Value::Known))
}

fn from_hex(text: &str) -> Py {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Py::Str(text.map_or(Value::Unknown, Value::Known))
}
