//! The gate, broken in every way that could be thought of, and whether the call runs.
//!
//! The rows are tried out one by one in front of the real Claude Code, and printed into SPECIFICATION.md
//! (`RINGFENCE_BLESS=1` writes them there).

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::home::{Home, Start};
use crate::mock::Mock;

struct Fault {
    what: &'static str,
    /// What Claude Code makes of it.
    agent: &'static str,
    /// What Ringfence does about it.
    ours: &'static str,
    /// Whether the call runs all the same.
    runs: bool,
    breaks: Breaks,
}

enum Breaks {
    /// This program stands in the place of the gate.
    Program { body: &'static str, mode: u32 },
    /// There is no program.
    NoProgram,
    /// Something of the gate's state is made useless; what is returned is held while the agent works.
    State(fn(&Home) -> Option<File>),
    /// Shell code that runs before the agent, in a mount namespace of its own.
    Mount(&'static str),
    /// The agent is started with these words.
    Flags(&'static [&'static str]),
}

const BLOCKED: &str = "does not run it: `onFailure: block`";
const DENIED: &str = "is told why, and does not run it";
const BEYOND: &str = "nothing: it is not asked";

const FAULTS: &[Fault] = &[
    Fault {
        what: "killed before it answers",
        agent: BLOCKED,
        ours: "nothing left to do",
        runs: false,
        breaks: Breaks::Program { body: "kill -9 $$", mode: 0o755 },
    },
    Fault {
        what: "ends with an error code",
        agent: BLOCKED,
        ours: "never does: every error of its own is a denial with exit code 2",
        runs: false,
        breaks: Breaks::Program { body: "exit 1", mode: 0o755 },
    },
    Fault {
        what: "panics",
        agent: BLOCKED,
        ours: "catches it and denies; were it to end so, as above",
        runs: false,
        breaks: Breaks::Program { body: "echo 'thread main panicked' >&2; exit 101", mode: 0o755 },
    },
    Fault {
        what: "slower than the agent waits",
        agent: BLOCKED,
        ours: "denies by its own deadline before that",
        runs: false,
        breaks: Breaks::Program {
            body: "read -r line; case $line in *PreToolUse*) sleep 30;; esac",
            mode: 0o755,
        },
    },
    Fault {
        what: "program missing",
        agent: BLOCKED,
        ours: "`ringfence status` says so",
        runs: false,
        breaks: Breaks::NoProgram,
    },
    Fault {
        what: "program not executable",
        agent: BLOCKED,
        ours: "`ringfence status` says so",
        runs: false,
        breaks: Breaks::Program { body: "exit 0", mode: 0o644 },
    },
    Fault {
        what: "answers nonsense, and ends well",
        agent: "**runs it**: not covered by `onFailure`",
        ours: "writes one answer and nothing else",
        runs: true,
        breaks: Breaks::Program { body: "echo nonsense; exit 0", mode: 0o755 },
    },
    Fault {
        what: "state folder is no folder",
        agent: DENIED,
        ours: "denies",
        runs: false,
        breaks: Breaks::State(|home| {
            fs::remove_dir_all(home.state()).unwrap();
            fs::write(home.state(), "not a folder").unwrap();
            None
        }),
    },
    Fault {
        what: "state folder open to others",
        agent: DENIED,
        ours: "denies: anybody could have written there",
        runs: false,
        breaks: Breaks::State(|home| {
            fs::set_permissions(home.state(), fs::Permissions::from_mode(0o777)).unwrap();
            None
        }),
    },
    Fault {
        what: "session state unreadable",
        agent: DENIED,
        ours: "denies; a lost memory is not a fresh one",
        runs: false,
        breaks: Breaks::State(|home| {
            // Without the folder of sessions, nothing of any session can be read.
            let sessions = home.state().join("sessions");
            let _ = fs::remove_dir_all(&sessions);
            fs::write(sessions, "not a folder").unwrap();
            None
        }),
    },
    Fault {
        what: "audit log cannot be written",
        agent: DENIED,
        ours: "denies: no answer without its entry",
        runs: false,
        breaks: Breaks::State(|home| {
            let audit = home.state().join("audit");
            let _ = fs::remove_dir_all(&audit);
            fs::write(audit, "not a folder").unwrap();
            None
        }),
    },
    Fault {
        what: "audit log held by another process for ever",
        agent: DENIED,
        ours: "denies by its own deadline",
        runs: false,
        breaks: Breaks::State(|home| {
            let audit = home.state().join("audit");
            fs::create_dir_all(&audit).unwrap();
            let lock = File::create(audit.join("lock")).unwrap();
            lock.lock().unwrap();
            Some(lock)
        }),
    },
    Fault {
        what: "a rule of the user's own that does not load",
        agent: DENIED,
        ours: "denies: what it would have forbidden is not known",
        runs: false,
        breaks: Breaks::State(|home| {
            let rules = home.path(".config/ringfence/rules");
            fs::create_dir_all(&rules).unwrap();
            fs::write(rules.join("own.cedar"), "forbid (principal, action").unwrap();
            None
        }),
    },
    Fault {
        what: "disk full",
        agent: DENIED,
        ours: "denies: no answer without its entry",
        runs: false,
        breaks: Breaks::Mount(
            "mount -t tmpfs -o size=64k,mode=700 none \"$STATE\"\nhead -c 65536 /dev/zero > \"$STATE/full\"",
        ),
    },
    Fault {
        what: "disk read-only",
        agent: DENIED,
        ours: "denies: no answer without its entry",
        runs: false,
        breaks: Breaks::Mount("mount -t tmpfs -o ro,mode=700 none \"$STATE\""),
    },
    Fault {
        what: "started with `--bare`",
        agent: "**runs it**: no hook of a user runs",
        ours: BEYOND,
        runs: true,
        breaks: Breaks::Flags(&["--allowedTools", "Bash", "--bare"]),
    },
    Fault {
        what: "started with `--safe-mode`",
        agent: "**runs it**: no hook runs",
        ours: BEYOND,
        runs: true,
        breaks: Breaks::Flags(&["--allowedTools", "Bash", "--safe-mode"]),
    },
    Fault {
        what: "started with `--setting-sources project`",
        agent: "**runs it**: settings of the user are not read",
        ours: BEYOND,
        runs: true,
        breaks: Breaks::Flags(&["--allowedTools", "Bash", "--setting-sources", "project"]),
    },
];

fn try_out(fault: &Fault) -> Option<String> {
    let home = Home::new()?;
    home.init();
    let mock = Mock::start(&["touch ran-unguarded"]);
    let mut start = Start::default();
    let mut held = None;
    match &fault.breaks {
        Breaks::Program { body, mode } => home.replace_gate(&home.script(body, *mode)),
        Breaks::NoProgram => home.replace_gate(&home.path("bin/missing/ringfence")),
        Breaks::State(breaks) => held = breaks(&home),
        Breaks::Mount(code) => {
            start.wrapped = &["unshare", "--mount"];
            start.before = code;
        }
        Breaks::Flags(flags) => start.flags = Some(flags),
    }
    let run = home.start(&mock, "do it", &start);
    drop(held);
    let told = mock.tool_results();
    let said = String::from_utf8_lossy(&run.stdout);
    if told.is_empty() {
        return Some(format!("{}: the call was never made: {said}", fault.what));
    }
    if home.ran("ran-unguarded") != fault.runs {
        return Some(format!("{}: it ran: {}; {told}", fault.what, !fault.runs));
    }
    let explained = told.contains("ringfence could not decide");
    (fault.agent == DENIED && !explained).then(|| format!("{}: not told: {told}", fault.what))
}

#[test]
fn whatever_breaks_the_call_does_not_run_or_the_table_says_so() {
    let (one, other) = FAULTS.split_at(FAULTS.len() / 2);
    let try_all = |faults: &[Fault]| faults.iter().filter_map(try_out).collect::<Vec<_>>();
    let problems = std::thread::scope(|scope| {
        let one = scope.spawn(|| try_all(one));
        [try_all(other), one.join().unwrap()].concat()
    });
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_table_is_in_the_specification() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../SPECIFICATION.md");
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) = ("<!-- faults: printed by a test -->\n", "<!-- end of faults -->");
    let (before, rest) = text.split_once(begin).expect("the begin of the table");
    let (table, after) = rest.split_once(end).expect("the end of the table");
    if std::env::var_os("RINGFENCE_BLESS").is_some() {
        bless(&file, &[before, begin, &printed(), end, after].concat());
    } else {
        assert_eq!(table, printed(), "print it with RINGFENCE_BLESS=1");
    }
}

fn bless(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
}

fn printed() -> String {
    let mut table =
        "\n| the gate | Claude Code | Ringfence | the call |\n|---|---|---|---|\n".to_owned();
    for fault in FAULTS {
        let call = if fault.runs { "**runs**" } else { "does not run" };
        table
            .push_str(&format!("| {} | {} | {} | {call} |\n", fault.what, fault.agent, fault.ours));
    }
    table.push('\n');
    table
}
