//! What is kept of a program: expressions, what is bound to each name, and what is done, in order.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::value::Span;

/// An expression, as far as its value can matter.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    /// A template, or what `+` puts together.
    Concat(Vec<Rc<Node>>),
    Name(String),
    Member {
        object: Rc<Node>,
        key: Rc<Node>,
    },
    Call(Rc<Call>),
    List(Vec<Item>),
    Object(Vec<Property>),
    /// One of these: `a ? b : c`, `a || b`.
    Either(Vec<Rc<Node>>),
    /// By its index in [`Program::functions`].
    Function(usize),
    /// What a call hands to a function, by place.
    Parameter {
        function: usize,
        index: usize,
    },
    /// What goes through a list one by one.
    Element(Rc<Node>),
    Unknown,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) node: Rc<Node>,
    pub(super) spread: bool,
}

/// A property of an object; without a key what is spread into it.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) key: Option<Rc<Node>>,
    pub(super) node: Rc<Node>,
}

/// `f(x)`, `new F(x)`, `` f`x` ``, `import(x)`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) callee: Rc<Node>,
    pub(super) arguments: Vec<Item>,
    pub(super) span: Span,
    /// A template behind a name.
    pub(super) tagged: bool,
}

/// Something that is done.
#[derive(Debug)]
pub(super) enum Step {
    Call(Rc<Call>),
    /// A member is looked at.
    Look {
        object: Rc<Node>,
        key: Rc<Node>,
        span: Span,
    },
}

/// What a name, or a member of that name, may be.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) node: Rc<Node>,
    /// The members on the way to it: `const { a: { b } } = node`.
    pub(super) path: Vec<Rc<Node>>,
}

#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) returns: Vec<Rc<Node>>,
    /// The name that it is called by.
    pub(super) name: Option<String>,
    /// The call that it is handed to as a callback.
    pub(super) handed_to: Option<Rc<Node>>,
}

/// A program without its control flow: names are joined over everything that is ever bound to them.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) names: HashMap<String, Vec<Bound>>,
    /// What is assigned to a member of this name, of whatever object.
    pub(super) members: HashMap<String, Vec<Bound>>,
    pub(super) functions: Vec<Function>,
    /// The arguments of every call by a plain name.
    pub(super) calls_by_name: HashMap<String, Vec<Rc<Call>>>,
    /// Names that are used otherwise than to be called: their calls are not all known.
    pub(super) escaping: HashSet<String>,
    pub(super) steps: Vec<Step>,
    /// Something was nested too deep to be kept.
    pub(super) cut_off: bool,
}
