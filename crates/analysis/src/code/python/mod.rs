//! Python: parsed, then read statement by statement over abstract values.
//!
//! Names are followed through assignments, imports, parameters and return values; branches and loops
//! are read once, their assignments joined to what was there. Three passes: two that only learn what
//! names may be (a function may use what is assigned below it), one that records effects.

mod calls;
mod eval;
mod guard;
mod table;

pub(super) use table::is_secret_variable;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, OpaqueReason, Target};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value};

/// Values within a value, and texts, that are kept: what doubles and doubles is not.
const MAX_WEIGHT: usize = 1_000;

/// Bytes of a text that count like a value of its own.
const BYTES_PER_STEP: usize = 64;

/// Expressions that are looked at in one step of the analysis.
const EXPRESSIONS_PER_STEP: usize = 16;

/// What a Python expression may be.
#[derive(Debug, Clone, PartialEq)]
enum Py {
    /// `None`, or never assigned: joins to whatever else there is.
    Nothing,
    /// A string or bytes.
    Str(Value),
    /// A `pathlib` path.
    Path(Value),
    Int(i64),
    /// A list or tuple.
    List(Vec<Py>),
    /// A module, class or function by its dotted name: `os.path.join`.
    Name(String),
    /// An instance of a class by its dotted name, with what it was made from.
    Object(&'static str, Value),
    /// A request that is made later: its URL, method and body.
    Request(Box<[Self; 3]>),
    /// A function or class defined here.
    Local(String),
    /// Text that comes from a file.
    FileText(Value),
    /// Text that comes from the network.
    NetText(Value),
    Unknown,
}

impl Py {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (a, b) if a == b => a,
            (Self::Str(a), Self::Str(b)) => Self::Str(a.join(b)),
            (Self::Path(a) | Self::Str(a), Self::Path(b) | Self::Str(b)) => Self::Path(a.join(b)),
            (Self::Object(class, a), Self::Object(other, b)) if class == other => {
                Self::Object(class, a.join(b))
            }
            _ => Self::Unknown,
        }
    }

    /// What it costs to make another one: a step for each value in it, and for so many bytes of text.
    /// Not counted further than a little above [`MAX_WEIGHT`].
    fn weight(&self) -> usize {
        match self {
            Self::Str(value)
            | Self::Path(value)
            | Self::Object(_, value)
            | Self::FileText(value)
            | Self::NetText(value) => 1 + value.size() / BYTES_PER_STEP,
            Self::Name(name) | Self::Local(name) => 1 + name.len() / BYTES_PER_STEP,
            Self::List(items) => {
                let mut weight = 1;
                for item in items {
                    weight += item.weight();
                    if weight > MAX_WEIGHT {
                        break;
                    }
                }
                weight
            }
            Self::Request(parts) => parts.iter().map(Self::weight).sum(),
            Self::Nothing | Self::Int(_) | Self::Unknown => 1,
        }
    }

    /// As text or a path.
    fn value(&self) -> Value {
        match self {
            Self::Str(value) | Self::Path(value) => value.clone(),
            Self::Int(number) => Value::known(number.to_string()),
            _ => Value::Unknown,
        }
    }
}

/// Reads a program, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let whole = Span::new(0, code.len());
    if !guard::is_shallow(code) {
        return analyzer.opaque(frame, whole, OpaqueReason::TooDeep, "deeply nested python");
    }
    let module = match ruff_python_parser::parse_module(code) {
        Ok(module) => module,
        Err(error) => {
            let at = usize::from(error.location.start());
            let span = Span::new(at, usize::from(error.location.end()).max(at));
            let detail = format!("python: {}", error.error);
            if !guard::could_act(code) {
                return;
            }
            return analyzer.opaque(frame, span, OpaqueReason::ParseError, detail);
        }
    };
    let mut reader = Reader {
        analyzer,
        frame: frame.clone(),
        start: frame.cwd.clone(),
        names: HashMap::new(),
        functions: HashMap::new(),
        scopes: vec![String::new()],
        branches: 0,
        recording: false,
        memo: RefCell::default(),
        has_stars: false,
        work: Cell::new(0),
        allowed: 0,
    };
    for recording in [false, false, true] {
        reader.recording = recording;
        reader.frame.cwd = reader.start.clone();
        reader.memo.borrow_mut().clear();
        reader.visit_body(module.suite());
    }
    // What was cut short in the last statement has no next one to say so.
    let cut_short = reader.work.get() > reader.allowed;
    if cut_short {
        analyzer.opaque(frame, whole, OpaqueReason::OutOfFuel, "more python than is followed");
    }
}

