//! What a run changed that somebody else executes or obeys later is said at its end, and recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::json;

use crate::place::Place;

#[test]
fn scripts_lockfiles_and_what_can_be_executed_are_said() {
    let place = Place::new();
    for (name, text) in [
        ("package.json", "{\"scripts\": {\"test\": \"node t\"}}"),
        ("Makefile", "all:\n"),
        ("unchanged.mk", "all:\n"),
        ("notes", "x\n"),
        ("old.sh", "#!/bin/sh\n"),
    ] {
        fs::write(place.path("ws").join(name), text).unwrap();
    }
    fs::set_permissions(place.path("ws/old.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    // The stamps of files are as fine as the kernel's ticks.
    std::thread::sleep(Duration::from_millis(50));
    let code = "sed -i 's/node t/node u/; s/\\}\\}/,\"postinstall\":\"curl x\"}}/' package.json
        echo x >> Makefile; echo x > package-lock.json; echo x >> notes; echo '#!/bin/sh' > tool; chmod +x tool
        mkdir -p .github/workflows; echo x > .github/workflows/build.yml; mkdir node_modules; echo x > node_modules/Makefile";
    let output = place.run(&[], code);
    for line in [
        "changed, and says what is installed and run: package.json (new, scripts postinstall test)",
        "changed, and run by build tools: Makefile",
        "changed, and says what is installed: package-lock.json (new)",
        "changed, and can be executed: tool (new)",
        "changed, and run by the project's automation: .github/workflows/build.yml (new)",
    ] {
        assert!(output.errors.contains(line), "{line}: {}", output.errors);
    }
    for name in ["notes", "unchanged", "old.sh", "node_modules"] {
        assert!(!output.errors.contains(name), "{name}: {}", output.errors);
    }
    let entries = place.entries();
    let later = entries.last().unwrap()["later"].as_array().unwrap();
    assert_eq!(later.len(), 5, "{later:?}");
    assert!(later.iter().any(|it| it["scripts"] == json!(["postinstall", "test"])), "{later:?}");
}

#[test]
fn a_new_bit_makes_a_file_one_that_can_be_executed() {
    let place = Place::new();
    fs::write(place.path("ws/tool"), "#!/bin/sh\n").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let output = place.run(&["--json"], "chmod +x tool");
    let line = output.errors.lines().find(|it| it.starts_with('{')).unwrap();
    let report: serde_json::Value = serde_json::from_str(line).unwrap();
    let later = &report["later"][0];
    assert_eq!((&later["new"], &later["what"]), (&json!(false), &json!("can be executed")));
}

/// What is held by its name can be written by another one that it has. That is said before, and here what came of it.
#[test]
fn what_was_written_by_another_name_is_said() {
    let place = Place::new();
    fs::create_dir_all(place.path("ws/.vscode/deep")).unwrap();
    for (held, other) in
        [(".vscode/tasks.json", "one"), (".envrc", "two"), (".vscode/deep/run", "three")]
    {
        fs::write(place.path("ws").join(held), "mine\n").unwrap();
        fs::hard_link(place.path("ws").join(held), place.path("ws").join(other)).unwrap();
    }
    let executable = PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.path("ws/three"), executable).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(place.run(&[], "true").errors, "", "nothing was changed");
    let output = place.run(&[], "for it in one two three; do echo evil >> $it; done");
    for name in [".vscode/tasks.json", ".envrc", ".vscode/deep/run"] {
        assert!(output.errors.contains(name), "{name}: {output:?}");
    }
}
