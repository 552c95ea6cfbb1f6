//! What a run needs is learned from it, once: with the profile that comes of it the same run passes.

use std::fs;

use crate::place::Place;

/// A tool with a configuration of its own, a cache that it makes, and a folder beside the workspace.
const TOOL: &str = "
cat $HOME/.config/tool/settings || exit 1
mkdir -p $HOME/.local/share/tool/v1 && echo x > $HOME/.local/share/tool/v1/entry || exit 2
echo x > $HOME/.tool/state || exit 3
echo done";

fn place() -> Place {
    let place = Place::new();
    for name in ["home/.config/tool", "home/.local/share", "home/.tool", "home/.ssh"] {
        fs::create_dir_all(place.path(name)).unwrap();
    }
    fs::write(place.path("home/.config/tool/settings"), "on\n").unwrap();
    fs::write(place.path("home/.ssh/id_ed25519"), "CANARY\n").unwrap();
    fs::write(place.path("home/.bashrc"), "# mine\n").unwrap();
    place
}

#[test]
fn what_fails_under_the_plain_profile_passes_with_what_was_learned() {
    let place = place();
    assert_eq!(place.run(&[], TOOL).code, 1);
    // It stops at the first thing that it lacks, so that one run does not tell everything.
    let mut profile = String::from("plain");
    for round in 1..=4 {
        let file = place.path(&format!("learned-{round}.toml"));
        let learn = format!("--learn={}", file.display());
        let output = place.run(&["--profile", &profile, &learn], TOOL);
        assert!(output.errors.contains("proposed in"), "{output:?}");
        if output.code == 0 {
            assert!(output.errors.contains("nothing to learn"), "{output:?}");
            assert_eq!(place.run(&["--profile", &profile], TOOL).text, "on\ndone\n");
            assert!(round > 1, "it needed something");
            return;
        }
        profile = file.display().to_string();
    }
    panic!("{}", fs::read_to_string(&profile).unwrap());
}

#[test]
fn a_proposal_names_folders_of_programs_and_hosts() {
    let place = place();
    let code =
        "mkdir $HOME/.local/share/tool; for i in 1 2 3 4 5 6 7; do echo x > $HOME/.tool/f$i; done
        python3 -c 'import socket; socket.create_connection((\"api.test\", 443), 2)'; true";
    let output = place.run(&["--learn"], code);
    assert_eq!(output.code, 0, "{output:?}");
    let proposal = &place.proposal();
    for line in [
        "write = [\".tool\"]",
        "make = [\".local/share/tool\"]",
        "hosts = [\"api.test\"]",
        "extends = \"plain\"",
    ] {
        assert!(proposal.contains(line), "{line}: {proposal}");
    }
}

#[test]
fn secrets_and_what_executes_are_never_proposed() {
    let place = place();
    let code = "cat $HOME/.ssh/id_ed25519; cat .env; echo x >> $HOME/.bashrc; mkdir -p $HOME/.local/bin
        mkdir $HOME/.config/autostart; echo x > .envrc; echo x > .git/hooks/pre-commit; echo x > /usr/local/bin/x
        python3 -c 'import socket; socket.create_connection((\"169.254.169.254\", 80), 2)'; true";
    fs::create_dir_all(place.path("ws/.git/hooks")).unwrap();
    let output = place.run(&["--learn"], code);
    assert_eq!(output.code, 0, "{output:?}");
    let proposal = place.proposal();
    let profile: Vec<&str> = proposal.lines().filter(|it| !it.starts_with('#')).collect();
    for word in ["ssh", "env", "bashrc", "bin", "autostart", "hooks", "169"] {
        assert!(!profile.iter().any(|it| it.contains(word)), "{word}: {proposal}");
        assert!(proposal.contains(word), "it is said: {word}: {proposal}");
    }
    assert!(proposal.contains("Which variables it read cannot be seen"), "{proposal}");
}
