//! Commands: assignments alone, aliases, functions, builtins, programs.

use ringfence_action::{Effect, EffectKind, OpaqueReason};

use super::expand::PATH_OF;
use super::ir::{self, Piece};
use super::{Shell, guard};
use crate::invocation::{Data, Invocation};
use crate::value::{Value, Word};

/// Commands that run commands in the same shell, as functions and `command` do: each costs stack.
const COMMANDS: usize = 48;

impl Shell<'_, '_> {
    pub(super) fn simple(&mut self, simple: &ir::Simple) -> Data {
        let fetched = self.frame.fetched.take();
        let embedded = self.frame.embedded.take();
        let setup = self.frame.setup.take();
        let output = self.simple_command(simple);
        self.frame.fetched = fetched;
        self.frame.embedded = embedded;
        self.frame.setup = setup;
        output
    }

    fn simple_command(&mut self, simple: &ir::Simple) -> Data {
        if let [first, rest @ ..] = simple.words.as_slice()
            && let Some(output) = self.alias(first, rest)
        {
            return output;
        }
        // `! ! rm`: bash takes any number of them, the parser one. `time -- rm`: the options of the
        // keyword end there, which the parser does not know; no program has that name.
        let negations = simple
            .words
            .iter()
            .take_while(|word| matches!(word.pieces.as_slice(), [Piece::Bare(text)] if matches!(text.as_str(), "!" | "--")))
            .count();
        let argv = self.expand_words(simple.words.get(negations..).unwrap_or_default());
        let alone = matches!(simple.words.as_slice(), [_, operand] if operand.is_substitution());
        if argv.is_empty() {
            for assignment in &simple.assignments {
                self.assignment(assignment);
            }
            return Data::None;
        }
        self.alone = alone;
        if simple.assignments.is_empty() {
            return self.command(argv, Vec::new(), false);
        }
        // Set for this command alone: whatever the assignments do, the variables go back.
        let names = simple.assignments.iter().map(|assignment| assignment.name.clone());
        let before =
            names.map(|name| (self.state.variables.get(&name).cloned(), name)).collect::<Vec<_>>();
        for assignment in &simple.assignments {
            self.assignment(assignment);
        }
        let mut env = Vec::with_capacity(before.len());
        for (_, name) in &before {
            if let Some(variable) = self.state.variables.get_mut(name) {
                variable.exported = true;
                env.push((name.clone(), variable.value()));
            }
        }
        self.alone = alone;
        let output = self.command(argv, env, false);
        for (variable, name) in before {
            match variable {
                Some(variable) => self.state.variables.insert(name, variable),
                None => self.state.variables.remove(&name),
            };
        }
        output
    }

    /// The first word is an alias: its text takes the place of the word, and the line is read again.
    fn alias(&mut self, first: &ir::Word, all: &[ir::Word]) -> Option<Data> {
        if self.state.aliases.is_empty() {
            return None;
        }
        let [Piece::Bare(name)] = first.pieces.as_slice() else { return None };
        let key = format!("alias {name}");
        if self.calls.contains(&key) {
            return None;
        }
        let value = self.state.aliases.get(name)?.clone();
        let Some(texts) = value.listed().map(<[String]>::to_vec) else {
            self.opaque(first.span, OpaqueReason::DynamicCode, format!("the alias `{name}`"));
            return Some(Data::Unknown);
        };
        // The rest of the line as it stands; words that cannot be quoted back are unknown. After an
        // alias that ends in a blank, the next word may be one as well.
        let mut line = String::new();
        let mut rest = all;
        let mut open = texts.iter().any(|text| text.ends_with([' ', '\t']));
        while open
            && let [next, after @ ..] = rest
            && let [Piece::Bare(name)] = next.pieces.as_slice()
            && let Some(text) = self.state.aliases.get(name).and_then(Value::as_known)
        {
            line.push(' ');
            line.push_str(text);
            open = text.ends_with([' ', '\t']);
            rest = after;
        }
        for word in self.expand_words(rest) {
            match word.value.as_known() {
                Some(text) => {
                    line.push_str(" '");
                    line.push_str(&text.replace('\'', r"'\''"));
                    line.push('\'');
                }
                None => line.push_str(" \"$_\""),
            }
        }
        self.calls.push(key);
        let mut output = Data::None;
        for text in texts {
            output = self.run_text(&format!("{text}{line}"), first.span);
        }
        self.calls.pop();
        // Whether aliases are expanded depends on how the shell was started, and when the line was
        // read: without, the name stands for itself.
        drop(output);
        let mut words = vec![Word::known(name.as_str(), first.span)];
        words.extend(self.expand_words(all));
        self.perhaps(|shell| shell.command(words, Vec::new(), false));
        Some(Data::Unknown)
    }

