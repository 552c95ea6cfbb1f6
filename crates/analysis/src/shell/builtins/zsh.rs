//! Builtins that only zsh has.

use ringfence_action::{EffectKind, OpaqueReason};

use super::super::Shell;
use super::super::state::Function;
use super::output;
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

/// Functions that come with zsh and run nothing by themselves.
const OWN_FUNCTIONS: [&str; 9] = [
    "add-zsh-hook",
    "bashcompinit",
    "colors",
    "compinit",
    "is-at-least",
    "promptinit",
    "run-help",
    "vcs_info",
    "zargs",
];

/// Options after which the text of a program means something else than what was read.
const CHANGES_LANGUAGE: [&str; 10] = [
    "promptsubst",
    "globsubst",
    "rcquotes",
    "bsdecho",
    "ignorebraces",
    "ignoreclosebraces",
    "braceccl",
    "cshjunkiequotes",
    "cshjunkieloops",
    "aliasfuncdef",
];

impl Shell<'_, '_> {
    /// Runs a builtin of zsh; `None` if the name is none.
    pub(super) fn zsh_builtin(
        &mut self,
        name: &str,
        arguments: &[Word],
        env: &[(String, Value)],
        span: Span,
    ) -> Option<Data> {
        if let Some(program) = name.strip_prefix("zf_") {
            // `zsh/files`: builtins that do what the programs do.
            let mut argv = vec![Word::known(program, span)];
            argv.extend_from_slice(arguments);
            return Some(self.program(argv, env.to_vec()));
        }
        Some(match name {
            "noglob" | "nocorrect" | "-" => self.command(arguments.to_vec(), env.to_vec(), false),
            "print" => self.print(arguments, span),
            "integer" | "float" | "private" => self.declare_words(name, arguments),
            "emulate" => self.emulate(arguments, span),
            "autoload" => {
                self.autoload(arguments);
                Data::None
            }
            "functions" => {
                self.functions(arguments, span);
                Data::Unknown
            }
            "add-zsh-hook" => {
                let names = arguments.iter().filter_map(|word| word.value.as_known());
                let names = names.filter(|name| !name.starts_with('-')).skip(1);
                for name in names.map(str::to_owned).collect::<Vec<_>>() {
                    self.hook(&name);
                }
                Data::None
            }
            // Their operands are a command line.
            "sched" | "zpty" => {
                let operands = arguments.iter().position(|word| {
                    !word.value.as_known().is_some_and(|text| text.starts_with('-'))
                });
                let after = operands.map_or(arguments.len(), |at| at + 1);
                self.eval(arguments.get(after..).unwrap_or_default(), span)
            }
            "zstyle" => {
                if arguments.first().is_some_and(|word| word.value.as_known() == Some("-e")) {
                    return Some(self.eval(arguments.get(3..).unwrap_or_default(), span));
                }
                self.fill_all(arguments);
                Data::None
            }
            "zmodload" => {
                let files = |word: &Word| word.value.as_known() == Some("zsh/mapfile");
                if arguments.iter().any(files) {
                    let why = "files are read and written as elements of an array";
                    self.opaque(span, OpaqueReason::UnsupportedSyntax, why);
                }
                Data::None
            }
            // They leave results in variables that they are told the names of.
            "vared" | "zparseopts" | "zformat" | "zregexparse" | "strftime" | "zstat"
            | "sysread" | "sysopen" | "sysseek" | "zselect" | "getln" => {
                self.fill_all(arguments);
                if name == "sysopen" {
                    self.opened(arguments, span);
                }
                Data::Unknown
            }
            // `zargs ARGS -- CMD`: the command is given the arguments.
            "zargs" => {
                let dashes = |word: &Word| word.value.as_known() == Some("--");
                let mut parts = arguments.rsplitn(2, dashes);
                let command = parts.next().unwrap_or_default();
                let listed = parts.next().unwrap_or_default();
                let listed = listed.iter().filter(|word| !dashes(word)).cloned();
                let command = if command.is_empty() {
                    vec![Word::known("print", span)]
                } else {
                    command.to_vec()
                };
                self.command(command.into_iter().chain(listed).collect(), env.to_vec(), false)
            }
            "zle" | "bindkey" | "compdef" | "compinit" | "rehash" | "ttyctl" | "unhash"
            | "zcompile" | "where" | "whence" | "unfunction" => Data::Unknown,
            _ => return None,
        })
    }

    /// Each operand may name a variable that gets a value.
    fn fill_all(&mut self, arguments: &[Word]) {
        for word in arguments {
            if word.value.as_known().is_some_and(super::super::arithmetic::is_name) {
                self.fill(word, Value::Unknown);
            }
        }
    }

    /// `sysopen -w FILE`: a file is opened, by its last operand.
    fn opened(&mut self, arguments: &[Word], span: Span) {
        let Some((file, options)) = arguments.split_last() else { return };
        let writes = options.iter().any(|word| {
            let text = word.value.as_known();
            text.is_none_or(|text| text.starts_with('-') && text.contains(['w', 'a', 'o']))
        });
        let kind = if writes { EffectKind::Write } else { EffectKind::Read };
        paths::effect(self.analyzer, &self.frame, span, kind, &file.value, &[]);
        if let Some(path) = self.located(&file.value).filter(|_| writes) {
            self.analyzer.wrote(&path, Data::Unknown);
        }
    }

