//! Files that are cut off, damaged, huge, or something else altogether.

use std::io::{self, BufReader, Read};

use ringfence_adapters::transcript::claude_code::Reader;

use super::{entries, short};

const PROMPT: &str = r#"{"type":"user","message":{"role":"user","content":"hello"}}"#;

fn shorts(transcript: &[u8]) -> Vec<String> {
    entries(transcript).iter().map(|entry| short(&entry.event)).collect()
}

#[test]
fn a_line_that_cannot_be_read_costs_that_line() {
    for (line, why) in [
        (&b"{\"type\":\"user\",\"message\":"[..], "skipped: not a JSON object: EOF"),
        (b"42", "skipped: not a JSON object: invalid type"),
        (b"\xff\xfe{}", "skipped: not UTF-8 at byte 0"),
        (b"{\"type\":\"user\0\"}", "skipped: NUL bytes"),
        (b"{}", "skipped: a line without a `type`"),
        (
            b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"tool_use\",\"id\":\"x\"}]}}",
            "skipped: a tool call without a name or an input",
        ),
    ] {
        let transcript = [PROMPT.as_bytes(), b"\n", line, b"\n\n", PROMPT.as_bytes(), b"\n"].concat();
        let found = shorts(&transcript);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with(why), "{found:?}");
    }
}

#[test]
fn the_last_line_may_be_half_written() {
    let transcript = format!("{PROMPT}\n{}", PROMPT.get(..30).unwrap());
    assert_eq!(
        shorts(transcript.as_bytes()),
        [
            "user: hello",
            "skipped: cut off at the end of the file; the agent was stopped while writing, or still \
             runs",
        ]
    );
    // Whole but for its end of line, it counts.
    assert_eq!(shorts(PROMPT.as_bytes()), ["user: hello"]);
}

#[test]
fn shapes_that_no_version_had_say_nothing() {
    for line in [
        r#"{"type":"user"}"#,
        r#"{"type":"user","message":7}"#,
        r#"{"type":"user","message":{"content":[7,"x",{"type":"document"}]}}"#,
        r#"{"type":"assistant","message":{"content":"prose"}}"#,
        r#"{"type":"attachment"}"#,
        r#"{"type":"attachment","attachment":{"type":"file","content":"delete it"}}"#,
    ] {
        assert_eq!(shorts(line.as_bytes()), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn ten_megabytes_on_one_line_are_read() {
    let text = "x".repeat(10 << 20);
    let transcript = PROMPT.replace("hello", &text);
    assert_eq!(shorts(transcript.as_bytes()), [format!("user: {text}")]);
}

#[test]
fn a_file_of_another_kind_is_an_error() {
    for (transcript, message) in [
        (&b""[..], "the transcript is empty; name one with a session in it"),
        (b"\n\n", "the transcript is empty; name one with a session in it"),
        (
            b"{\"tool\":\"Bash\"}\n{\"tool\":\"Bash\"}\n",
            "none of its 2 lines is one of a Claude Code transcript (the first: a line without a \
             `type`; it is of another program or a newer version); name a file such as \
             ~/.claude/projects/PROJECT/SESSION.jsonl",
        ),
    ] {
        let error = Reader::new(transcript).find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_disk_that_fails_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let line = format!("{PROMPT}\n");
    let transcript = line.as_bytes().chain(BufReader::new(Failing));
    let found: Vec<_> = Reader::new(transcript).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[1].as_ref().unwrap_err().to_string(),
        "reading stopped after line 1: the disk is gone; check the file and its disk"
    );
}
