//! Builtins that change how the shell works: its folder, its options, its parameters.

use ringfence_action::{OpaqueReason, Target};

use super::super::Shell;
use super::super::state::Variable;
use crate::invocation::Data;
use crate::paths;
use crate::value::{Value, Word};

impl Shell<'_, '_> {
    pub(super) fn shift(&mut self, arguments: &[Word]) {
        let count = match arguments.first() {
            None => Some(1),
            Some(word) => word.value.as_known().and_then(|text| text.parse::<usize>().ok()),
        };
        self.state.positional = match (self.state.positional.take(), count) {
            (Some(values), Some(count)) => Some(values.into_iter().skip(count).collect()),
            _ => None,
        };
    }

    pub(super) fn change_folder(&mut self, name: &str, arguments: &[Word]) -> Data {
        let operand = arguments.iter().find(|word| {
            !word.value.as_known().is_some_and(|text| text.len() > 1 && text.starts_with('-'))
        });
        let before = self.frame.cwd.clone();
        let target = match operand {
            None if name == "pushd" => self.state.stack.last().cloned().unwrap_or(Value::Unknown),
            None => self.variable_value("HOME"),
            Some(word) if word.value.as_known() == Some("-") => {
                self.state.previous.clone().unwrap_or(Value::Unknown)
            }
            Some(word) => match paths::locate(self.analyzer, &self.frame, &word.value) {
                Target::Known(path) => Value::Known(path),
                Target::OneOf(all) => Value::OneOf(all),
                Target::Pattern(pattern) => Value::Pattern(pattern),
                Target::Unknown => Value::Unknown,
            },
        };
        if name == "pushd" {
            self.state.stack.push(before.clone());
        }
        // A plain `sh` may not have `pushd`, and stays.
        let target =
            if name == "pushd" && self.posix() { target.join(before.clone()) } else { target };
        self.state.previous = Some(before);
        self.frame.cwd = target;
        self.run_hooks();
        Data::None
    }

    pub(super) fn test_words(&mut self, words: &[Word]) {
        for pair in words.windows(2) {
            if let [flag, name] = pair
                && matches!(flag.value.as_known(), Some("-v" | "-R"))
            {
                self.evaluated_name(&name.value, name.span);
            }
        }
    }

    pub(super) fn unset(&mut self, words: &[Word]) {
        for word in words {
            let Some(names) = word.value.listed().map(<[String]>::to_vec) else {
                self.evaluated_name(&word.value, word.span);
                continue;
            };
            for name in names {
                if name.contains('[') {
                    self.evaluated_name(&Value::known(name), word.span);
                } else if !name.starts_with('-') {
                    if matches!(name.as_str(), "HISTFILE" | "HISTSIZE" | "SAVEHIST") {
                        self.history_changed("unset", word.span);
                    }
                    // Gone, and not merely unknown.
                    let gone = Variable::scalar(Value::known(""));
                    if self.state.functions.remove(&name).is_none() {
                        self.state.variables.insert(name, gone);
                    }
                }
            }
        }
    }

    pub(super) fn set(&mut self, arguments: &[Word]) -> Data {
        if arguments.is_empty() {
            return Data::Unknown;
        }
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let Some(text) = word.value.as_known() else {
                self.state.positional = None;
                return Data::None;
            };
            match text {
                "--" | "-" => {
                    let rest = words.cloned().collect::<Vec<_>>();
                    self.set_positional(&rest);
                    return Data::None;
                }
                "-o" | "+o" => {
                    if let Some(option) = words.next().and_then(|word| word.value.as_known()) {
                        let on = text == "-o";
                        let option = option.to_owned();
                        if !on && option == "history" {
                            self.history_changed("set +o history", word.span);
                        }
                        self.zsh_option(&option, on, word.span);
                    }
                }
                flags if flags.starts_with(['-', '+']) => {
                    let on = flags.starts_with('-');
                    if flags.contains('f') {
                        self.state.no_glob = on;
                    }
                    if flags.contains('y') && self.zsh() {
                        self.state.split_words = on;
                    }
                    if flags.contains('a') {
                        self.state.export_all = on;
                    }
                    if flags.ends_with('o') {
                        words.next();
                    }
                }
                _ => {
                    let rest = std::iter::once(word).chain(words).cloned().collect::<Vec<_>>();
                    self.set_positional(&rest);
                    return Data::None;
                }
            }
        }
        Data::None
    }

    pub(super) fn set_positional(&mut self, words: &[Word]) {
        let listed = words.iter().all(|word| !word.splits || word.value.listed().is_some());
        self.state.positional =
            listed.then(|| words.iter().map(|word| word.value.clone()).collect());
    }

    pub(super) fn options(&mut self, name: &str, arguments: &[Word]) {
        let on = name == "setopt"
            || arguments.first().is_some_and(|word| word.value.as_known() == Some("-s"));
        for word in arguments {
            match word.value.as_known() {
                Some(option) => self.zsh_option(option, on, word.span),
                None if self.zsh() => {
                    let why = "which option is switched is computed";
                    self.opaque(word.span, OpaqueReason::UnsupportedSyntax, why);
                }
                None => {}
            }
        }
    }
}
