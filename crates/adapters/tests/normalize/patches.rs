//! The patch format.

use ringfence_action::{Call, Replacement, Text};
use serde_json::json;

use super::call;

const PATCH: &str = "\
*** Begin Patch
*** Add File: src/new.rs
+fn new() {}
+
*** Update File: src/old.rs
*** Move to: src/moved.rs
@@ fn main()
 fn main() {
-    old();
+    new();
 }
@@
-last
*** End of File
*** Delete File: gone.txt
*** End Patch
";

fn part(value: &str, covering: &str) -> Text {
    let start = PATCH.find(covering).unwrap();
    Text::part("/input/input", value, start, start + covering.len())
}

#[test]
fn every_file_is_a_call() {
    let path = |path: &str| part(path, path);
    // What is added starts where the path ends.
    let hunk = " fn main() {\n-    old();\n+    new();\n }";
    let expected = Call::Many(vec![
        Call::Write {
            path: path("src/new.rs"),
            content: part("fn new() {}\n\n", "\n+fn new() {}\n+"),
        },
        Call::Edit {
            path: path("src/old.rs"),
            replacements: vec![
                Replacement {
                    old: Some(part("fn main() {\n    old();\n}\n", hunk)),
                    new: part("fn main() {\n    new();\n}\n", hunk),
                },
                Replacement { old: Some(part("last\n", "-last")), new: part("", "-last") },
            ],
        },
        Call::Move { from: path("src/old.rs"), to: path("src/moved.rs") },
        Call::Delete { path: path("gone.txt") },
    ]);
    assert_eq!(call("codex", "apply_patch", json!({"input": PATCH})), expected);
}

#[test]
fn a_patch_comes_in_many_wrappings() {
    let patch = "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch";
    let delete = |pointer: &str| Call::Delete { path: Text::part(pointer, "a.txt", 33, 38) };
    assert_eq!(call("codex", "apply_patch", json!(patch)), delete("/input"));
    assert_eq!(call("codex", "apply_patch", json!({"command": patch})), delete("/input/command"));
    assert_eq!(call("opencode", "patch", json!({"patchText": patch})), delete("/input/patchText"));
    assert_eq!(
        call("codex", "shell", json!({"command": ["apply_patch", patch]})),
        delete("/input/command/1")
    );
    let heredoc = format!("<<'EOF'\n{patch}\nEOF\n").replace('\n', "\r\n");
    let found = call("codex", "apply_patch", json!({"input": heredoc}));
    let at = heredoc.find("a.txt").unwrap();
    assert_eq!(found, Call::Delete { path: Text::part("/input/input", "a.txt", at, at + 5) });
}

#[test]
fn half_a_patch_is_malformed() {
    for (patch, problem) in [
        ("", "the patch does not start with `*** Begin Patch` and end with `*** End Patch`"),
        ("*** Begin Patch\n*** Delete File: a", "the patch does not start with"),
        ("*** Begin Patch\n*** End Patch", "the patch names no file"),
        (
            "*** Begin Patch\n*** Delete File: \n*** End Patch",
            "the patch has a file without a name",
        ),
        ("*** Begin Patch\nhello\n*** End Patch", "line 2 of the patch is no part of"),
        (
            "*** Begin Patch\n*** Update File: a\n@@\n+x\nhello\n*** End Patch",
            "line 5 of the patch is no part of",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** End Patch",
            "the patch updates `a` with no change",
        ),
        ("*** Begin Patch\n*** Add File: a\nx\n*** End Patch", "line 3 of the patch"),
        (
            "*** Begin Patch\n*** Delete File: a\n*** End Patch\nrm -rf /",
            "the patch does not start with",
        ),
    ] {
        match call("codex", "apply_patch", json!({"input": patch})) {
            Call::Malformed { problem: found, .. } => {
                assert!(found.starts_with(problem), "{patch:?}: {found}");
            }
            other => panic!("{patch:?} is {other:?}"),
        }
    }
}
