//! Tasks that a file of the project defines: scripts of package.json, recipes of a Makefile.

use ringfence_action::{Attr, Dialect, Effect, EffectKind, OpaqueReason};

use crate::argv::rules::Subject;
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::paths;
use crate::value::{Value, Word};

/// `npm run NAME`: the script of that name, with what runs before and after it.
pub(crate) fn package_script(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let Some(name) = subject.parsed.last("script") else { return };
    let Some((path, content)) = project_file(analyzer, subject, &["package.json"], name) else {
        return;
    };
    let manifest: Option<serde_json::Value> = serde_json::from_str(&content).ok();
    let scripts = manifest.as_ref().and_then(|manifest| manifest.get("scripts"));
    let Some(known) = name.value.as_known() else {
        analyzer.opaque(
            subject.frame,
            name.span,
            OpaqueReason::DynamicCode,
            "which script is computed",
        );
        return;
    };
    for script in [format!("pre{known}"), known.to_owned(), format!("post{known}")] {
        let code = scripts.and_then(|scripts| scripts.get(&script)).and_then(|code| code.as_str());
        if let Some(code) = code {
            let word = Word::known(code, name.span);
            analyzer.shell(subject.frame, &word, Dialect::Posix, &Data::None);
        } else if script == known && manifest.is_none() {
            let detail = format!("{path} is not JSON");
            analyzer.opaque(subject.frame, name.span, OpaqueReason::ParseError, detail);
        }
    }
}

/// `make TARGET`: the recipe of the target and of what it depends on.
pub(crate) fn make_recipe(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let span = subject.invocation.span();
    let all = Word::known("", span);
    let goals: Vec<Word> = subject.parsed.all("targets").cloned().collect();
    let name = goals.first().unwrap_or(&all);
    let file = subject.parsed.last("file").and_then(|word| word.value.as_known());
    let candidates = file.map_or(vec!["Makefile", "GNUmakefile", "makefile"], |file| vec![file]);
    let Some((_, content)) = project_file(analyzer, subject, &candidates, name) else { return };
    let makefile = Makefile::parse(&content);
    let mut pending: Vec<&str> = match goals.is_empty() {
        true => makefile.rules.first().map(|rule| rule.target.as_str()).into_iter().collect(),
        false => goals.iter().filter_map(|word| word.value.as_known()).collect(),
    };
    let mut done: Vec<&str> = Vec::new();
    while let Some(goal) = pending.pop() {
        if done.contains(&goal) || !analyzer.step(subject.frame, span) {
            continue;
        }
        done.push(goal);
        for rule in makefile.rules.iter().filter(|rule| rule.target == goal) {
            pending.extend(rule.needs.iter().map(String::as_str));
            for line in &rule.recipe {
                // A reference to a variable of make is a value that is not known here.
                let code = line.replace("$$", "$").trim_start_matches(['@', '-', '+']).to_owned();
                let expanded = line.replace("$$", "").contains("$(") || line.contains("${");
                if expanded {
                    analyzer.opaque(
                        subject.frame,
                        span,
                        OpaqueReason::UnsupportedSyntax,
                        "make variables",
                    );
                } else {
                    let word = Word::known(code, span);
                    analyzer.shell(subject.frame, &word, Dialect::Posix, &Data::None);
                }
            }
        }
    }
}

struct Makefile {
    rules: Vec<MakeRule>,
}

struct MakeRule {
    target: String,
    needs: Vec<String>,
    recipe: Vec<String>,
}

impl Makefile {
    /// Explicit rules only: what patterns and functions make of a file is not followed.
    fn parse(text: &str) -> Self {
        let mut rules: Vec<MakeRule> = Vec::new();
        let mut open = 0;
        for line in text.replace("\\\n", " ").lines() {
            if let Some(recipe) = line.strip_prefix('\t') {
                let count = rules.len();
                for rule in rules.iter_mut().skip(count - open.min(count)) {
                    rule.recipe.push(recipe.trim().to_owned());
                }
                continue;
            }
            let head = line.split('#').next().unwrap_or_default();
            let Some((targets, needs)) = head.split_once(':') else { continue };
            if needs.starts_with('=') || targets.contains('=') || targets.starts_with('.') {
                continue;
            }
            open = 0;
            for target in targets.split_whitespace() {
                rules.push(MakeRule {
                    target: target.to_owned(),
                    needs: needs.split_whitespace().map(str::to_owned).collect(),
                    recipe: Vec::new(),
                });
                open += 1;
            }
        }
        Self { rules }
    }
}

/// The first of these files that is known, after saying that code of it runs.
fn project_file(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
    names: &[&str],
    task: &Word,
) -> Option<(String, std::rc::Rc<str>)> {
    let folder = subject.parsed.last("folder").map_or(Value::known("."), |word| word.value.clone());
    let first = names.first()?;
    let place = |name: &str| folder.concat(&Value::known(format!("/{name}")));
    let target = paths::locate(analyzer, subject.frame, &place(first));
    let mut effect = Effect::new(EffectKind::ExecCode, target)
        .with(Attr::By, subject.parsed.name)
        .with(Attr::Lang, "sh")
        .with(Attr::Source, "task");
    let op = task.value.to_target().to_string();
    if !op.is_empty() {
        effect = effect.with(Attr::Op, op);
    }
    analyzer.effect(subject.frame, task.span, effect);
    names.iter().find_map(|name| {
        let target = paths::locate(analyzer, subject.frame, &place(name));
        let path = target.as_known()?;
        Some((path.to_owned(), analyzer.file(path)?))
    })
}
