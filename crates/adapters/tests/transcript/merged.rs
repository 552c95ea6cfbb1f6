//! A session and its subagents in one order.

use ringfence_adapters::transcript::claude_code::Reader;
use ringfence_adapters::transcript::merge;

use super::short;

fn transcript(lines: &[(&str, &str)]) -> String {
    let line = |(at, text): &(&str, &str)| {
        let at = if at.is_empty() {
            String::new()
        } else {
            format!(r#","timestamp":"2026-01-01T00:00:{at}Z""#)
        };
        format!(r#"{{"type":"user"{at},"message":{{"content":"{text}"}}}}"#)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn merged(transcripts: &[String]) -> Vec<String> {
    merge(transcripts.iter().map(|transcript| Reader::new(transcript.as_bytes())))
        .map(|(index, entry)| match entry {
            Ok(entry) => format!("{index} {}", short(&entry.event)),
            Err(error) => format!("{index} {error}"),
        })
        .collect()
}

#[test]
fn by_time_and_each_in_its_own_order() {
    let main = transcript(&[("01", "a"), ("03", "b"), ("", "b2"), ("03", "b3"), ("09", "c")]);
    let subagent = transcript(&[("02", "x"), ("03", "y"), ("01", "late"), ("10", "z")]);
    assert_eq!(
        merged(&[main, subagent]),
        [
            "0 user: a",
            "1 user: x",
            "0 user: b",
            "0 user: b2",
            "0 user: b3",
            "1 user: y",
            "1 user: late",
            "0 user: c",
            "1 user: z",
        ]
    );
}

#[test]
fn an_error_is_not_lost() {
    let found = merged(&[transcript(&[("01", "a")]), String::new()]);
    assert_eq!(found, ["1 the transcript is empty; name one with a session in it", "0 user: a"]);
}
