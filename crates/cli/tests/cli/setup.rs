//! What a system is told once.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::ringfence;

#[test]
fn the_profile_is_printed_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = ringfence(&["setup", "apparmor", "--folder", folder.path().to_str().unwrap()], "");
    assert_eq!(run.code, 0, "{run:?}");
    let program = env!("CARGO_BIN_EXE_ringfence");
    assert!(run.out().contains(&format!("profile ringfence \"{program}\" flags=(unconfined)")));
    assert!(run.err().contains("nothing was written"), "{run:?}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// A copy of the program that only root can replace, if root runs the tests.
fn installed() -> Option<(tempfile::TempDir, String)> {
    let folder = tempfile::Builder::new().prefix("ringfence-").tempdir_in("/usr/local").ok()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("ringfence");
    std::fs::copy(env!("CARGO_BIN_EXE_ringfence"), &program).ok()?;
    let program = program.to_str()?.to_owned();
    Some((folder, program))
}

#[test]
fn what_is_written_can_be_taken_back_and_nothing_else_is_touched() {
    let profiles = tempfile::tempdir().unwrap();
    let folder = profiles.path().to_str().unwrap();
    let Some((_kept, program)) = installed() else { return };
    let setup = |what: &str| {
        let output = Command::new(&program)
            .args(["setup", "apparmor", "--json", "--folder", folder, what])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = setup("--write");
    assert!(code == Some(0) && said.contains("\"written\":true"), "{said}");
    let text = std::fs::read_to_string(profiles.path().join("ringfence")).unwrap();
    assert!(text.contains("userns,") && text.contains(&program), "{text}");
    let (code, said) = setup("--undo");
    assert!(code == Some(0) && said.contains("\"removed\":true"), "{said}");
    assert_eq!(profiles.path().read_dir().unwrap().count(), 0);
    std::fs::write(profiles.path().join("ringfence"), "profile mine {}\n").unwrap();
    assert_eq!((setup("--write").0, setup("--undo").0), (Some(2), Some(2)));
    let text = std::fs::read_to_string(profiles.path().join("ringfence")).unwrap();
    assert_eq!(text, "profile mine {}\n");
}

#[test]
fn a_program_that_others_could_replace_is_not_let_through() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ringfence");
    std::fs::copy(env!("CARGO_BIN_EXE_ringfence"), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o777)).unwrap();
    let profiles = tempfile::tempdir().unwrap();
    let output = Command::new(&program)
        .args(["setup", "apparmor", "--write", "--folder", profiles.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("could be replaced"), "{said}");
    assert_eq!(profiles.path().read_dir().unwrap().count(), 0);
}

/// AppArmor's own program reads it, where there is one that knows of user namespaces.
#[test]
fn apparmor_understands_the_profile() {
    const PARSER: &str = "/usr/sbin/apparmor_parser";
    let Ok(version) = Command::new(PARSER).arg("--version").output() else {
        eprintln!("skipped: there is no {PARSER}");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let number =
        version.split_whitespace().find_map(|it| it.split('.').next()?.parse::<u32>().ok());
    let mut text = ringfence(&["setup", "apparmor"], "").out().to_owned();
    if number.is_none_or(|it| it < 4) {
        // An older one knows the rest of it.
        text = text.replace("abi/4.0", "abi/3.0").replace("userns,", "");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let run = Command::new(PARSER).args(["-Q", "-K"]).arg(file.path()).output().unwrap();
    assert!(run.status.success(), "{run:?}");
}
