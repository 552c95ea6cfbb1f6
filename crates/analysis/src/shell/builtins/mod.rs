//! What the shell does itself. Builtins run no program; what they run or change is followed here.

mod code;
mod input;
mod names;
mod output;
mod settings;
mod zsh;

use ringfence_action::{Dialect, OpaqueReason};

use super::Shell;
use crate::invocation::Data;
use crate::value::{Value, Word};

pub(super) use code::set_up;
pub(super) use output::unescape;

impl Shell<'_, '_> {
    /// Runs a builtin; `None` if the name is none.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        argv: &[Word],
        env: &[(String, Value)],
    ) -> Option<Data> {
        let span = argv.first().map(|word| word.span).unwrap_or_default();
        let arguments = argv.get(1..).unwrap_or_default();
        Some(match name {
            ":" | "true" | "false" | "times" | "umask" | "ulimit" | "jobs" | "fg" | "bg"
            | "disown" | "suspend" | "caller" | "help" | "logout" => Data::None,
            "break" | "continue" => {
                self.jumped = true;
                Data::None
            }
            "return" | "exit" => {
                self.left = true;
                Data::None
            }
            "shift" => {
                self.shift(arguments);
                Data::None
            }
            "echo" => output::echo(arguments, span, self.dialect),
            "printf" => self.printf(arguments, span),
            "pwd" => match &self.frame.cwd {
                Value::Known(cwd) => Data::Text(format!("{cwd}\n"), span),
                _ => Data::Unknown,
            },
            "cd" | "chdir" | "pushd" => self.change_folder(name, arguments),
            "popd" => {
                let folder = self.state.stack.pop().unwrap_or(Value::Unknown);
                let before = std::mem::replace(&mut self.frame.cwd, folder);
                if self.posix() {
                    self.frame.cwd = self.frame.cwd.clone().join(before);
                }
                self.run_hooks();
                Data::None
            }
            "dirs" | "type" | "which" if name != "which" || self.zsh() => Data::Unknown,
            "test" | "[" => {
                self.test_words(arguments);
                Data::None
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.declare_words(name, arguments)
            }
            "unset" => {
                self.unset(arguments);
                Data::None
            }
            "set" => self.set(arguments),
            "shopt" | "setopt" | "unsetopt" => {
                self.options(name, arguments);
                Data::None
            }
            "read" => {
                self.read(arguments);
                Data::None
            }
            "mapfile" | "readarray" => {
                self.mapfile(arguments, span);
                Data::None
            }
            "getopts" => {
                for word in arguments.iter().skip(1).take(1) {
                    self.fill(word, Value::Unknown);
                }
                Data::None
            }
            "let" => {
                for word in arguments {
                    input::let_expression(self, word);
                }
                Data::None
            }
            "eval" => self.eval(arguments, span),
            "source" | "." => {
                let Some((file, rest)) = arguments.split_first() else { return Some(Data::None) };
                let rest = rest.iter().map(|word| word.value.clone()).collect();
                self.source(file, rest)
            }
            "exec" => self.exec(arguments, env),
            "command" | "builtin" => self.precommand(name, arguments, env),
            "alias" => {
                self.define_aliases(arguments);
                Data::Unknown
            }
            "unalias" => {
                for word in arguments {
                    match word.value.as_known() {
                        Some(name) => drop(self.state.aliases.remove(name)),
                        None => self.state.aliases.clear(),
                    }
                }
                Data::None
            }
            "trap" => {
                self.trap(arguments);
                Data::None
            }
            "hash" => {
                if let [flag, program, names @ ..] = arguments
                    && flag.value.as_known() == Some("-p")
                {
                    for name in names.iter().filter_map(|word| word.value.as_known()) {
                        self.state.hashed.insert(name.to_owned(), program.value.clone());
                    }
                }
                // Zsh's `hash NAME=PROGRAM`.
                for word in arguments.iter().filter(|_| self.dialect == Dialect::Zsh) {
                    if let Some((name, program)) = word.value.as_pattern().split_once('=') {
                        let program = match word.value.as_known() {
                            Some(_) => Value::known(program),
                            None => Value::Unknown,
                        };
                        self.state.hashed.insert(name.to_owned(), program);
                    }
                }
                Data::None
            }
            "enable" => {
                self.enable(arguments, span);
                Data::None
            }
            "history" => {
                self.history(arguments, span);
                Data::Unknown
            }
            "fc" => {
                self.opaque(span, OpaqueReason::DynamicCode, "an earlier command is run again");
                Data::Unknown
            }
            "bind" | "complete" | "compgen" | "compopt" => {
                self.completion(arguments, span);
                Data::Unknown
            }
            "wait" => {
                if let Some(at) = arguments.iter().position(|w| w.value.as_known() == Some("-p"))
                    && let Some(word) = arguments.get(at + 1)
                {
                    self.fill(word, Value::number());
                }
                Data::None
            }
            _ if self.zsh() => return self.zsh_builtin(name, arguments, env, span),
            _ => return None,
        })
    }
}
