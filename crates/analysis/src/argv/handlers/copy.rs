//! cp, mv, ln, install: a file under another name is still that file.

use ringfence_action::{PathKind, Target, path};

use crate::argv::rules::Subject;
use crate::argv::stand_in;
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::paths;
use crate::value::{Value, Word};

/// Remembers what is under which name now.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    let sources: Vec<&Word> = parsed.all("sources").collect();
    let here = Value::known(".");
    let target = parsed.last("target").map_or(&here, |word| &word.value);
    let Target::Known(place) = paths::locate(analyzer, subject.frame, target) else { return };
    let folder = is_folder(analyzer, target, &place, sources.len());
    for source in sources {
        let name = match &source.value {
            Value::Known(text) | Value::Pattern(text) => path::base_name(text),
            Value::OneOf(_) | Value::Unknown => continue,
        };
        let within = path::absolute(&place, name);
        for copy in [(!folder).then(|| place.clone()), Some(within)].into_iter().flatten() {
            let content = content(analyzer, subject, &source.value, &copy);
            analyzer.wrote(&copy, content);
        }
    }
}

/// Whether the target can only be a folder that files are put into.
fn is_folder(analyzer: &Analyzer<'_>, target: &Value, place: &str, sources: usize) -> bool {
    let text = target.as_known().unwrap_or_default();
    let facts = analyzer.action.facts.paths.get(place);
    sources > 1
        || text.ends_with('/')
        || matches!(text, "." | "..")
        || facts.is_some_and(|facts| facts.kind == Some(PathKind::Dir))
}

fn content(analyzer: &Analyzer<'_>, subject: &Subject<'_>, source: &Value, copy: &str) -> Data {
    let mut frame = subject.frame.clone();
    // A symbolic link is read from where it lies.
    let relative = source.as_known().is_some_and(|text| !text.starts_with('/'));
    if subject.parsed.given("symbolic") && !subject.parsed.given("relative") && relative {
        frame.cwd = Value::known(path::parent(copy));
    }
    // What `which` tells is a program by its name.
    if let Value::Pattern(place) = source
        && stand_in(source).is_some()
    {
        return Data::File(Value::Pattern(place.clone()));
    }
    match paths::locate(analyzer, &frame, source) {
        Target::Known(from) => match analyzer.written(&from) {
            Some(content) => content.clone(),
            None => Data::File(Value::Known(from)),
        },
        Target::Pattern(from) => Data::File(Value::Pattern(from)),
        Target::OneOf(_) | Target::Unknown => Data::Unknown,
    }
}
