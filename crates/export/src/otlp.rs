//! OTLP as JSON, as collectors read it from files: a request to export a line.
//!
//! Every entry is a log record. A call and its result are a span besides: `execute_tool`, or what MCP calls it. A span
//! needs both ends, so calls wait for their results; those that never come back end where they began.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::About;
use crate::entry::Entry;

/// Records and spans in one request.
const BATCH: usize = 256;

/// Calls that wait for their results.
const WAITING: usize = 10_000;

/// What waits to be sent.
#[derive(Default)]
pub(crate) struct Batch {
    records: Vec<Value>,
    spans: Vec<Value>,
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    session: String,
    call: String,
    span: Value,
}

impl Batch {
    /// Takes an entry in. Returns the requests that are full.
    pub(crate) fn add(&mut self, entry: &Value, about: &About) -> Vec<Value> {
        let entry = Entry(entry);
        self.records.push(record(entry, about));
        match entry.kind() {
            "decision" => self.called(entry, about),
            "result" => self.came_back(entry),
            _ => {}
        }
        if self.waiting.len() > WAITING {
            self.spans.extend(self.waiting.pop_first().map(|(_, waiting)| waiting.span));
        }
        self.requests(about, BATCH)
    }

    /// What is left.
    pub(crate) fn finish(mut self, about: &About) -> Vec<Value> {
        let left = std::mem::take(&mut self.waiting);
        self.spans.extend(left.into_values().map(|waiting| waiting.span));
        self.requests(about, 1)
    }

    fn called(&mut self, entry: Entry<'_>, about: &About) {
        let span = span(entry, about);
        match entry.call().filter(|_| entry.verdict() != Some("deny")) {
            Some(call) => {
                let session = entry.text("/session").unwrap_or_default().to_owned();
                self.waiting.insert(entry.seq(), Waiting { session, call: call.to_owned(), span });
            }
            None => self.spans.push(span),
        }
    }

    fn came_back(&mut self, entry: Entry<'_>) {
        let (session, call) = (entry.text("/session").unwrap_or_default(), entry.call());
        let found = self
            .waiting
            .iter()
            .rev()
            .find(|(_, it)| Some(it.call.as_str()) == call && it.session == session)
            .map(|(seq, _)| *seq);
        let Some(mut waiting) = found.and_then(|seq| self.waiting.remove(&seq)) else { return };
        if let Some(span) = waiting.span.as_object_mut() {
            span.insert("endTimeUnixNano".into(), json!(entry.nanos().to_string()));
            if entry.0.get("failed").and_then(Value::as_bool) == Some(true) {
                span.insert("status".into(), json!({"code": 2, "message": "the call failed"}));
            }
        }
        self.spans.push(waiting.span);
    }

    fn requests(&mut self, about: &About, full: usize) -> Vec<Value> {
        let resource = json!({"attributes": [
            text("service.name", "ringfence"), text("service.version", &about.version), text("host.name", &about.host),
        ]});
        let scope = json!({"name": "ringfence", "version": about.version});
        let mut requests = Vec::new();
        if self.records.len() >= full {
            let records = std::mem::take(&mut self.records);
            requests.push(json!({"resourceLogs": [{"resource": resource.clone(), "scopeLogs": [{"scope": scope.clone(), "logRecords": records}]}]}));
        }
        if self.spans.len() >= full {
            let spans = std::mem::take(&mut self.spans);
            requests.push(json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}));
        }
        requests
    }
}

fn record(entry: Entry<'_>, about: &About) -> Value {
    let (number, severity) = match entry.severity() {
        4 => (17, "ERROR"),
        3 => (13, "WARN"),
        2 => (10, "INFO2"),
        _ => (9, "INFO"),
    };
    let nanos = entry.nanos().to_string();
    let mut record = json!({
        "timeUnixNano": nanos,
        "observedTimeUnixNano": nanos,
        "severityNumber": number,
        "severityText": severity,
        "eventName": format!("ringfence.{}", entry.kind()),
        "body": {"stringValue": entry.sentence()},
        "attributes": attributes(entry, about),
        "traceId": trace(entry),
    });
    if entry.kind() == "decision"
        && let Some(record) = record.as_object_mut()
    {
        record.insert("spanId".to_owned(), json!(span_id(entry)));
    }
    record
}

