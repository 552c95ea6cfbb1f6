//! Commands by construction: what each of them runs is known before anybody reads it.

use std::fmt;

use proptest::prelude::*;

/// A piece of shell.
#[derive(Debug, Clone)]
pub(super) enum Shell {
    Simple(Simple),
    Pipe(Vec<Shell>),
    /// Two, with `;`, `&&`, `||`, `&` or a newline between them.
    Then(Box<Shell>, &'static str, Box<Shell>),
    /// One within other words: `{ …; }`, `( … )`, `if …`.
    Within(&'static [&'static str; 2], Box<Shell>),
}

/// A program and its arguments, with what stands in front of them.
#[derive(Debug, Clone)]
pub(super) struct Simple {
    pub(super) front: Front,
    pub(super) style: Style,
    program: &'static str,
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
enum Word {
    /// Means itself, however it is quoted.
    Plain(&'static str),
    /// Means something else when it is quoted.
    Bare(&'static str),
    /// What a command prints.
    Printed(&'static [&'static str; 2], Box<Shell>),
}

/// What may stand in front of a program and changes nothing about what it does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Front {
    Words(&'static str),
    /// The name comes out of a variable: set like this, used like that.
    Variable(&'static str, &'static str),
}

/// How words are written that mean themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Backslash,
    Ansi,
    Hex,
    Empty,
    Split,
}

pub(super) const STYLES: [Style; 8] = [
    Style::Plain,
    Style::Single,
    Style::Double,
    Style::Backslash,
    Style::Ansi,
    Style::Hex,
    Style::Empty,
    Style::Split,
];

/// Fronts that change nothing: neither what runs nor what it does.
pub(super) const FRONTS: [Front; 27] = [
    Front::Words("command "),
    Front::Words("command -p -- "),
    Front::Words("builtin command "),
    Front::Words("env "),
    Front::Words("env -u NOTHING "),
    Front::Words("env A=b C='d e' "),
    Front::Words("env -- "),
    Front::Words("\\env "),
    Front::Words("'env' -S "),
    Front::Words("A=b "),
    Front::Words("A=b C=$D "),
    Front::Words("nohup "),
    Front::Words("nice "),
    Front::Words("nice -n 5 "),
    Front::Words("timeout 5 "),
    Front::Words("timeout -k 1 5s "),
    Front::Words("timeout --signal=KILL 5 "),
    Front::Words("nohup nice env timeout 9 "),
    Front::Words("2>/dev/null "),
    Front::Words("3>&1 "),
    Front::Words("<in "),
    Front::Words("$nothing "),
    Front::Words("$(true) "),
    Front::Variable("x=", "$x"),
    Front::Variable("x=", "${x}"),
    Front::Variable("export x=", "${x:-other}"),
    Front::Variable("n=; declare x=", "${n:-$x}"),
];

const WITHIN: &[[&str; 2]] = &[
    ["{ ", "; }"],
    ["( ", " )"],
    ["if true; then ", "; fi"],
    ["if ", "; then :; fi"],
    ["if false; then :; else ", "; fi"],
    ["for i in 1; do ", "; done"],
    ["while :; do ", "; break; done"],
    ["until ", "; do break; done"],
    ["case x in x) ", ";; esac"],
    ["f() { ", "; }; f"],
    ["! ", ""],
    ["time ", ""],
];

const PRINTED: &[[&str; 2]] = &[["\"$(", ")\""], ["$(", ")"], ["x\"$(", ")\"y"]];

/// Programs with their words. Those with `%` want operands in its place.
const SIMPLE: &[&str] = &[
    "rm %",
    "rm -r %",
    "rm -rf -- %",
    "touch %",
    "cat %",
    "ls %",
    "id",
    "grep x %",
    "curl https://a.example/%",
    "curl -s https://b.example/x",
    "curl -d @f https://c.example/",
    "wget https://d.example/x",
    "git push origin %",
    "git push --force origin main",
    "git status",
    "git clean -fd",
    "git reset --hard",
    "npm install left-pad",
    "npm publish",
    "chmod -R 777 %",
    "cp x %",
    "mv x %",
    "mkdir -p %",
    "ln -s x %",
    "tee %",
    "find . -name y -exec rm {} +",
    "xargs rm %",
    "head -n 1 %",
    "sed -i s/a/b/ %",
];

const PLAIN: &[&str] = &["x", "build", "./y", "dir/z", "a-b", "x.txt", "main"];
const BARE: &[&str] =
    &["*.txt", "\"$HOME/x\"", "$u", "${u:-x}", "{x,y}", "'a b'", "~/x", "?", "\"$u\"/x"];

fn word(inner: impl Strategy<Value = Shell> + 'static) -> impl Strategy<Value = Word> {
    prop_oneof![
        6 => prop::sample::select(PLAIN).prop_map(Word::Plain),
        3 => prop::sample::select(BARE).prop_map(Word::Bare),
        1 => (prop::sample::select(PRINTED), inner)
            .prop_map(|(around, shell)| Word::Printed(leak(around), Box::new(shell))),
    ]
}

fn leak(pair: [&'static str; 2]) -> &'static [&'static str; 2] {
    let tables = PRINTED.iter().chain(WITHIN);
    tables.into_iter().find(|known| **known == pair).expect("one of the table")
}

fn simple(inner: impl Strategy<Value = Shell> + 'static) -> impl Strategy<Value = Shell> {
    let operands = prop::collection::vec(word(inner), 1..3);
    (prop::sample::select(SIMPLE), operands, prop::sample::select(&STYLES[..])).prop_map(
        |(text, operands, style)| {
            let mut words = text.split(' ');
            let program = words.next().expect("a program");
            let mut all = Vec::new();
            for word in words {
                match word {
                    "%" => all.extend(operands.iter().cloned()),
                    word => match word.strip_suffix('%') {
                        Some(_) => all.push(Word::Plain("https://a.example/y")),
                        None => all.push(Word::Plain(word)),
                    },
                }
            }
            Shell::Simple(Simple { front: Front::Words(""), style, program, words: all })
        },
    )
}

/// Any command.
pub(super) fn commands() -> impl Strategy<Value = Shell> {
    let leaf = || {
        let plain = Just(Shell::Simple(Simple {
            front: Front::Words(""),
            style: Style::Plain,
            program: "id",
            words: Vec::new(),
        }));
        simple(plain).boxed()
    };
    leaf().prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            3 => simple(inner.clone()),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Shell::Pipe),
            2 => (
                inner.clone(),
                prop::sample::select(vec!["; ", " && ", " || ", " & ", "\n", " ;\n# a comment\n"]),
                inner.clone()
            )
                .prop_map(|(a, link, b)| Shell::Then(Box::new(a), link, Box::new(b))),
            2 => (prop::sample::select(WITHIN), inner)
                .prop_map(|(around, shell)| Shell::Within(leak(around), Box::new(shell))),
        ]
    })
}

