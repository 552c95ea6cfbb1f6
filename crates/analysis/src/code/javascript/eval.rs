//! What an expression may be.

use std::rc::Rc;

use base64::Engine as _;

use super::tree::{Bound, Call, Item, Node};
use super::{Js, Reader, inside, module};
use crate::context::limits;
use crate::paths;
use crate::value::Value;

/// Nesting of expressions that is followed; deeper ones are opaque.
const MAX_DEPTH: usize = 60;

/// Expressions, and values within values, that are looked at in one program.
const MAX_EVALUATED: usize = 8 * limits::FUEL;

/// Values within a value, and texts, that are kept: what doubles and doubles is not.
const MAX_WEIGHT: usize = 1_000;

/// Bytes of a text that count like a value of its own.
const BYTES_PER_VALUE: usize = 64;

/// Alternatives that are kept apart; more are unknown.
const MAX_ALTERNATIVES: usize = 8;

/// Methods of lists that hand every element to a function.
const ELEMENT_BY_ELEMENT: &[&str] =
    &["forEach", "map", "flatMap", "filter", "some", "every", "find", "findIndex"];

impl Reader<'_, '_> {
    pub(super) fn eval(&mut self, node: &Rc<Node>) -> Js {
        if self.depth >= MAX_DEPTH || self.evaluated >= MAX_EVALUATED {
            self.incomplete = true;
            return Js::Unknown;
        }
        self.depth += 1;
        let value = self.value_of(node);
        self.depth -= 1;
        let weight = weight(&value);
        self.evaluated += weight;
        if weight > MAX_WEIGHT { Js::Unknown } else { value }
    }

    fn value_of(&mut self, node: &Rc<Node>) -> Js {
        match &**node {
            Node::Text(text) => Js::known(text.as_str()),
            Node::Concat(parts) => {
                let parts: Vec<Js> = parts.iter().map(|part| self.eval(part)).collect();
                if parts.is_empty() {
                    return Js::Text(Value::Unknown);
                }
                Js::Text(Value::concat_all(parts.iter().map(Js::value)))
            }
            Node::Name(name) => self.name(name),
            Node::Member { object, key } => {
                let (object, key) = (self.eval(object), self.eval(key));
                self.member(&object, &key)
            }
            Node::Call(call) => self.returned(call),
            Node::List(items) => Js::List(self.items(items)),
            Node::Object(properties) => {
                let mut all = Vec::new();
                for property in properties {
                    let value = self.eval(&property.node);
                    match (&property.key, value) {
                        (Some(key), value) => match self.eval(key) {
                            Js::Text(Value::Known(key)) => all.push((key, value)),
                            _ => all.push((String::new(), value)),
                        },
                        (None, Js::Object(inner)) => all.extend(inner),
                        (None, value) => all.push((String::new(), value)),
                    }
                }
                Js::Object(all)
            }
            Node::Either(nodes) => {
                let all: Vec<Js> = nodes.iter().map(|node| self.eval(node)).collect();
                either(all)
            }
            Node::Function(index) => Js::Function(*index),
            Node::Parameter { function, index } => self.parameter(*function, *index),
            Node::Element(list) => elements(&self.eval(list)),
            Node::Unknown => Js::Unknown,
        }
    }

    /// The values of a list; what is spread into it in one piece is unknown from there on.
    pub(super) fn items(&mut self, items: &[Item]) -> Vec<Js> {
        let mut all = Vec::new();
        for item in items {
            match (self.eval(&item.node), item.spread) {
                (Js::List(inner), true) => all.extend(inner),
                (_, true) => all.push(Js::Unknown),
                (value, false) => all.push(value),
            }
        }
        all
    }

    fn name(&mut self, name: &str) -> Js {
        if matches!(name, "globalThis" | "window" | "global" | "self") {
            return Js::Name(String::new());
        }
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let Some(bounds) = self.program.names.get(name) else { return Js::Name(name.to_owned()) };
        // While it is being found out it may be anything: `x = x + 1`.
        self.known.insert(name.to_owned(), Js::Unknown);
        let value = self.bound(bounds.clone());
        self.known.insert(name.to_owned(), value.clone());
        value
    }

    fn bound(&mut self, bounds: Vec<Bound>) -> Js {
        let mut all = Vec::new();
        for bound in bounds {
            let mut value = self.eval(&bound.node);
            for key in &bound.path {
                let key = self.eval(key);
                value = self.member(&value, &key);
            }
            all.push(value);
        }
        either(all)
    }