/// A function defined in the program.
#[derive(Clone)]
struct Function {
    scope: String,
    parameters: Vec<String>,
}

struct Reader<'r, 'a> {
    analyzer: &'r mut Analyzer<'a>,
    frame: Frame,
    /// The folder the program starts in.
    start: Value,
    /// Values by scope and name.
    names: HashMap<String, HashMap<String, Py>>,
    functions: HashMap<String, Function>,
    /// The scopes that we are in, from the module's on: `""`, `f`, `f.g`.
    scopes: Vec<String>,
    /// How many branches and loops we are in.
    branches: usize,
    recording: bool,
    /// Values of calls that were evaluated since a name last changed: calls within calls are asked for
    /// again and again, and each asks for what is in it.
    memo: RefCell<HashMap<TextRange, Py>>,
    /// Whether anything was imported with a star.
    has_stars: bool,
    /// Expressions looked at since the analysis was told.
    work: Cell<usize>,
    /// So many may be looked at until the next statement.
    allowed: usize,
}

impl Reader<'_, '_> {
    fn span(&self, node: &impl Ranged) -> Span {
        Span::new(usize::from(node.start()), usize::from(node.end()))
    }

    fn here(&self) -> Frame {
        let mut frame = self.frame.clone();
        frame.conditional |= self.branches > 0;
        frame
    }

    fn effect(&mut self, span: Span, effect: Effect) {
        if self.recording {
            let frame = self.here();
            self.analyzer.effect(&frame, span, effect.with(Attr::By, "python"));
        }
    }

    fn path(
        &mut self,
        span: Span,
        kind: EffectKind,
        path: &Value,
        attributes: &[(Attr, AttrValue)],
    ) {
        if self.recording {
            let frame = self.here();
            let by = [(Attr::By, AttrValue::from("python"))];
            let attributes: Vec<_> = attributes.iter().cloned().chain(by).collect();
            paths::effect(self.analyzer, &frame, span, kind, path, &attributes);
            // What was read of the file before is no longer what is there.
            if matches!(kind, EffectKind::Write | EffectKind::Delete)
                && let Target::Known(path) = paths::locate(self.analyzer, &frame, path)
            {
                self.analyzer.wrote(&path, Data::Unknown);
            }
        }
    }

    /// A function that runs or removes things is handed on: whoever gets it may call it with anything.
    fn handed_on(&mut self, value: &Expr) {
        if !matches!(value, Expr::Name(_) | Expr::Attribute(_)) {
            return;
        }
        if let Py::Name(name) = self.eval(value)
            && table::is_powerful(&name)
        {
            let span = self.span(value);
            let detail = format!("python: {name} is handed on");
            self.opaque(span, OpaqueReason::DynamicCode, detail);
        }
    }

    fn opaque(&mut self, span: Span, reason: OpaqueReason, detail: impl Into<String>) {
        if self.recording {
            let frame = self.here();
            self.analyzer.opaque(&frame, span, reason, detail);
        }
    }

    fn lookup(&self, name: &str) -> Option<&Py> {
        self.scopes.iter().rev().find_map(|scope| self.value_in(scope, name))
    }

    fn value_in(&self, scope: &str, name: &str) -> Option<&Py> {
        self.names.get(scope)?.get(name)
    }

    /// The scope that names are assigned in.
    fn scope(&self) -> String {
        self.scopes.last().cloned().unwrap_or_default()
    }

    fn assign(&mut self, scope: String, name: &str, value: Py, joins: bool) {
        self.memo.borrow_mut().clear();
        let value = if value.weight() > MAX_WEIGHT { Py::Unknown } else { value };
        let names = self.names.entry(scope).or_default();
        let slot = names.entry(name.to_owned()).or_insert(Py::Nothing);
        *slot = if joins { std::mem::replace(slot, Py::Nothing).join(value) } else { value };
    }

    /// Counts so much work; false once it is more than the analysis has steps for.
    fn works(&self, amount: usize) -> bool {
        let work = self.work.get().saturating_add(amount);
        self.work.set(work);
        work <= self.allowed
    }

    /// Takes the steps that the last statement's expressions were worth, in every pass: false when
    /// there are none left.
    fn step(&mut self, span: Span) -> bool {
        let work = self.work.get();
        self.analyzer.spend(work / EXPRESSIONS_PER_STEP);
        self.work.set(work % EXPRESSIONS_PER_STEP);
        let goes_on = if self.recording {
            let frame = self.frame.clone();
            self.analyzer.step(&frame, span)
        } else {
            self.analyzer.spend(1);
            !self.analyzer.exhausted()
        };
        self.allowed = self.analyzer.left().saturating_mul(EXPRESSIONS_PER_STEP);
        goes_on
    }

