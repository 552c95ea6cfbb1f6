//! What is exported is what its format says it is.

mod schema;

use std::fs::File;
use std::io::Write;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use ringfence_export::{About, COLUMNS, Exporter, Format};
use serde_json::{Value, json};

use self::schema::Schema;

fn about(drafts: bool) -> About {
    About { host: "machine".to_owned(), version: "1.2.3".to_owned(), drafts }
}

fn exported(format: Format, entries: &[Value]) -> Vec<u8> {
    exported_with(format, entries, false)
}

fn exported_with(format: Format, entries: &[Value], drafts: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut exporter = Exporter::new(format, about(drafts), &mut out).unwrap();
    entries.iter().for_each(|entry| exporter.entry(entry).unwrap());
    exporter.finish().unwrap();
    out
}

fn opened(bytes: &[u8]) -> SerializedFileReader<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    SerializedFileReader::new(file).unwrap()
}

fn lines(format: Format, entries: &[Value]) -> Vec<Value> {
    let text = String::from_utf8(exported(format, entries)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entry(seq: u64, kind: &str, more: Value) -> Value {
    let mut entry = json!({"seq": seq, "prev": "sha256:00", "at": format!("2026-11-21T10:00:{:02}.5Z", seq % 60), "kind": kind,
                           "agent": "claude-code", "session": "s1"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry["hash"] = json!(format!("sha256:{seq:064x}"));
    entry
}

fn decision(seq: u64, tool: &str, input: Value, verdict: &str) -> Value {
    entry(
        seq,
        "decision",
        json!({"event": "PreToolUse", "action": {"id": format!("c{seq}"), "tool": tool, "input": input},
        "decision": {"verdict": verdict, "decided_by": "policy", "code": "fs.some-rule", "bundle": "sha256:aa", "elapsed_us": 180,
                     "rules": [{"id": "fs.some-rule", "why": "because"}],
                     "effects": [{"kind": "write", "target": {"known": "/x"}}]}}),
    )
}

/// Every kind that there is, and some that there is not.
fn entries() -> Vec<Value> {
    vec![
        entry(1, "session", json!({"event": "start", "source": "startup"})),
        entry(2, "prompt", json!({"standing": "confirmed"})),
        decision(3, "Bash", json!({"command": "ls -la"}), "allow"),
        entry(4, "result", json!({"call": "c3", "failed": true})),
        decision(5, "Bash", json!({"command": "rm -rf ~\n<forged>\u{1b}[2J"}), "deny"),
        decision(6, "mcp__github__create_issue", json!({"title": "x|y=z\\"}), "ask"),
        decision(7, "Write", json!({"file_path": "/x", "content": "…"}), "contain"),
        entry(8, "result", json!({"call": "c7", "failed": false})),
        entry(
            9,
            "finding",
            json!({"code": "probe.result", "taints": "web", "problem": "it instructs"}),
        ),
        entry(10, "egress", json!({"event": "opened", "host": "example.org", "port": 443})),
        entry(
            11,
            "egress",
            json!({"event": "refused", "host": "evil.example", "port": 443, "why": "not-listed"}),
        ),
        entry(12, "run_started", json!({"command": ["npm", "test"], "tier": "A"})),
        entry(13, "run", json!({"command": ["npm", "test"], "exit": 1})),
        entry(14, "approval", json!({"rule": "fs.some-rule"})),
        entry(15, "refusal", json!({"event": "x", "problem": "y"})),
        entry(16, "a_kind_to_come", json!({"anything": [1, 2]})),
        json!({"seq": 17}),
        json!({"kind": 5, "at": [], "agent": {}, "decision": "no"}),
    ]
}

#[test]
fn ocsf_events_are_of_their_classes() {
    let schema = Schema::read("ocsf.json");
    let events = lines(Format::Ocsf, &entries());
    assert_eq!(events.len(), entries().len());
    for event in &events {
        assert_eq!(schema.problems(event), Vec::<String>::new(), "{event:#}");
        let class = event["class_uid"].as_u64().unwrap();
        assert_eq!(
            event["type_uid"].as_u64().unwrap(),
            class * 100 + event["activity_id"].as_u64().unwrap()
        );
    }
    let class = |index: usize| events[index]["class_uid"].as_u64().unwrap();
    assert_eq!((class(2), class(4), class(5), class(8), class(9)), (1007, 2004, 6003, 2004, 4001));
    assert_eq!(events[5]["api"]["operation"], "create_issue");
    assert_eq!(events[5]["api"]["service"]["name"], "github");
    assert_eq!(events[4]["evidences"][0]["ai_agent"]["uid"], "claude-code");
    assert_eq!(events[4]["disposition"], "Blocked");
    assert_eq!(events[2]["time"], 1_795_255_203_500_i64);
}

/// A schema that finds nothing wrong would pass everything.
#[test]
fn the_schema_finds_what_is_wrong() {
    let schema = Schema::read("ocsf.json");
    let good = lines(Format::Ocsf, &entries()).remove(4);
    for (pointer, value) in [
        ("class_uid", json!(6003)),
        ("time", json!("now")),
        ("severity_id", json!(42)),
        ("finding_info", json!({})),
        ("unknown_attribute", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[pointer] = value;
        assert!(!schema.problems(&bad).is_empty(), "{pointer}");
    }
}

#[test]
fn otlp_requests_are_what_collectors_read() {
    let schema = Schema::read("otlp.json");
    let requests = lines(Format::Otlp, &entries());
    for request in &requests {
        assert_eq!(schema.problems(request), Vec::<String>::new(), "{request:#}");
    }
    let all = |field: &str, inner: &str, list: &str| -> Vec<Value> {
        let requests = requests
            .iter()
            .filter_map(|it| it.get(field)?.get(0)?.get(inner)?.get(0)?.get(list)?.as_array());
        requests.flatten().cloned().collect()
    };
    let (records, spans) = (
        all("resourceLogs", "scopeLogs", "logRecords"),
        all("resourceSpans", "scopeSpans", "spans"),
    );
    assert_eq!((records.len(), spans.len()), (entries().len(), 4));
    let span =
        |name: &str| spans.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
    let ran = span("execute_tool Write");
    let nanos = |field: &str| ran[field].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(nanos("endTimeUnixNano") - nanos("startTimeUnixNano"), 1_000_000_000);
    assert_eq!(span("tools/call create_issue")["kind"], 3);
    assert_eq!(
        spans.iter().filter(|it| it["status"]["code"] == 2).count(),
        2,
        "denied, and failed"
    );
    // One session is one trace, and no name that was not adopted is used unasked.
    assert!(spans.iter().all(|it| it["traceId"] == spans[0]["traceId"]));
    let text = |drafts| String::from_utf8(exported_with(Format::Otlp, &entries(), drafts)).unwrap();
    assert!(
        !text(false).contains("gen_ai.security")
            && text(true).contains("gen_ai.security.verdict.type")
    );
}

#[test]
fn many_calls_are_many_requests_and_none_is_lost() {
    let calls: Vec<Value> =
        (1..=20_000).map(|seq| decision(seq, "Bash", json!({"command": "ls"}), "allow")).collect();
    let spans: usize = lines(Format::Otlp, &calls)
        .iter()
        .filter_map(|it| Some(it.pointer("/resourceSpans/0/scopeSpans/0/spans")?.as_array()?.len()))
        .sum();
    assert_eq!(spans, 20_000);
}

#[test]
fn parquet_is_read_back_row_by_row() {
    let mut all = entries();
    all.extend((100..9_000).map(|seq| decision(seq, "Bash", json!({"command": "ls"}), "allow")));
    let bytes = exported(Format::Parquet, &all);
    let reader = opened(&bytes);
    assert_eq!(reader.metadata().num_row_groups(), 2);
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), all.len());
    let column = |name: &str| COLUMNS.iter().position(|it| *it == name).unwrap();
    for (row, entry) in rows.iter().zip(&all) {
        let kept: Value = serde_json::from_str(row.get_string(column("entry")).unwrap()).unwrap();
        assert_eq!(&kept, entry);
        assert_eq!(row.get_long(column("seq")).unwrap(), entry["seq"].as_i64().unwrap_or(0));
    }
    assert_eq!(rows[4].get_string(column("command")).unwrap(), "rm -rf ~\n<forged>\u{1b}[2J");
    assert_eq!(rows[2].get_timestamp_millis(column("at")).unwrap(), 1_795_255_203_500);
    assert!(rows[0].get_string(column("verdict")).is_err(), "absent");
}

#[test]
fn nothing_is_exported_as_nothing() {
    for format in [Format::Ocsf, Format::Otlp, Format::Cef, Format::Jsonl] {
        assert_eq!(exported(format, &[]), b"");
    }
    let reader = opened(&exported(Format::Parquet, &[]));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn every_event_of_cef_is_one_line() {
    let text = String::from_utf8(exported(Format::Cef, &entries())).unwrap();
    assert_eq!(text.lines().count(), entries().len());
    for line in text.lines() {
        assert!(
            line.starts_with('<')
                && line.contains(" ringfence - audit - CEF:0|Ringfence|Ringfence|1.2.3|"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'));
    }
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    for format in [Format::Ocsf, Format::Otlp, Format::Cef, Format::Parquet, Format::Jsonl] {
        assert_eq!(exported(format, &entries()), exported(format, &entries()), "{format:?}");
    }
}

/// Apache Arrow, where `tests/export/run` has it.
#[test]
fn another_program_reads_parquet() {
    let Some(python) = std::env::var_os("RINGFENCE_ARROW") else {
        eprintln!("skipped: no Apache Arrow; tests/export/run has it");
        return;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&exported(Format::Parquet, &entries())).unwrap();
    let script = format!("{}/tests/formats/arrow.py", env!("CARGO_MANIFEST_DIR"));
    let output = std::process::Command::new(python).arg(script).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["entries"], Value::Array(entries()));
    assert_eq!(
        (&read["codec"], &read["types"]["at"]),
        (&json!("SNAPPY"), &json!("timestamp[ms, tz=UTC]"))
    );
    assert_eq!((&read["verdicts"][4], &read["verdicts"][0]), (&json!("deny"), &json!(null)));
    assert_eq!(read["at"][2], "2026-11-21T10:00:03.500000+00:00");
}