    /// A command after expansion. `programs_only` skips functions, as `command` does.
    pub(super) fn command(
        &mut self,
        argv: Vec<Word>,
        env: Vec<(String, Value)>,
        programs_only: bool,
    ) -> Data {
        if self.commands >= COMMANDS {
            let span = argv.first().map(|word| word.span).unwrap_or_default();
            self.opaque(span, OpaqueReason::TooDeep, "commands that run commands");
            return Data::Unknown;
        }
        self.commands += 1;
        let output = self.one_command(argv, env, programs_only);
        self.commands -= 1;
        output
    }

    fn one_command(
        &mut self,
        argv: Vec<Word>,
        env: Vec<(String, Value)>,
        programs_only: bool,
    ) -> Data {
        let Some(first) = argv.first() else { return Data::None };
        let span = first.span;
        let name = match &first.value {
            Value::Known(name) if !first.splits => name.clone(),
            Value::Pattern(path)
                if let Some(name) = path.strip_prefix(PATH_OF)
                    && !name.contains(['*', '?', '[']) =>
            {
                let mut argv = argv.clone();
                if let Some(first) = argv.first_mut() {
                    *first = Word::known(name, span);
                }
                return self.command(argv, env, true);
            }
            Value::OneOf(all) if !first.splits => {
                let mut output = Data::None;
                for name in all {
                    let mut argv = argv.clone();
                    if let Some(first) = argv.first_mut() {
                        *first = Word::known(name.as_str(), span);
                    }
                    let env = env.clone();
                    output = self.perhaps(|shell| {
                        shell.subshell(|shell| shell.command(argv, env, programs_only))
                    });
                }
                drop(output);
                return Data::Unknown;
            }
            Value::Known(_) | Value::OneOf(_) | Value::Pattern(_) | Value::Unknown => {
                return self.dynamic_program(&argv, env);
            }
        };
        if !programs_only && let Some(function) = self.state.functions.get(&name).cloned() {
            return self.call(&name, &function, argv.get(1..).unwrap_or_default(), span);
        }
        if !programs_only && self.state.autoloaded.contains(&name) {
            self.opaque(
                span,
                OpaqueReason::UnseenFile,
                format!("the function `{name}` is in a file"),
            );
            return Data::Unknown;
        }
        if !self.state.disabled.contains(&name)
            && let Some(output) = self.builtin(&name, &argv, &env)
        {
            return output;
        }
        if let Some(program) = self.state.hashed.get(&name).cloned() {
            let mut hashed = argv.clone();
            if let Some(first) = hashed.first_mut() {
                first.value = program;
            }
            let output = self.program(hashed, env.clone());
            // Whether it is looked up differs from shell to shell.
            self.perhaps(|shell| shell.program(argv, env));
            return output;
        }
        self.program(argv, env)
    }

    /// The name of the program is computed from something that is not known.
    fn dynamic_program(&mut self, argv: &[Word], env: Vec<(String, Value)>) -> Data {
        let Some((first, rest)) = argv.split_first() else { return Data::None };
        if let Some(from) = self.frame.fetched.clone() {
            self.fetched_code(&from, first.span);
        }
        let effect = Effect::new(EffectKind::Exec, first.value.to_target());
        self.analyzer.effect(&self.frame, first.span, effect);
        self.opaque(first.span, OpaqueReason::DynamicProgram, "");
        // `$SUDO rm x`: where the first word may be nothing, the second is the program.
        let next = rest.first().filter(|_| first.splits).and_then(|word| word.value.as_known());
        let plain = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
                && !name.starts_with('-')
                && !name.is_empty()
        };
        if next.is_some_and(plain) {
            let rest = rest.to_vec();
            self.perhaps(|shell| shell.command(rest, env, false));
        }
        Data::Unknown
    }

    /// A program starts.
    pub(super) fn program(&mut self, argv: Vec<Word>, env: Vec<(String, Value)>) -> Data {
        let Some(first) = argv.first() else { return Data::None };
        if let Some(why) = first.value.as_known().and_then(guard::look_at_name) {
            self.opaque(first.span, OpaqueReason::HiddenCharacters, why);
        }
        let printed = super::static_output::printed(&argv);
        let invocation =
            Invocation { argv, env, stdin: self.stdin.clone(), stdout_shown: self.stdout_shown };
        let frame = self.frame_for_programs().clone();
        let output = self.analyzer.run(&frame, &invocation);
        self.printed = printed;
        match output {
            // A program that is not known to print nothing may print anything.
            Data::None => Data::Unknown,
            output => output,
        }
    }
}