impl Shell {
    /// Every program that is named in it, that of substitutions too.
    pub(super) fn programs(&self) -> Vec<&'static str> {
        let mut all = Vec::new();
        self.clone().each(&mut |simple| all.push(simple.program));
        all
    }

    /// Does this to every simple command in it.
    pub(super) fn each(&mut self, body: &mut impl FnMut(&mut Simple)) {
        match self {
            Self::Simple(simple) => {
                for word in &mut simple.words {
                    if let Word::Printed(_, shell) = word {
                        shell.each(body);
                    }
                }
                body(simple);
            }
            Self::Pipe(all) => all.iter_mut().for_each(|shell| shell.each(body)),
            Self::Then(a, _, b) => {
                a.each(body);
                b.each(body);
            }
            Self::Within(_, shell) => shell.each(body),
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(simple) => simple.fmt(f),
            Self::Pipe(all) => {
                for (index, shell) in all.iter().enumerate() {
                    let link = if index == 0 { "" } else { " | " };
                    match shell {
                        Self::Simple(_) => write!(f, "{link}{shell}")?,
                        shell => write!(f, "{link}{{ {shell}\n}}")?,
                    }
                }
                Ok(())
            }
            Self::Then(a, link, b) => write!(f, "{{ {a}\n}}{link}{{ {b}\n}}"),
            // A newline, since a `&` or a comment may end what is within.
            Self::Within([open, close], shell) => {
                let close = close.strip_prefix(';').unwrap_or(close);
                let close = if close.starts_with(';') {
                    format!("\n;{close}")
                } else {
                    format!("\n{close}")
                };
                match (*open, &**shell) {
                    ("! " | "time ", shell) => write!(f, "{open}{{ {shell}\n}}"),
                    (_, shell) => write!(f, "{open}{shell}{close}"),
                }
            }
        }
    }
}

impl fmt::Display for Simple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = written(self.program, self.style);
        match self.front {
            Front::Words(words) => write!(f, "{words}{program}")?,
            Front::Variable(set, used) => write!(f, "{{ {set}{program}; {used}")?,
        }
        for word in &self.words {
            match word {
                Word::Plain(text) => write!(f, " {}", written(text, self.style))?,
                Word::Bare(text) => write!(f, " {text}")?,
                Word::Printed([open, close], shell) => write!(f, " {open}{shell}\n{close}")?,
            }
        }
        if matches!(self.front, Front::Variable(..)) { write!(f, "; }}") } else { Ok(()) }
    }
}

/// A word that means this text.
fn written(text: &str, style: Style) -> String {
    let each = |one: &dyn Fn(char) -> String| text.chars().map(one).collect::<String>();
    match style {
        Style::Plain if text == "{}" || text == "+" => text.to_owned(),
        Style::Plain => text.to_owned(),
        Style::Single => format!("'{text}'"),
        Style::Double => format!("\"{text}\""),
        Style::Backslash => each(&|c| format!("\\{c}")),
        Style::Ansi => format!("$'{text}'"),
        Style::Hex => format!("$'{}'", each(&|c| format!("\\x{:02x}", u32::from(c)))),
        Style::Empty => each(&|c| format!("{c}''\"\"")),
        Style::Split => {
            let (first, rest) = text.split_at(1);
            format!("\"{first}\"\\\n'{rest}'")
        }
    }
}
