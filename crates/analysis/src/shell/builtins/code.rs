//! Builtins that run code: `eval`, `source`, `exec`, `command`, `trap`.

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason, Target, path};

use super::super::Shell;
use super::super::static_output::{Printed, place_of};
use crate::argv;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

impl Shell<'_, '_> {
    pub(super) fn eval(&mut self, arguments: &[Word], span: Span) -> Data {
        let arguments = match arguments {
            [dashes, rest @ ..] if dashes.value.as_known() == Some("--") => rest,
            all => all,
        };
        if arguments.is_empty() {
            return Data::None;
        }
        let code = Value::words(arguments.iter().map(|word| &word.value));
        let span = arguments.iter().map(|word| word.span).reduce(Span::cover).unwrap_or(span);
        self.eval_value(&code, span)
    }

    /// Runs a value as code, in this shell.
    pub(super) fn eval_value(&mut self, code: &Value, span: Span) -> Data {
        match code {
            Value::Known(text) => self.run_text(&text.clone(), span),
            Value::OneOf(all) => {
                for text in all.clone() {
                    self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&text, span)));
                }
                Data::Unknown
            }
            // `eval "$(brew shellenv)"`: all of the code is what the program says of itself.
            Value::Unknown
                if self.alone
                    && let Some(program) = self.frame.setup.clone() =>
            {
                set_up(self.analyzer, &self.frame, span, &program);
                Data::Unknown
            }
            Value::Pattern(_) | Value::Unknown => {
                if let Some(from) = self.frame.fetched.clone() {
                    self.fetched_code(&from, span);
                }
                self.opaque(span, OpaqueReason::DynamicCode, "the code is computed");
                Data::Unknown
            }
        }
    }

    pub(super) fn exec(&mut self, arguments: &[Word], env: &[(String, Value)]) -> Data {
        let mut words = arguments;
        while let [flag, rest @ ..] = words {
            match flag.value.as_known() {
                Some("-a") => words = rest.get(1..).unwrap_or_default(),
                Some(text) if text.starts_with('-') => words = rest,
                _ => break,
            }
        }
        if words.is_empty() {
            return Data::None;
        }
        let output = self.command_as_program(words.to_vec(), env.to_vec());
        self.left = true;
        output
    }

    /// `exec` and `env` look for programs only.
    pub(super) fn command_as_program(
        &mut self,
        argv: Vec<Word>,
        env: Vec<(String, Value)>,
    ) -> Data {
        match argv.first() {
            Some(first) if first.value.as_known().is_some() && !first.splits => {
                self.program(argv, env)
            }
            _ => self.command(argv, env, true),
        }
    }

    pub(super) fn precommand(
        &mut self,
        name: &str,
        arguments: &[Word],
        env: &[(String, Value)],
    ) -> Data {
        let mut words = arguments;
        while let [flag, rest @ ..] = words {
            match flag.value.as_known() {
                // Where is it? Nothing runs.
                Some(text)
                    if name == "command" && text.starts_with('-') && text.contains(['v', 'V']) =>
                {
                    self.printed = rest.first().and_then(place_of).map(Printed::Value);
                    return Data::Unknown;
                }
                Some("-p" | "--") => words = rest,
                _ => break,
            }
        }
        if words.is_empty() {
            return Data::None;
        }
        self.command(words.to_vec(), env.to_vec(), true)
    }

    pub(super) fn trap(&mut self, arguments: &[Word]) {
        let arguments = match arguments {
            [dashes, rest @ ..] if dashes.value.as_known() == Some("--") => rest,
            all => all,
        };
        let [code, signals @ ..] = arguments else { return };
        if signals.is_empty()
            || matches!(code.value.as_known(), Some("" | "-" | "-p" | "-l" | "-P"))
        {
            return;
        }
        // It may run at any time from now on, and at the end.
        let span = code.span;
        if signals.iter().any(|signal| signal.value.as_known() == Some("DEBUG")) {
            self.recorder(code);
        }
        if code.value.listed().is_none() {
            self.opaque(span, OpaqueReason::DynamicCode, "the code of a trap is computed");
        }
        for text in code.value.listed().unwrap_or_default().to_vec() {
            self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&text, span)));
            self.traps.push((text, span));
        }
    }

    /// What runs before each command and passes that command on records what is typed in this shell.
    fn recorder(&mut self, code: &Word) {
        let passes_on = |text: &str| text.contains("BASH_COMMAND") && text.contains(['>', '|']);
        if code.value.listed().is_some_and(|texts| texts.iter().any(|text| passes_on(text))) {
            let effect = Effect::new(EffectKind::Persist, Target::Known("shell".to_owned()))
                .with(Attr::By, "trap")
                .with(Attr::Mechanism, "recorder");
            self.analyzer.effect(&self.frame, code.span, effect);
        }
    }

    /// Code in a file runs in this shell.
    pub(in super::super) fn source(&mut self, file: &Word, arguments: Vec<Value>) -> Data {
        let span = file.span;
        let located = self.located(&file.value);
        if matches!(located.as_deref(), Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")) {
            let stdin = self.stdin.clone();
            return self.source_data(stdin, None, span);
        }
        let Some(path) = located else {
            let by = Effect::new(EffectKind::ExecCode, file.value.to_target())
                .with(Attr::Lang, "sh")
                .with(Attr::Source, "file");
            self.analyzer.effect(&self.frame, span, by);
            self.opaque(span, OpaqueReason::UnseenFile, "which file is sourced is computed");
            return Data::Unknown;
        };
        if path == "/dev/null" {
            return Data::None;
        }
        let positional = (!arguments.is_empty()).then(|| self.state.positional.replace(arguments));
        let data = match self.analyzer.written(&path) {
            Some(data) => data.clone(),
            None => match self.analyzer.file(&path) {
                Some(text) => Data::Text(text.to_string(), span),
                None => Data::File(Value::known(path.as_str())),
            },
        };
        let output = self.source_data(data, Some(&path), span);
        if let Some(positional) = positional {
            self.state.positional = positional;
        }
        output
    }

    pub(super) fn source_data(&mut self, data: Data, file: Option<&str>, span: Span) -> Data {
        if let Some(file) = file.filter(|file| !file.starts_with("/dev/fd/")) {
            let effect =
                Effect::new(EffectKind::ExecCode, Target::known(path::absolute("/", file)))
                    .with(Attr::Lang, "sh")
                    .with(Attr::Source, "file");
            self.analyzer.effect(&self.frame, span, effect);
        }
        match data {
            Data::None => Data::None,
            Data::Text(text, _) => self.run_text(&text, span),
            Data::Network(from) => {
                self.fetched_code(&from, span);
                Data::Unknown
            }
            Data::Setup(program) => {
                set_up(self.analyzer, &self.frame, span, &program);
                Data::Unknown
            }
            // `source .venv/bin/activate`: it came with the programs beside it.
            Data::File(_) if file.is_some_and(argv::is_installed) => Data::Unknown,
            Data::File(_) => {
                self.opaque(span, OpaqueReason::UnseenFile, file.unwrap_or("a file"));
                Data::Unknown
            }
            Data::Unknown => {
                self.opaque(span, OpaqueReason::StdinCode, file.unwrap_or("standard input"));
                Data::Unknown
            }
        }
    }
}

/// Records that a shell runs the code by which a program sets itself up in it.
pub(in super::super) fn set_up(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    span: Span,
    program: &str,
) {
    let effect = Effect::new(EffectKind::ExecCode, Target::known(program))
        .with(Attr::By, program)
        .with(Attr::Lang, "sh")
        .with(Attr::Source, "setup");
    analyzer.effect(frame, span, effect);
}
