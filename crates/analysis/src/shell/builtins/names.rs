//! Builtins that give names another meaning, and those around the command line itself.

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason};

use super::super::Shell;
use crate::paths;
use crate::value::{Span, Value, Word};

impl Shell<'_, '_> {
    pub(super) fn define_aliases(&mut self, arguments: &[Word]) {
        for word in arguments {
            match &word.value {
                Value::Known(flag)
                    if self.zsh() && flag.starts_with('-') && flag.contains(['g', 's']) =>
                {
                    let why = "an alias that stands for a word anywhere";
                    self.opaque(word.span, OpaqueReason::UnsupportedSyntax, why);
                }
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

    pub(super) fn enable(&mut self, arguments: &[Word], span: Span) {
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
    pub(super) fn history(&mut self, arguments: &[Word], span: Span) {
        let clears = |flag: &str| flag.starts_with('-') && flag.contains(['c', 'd']);
        if arguments.iter().filter_map(|word| word.value.as_known()).any(clears) {
            self.history_changed("history -c", span);
        }
        if let [flag, rest @ ..] = arguments
            && matches!(flag.value.as_known(), Some("-a" | "-w"))
        {
            // Without a file, the one that the variable names.
            let usual = self.lookup("HISTFILE").map(|variable| variable.value());
            let Some(file) = rest.first().map(|word| word.value.clone()).or(usual) else { return };
            let append = flag.value.as_known() == Some("-a");
            let attributes = [(Attr::By, "history".into()), (Attr::Append, append.into())];
            paths::effect(self.analyzer, &self.frame, span, EffectKind::Write, &file, &attributes);
        }
    }

    /// `complete -C`, `compgen -F`, `bind -x`: commands that keys run; `-W` expands its words.
    pub(super) fn completion(&mut self, arguments: &[Word], span: Span) {
        for pair in arguments.windows(2) {
            let [flag, value] = pair else { continue };
            let Some(texts) = value.value.listed().map(<[String]>::to_vec) else { continue };
            for text in texts {
                let code = match flag.value.as_known() {
                    // The command is told what is to be completed.
                    Some("-C") => format!("{text} \"$_\""),
                    Some("-F") => text,
                    Some("-W") => format!(": \"{}\"", text.replace('"', "\\\"")),
                    Some("-x") => text.split_once(':').map_or(text.clone(), |(_, c)| c.to_owned()),
                    _ => continue,
                };
                self.perhaps(|shell| shell.subshell(|shell| shell.run_text(&code, span)));
            }
        }
    }
}