    pub(super) fn member(&mut self, object: &Js, key: &Js) -> Js {
        let Js::Text(key) = key else { return Js::Unknown };
        let Some(names) = key.listed() else {
            return match object {
                Js::List(_) => elements(object),
                Js::Object(properties) => {
                    either(properties.iter().map(|(_, value)| value.clone()).collect())
                }
                _ => Js::Unknown,
            };
        };
        either(names.to_vec().iter().map(|name| self.named_member(object, name)).collect())
    }

    fn named_member(&mut self, object: &Js, name: &str) -> Js {
        let value = match object {
            Js::Name(base) if base.is_empty() => self.name(name),
            Js::Name(base) if base == "process.env" && matches!(name, "HOME" | "USERPROFILE") => {
                Js::Text(paths::home(self.analyzer.action))
            }
            Js::Name(base) => Js::Name(inside(base, name)),
            Js::Object(properties) => {
                let found = properties.iter().filter(|(key, _)| key == name || key.is_empty());
                either(found.map(|(_, value)| value.clone()).collect())
            }
            Js::List(items) => match name.parse::<usize>() {
                Ok(index) => items.get(index).cloned().unwrap_or(Js::Unknown),
                Err(_) => Js::Name(format!("?.{name}")),
            },
            Js::Either(all) => {
                let all: Vec<Js> = all.iter().map(|it| self.named_member(it, name)).collect();
                either(all)
            }
            Js::Text(_) | Js::Function(_) | Js::Unknown => Js::Name(format!("?.{name}")),
        };
        // Assigned to a member of that name, of this object or another.
        match self.program.members.get(name).cloned() {
            Some(bounds) if !self.assigning.contains(name) => {
                self.assigning.insert(name.to_owned());
                let assigned = self.bound(bounds);
                self.assigning.remove(name);
                either(vec![value, assigned])
            }
            _ => value,
        }
    }

    /// What the calls of a function hand to it.
    fn parameter(&mut self, function: usize, index: usize) -> Js {
        let Some(known) = self.program.functions.get(function) else { return Js::Unknown };
        if !self.calling.insert((function, index)) {
            return Js::Unknown;
        }
        let (name, handed_to) = (known.name.clone(), known.handed_to.clone());
        let value = match (name, handed_to) {
            (Some(name), None) if !self.program.escaping.contains(&name) => {
                let calls = self.program.calls_by_name.get(&name).cloned().unwrap_or_default();
                let mut all = Vec::new();
                for call in calls {
                    all.push(
                        self.items(&call.arguments).get(index).cloned().unwrap_or(Js::Unknown),
                    );
                }
                either(all)
            }
            (None, Some(callee)) => match &*callee {
                Node::Member { object, key } => self.handed(object, key, index),
                _ => Js::Unknown,
            },
            _ => Js::Unknown,
        };
        self.calling.remove(&(function, index));
        value
    }

    fn handed(&mut self, object: &Rc<Node>, key: &Rc<Node>, index: usize) -> Js {
        match self.eval(key) {
            Js::Text(Value::Known(key)) if index == 0 => {
                let object = self.eval(object);
                match key.as_str() {
                    "then" => object,
                    key if ELEMENT_BY_ELEMENT.contains(&key) => elements(&object),
                    _ => Js::Unknown,
                }
            }
            _ => Js::Unknown,
        }
    }

    /// What a call gives.
    fn returned(&mut self, call: &Rc<Call>) -> Js {
        if let Node::Member { object, key } = &*call.callee {
            let (object, key) = (self.eval(object), self.eval(key));
            if let (Js::Text(_) | Js::List(_), Js::Text(Value::Known(method))) = (&object, &key) {
                let arguments = self.items(&call.arguments);
                return method_of(&object, method, &arguments);
            }
        }
        let callee = self.eval(&call.callee);
        let arguments = self.items(&call.arguments);
        self.result(&callee, &arguments)
    }

