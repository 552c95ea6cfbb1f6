//! Codex.

use ringfence_adapters::transcript::codex::Reader;

use super::short;

#[test]
fn a_session_of_0_169() {
    let transcript: &[u8] = include_bytes!("../data/codex-0.169.jsonl");
    let found: Vec<String> =
        Reader::new(transcript).map(|entry| short(&entry.unwrap().event)).collect();
    assert_eq!(
        found,
        [
            "meta: <environment_context>\n<cwd>/home/u/shop</cwd>\n</environment_context>",
            "meta: you may push",
            "user: tidy up",
            r#"call c1: exec_command {"cmd":"ls"} in /home/u/shop"#,
            "result c1: a.py",
            r#"call c2: exec_command "{\"cmd\":" in /home/u/shop/web"#,
            "result c2 failed, rejected by person: exec_command failed: CreateProcess { message: \
             \"Rejected(\\\"rejected by user\\\")\" }",
            r#"call c3: apply_patch "*** Begin Patch\n*** Delete File: a\n*** End Patch" in /home/u/shop/web"#,
            "result c3 failed: no",
            r#"call c4: local_shell {"action":{"type":"exec","command":["mkfs","x"]}} in /home/u/shop/web"#,
            "result c4 failed, rejected by rule: exec_command failed: CreateProcess { message: \
             \"Rejected(\\\"`mkfs x` rejected: never format\\\")\" }",
            "summary: it went well",
            "interrupted",
            "skipped: lines of type `hologram` are not known",
        ]
    );
}
