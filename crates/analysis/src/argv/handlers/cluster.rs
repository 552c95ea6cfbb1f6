//! The configuration of kubectl and its like, which may name a program that fetches credentials.

use ringfence_action::{Attr, EffectKind, Target, path};

use crate::argv::rules::Subject;
use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Span, Value, Word};

/// Follows the programs of a configuration that the command, or a variable, points to.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let mut files: Vec<Value> = subject.parsed.all("kubeconfig").map(|w| w.value.clone()).collect();
    match subject.variable("KUBECONFIG") {
        Some(Value::Known(all)) => files.extend(all.split(':').map(Value::known)),
        Some(other) => files.push(other),
        None => {}
    }
    let mut frame = subject.frame.clone();
    frame.conditional = true;
    let span = subject.invocation.span();
    for file in files.iter().filter(|file| file.as_known() != Some("")) {
        let target = paths::locate(analyzer, &frame, file);
        match target.as_known().and_then(|path| analyzer.file(path)) {
            Some(content) => programs(analyzer, &frame, &content, span),
            None if is_usual(analyzer, &target) => {}
            None => {
                let attributes =
                    [(Attr::By, subject.parsed.name.into()), (Attr::Source, "file".into())];
                paths::effect(analyzer, &frame, span, EffectKind::ExecCode, file, &attributes);
            }
        }
    }
}

/// Where the user's own configurations are.
fn is_usual(analyzer: &Analyzer<'_>, target: &Target) -> bool {
    let home = analyzer.action.home.as_deref();
    let folder = home.map(|home| path::absolute(home, ".kube"));
    folder.zip(target.as_known()).is_some_and(|(folder, file)| path::is_within(&folder, file))
}

/// Runs each `exec:` of a configuration: its `command:` with the `args:`.
fn programs(analyzer: &mut Analyzer<'_>, frame: &Frame, content: &str, span: Span) {
    let mut argv: Vec<Word> = Vec::new();
    let run = |analyzer: &mut Analyzer<'_>, argv: &mut Vec<Word>| {
        if argv.first().is_some_and(|word| word.value.as_known() != Some("")) {
            let argv = std::mem::take(argv);
            let invocation =
                Invocation { argv, env: Vec::new(), stdin: Data::None, stdout_shown: false };
            analyzer.run(frame, &invocation);
        }
        argv.clear();
    };
    let (mut within, mut arguments) = (false, false);
    for line in content.lines().map(str::trim) {
        let entry = line.trim_start_matches("- ");
        if entry == "exec:" {
            run(analyzer, &mut argv);
            (within, arguments) = (true, false);
            argv.push(Word::known("", span));
        } else if entry.starts_with("name:") && line.starts_with("- ") {
            run(analyzer, &mut argv);
            within = false;
        } else if let Some(program) = entry.strip_prefix("command:").filter(|_| within) {
            if let Some(first) = argv.first_mut() {
                *first = Word::known(plain(program), span);
            }
            arguments = false;
        } else if entry.starts_with("args:") {
            arguments = within;
        } else if arguments && let Some(argument) = line.strip_prefix("- ") {
            argv.push(Word::known(plain(argument), span));
        } else {
            arguments = false;
        }
    }
    run(analyzer, &mut argv);
}

fn plain(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}