    fn result(&mut self, callee: &Js, arguments: &[Js]) -> Js {
        let argument = |index: usize| arguments.get(index).cloned().unwrap_or(Js::Unknown);
        let name = match callee {
            Js::Name(name) => name.as_str(),
            Js::Function(index) => {
                if !self.returning.insert(*index) {
                    return Js::Unknown;
                }
                let returns = self.program.functions.get(*index).map(|it| it.returns.clone());
                let all: Vec<Js> =
                    returns.unwrap_or_default().iter().map(|node| self.eval(node)).collect();
                self.returning.remove(index);
                return either(all);
            }
            Js::Either(all) => {
                let all: Vec<Js> =
                    all.iter().map(|callee| self.result(callee, arguments)).collect();
                return either(all);
            }
            Js::Text(_) | Js::List(_) | Js::Object(_) | Js::Unknown => return Js::Unknown,
        };
        match name {
            name if is_require(name) => match argument(0) {
                Js::Text(value) => match value.listed() {
                    Some(all) => either(all.iter().map(|it| Js::Name(module(it))).collect()),
                    None => Js::Unknown,
                },
                _ => Js::Unknown,
            },
            // `Function("return process")()`: whatever the text gives.
            "Function" => Js::Name("Function()".to_owned()),
            name if name.starts_with("Function()") => Js::Name("Function()".to_owned()),
            "createRequire" | "module.createRequire" => Js::Name("require".to_owned()),
            "path.join" | "path.resolve" | "path.posix.join" | "path.posix.resolve" => {
                if arguments.is_empty() {
                    return Js::Text(Value::Unknown);
                }
                Js::Text(joined(arguments, &Value::known("/")))
            }
            "os.homedir" => Js::Text(paths::home(self.analyzer.action)),
            "os.tmpdir" => Js::known("/tmp"),
            "process.cwd" | "Deno.cwd" => Js::Text(self.frame.cwd.clone()),
            "String" | "String.raw" | "encodeURIComponent" | "encodeURI" | "URL"
            | "Object.freeze" | "Promise.resolve" => argument(0),
            "Promise.all" | "Array.from" | "Array.of" => match argument(0) {
                list @ Js::List(_) => list,
                _ => Js::Unknown,
            },
            "String.fromCharCode" | "String.fromCodePoint" => characters(arguments),
            "atob" => match argument(0) {
                Js::Text(Value::Known(text)) => decoded(&text, "base64"),
                _ => Js::Unknown,
            },
            "decodeURIComponent" | "decodeURI" | "unescape" => match argument(0) {
                Js::Text(Value::Known(text)) if !text.contains('%') => Js::known(text),
                _ => Js::Unknown,
            },
            "Buffer.from" => match (argument(0), argument(1)) {
                (Js::Text(Value::Known(text)), Js::Text(Value::Known(kind))) => {
                    decoded(&text, &kind)
                }
                (text @ Js::Text(_), Js::Unknown) => text,
                (Js::List(codes), Js::Unknown) => characters(&codes),
                _ => Js::Unknown,
            },
            "util.promisify" | "promisify" => argument(0),
            // `exec.bind(null)` is `exec`, as long as nothing is bound in front.
            name => match name.strip_suffix(".bind") {
                Some(bound) if arguments.len() <= 1 => Js::Name(bound.to_owned()),
                _ => Js::Unknown,
            },
        }
    }
}

/// Ways to write `require`.
pub(super) fn is_require(name: &str) -> bool {
    matches!(
        name,
        "require"
            | "import"
            | "module.require"
            | "process.mainModule.require"
            | "process.getBuiltinModule"
            | "module._load"
            | "require.main.require"
    )
}

/// One of these, each only once.
pub(super) fn either(all: Vec<Js>) -> Js {
    let mut kept: Vec<Js> = Vec::new();
    let mut too_many = false;
    for value in all {
        let values = match value {
            Js::Either(values) => values,
            value => vec![value],
        };
        for value in values {
            // Names matter more than texts: what is called must not get lost.
            if too_many && !matches!(value, Js::Name(_)) || kept.contains(&value) {
                continue;
            }
            kept.push(value);
            if kept.len() > MAX_ALTERNATIVES {
                too_many = true;
                kept.retain(|value| matches!(value, Js::Name(_)));
                kept.truncate(MAX_ALTERNATIVES);
            }
        }
    }
    if too_many {
        kept.push(Js::Unknown);
    }
    match kept.len() {
        0 => Js::Unknown,
        1 => kept.pop().unwrap_or(Js::Unknown),
        _ => Js::Either(kept),
    }
}

/// The texts of these, with another between them.
fn joined(all: &[Js], by: &Value) -> Value {
    Value::concat_all(all.iter().enumerate().flat_map(|(index, it)| {
        let by = (index > 0).then(|| by.clone());
        by.into_iter().chain([it.value()])
    }))
}