    /// `target = value` for names, attributes of `self`, and tuples of them.
    fn bind(&mut self, target: &Expr, value: Py, joins: bool) {
        match target {
            Expr::Name(name) => {
                let scope = self.scope();
                self.assign(scope, name.id.as_str(), value, joins || self.branches > 0);
            }
            // Attributes of objects are one name for all objects of the program.
            Expr::Attribute(attribute) => {
                self.assign("self".to_owned(), attribute.attr.as_str(), value, true);
            }
            Expr::Tuple(tuple) => self.bind_each(&tuple.elts, &value, joins),
            Expr::List(list) => self.bind_each(&list.elts, &value, joins),
            Expr::Starred(starred) => self.bind(&starred.value, Py::Unknown, true),
            Expr::Subscript(subscript) => calls::assigned_item(self, subscript, &value),
            _ => {}
        }
    }

    fn bind_each(&mut self, targets: &[Expr], value: &Py, joins: bool) {
        for (index, target) in targets.iter().enumerate() {
            let item = match value {
                Py::List(items) => items.get(index).cloned().unwrap_or(Py::Unknown),
                _ => Py::Unknown,
            };
            self.bind(target, item, joins);
        }
    }

    /// What one turn of a loop over this value gets.
    fn item_of(&self, value: &Py) -> Py {
        match value {
            Py::List(items) => items.iter().cloned().fold(Py::Nothing, Py::join),
            // `os.walk` and globs give patterns: each item is what the pattern means.
            Py::Object("glob", value) => Py::Path(value.clone()),
            Py::Object("walk", root) => {
                let below = root.concat(&Value::Pattern("/**".to_owned()));
                let name = Py::Object("glob", Value::Pattern("**".to_owned()));
                Py::List(vec![Py::Path(below), name.clone(), name])
            }
            Py::Object("open", path) => Py::FileText(path.clone()),
            _ => Py::Unknown,
        }
    }

    fn branch(&mut self, body: &[Stmt]) {
        self.branches += 1;
        self.visit_body(body);
        self.branches -= 1;
    }

