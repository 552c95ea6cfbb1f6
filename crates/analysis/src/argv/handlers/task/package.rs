//! Scripts of package.json.

use ringfence_action::{Dialect, OpaqueReason};

use super::TaskFile;
use crate::argv::rules::Subject;
use crate::context::Analyzer;

/// `npm run NAME`: the script of that name, with what runs before and after it.
pub(in crate::argv::handlers) fn package_script(
    analyzer: &mut Analyzer<'_>,
    subject: &Subject<'_>,
) {
    let Some(name) = subject.parsed.last("script") else { return };
    let Some(file) = TaskFile::find(analyzer, subject, &["package.json"], name) else { return };
    let Some(known) = name.value.as_known() else {
        let detail = "which script is computed";
        return analyzer.opaque(&file.frame, name.span, OpaqueReason::DynamicCode, detail);
    };
    let manifest: Option<serde_json::Value> = serde_json::from_str(&file.content).ok();
    let Some(manifest) = manifest else {
        let detail = format!("{} is not JSON", file.path);
        return analyzer.opaque(&file.frame, name.span, OpaqueReason::ParseError, detail);
    };
    for script in [format!("pre{known}"), known.to_owned(), format!("post{known}")] {
        let code = manifest.get("scripts").and_then(|scripts| scripts.get(&script));
        if let Some(code) = code.and_then(|code| code.as_str()) {
            file.shell(analyzer, code, Dialect::Posix);
        }
    }
}
