//! OCSF 1.9: what an agent did as process or API activity, what was denied or found as a detection.
//!
//! There is no class for tool calls yet. A command is Process Activity, any other call API Activity with the tool as
//! its operation; both with the profiles `ai_operation` and `security_control`. What is denied is a Detection
//! Finding, so that it is an alert wherever these are looked at.

use serde_json::{Map, Value, json};

use crate::About;
use crate::entry::Entry;

struct Class {
    category: (u32, &'static str),
    class: (u32, &'static str),
    activity: (u32, &'static str),
}

const FINDING: Class = Class {
    category: (2, "Findings"),
    class: (2004, "Detection Finding"),
    activity: (1, "Create"),
};
const NETWORK: (u32, &str) = (4, "Network Activity");
const OTHER: Class =
    Class { category: (0, "Uncategorized"), class: (0, "Base Event"), activity: (99, "Other") };

fn process(activity: (u32, &'static str)) -> Class {
    Class { category: (1, "System Activity"), class: (1007, "Process Activity"), activity }
}

fn api(activity: (u32, &'static str)) -> Class {
    Class { category: (6, "Application Activity"), class: (6003, "API Activity"), activity }
}

fn class(entry: Entry<'_>) -> Class {
    match entry.kind() {
        "decision" if entry.verdict() == Some("deny") => FINDING,
        "decision" if entry.command().is_some() => process((1, "Launch")),
        "decision" => api(changes(entry)),
        "finding" => FINDING,
        "run_started" => process((1, "Launch")),
        "run" => process((2, "Terminate")),
        "egress" if entry.text("/why").is_some() => {
            Class { category: NETWORK, class: (4001, "Network Activity"), activity: (5, "Refuse") }
        }
        "egress" => {
            Class { category: NETWORK, class: (4001, "Network Activity"), activity: (1, "Open") }
        }
        _ => OTHER,
    }
}

/// What a call that is no command does, by its effects.
fn changes(entry: Entry<'_>) -> (u32, &'static str) {
    let effects = entry.0.pointer("/decision/effects").and_then(Value::as_array);
    let has = |kinds: &[&str]| {
        effects.into_iter().flatten().any(|effect| {
            effect.get("kind").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind))
        })
    };
    if has(&["delete"]) {
        (4, "Delete")
    } else if has(&["create"]) {
        (1, "Create")
    } else if has(&["write", "metadata"]) {
        (3, "Update")
    } else if has(&["read", "net"]) {
        (2, "Read")
    } else {
        (99, "Other")
    }
}

const SEVERITIES: [&str; 5] = ["Unknown", "Informational", "Low", "Medium", "High"];

pub(crate) fn event(entry: &Value, about: &About) -> Value {
    let entry = Entry(entry);
    let Class { category, class, activity } = class(entry);
    let severity = entry.severity();
    let mut event = object(json!({
        "activity_id": activity.0,
        "activity_name": activity.1,
        "category_uid": category.0,
        "category_name": category.1,
        "class_uid": class.0,
        "class_name": class.1,
        "type_uid": class.0 * 100 + activity.0,
        "type_name": format!("{}: {}", class.1, activity.1),
        "time": entry.millis(),
        "severity_id": severity,
        "severity": SEVERITIES.get(usize::from(severity)).copied().unwrap_or("Unknown"),
        "message": entry.sentence(),
        "status_id": 1,
        "status": "Success",
        "metadata": metadata(entry, class.0, about),
    }));
    let device = json!({"hostname": about.host, "type_id": 0, "type": "Unknown"});
    if class.0 != 0 {
        event.insert("device".into(), device);
    }
    match class.0 {
        2004 => finding(entry, &mut event),
        1007 => {
            event.insert("process".into(), json!({"cmd_line": entry.command().unwrap_or_default(), "name": entry.tool().unwrap_or("run")}));
            event.insert("actor".into(), actor(entry));
            if let Some(code) = entry.number("/exit") {
                event.insert("exit_code".into(), json!(code));
            }
        }
        6003 => {
            let (service, operation) =
                entry.mcp().unwrap_or((agent(entry), entry.tool().unwrap_or("unknown")));
            event.insert(
                "api".into(),
                json!({"operation": operation, "service": {"name": service}}),
            );
            event.insert("actor".into(), actor(entry));
            event.insert("src_endpoint".into(), json!({"hostname": about.host}));
        }
        4001 => {
            let mut endpoint = Map::new();
            endpoint.insert("hostname".into(), json!(entry.text("/host").unwrap_or("unknown")));
            endpoint.extend(entry.number("/port").map(|port| ("port".to_owned(), json!(port))));
            event.insert("dst_endpoint".into(), Value::Object(endpoint));
            event.insert("actor".into(), actor(entry));
        }
        _ => {}
    }
    if let Some(verdict) = entry.verdict() {
        control(verdict, entry, &mut event);
    }
    event.insert("unmapped".into(), json!({"ringfence": rest(entry)}));
    Value::Object(event)
}

fn metadata(entry: Entry<'_>, class: u32, about: &About) -> Value {
    let mut profiles = Vec::new();
    if class != 0 {
        profiles.push("ai_operation");
    }
    if entry.verdict().is_some() {
        profiles.push("security_control");
    }
    if matches!(class, 1007 | 6003 | 4001) {
        profiles.push("host");
    }
    let mut metadata = object(json!({
        "version": "1.9.0",
        "product": {"name": "Ringfence", "vendor_name": "Ringfence", "version": about.version},
        "profiles": profiles,
        "log_name": "audit",
        "sequence": entry.seq(),
        "original_time": entry.text("/at").unwrap_or_default(),
    }));
    if let Some(hash) = entry.text("/hash") {
        metadata.insert("uid".into(), json!(hash));
    }
    if let Some(session) = entry.text("/session") {
        metadata.insert("correlation_uid".into(), json!(session));
    }
    Value::Object(metadata)
}

fn agent(entry: Entry<'_>) -> &str {
    entry.text("/agent").or(entry.text("/action/agent/kind")).unwrap_or("unknown")
}

fn ai_agent(entry: Entry<'_>) -> Value {
    let name = agent(entry);
    let mut agent =
        object(json!({"uid": name, "name": name, "type_id": 99, "type": "Coding agent"}));
    if let Some(instance) = entry.text("/subagent").or(entry.text("/session")) {
        agent.insert("instance_uid".into(), json!(instance));
    }
    Value::Object(agent)
}

fn actor(entry: Entry<'_>) -> Value {
    json!({"process": {"name": agent(entry), "ai_agent": ai_agent(entry)}})
}

fn finding(entry: Entry<'_>, event: &mut Map<String, Value>) {
    let code = entry.code().unwrap_or_else(|| entry.kind());
    let rules = entry.0.pointer("/decision/rules").and_then(Value::as_array);
    let why =
        rules.and_then(|rules| rules.first()?.get("why")?.as_str()).or(entry.text("/problem"));
    let mut evidence = Map::new();
    evidence.insert("ai_agent".into(), ai_agent(entry));
    if let Some(command) = entry.command() {
        evidence.insert(
            "process".into(),
            json!({"cmd_line": command, "name": entry.tool().unwrap_or("run")}),
        );
    } else if let Some(input) = entry.0.pointer("/action/input") {
        evidence.insert("data".into(), json!({"tool": entry.tool(), "input": input}));
    }
    event.insert(
        "finding_info".into(),
        json!({"uid": entry.text("/hash").unwrap_or(code), "title": code, "desc": why.unwrap_or(code),
               "created_time": entry.millis(), "analytic": {"name": code, "uid": code, "type_id": 1, "type": "Rule"}}),
    );
    event.insert("evidences".into(), json!([evidence]));
    event.insert("is_alert".into(), json!(true));
    // The status of a finding is that of its handling.
    event.insert("status_id".into(), json!(1));
    event.insert("status".into(), json!("New"));
}

fn control(verdict: &str, entry: Entry<'_>, event: &mut Map<String, Value>) {
    let (action, disposition) = match verdict {
        "allow" => ((1, "Allowed"), (1, "Allowed")),
        "contain" => ((4, "Modified"), (4, "Isolated")),
        "deny" => ((2, "Denied"), (2, "Blocked")),
        _ => ((99, "Asked"), (99, "Asked")),
    };
    event.insert("action_id".into(), json!(action.0));
    event.insert("action".into(), json!(action.1));
    event.insert("disposition_id".into(), json!(disposition.0));
    event.insert("disposition".into(), json!(disposition.1));
    if let Some(code) = entry.code() {
        event.insert(
            "policy".into(),
            json!({"name": code, "uid": entry.text("/decision/bundle").unwrap_or(code)}),
        );
    }
}

/// What has no place in the schema.
fn rest(entry: Entry<'_>) -> Value {
    let fields =
        ["kind", "seq", "hash", "prev", "session", "call", "event", "standing", "code", "problem"];
    let mut kept = Map::new();
    for name in fields {
        kept.extend(entry.0.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    for name in ["verdict", "decided_by", "effects", "rules", "opaque"] {
        let value = entry.0.get("decision").and_then(|decision| decision.get(name));
        kept.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    Value::Object(kept)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
