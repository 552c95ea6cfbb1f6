//! What the shell does itself. Builtins run no program; what they run or change is followed here.

use std::fmt::Write as _;

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason, Target, path};

use super::Shell;
use super::arithmetic::is_name;
use super::state::{Binding, Variable};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

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
            "echo" | "print" if name == "echo" || self.zsh() => echo(arguments, span),
            "printf" => self.printf(arguments, span),
            "pwd" => match &self.frame.cwd {
                Value::Known(cwd) => Data::Text(format!("{cwd}\n"), span),
                _ => Data::Unknown,
            },
            "cd" | "chdir" | "pushd" => self.change_folder(name, arguments),
            "popd" => {
                self.frame.cwd = self.state.stack.pop().unwrap_or(Value::Unknown);
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
                    let_expression(self, word);
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
            "noglob" | "nocorrect" | "-" if self.zsh() => {
                self.command(arguments.to_vec(), env.to_vec(), false)
            }
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
            "emulate" if self.zsh() => {
                if let Some(at) = arguments.iter().position(|w| w.value.as_known() == Some("-c")) {
                    return Some(self.eval(arguments.get(at + 1..).unwrap_or_default(), span));
                }
                Data::None
            }
            "autoload" | "zmodload" | "zle" | "bindkey" | "zstyle" | "compdef" | "compinit"
            | "rehash" | "vared" | "sched" | "zparseopts"
                if self.zsh() =>
            {
                if name == "sched" {
                    return Some(self.eval(arguments.get(1..).unwrap_or_default(), span));
                }
                Data::None
            }
            _ => return None,
        })
    }

    fn shift(&mut self, arguments: &[Word]) {
        let count = match arguments.first() {
            None => Some(1),
            Some(word) => word.value.as_known().and_then(|text| text.parse::<usize>().ok()),
        };
        self.state.positional = match (self.state.positional.take(), count) {
            (Some(values), Some(count)) => Some(values.into_iter().skip(count).collect()),
            _ => None,
        };
    }

    fn printf(&mut self, arguments: &[Word], span: Span) -> Data {
        let mut arguments = arguments;
        let mut variable = None;
        if let [flag, name, rest @ ..] = arguments
            && flag.value.as_known() == Some("-v")
        {
            variable = Some(name);
            arguments = rest;
        }
        if let [dashes, rest @ ..] = arguments
            && dashes.value.as_known() == Some("--")
        {
            arguments = rest;
        }
        let text = known_texts(arguments).and_then(|texts| format_printf(&texts));
        match variable {
            Some(name) => {
                let value = text.map_or(Value::Unknown, Value::Known);
                self.fill(name, value);
                Data::None
            }
            None => text.map_or(Data::Unknown, |text| Data::Text(text, span)),
        }
    }

    /// A builtin gives a variable a value; its name may have a subscript, which is evaluated.
    fn fill(&mut self, name: &Word, value: Value) {
        self.evaluated_name(&name.value, name.span);
        for name in name.value.listed().unwrap_or_default().to_vec() {
            if is_name(&name) {
                self.assign(&name, value.clone(), Span::default());
            } else if let Some((array, _)) = name.split_once('[') {
                self.bind(array, Binding::Scalar(Value::Unknown), Span::default());
            }
        }
    }

    fn change_folder(&mut self, name: &str, arguments: &[Word]) -> Data {
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
        self.state.previous = Some(before);
        self.frame.cwd = target;
        Data::None
    }

    fn test_words(&mut self, words: &[Word]) {
        for pair in words.windows(2) {
            if let [flag, name] = pair
                && matches!(flag.value.as_known(), Some("-v" | "-R"))
            {
                self.evaluated_name(&name.value, name.span);
            }
        }
    }

    fn unset(&mut self, words: &[Word]) {
        for word in words {
            let Some(names) = word.value.listed().map(<[String]>::to_vec) else {
                self.evaluated_name(&word.value, word.span);
                continue;
            };
            for name in names {
                if name.contains('[') {
                    self.evaluated_name(&Value::known(name), word.span);
                } else if !name.starts_with('-') {
                    // Gone, and not merely unknown.
                    let gone = Variable::scalar(Value::known(""));
                    if self.state.functions.remove(&name).is_none() {
                        self.state.variables.insert(name, gone);
                    }
                }
            }
        }
    }

    fn set(&mut self, arguments: &[Word]) -> Data {
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
                        match option {
                            "noglob" => self.state.no_glob = on,
                            "allexport" => self.state.export_all = on,
                            _ => {}
                        }
                    }
                }
                flags if flags.starts_with(['-', '+']) => {
                    let on = flags.starts_with('-');
                    if flags.contains('f') {
                        self.state.no_glob = on;
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

    fn set_positional(&mut self, words: &[Word]) {
        let listed = words.iter().all(|word| !word.splits || word.value.listed().is_some());
        self.state.positional =
            listed.then(|| words.iter().map(|word| word.value.clone()).collect());
    }

    fn options(&mut self, name: &str, arguments: &[Word]) {
        for word in arguments.iter().filter_map(|word| word.value.as_known()) {
            let on = name == "setopt"
                || arguments.first().is_some_and(|w| w.value.as_known() == Some("-s"));
            if matches!(word, "noglob" | "no_glob") {
                self.state.no_glob = on;
            }
        }
    }

    fn read(&mut self, arguments: &[Word]) {
        let mut names = Vec::new();
        let mut words = arguments.iter();
        let mut array = None;
        let mut plain = true;
        while let Some(word) = words.next() {
            match word.value.as_known() {
                Some(flag) if flag.starts_with('-') && flag.len() > 1 => {
                    let takes = flag.chars().last().is_some_and(|c| "adinNptu".contains(c));
                    let value = if takes { words.next() } else { None };
                    if flag.ends_with('a') {
                        array = value;
                    }
                    plain &= !flag.contains(['d', 'n', 'N', 'u', 'i']);
                }
                _ => names.push(word),
            }
        }
        let line = match &self.stdin {
            Data::Text(text, _) if plain => text.lines().next().map(str::to_owned),
            _ => None,
        };
        if let Data::Network(from) = &self.stdin {
            self.frame.fetched = Some(from.clone());
        }
        if let Some(array) = array {
            self.fill(array, Value::Unknown);
        }
        if names.is_empty() {
            let value = line.map_or(Value::Unknown, Value::Known);
            self.assign("REPLY", value, Span::default());
            return;
        }
        let default_separators = !self.state.variables.contains_key("IFS");
        let mut rest = line.as_deref().filter(|_| default_separators).map(str::trim);
        let count = names.len();
        for (index, name) in names.into_iter().enumerate() {
            let value = match rest {
                Some(text) if index + 1 < count => {
                    let (first, after) = text.split_once([' ', '\t']).unwrap_or((text, ""));
                    rest = Some(after.trim_start());
                    Value::known(first)
                }
                Some(text) => Value::known(text),
                None => Value::Unknown,
            };
            self.fill(name, value);
        }
    }

    fn mapfile(&mut self, arguments: &[Word], span: Span) {
        let mut words = arguments.iter();
        let mut name = None;
        while let Some(word) = words.next() {
            match word.value.as_known() {
                Some("-C") => {
                    if let Some(code) = words.next() {
                        self.eval_value(&code.value, span);
                    }
                }
                Some(flag) if flag.starts_with('-') && flag.len() == 2 && flag != "-t" => {
                    words.next();
                }
                Some(flag) if flag.starts_with('-') => {}
                _ => name = Some(word),
            }
        }
        let lines = match &self.stdin {
            Data::Text(text, _) => {
                let lines = text.lines().enumerate();
                Some(lines.map(|(index, line)| (index.to_string(), Value::known(line))).collect())
            }
            _ => None,
        };
        let binding = lines.map_or(Binding::Scalar(Value::Unknown), Binding::Array);
        match name {
            Some(word) => {
                if let Some(name) = word.value.as_known().map(str::to_owned) {
                    self.bind(&name, binding, span);
                }
            }
            None => self.bind("MAPFILE", binding, span),
        }
    }

    fn eval(&mut self, arguments: &[Word], span: Span) -> Data {
        let arguments = match arguments {
            [dashes, rest @ ..] if dashes.value.as_known() == Some("--") => rest,
            all => all,
        };
        let mut words = arguments.iter().map(|word| word.value.clone());
        let Some(first) = words.next() else { return Data::None };
        let code = words.fold(first, |code, word| code.concat(&Value::known(" ")).concat(&word));
        let span = arguments.iter().map(|word| word.span).reduce(Span::cover).unwrap_or(span);
        self.eval_value(&code, span)
    }

    /// Runs a value as code, in this shell.
    fn eval_value(&mut self, code: &Value, span: Span) -> Data {
        match code {
            Value::Known(text) => self.run_text(&text.clone(), span),
            Value::OneOf(all) => {
                for text in all.clone() {
                    self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&text, span)));
                }
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

    fn exec(&mut self, arguments: &[Word], env: &[(String, Value)]) -> Data {
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
    fn command_as_program(&mut self, argv: Vec<Word>, env: Vec<(String, Value)>) -> Data {
        match argv.first() {
            Some(first) if first.value.as_known().is_some() && !first.splits => {
                self.program(argv, env)
            }
            _ => self.command(argv, env, true),
        }
    }

    fn precommand(&mut self, name: &str, arguments: &[Word], env: &[(String, Value)]) -> Data {
        let mut words = arguments;
        while let [flag, rest @ ..] = words {
            match flag.value.as_known() {
                // Where is it? Nothing runs.
                Some(text)
                    if name == "command" && text.starts_with('-') && text.contains(['v', 'V']) =>
                {
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

    fn define_aliases(&mut self, arguments: &[Word]) {
        for word in arguments {
            match &word.value {
                Value::Known(text) => {
                    if let Some((name, value)) = text.split_once('=') {
                        self.state.aliases.insert(name.to_owned(), Value::known(value));
                    }
                }
                Value::Pattern(pattern) => {
                    if let Some((name, _)) = pattern.split_once('=') {
                        self.state.aliases.insert(name.to_owned(), Value::Unknown);
                    }
                }
                Value::OneOf(_) | Value::Unknown => {
                    self.opaque(word.span, OpaqueReason::DynamicCode, "an alias is computed");
                }
            }
        }
    }

    fn trap(&mut self, arguments: &[Word]) {
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
        if code.value.listed().is_none() {
            self.opaque(span, OpaqueReason::DynamicCode, "the code of a trap is computed");
        }
        for text in code.value.listed().unwrap_or_default().to_vec() {
            self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&text, span)));
            self.traps.push((text, span));
        }
    }

    fn enable(&mut self, arguments: &[Word], span: Span) {
        match arguments {
            [flag, names @ ..] if flag.value.as_known() == Some("-n") => {
                let names = names.iter().filter_map(|word| word.value.as_known());
                self.state.disabled.extend(names.map(str::to_owned));
            }
            [flag, file, ..] if flag.value.as_known() == Some("-f") => {
                let effect = Effect::new(EffectKind::ExecCode, file.value.to_target())
                    .with(Attr::Source, "file");
                self.analyzer.effect(&self.frame, file.span, effect);
                self.opaque(span, OpaqueReason::UnseenFile, "a builtin is loaded from a library");
            }
            _ => {}
        }
    }

    /// `history -a FILE` writes what `history -s` put there.
    fn history(&mut self, arguments: &[Word], span: Span) {
        if let [flag, file, ..] = arguments
            && matches!(flag.value.as_known(), Some("-a" | "-w"))
        {
            let append = flag.value.as_known() == Some("-a");
            let attributes = [(Attr::By, "history".into()), (Attr::Append, append.into())];
            paths::effect(
                self.analyzer,
                &self.frame,
                span,
                EffectKind::Write,
                &file.value,
                &attributes,
            );
        }
    }

    /// `complete -C`, `compgen -F`, `bind -x`: commands that keys run; `-W` expands its words.
    fn completion(&mut self, arguments: &[Word], span: Span) {
        for pair in arguments.windows(2) {
            let [flag, value] = pair else { continue };
            let Some(texts) = value.value.listed().map(<[String]>::to_vec) else { continue };
            for text in texts {
                let code = match flag.value.as_known() {
                    Some("-C" | "-F") => text,
                    Some("-W") => format!(": \"{}\"", text.replace('"', "\\\"")),
                    Some("-x") => text.split_once(':').map_or(text.clone(), |(_, c)| c.to_owned()),
                    _ => continue,
                };
                self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&code, span)));
            }
        }
    }

    /// Code in a file runs in this shell.
    pub(super) fn source(&mut self, file: &Word, arguments: Vec<Value>) -> Data {
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

    fn source_data(&mut self, data: Data, file: Option<&str>, span: Span) -> Data {
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

fn let_expression(shell: &mut Shell<'_, '_>, word: &Word) {
    let Some(texts) = word.value.listed().map(<[String]>::to_vec) else {
        shell.evaluated(&word.value, word.span, 0);
        return;
    };
    for text in texts {
        shell.run_text(&format!("(({text}))"), word.span);
    }
}

fn known_texts(words: &[Word]) -> Option<Vec<&str>> {
    words.iter().map(|word| word.value.as_known().filter(|_| !word.splits)).collect()
}

fn echo(arguments: &[Word], span: Span) -> Data {
    let Some(texts) = known_texts(arguments) else { return Data::Unknown };
    let mut newline = true;
    let mut escapes = false;
    let mut texts = texts.as_slice();
    while let [flag, rest @ ..] = texts {
        let letters = flag.strip_prefix('-').filter(|letters| !letters.is_empty());
        let Some(letters) = letters.filter(|l| l.chars().all(|c| "neE".contains(c))) else { break };
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        texts = rest;
    }
    let mut text = texts.join(" ");
    if escapes {
        text = unescape(&text);
    }
    if newline {
        text.push('\n');
    }
    Data::Text(text, span)
}

/// What `printf` prints; `None` for directives that are not modelled.
fn format_printf(texts: &[&str]) -> Option<String> {
    let (format, mut arguments) = texts.split_first()?;
    let mut printed = String::new();
    loop {
        let mut used = false;
        let mut chars = format.chars().peekable();
        let mut literal = String::new();
        while let Some(c) = chars.next() {
            if c == '\\' {
                literal.push(c);
                literal.extend(chars.next());
                continue;
            }
            if c != '%' {
                literal.push(c);
                continue;
            }
            printed.push_str(&unescape(&std::mem::take(&mut literal)));
            let mut directive = chars.next()?;
            if directive == '%' {
                printed.push('%');
                continue;
            }
            while matches!(directive, '-' | '0'..='9' | '.' | ' ' | '+') {
                // Padding changes blanks only where the text is shorter; keep to the plain case.
                if directive != '0' && directive != '-' {
                    return None;
                }
                directive = chars.next()?;
            }
            let argument = match arguments.split_first() {
                Some((first, rest)) => {
                    arguments = rest;
                    used = true;
                    *first
                }
                None => "",
            };
            match directive {
                's' => printed.push_str(argument),
                'b' => printed.push_str(&unescape(argument)),
                'd' | 'i' | 'u' => {
                    let number =
                        argument.parse::<i64>().ok().or(argument.is_empty().then_some(0))?;
                    write!(printed, "{number}").ok()?;
                }
                'x' => write!(printed, "{:x}", argument.parse::<i64>().ok()?).ok()?,
                'o' => write!(printed, "{:o}", argument.parse::<i64>().ok()?).ok()?,
                'c' => printed.extend(argument.chars().next()),
                _ => return None,
            }
        }
        printed.push_str(&unescape(&literal));
        if arguments.is_empty() || !used {
            return Some(printed);
        }
    }
}

/// Backslash escapes as `echo -e` and `printf` know them.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        let Some(next) = chars.next() else {
            plain.push(b'\\');
            break;
        };
        match next {
            'n' => plain.push(b'\n'),
            't' => plain.push(b'\t'),
            'r' => plain.push(b'\r'),
            'a' => plain.push(7),
            'b' => plain.push(8),
            'v' => plain.push(11),
            'f' => plain.push(12),
            'e' | 'E' => plain.push(27),
            '\\' => plain.push(b'\\'),
            'c' => break,
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
                    code = code * 16 + digit;
                    chars.next();
                }
                plain.push(u8::try_from(code).unwrap_or(b'?'));
            }
            'u' | 'U' => {
                let mut code = 0;
                for _ in 0..(if next == 'u' { 4 } else { 8 }) {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
                    code = code * 16 + digit;
                    chars.next();
                }
                let c = char::from_u32(code).unwrap_or('\u{fffd}');
                plain.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
            '0'..='7' => {
                let mut code = next.to_digit(8).unwrap_or(0);
                let more = if next == '0' { 3 } else { 2 };
                for _ in 0..more {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                plain.push(u8::try_from(code & 0xff).unwrap_or(b'?'));
            }
            other => {
                plain.push(b'\\');
                plain.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