    fn emulate(&mut self, arguments: &[Word], span: Span) -> Data {
        if let Some(at) = arguments.iter().position(|w| w.value.as_known() == Some("-c")) {
            let shell = arguments.first().and_then(|word| word.value.as_known());
            let other = shell != Some("zsh");
            let before = (self.state.split_words, self.state.ksh_arrays);
            self.state.split_words |= other;
            self.state.ksh_arrays |= other;
            let output = self.eval(arguments.get(at + 1..).unwrap_or_default(), span);
            (self.state.split_words, self.state.ksh_arrays) = before;
            return output;
        }
        let named = |names: &[&str]| {
            arguments.iter().any(|w| w.value.as_known().is_some_and(|name| names.contains(&name)))
        };
        if named(&["sh", "ksh", "bash", "csh"]) {
            self.state.split_words = true;
            self.state.ksh_arrays = true;
        } else if named(&["zsh"]) {
            self.state.split_words = false;
            self.state.ksh_arrays = false;
        } else if !arguments.is_empty() {
            self.opaque(
                span,
                OpaqueReason::UnsupportedSyntax,
                "`emulate` of a shell that is computed",
            );
        }
        Data::None
    }

    /// `autoload NAME`: the code of the function is in a file.
    fn autoload(&mut self, arguments: &[Word]) {
        for word in arguments {
            let Some(name) = word.value.as_known() else {
                self.opaque(
                    word.span,
                    OpaqueReason::UnseenFile,
                    "which function is loaded is computed",
                );
                continue;
            };
            let name = ringfence_action::path::base_name(name);
            if !name.starts_with(['-', '+']) && !OWN_FUNCTIONS.contains(&name) {
                self.state.autoloaded.insert(name.to_owned());
            }
        }
    }

    /// `functions -c OLD NEW` and `functions -M NAME … FUNCTION`.
    fn functions(&mut self, arguments: &[Word], span: Span) {
        let names: Vec<_> = arguments.iter().map(|word| word.value.as_known()).collect();
        match names.as_slice() {
            [Some("-c"), Some(from), Some(to)] => {
                if let Some(function) = self.state.functions.get(*from).cloned() {
                    let bodies: Function = function;
                    self.state.functions.insert((*to).to_owned(), bodies);
                }
            }
            [Some("-M"), .., Some(function)] => {
                let function = (*function).to_owned();
                self.hook(&function);
            }
            [Some("-c" | "-M"), ..] => {
                self.opaque(span, OpaqueReason::DynamicCode, "which function is meant is computed");
            }
            _ => {}
        }
    }

    /// An option of zsh is switched, under any of its spellings.
    pub(in super::super) fn zsh_option(&mut self, option: &str, on: bool, span: Span) {
        let plain: String = option
            .chars()
            .filter(|c| *c != '_' && *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let (plain, on) = match plain.strip_prefix("no") {
            Some(rest) if plain != "nomatch" && plain != "notify" => (rest.to_owned(), !on),
            _ => (plain, on),
        };
        match plain.as_str() {
            "shwordsplit" => self.state.split_words = on,
            "ksharrays" => self.state.ksh_arrays = on,
            "glob" => self.state.no_glob = !on,
            "allexport" => self.state.export_all = on,
            name if on && CHANGES_LANGUAGE.contains(&name) => {
                let why = format!("`{option}` changes what the text means");
                self.opaque(span, OpaqueReason::UnsupportedSyntax, why);
            }
            _ => {}
        }
    }

    /// `print`: what zsh has instead of `echo`.
    fn print(&mut self, arguments: &[Word], span: Span) -> Data {
        let mut words = arguments;
        let mut shape = output::Print::default();
        while let [word, rest @ ..] = words {
            let Some(text) = word.value.as_known() else { break };
            let Some(letters) = text.strip_prefix('-') else { break };
            words = rest;
            if matches!(letters, "" | "-") {
                break;
            }
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                match letter {
                    'r' | 'R' | 'E' => shape.raw = true,
                    'n' => shape.end = "",
                    'l' => (shape.between, shape.end) = ("\n", "\n"),
                    'N' => (shape.between, shape.end) = ("\0", "\0"),
                    // Into the history, or onto the command line to come.
                    's' | 'S' | 'z' => return Data::None,
                    'u' => {
                        let given: String = letters.by_ref().collect();
                        let given = match words {
                            [next, rest @ ..] if given.is_empty() => {
                                words = rest;
                                next.value.as_known().unwrap_or_default().to_owned()
                            }
                            _ => given,
                        };
                        if given != "1" {
                            return Data::Unknown;
                        }
                    }
                    'v' => {
                        let [name, ..] = words else { return Data::Unknown };
                        self.fill(name, Value::Unknown);
                        return Data::None;
                    }
                    'f' if letters.as_str().is_empty() => return self.printf(words, span),
                    _ => return Data::Unknown,
                }
            }
        }
        output::print(words, &shape, span)
    }
}
