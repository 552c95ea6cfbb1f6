//! Tool calls: the agents' own file, web, browser and MCP tools.
//!
//! Every variant of [`Call`] becomes effects here. What is written to a file is looked at as well
//! ([`content`]): a script that is put down now and run later is judged before it is there.

mod arguments;
mod content;
mod files;
mod named;
mod scripts;
#[cfg(test)]
mod tests;
mod values;
mod web;

use ringfence_action::{Attr, Call, Dialect, Effect, EffectKind, OpaqueReason, Target, Text};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::value::{Span, Value, Word};

/// Whether a name says that something goes away: `delete_series`, `doDelete`, `volumeDelete`.
pub(crate) fn takes_away(name: &str) -> bool {
    arguments::does(name) == Some(arguments::Does::Destroy)
}

/// Analyses one call.
pub(crate) fn analyze(analyzer: &mut Analyzer<'_>, call: &Call) {
    match call {
        Call::Shell { command, dialect, cwd } => {
            let frame = in_folder(analyzer, analyzer.frame(command), cwd.as_ref());
            analyzer.shell(&frame, &word(command), *dialect, &Data::None);
            content::by_command(analyzer, command);
        }
        Call::Exec { argv, cwd } => {
            exec(analyzer, argv, cwd.as_ref());
            argv.iter().take(1).for_each(|program| content::by_command(analyzer, program));
        }
        Call::Read { path } => files::read(analyzer, path),
        Call::Write { path, content } => files::write(analyzer, path, content),
        Call::Edit { path, replacements } => files::edit(analyzer, path, replacements),
        Call::Delete { path } => files::delete(analyzer, path),
        Call::Move { from, to } => files::rename(analyzer, from, to),
        Call::Search { path, pattern } => files::search(analyzer, path.as_ref(), pattern.as_ref()),
        Call::Many(calls) => {
            for call in calls {
                analyze(analyzer, call);
            }
        }
        // What a subagent does comes back as calls of its own.
        Call::Inert | Call::Subagent { .. } => {}
        Call::Fetch { url } => web::fetch(analyzer, url),
        // The query goes to the agent's own provider, which has seen it already.
        Call::WebSearch { .. } => {}
        Call::Mcp { server, tool, pointer, arguments } => {
            named::call(analyzer, server, tool, pointer, arguments);
        }
        Call::Unknown { tool, pointer, arguments } => {
            named::call(analyzer, "", tool, pointer, arguments);
        }
        Call::Browser { operation, pointer, arguments } => {
            web::browser(analyzer, operation, pointer, arguments);
        }
        Call::Keys { text, .. } => keys(analyzer, text),
        Call::Stop { id } => {
            let frame = analyzer.frame(&Text::new("/input", ""));
            let target = id.clone().map_or(Target::Unknown, Target::Known);
            let effect = Effect::new(EffectKind::Process, target).with(Attr::Op, "stop");
            analyzer.effect(&frame, Span::default(), effect);
        }
        Call::Malformed { tool, problem } => {
            let frame = analyzer.frame(&Text::new("/input", ""));
            let detail = format!("{tool}: {problem}");
            analyzer.opaque(&frame, Span::default(), OpaqueReason::MalformedInput, detail);
        }
    }
}

/// The whole text as one word.
fn word(text: &Text) -> Word {
    Word::known(text.value.clone(), whole(text))
}

fn whole(text: &Text) -> Span {
    Span::new(0, text.value.len())
}

fn in_folder(analyzer: &Analyzer<'_>, mut frame: Frame, cwd: Option<&Text>) -> Frame {
    if let Some(cwd) = cwd.filter(|cwd| !cwd.value.is_empty()) {
        let path = Value::known(cwd.value.clone());
        frame.cwd = match crate::paths::locate(analyzer, &frame, &path) {
            Target::Known(path) => Value::Known(path),
            Target::Pattern(pattern) => Value::Pattern(pattern),
            Target::OneOf(_) | Target::Unknown => Value::Unknown,
        };
    }
    frame
}

/// A program without a shell around it. Its words come from different strings of the action; the
/// evidence points at the program.
fn exec(analyzer: &mut Analyzer<'_>, argv: &[Text], cwd: Option<&Text>) {
    let Some(program) = argv.first() else { return };
    let frame = in_folder(analyzer, analyzer.frame(program), cwd);
    let span = whole(program);
    let invocation = Invocation {
        argv: argv.iter().map(|text| Word::known(text.value.clone(), span)).collect(),
        env: Vec::new(),
        stdin: Data::None,
        stdout_shown: true,
    };
    analyzer.run(&frame, &invocation);
}

/// Keys go to a program that already runs: most often a shell. An answer to a question, or a key
/// that only interrupts, is no command.
fn keys(analyzer: &mut Analyzer<'_>, text: &Text) {
    let frame = analyzer.frame(text);
    let typed = text.value.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    let answers = |word: &str| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "q" | "quit" | "exit"
        ) || word.bytes().all(|b| b.is_ascii_digit())
    };
    if typed.is_empty() || answers(typed) {
        let effect = Effect::new(EffectKind::Process, Target::Unknown).with(Attr::Op, "input");
        return analyzer.effect(&frame, whole(text), effect);
    }
    let start = text.value.find(typed).unwrap_or(0);
    let word = Word::known(typed, Span::new(start, start + typed.len()));
    analyzer.shell(&frame, &word, Dialect::Bash, &Data::None);
}