    /// Arguments of a call become the parameters of the function.
    fn bind_parameters(&mut self, function: &Function, call: &ruff_python_ast::ExprCall) {
        let skip = usize::from(matches!(
            function.parameters.first().map(String::as_str),
            Some("self" | "cls")
        ));
        for (index, argument) in call.arguments.args.iter().enumerate() {
            let value = self.eval(argument);
            if let Some(name) = function.parameters.get(index + skip) {
                self.assign(function.scope.clone(), name, value, true);
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.eval(&keyword.value);
            if let Some(name) = &keyword.arg {
                self.assign(function.scope.clone(), name.as_str(), value, true);
            }
        }
    }
}

/// `if __name__ == "__main__":` is what runs.
fn is_main_test(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    matches!(&*compare.left, Expr::Name(name) if name.id.as_str() == "__name__")
}

impl<'v> Visitor<'v> for Reader<'_, '_> {
    fn visit_stmt(&mut self, statement: &'v Stmt) {
        let span = self.span(statement);
        if !self.step(span) {
            return;
        }
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    let scope = self.scope();
                    match &alias.asname {
                        Some(name) => {
                            let value = Py::Name(module.to_owned());
                            self.assign(scope, name.as_str(), value, false);
                        }
                        None => {
                            let top = module.split('.').next().unwrap_or(module);
                            self.assign(scope, top, Py::Name(top.to_owned()), false);
                        }
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let scope = self.scope();
                    if alias.name.as_str() == "*" {
                        // What the module exports is found by `Reader::star`.
                        self.has_stars = true;
                        let value = Py::Name(module.to_owned());
                        self.assign(scope, &format!("*{module}"), value, false);
                        continue;
                    }
                    let local = import.level > 0;
                    let value = if local {
                        Py::Unknown
                    } else {
                        Py::Name(format!("{module}.{}", alias.name.as_str()))
                    };
                    self.assign(scope, name.as_str(), value, false);
                }
            }
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                let value = self.eval(&assign.value);
                for target in &assign.targets {
                    self.bind(target, value.clone(), false);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(expression) = &assign.value {
                    self.visit_expr(expression);
                    let value = self.eval(expression);
                    self.bind(&assign.target, value, false);
                }
            }
            Stmt::AugAssign(assign) => {
                self.visit_expr(&assign.value);
                let (old, new) = (self.eval(&assign.target), self.eval(&assign.value));
                let value = eval::add(&old, &new);
                self.bind(&assign.target, value, false);
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                let item = {
                    let iterated = self.eval(&each.iter);
                    self.item_of(&iterated)
                };
                self.bind(&each.target, item, false);
                // The body of a loop over a list that is written out runs for every item.
                let certain = matches!(self.eval(&each.iter), Py::List(items) if !items.is_empty());
                if certain {
                    self.visit_body(&each.body)
                } else {
                    self.branch(&each.body)
                }
                self.branch(&each.orelse);
            }
            Stmt::While(each) => {
                self.visit_expr(&each.test);
                self.branch(&each.body);
                self.branch(&each.orelse);
            }
            Stmt::If(choice) => {
                self.visit_expr(&choice.test);
                if is_main_test(&choice.test) {
                    self.visit_body(&choice.body);
                } else {
                    self.branch(&choice.body);
                }
                for clause in &choice.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.visit_expr(test);
                    }
                    self.branch(&clause.body);
                }
            }
            Stmt::Try(attempt) => {
                self.visit_body(&attempt.body);
                self.branches += 1;
                for handler in &attempt.handlers {
                    visitor::walk_except_handler(self, handler);
                }
                self.branches -= 1;
                self.branch(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    self.visit_expr(&item.context_expr);
                    let value = self.eval(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.bind(target, value, false);
                    }
                }
                self.visit_body(&with.body);
            }
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                let name = function.name.as_str();
                let outer = self.scope();
                let inner =
                    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") };
                self.assign(outer, name, Py::Local(name.to_owned()), false);
                self.scopes.push(inner.clone());
                let parameters = function.parameters.iter().map(|p| p.name().as_str().to_owned());
                let known = Function { scope: inner, parameters: parameters.collect() };
                for parameter in &*function.parameters {
                    let default = parameter.default().map_or(Py::Nothing, |value| self.eval(value));
                    self.assign(known.scope.clone(), parameter.name().as_str(), default, true);
                }
                self.functions.insert(name.to_owned(), known);
                let branches = std::mem::take(&mut self.branches);
                let cwd = self.frame.cwd.clone();
                self.visit_body(&function.body);
                self.frame.cwd = cwd;
                self.branches = branches;
                self.scopes.pop();
            }
            Stmt::ClassDef(class) => {
                let name = class.name.as_str();
                let outer = self.scope();
                self.assign(outer, name, Py::Local(name.to_owned()), false);
                self.visit_body(&class.body);
                if let Some(made) = self.functions.get("__init__").cloned() {
                    self.functions.insert(name.to_owned(), made);
                }
            }
            Stmt::Return(given) => {
                if let Some(expression) = &given.value {
                    self.visit_expr(expression);
                    let value = self.eval(expression);
                    let scope = self.scope();
                    self.assign(scope, "return", value, true);
                }
            }
            Stmt::IpyEscapeCommand(_) => {
                self.opaque(
                    span,
                    OpaqueReason::UnsupportedSyntax,
                    "a notebook's escape to a shell",
                );
            }
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::Match(_)
            | Stmt::Raise(_)
            | Stmt::Assert(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Expr(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'v Expr) {
        if let Expr::ListComp(comprehension) = expression {
            self.visit_generators(&comprehension.generators);
        } else if let Expr::Generator(comprehension) = expression {
            self.visit_generators(&comprehension.generators);
        }
        visitor::walk_expr(self, expression);
        match expression {
            Expr::Call(call) => {
                for argument in &call.arguments.args {
                    self.handed_on(argument);
                }
                for keyword in &call.arguments.keywords {
                    self.handed_on(&keyword.value);
                }
                calls::call(self, call);
            }
            Expr::List(list) => list.elts.iter().for_each(|item| self.handed_on(item)),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.handed_on(item)),
            Expr::Dict(dict) => dict.items.iter().for_each(|item| self.handed_on(&item.value)),
            Expr::Subscript(subscript) => calls::item(self, subscript),
            Expr::Named(named) => {
                let value = self.eval(&named.value);
                self.bind(&named.target, value, true);
            }
            _ => {}
        }
    }
}

impl Reader<'_, '_> {
    fn visit_generators(&mut self, generators: &[ruff_python_ast::Comprehension]) {
        for generator in generators {
            let iterated = self.eval(&generator.iter);
            let item = self.item_of(&iterated);
            self.bind(&generator.target, item, false);
        }
    }
}
