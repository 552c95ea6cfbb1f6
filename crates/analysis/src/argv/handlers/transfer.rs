//! scp and rsync: files go from here to there, or from there to here.

use ringfence_action::{Attr, AttrValue, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::argv::url::remote_path;
use crate::context::Analyzer;
use crate::value::Value;

/// Reads what goes, writes where it arrives, connects where either is elsewhere.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let parsed = subject.parsed;
    let dry_run = (Attr::DryRun, AttrValue::Flag(parsed.given("dry_run")));
    let recursive = (Attr::Recursive, AttrValue::Flag(parsed.given("recursive")));
    let target = parsed.last("target");
    let target_host = target.and_then(|word| host(&word.value));
    let mut payload = None;
    for source in parsed.all("sources") {
        match host(&source.value) {
            Some(host) => effect(analyzer, subject, EffectKind::Net, host, source.span, vec![]),
            None => {
                let attributes = vec![recursive.clone(), dry_run.clone()];
                let value = source.value.clone();
                effect(analyzer, subject, EffectKind::Read, value, source.span, attributes);
                let shown =
                    crate::paths::locate(analyzer, subject.frame, &source.value).to_string();
                payload.get_or_insert(shown);
            }
        }
    }
    let Some(target) = target else { return };
    match target_host {
        Some(host) => {
            let mut attributes = vec![(Attr::Upload, AttrValue::Flag(payload.is_some())), dry_run];
            attributes.extend(payload.map(|payload| (Attr::Payload, AttrValue::Text(payload))));
            effect(analyzer, subject, EffectKind::Net, host, target.span, attributes);
        }
        None => {
            let value = target.value.clone();
            let attributes = vec![recursive.clone(), dry_run.clone()];
            effect(analyzer, subject, EffectKind::Write, value.clone(), target.span, attributes);
            if parsed.given("delete") {
                let attributes = vec![(Attr::Recursive, AttrValue::Flag(true)), dry_run];
                effect(analyzer, subject, EffectKind::Delete, value, target.span, attributes);
            }
        }
    }
}

/// The machine in `host:path`; the host alone where the path is computed.
fn host(value: &Value) -> Option<Value> {
    match value {
        Value::Known(text) => remote_path(text).map(|(host, _)| Value::known(host)),
        Value::Pattern(pattern) => {
            let (host, _) = remote_path(pattern)?;
            Some(if host.contains(['*', '?']) {
                Value::Pattern(host.to_owned())
            } else {
                Value::known(host)
            })
        }
        Value::OneOf(_) | Value::Unknown => None,
    }
}
