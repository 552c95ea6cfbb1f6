//! Gemini CLI.

use ringfence_adapters::transcript::gemini_cli::Reader;

use super::short;

#[test]
fn a_session_of_0_61() {
    let transcript: &[u8] = include_bytes!("../data/gemini-0.61.jsonl");
    let found: Vec<String> =
        Reader::new(transcript).map(|entry| short(&entry.unwrap().event)).collect();
    assert_eq!(
        found,
        [
            "meta: <session_context>\nToday is Saturday.\n</session_context>",
            "user: tidy up",
            r#"call c1: run_shell_command {"command":"ls"} in -"#,
            "result c1: a.py",
            r#"call c2: run_shell_command {"command":"rm a.py"} in -"#,
            "result c2 failed, rejected by hook: Tool execution blocked: no",
            r#"call c3: write_file {"file_path":"b","content":""} in -"#,
            "result c3 failed, rejected by person: ",
            "skipped: messages of type `hologram` are not known",
        ]
    );
}