fn elements(list: &Js) -> Js {
    match list {
        Js::List(items) => either(items.clone()),
        _ => Js::Unknown,
    }
}

fn method_of(object: &Js, method: &str, arguments: &[Js]) -> Js {
    let argument = |index: usize| match arguments.get(index) {
        Some(Js::Text(Value::Known(text))) => Some(text.as_str()),
        _ => None,
    };
    match (object, method) {
        (Js::Text(_), "trim" | "toString" | "normalize" | "valueOf") => object.clone(),
        (Js::Text(Value::Known(text)), "toLowerCase") => Js::known(text.to_lowercase()),
        (Js::Text(Value::Known(text)), "toUpperCase") => Js::known(text.to_uppercase()),
        (Js::Text(text), "concat") => {
            let parts = arguments.iter().map(Js::value);
            Js::Text(Value::concat_all([text.clone()].into_iter().chain(parts)))
        }
        (Js::Text(Value::Known(text)), "split") => match argument(0) {
            Some("") => Js::List(text.chars().map(|c| Js::known(c.to_string())).collect()),
            Some(by) => Js::List(text.split(by).map(Js::known).collect()),
            None => Js::List(vec![Js::Unknown]),
        },
        (Js::Text(Value::Known(text)), "replace" | "replaceAll") => {
            match (argument(0), argument(1)) {
                (Some(from), Some(to)) if !to.contains('$') => match method {
                    "replace" => Js::known(text.replacen(from, to, 1)),
                    _ => Js::Text(Value::replaced(text, from, to)),
                },
                _ => Js::Text(Value::Unknown),
            }
        }
        (Js::Text(_), _) => Js::Text(Value::Unknown),
        (Js::List(items), "join") => {
            let by = match arguments.first() {
                None => Value::known(","),
                Some(by) => by.value(),
            };
            Js::Text(joined(items, &by))
        }
        (Js::List(items), "reverse") => Js::List(items.iter().rev().cloned().collect()),
        (Js::List(items), "concat") => {
            let mut all = items.clone();
            for argument in arguments {
                match argument {
                    Js::List(more) => all.extend(more.iter().cloned()),
                    other => all.push(other.clone()),
                }
            }
            Js::List(all)
        }
        (Js::List(_), "pop" | "shift" | "at" | "find") => elements(object),
        (Js::List(_), "filter" | "slice" | "sort" | "flat") => Js::List(vec![elements(object)]),
        _ => Js::Unknown,
    }
}

fn characters(codes: &[Js]) -> Js {
    let text: Option<String> = codes
        .iter()
        .map(|code| match code {
            Js::Text(Value::Known(code)) => code.parse().ok().and_then(char::from_u32),
            _ => None,
        })
        .collect();
    text.map_or(Js::Text(Value::Unknown), Js::known)
}

fn decoded(text: &str, encoding: &str) -> Js {
    let bytes = match encoding {
        "base64" | "base64url" => {
            let url = text.trim().trim_end_matches('=').replace('-', "+").replace('_', "/");
            base64::engine::general_purpose::STANDARD_NO_PAD.decode(url).ok()
        }
        "hex" => {
            let digits: Vec<u32> = text.chars().map_while(|c| c.to_digit(16)).collect();
            let pairs = digits.chunks_exact(2).map(|pair| match pair {
                [high, low] => u8::try_from(high * 16 + low).ok(),
                _ => None,
            });
            pairs.collect()
        }
        "utf8" | "utf-8" | "ascii" | "latin1" => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or(Js::Text(Value::Unknown), Js::known)
}

/// What it costs to make another one: one for each value in it, and for so many bytes of text. Not
/// counted further than a little above [`MAX_WEIGHT`].
fn weight(value: &Js) -> usize {
    let all = |values: &mut dyn Iterator<Item = &Js>| {
        let mut all = 1;
        while let Some(value) = values.next().filter(|_| all <= MAX_WEIGHT) {
            all += weight(value);
        }
        all
    };
    match value {
        Js::Text(text) => 1 + text.size() / BYTES_PER_VALUE,
        Js::Name(name) => 1 + name.len() / BYTES_PER_VALUE,
        Js::List(items) | Js::Either(items) => all(&mut items.iter()),
        Js::Object(properties) => all(&mut properties.iter().map(|(_, value)| value)),
        Js::Function(_) | Js::Unknown => 1,
    }
}