fn span(entry: Entry<'_>, about: &About) -> Value {
    let tool = entry.tool().unwrap_or("unknown");
    let mut attributes = attributes(entry, about);
    attributes.push(text("gen_ai.operation.name", "execute_tool"));
    let (name, kind) = match entry.mcp() {
        Some((_, tool)) => {
            attributes.push(text("mcp.method.name", "tools/call"));
            (format!("tools/call {tool}"), 3)
        }
        None => {
            attributes.push(text("gen_ai.tool.type", "function"));
            (format!("execute_tool {tool}"), 1)
        }
    };
    let nanos = entry.nanos().to_string();
    let status = match entry.verdict() {
        Some("deny") => json!({"code": 2, "message": entry.code().unwrap_or("denied")}),
        _ => json!({"code": 0}),
    };
    json!({
        "traceId": trace(entry), "spanId": span_id(entry), "name": name, "kind": kind,
        "startTimeUnixNano": nanos, "endTimeUnixNano": nanos, "attributes": attributes, "status": status,
    })
}

fn attributes(entry: Entry<'_>, about: &About) -> Vec<Value> {
    let mut attributes = vec![
        json!({"key": "ringfence.seq", "value": {"intValue": entry.seq().to_string()}}),
        text("ringfence.kind", entry.kind()),
    ];
    let tool = entry.mcp().map_or(entry.tool(), |(_, tool)| Some(tool));
    let known = [
        ("ringfence.hash", entry.text("/hash")),
        ("ringfence.verdict", entry.verdict()),
        ("ringfence.code", entry.code()),
        ("ringfence.decided_by", entry.text("/decision/decided_by")),
        ("ringfence.bundle", entry.text("/decision/bundle")),
        ("gen_ai.agent.name", entry.text("/agent")),
        ("gen_ai.agent.id", entry.text("/subagent")),
        ("gen_ai.conversation.id", entry.text("/session")),
        ("gen_ai.tool.name", tool),
        ("gen_ai.tool.call.id", entry.call()),
        ("server.address", entry.text("/host")),
    ];
    attributes.extend(known.iter().filter_map(|(name, value)| Some(text(name, (*value)?))));
    if about.drafts && entry.verdict().is_some() {
        let drafts = [
            ("gen_ai.security.guardrail.name", Some("ringfence")),
            ("gen_ai.security.target.type", Some("tool_call")),
            ("gen_ai.security.verdict.type", entry.verdict()),
            ("gen_ai.security.verdict.code", entry.code()),
            ("gen_ai.security.policy.version", entry.text("/decision/bundle")),
        ];
        attributes.extend(drafts.iter().filter_map(|(name, value)| Some(text(name, (*value)?))));
    }
    attributes
}

fn text(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

/// Sessions are traces: 16 bytes that are the same for all entries of one, and never all zero.
fn trace(entry: Entry<'_>) -> String {
    let name = format!(
        "{}\0{}",
        entry.text("/agent").unwrap_or_default(),
        entry.text("/session").unwrap_or_default()
    );
    format!(
        "{:016x}{:016x}",
        fnv(0xcbf2_9ce4_8422_2325, &name) | 1,
        fnv(0x8422_2325_cbf2_9ce4, &name)
    )
}

/// The beginning of the entry's hash.
fn span_id(entry: Entry<'_>) -> String {
    let hash = entry.text("/hash").and_then(|hash| hash.strip_prefix("sha256:")?.get(..16));
    let valid = hash
        .filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()) && it.bytes().any(|b| b != b'0'));
    valid.map_or_else(|| format!("{:016x}", entry.seq().max(1)), str::to_owned)
}

/// FNV-1a.
fn fnv(basis: u64, text: &str) -> u64 {
    text.bytes().fold(basis, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
