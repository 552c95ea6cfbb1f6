//! The gate, broken in every way that could be thought of, and what each agent makes of it.
//!
//! The rows are tried out in front of the real agents, and printed into `docs/agents.md`
//! (`RINGFENCE_BLESS=1` writes them there).

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::agent::{Agent, Home, Start};
use crate::mock::Mock;

enum Breaks {
    /// The gate itself, started by this shell code; the call is one that it would deny.
    Limit(&'static str),
    /// This program stands in the place of the gate.
    Program(&'static str, u32),
    /// There is no program.
    NoProgram,
    /// Something of the gate's state is made useless; what is returned is held while the agent works.
    State(fn(&Home) -> Option<File>),
    /// Shell code that runs before the agent, in a mount namespace of its own.
    Mount(&'static str),
    /// Codex has been told nothing about trust.
    NoTrust,
}

const FAULTS: &[(&str, Breaks)] = &[
    ("killed before it answers", Breaks::Program("kill -9 $$", 0o755)),
    ("killed for want of memory", Breaks::Limit("ulimit -v 9000")),
    ("no file can be opened", Breaks::Limit("ulimit -n 3")),
    ("nothing can be written", Breaks::Limit("ulimit -f 0")),
    ("no processor time", Breaks::Limit("ulimit -t 0")),
    (
        "started in a folder that is gone",
        Breaks::Limit("mkdir /tmp/gone.$$; cd /tmp/gone.$$; rmdir /tmp/gone.$$"),
    ),
    ("says nothing, and ends well", Breaks::Program("cat > /dev/null; exit 0", 0o755)),
    ("ends with an error code", Breaks::Program("exit 1", 0o755)),
    ("panics", Breaks::Program("echo 'thread main panicked' >&2; exit 101", 0o755)),
    ("slower than the agent waits", Breaks::Program("exec sleep 30", 0o755)),
    ("program missing", Breaks::NoProgram),
    ("program not executable", Breaks::Program("exit 0", 0o644)),
    ("answers nonsense, and ends well", Breaks::Program("echo nonsense; exit 0", 0o755)),
    ("answer cut off", Breaks::Program("printf '{\"decision\":\"de'; exit 0", 0o755)),
    (
        "state folder is no folder",
        Breaks::State(|home| {
            fs::remove_dir_all(home.state()).unwrap();
            fs::write(home.state(), "not a folder").unwrap();
            None
        }),
    ),
    (
        "state folder open to others",
        Breaks::State(|home| {
            fs::set_permissions(home.state(), fs::Permissions::from_mode(0o777)).unwrap();
            None
        }),
    ),
    (
        "session state unreadable",
        Breaks::State(|home| {
            let sessions = home.state().join("sessions");
            let _ = fs::remove_dir_all(&sessions);
            fs::write(sessions, "not a folder").unwrap();
            None
        }),
    ),
    (
        "audit log cannot be written",
        Breaks::State(|home| {
            let audit = home.state().join("audit");
            let _ = fs::remove_dir_all(&audit);
            fs::write(audit, "not a folder").unwrap();
            None
        }),
    ),
    (
        "audit log held by another process for ever",
        Breaks::State(|home| {
            let audit = home.state().join("audit");
            fs::create_dir_all(&audit).unwrap();
            let lock = File::create(audit.join("lock")).unwrap();
            lock.lock().unwrap();
            Some(lock)
        }),
    ),
    (
        "a file of its state that never opens",
        Breaks::State(|home| {
            let key = home.state().join("redaction.key");
            let _ = fs::remove_file(&key);
            assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
            None
        }),
    ),
    (
        "a rule of the user's own that never ends",
        Breaks::State(|home| {
            let rules = home.path(".config/ringfence/rules");
            fs::create_dir_all(&rules).unwrap();
            symlink("/dev/zero", rules.join("own.cedar")).unwrap();
            None
        }),
    ),
    (
        "a rule of the user's own that does not load",
        Breaks::State(|home| {
            let rules = home.path(".config/ringfence/rules");
            fs::create_dir_all(&rules).unwrap();
            fs::write(rules.join("own.cedar"), "forbid (principal, action").unwrap();
            None
        }),
    ),
    (
        "disk full",
        Breaks::Mount(
            "mount -t tmpfs -o size=64k,mode=700 none \"$STATE\"\nhead -c 65536 /dev/zero > \"$STATE/full\"",
        ),
    ),
    ("disk read-only", Breaks::Mount("mount -t tmpfs -o ro,mode=700 none \"$STATE\"")),
    ("its hooks are not trusted", Breaks::NoTrust),
];

/// What the call does under this fault, in a word for the table.
fn try_out(agent: Agent, what: &str, breaks: &Breaks) -> Option<&'static str> {
    let home = Home::new(agent)?;
    home.init();
    let call = match breaks {
        // Droid has a guard of its own for pushes.
        Breaks::Limit(_) if agent == Agent::Droid => {
            "touch ran-unguarded; gh repo delete x/y --yes"
        }
        Breaks::Limit(_) => "touch ran-unguarded; git push --force origin main",
        _ => "touch ran-unguarded",
    };
    let mock = Mock::start(&[call]);
    let mut start = Start::default();
    let mut held = None;
    if agent == Agent::Codex {
        // Another program is another hook, which it would not run at all: that is a row of its own.
        start.flags = &["--dangerously-bypass-hook-trust"];
    }
    match breaks {
        Breaks::Program(body, mode) => home.replace_gate(&home.script(body, *mode)),
        Breaks::Limit(code) => {
            let gate = env!("CARGO_BIN_EXE_ringfence");
            home.replace_gate(&home.script(&format!("{code}\nexec {gate} \"$@\""), 0o755));
        }
        Breaks::NoProgram => home.replace_gate(&home.path("bin/missing/ringfence")),
        Breaks::State(breaks) => held = breaks(&home),
        Breaks::Mount(code) => {
            start.wrapped = &["unshare", "--mount"];
            start.before = code;
        }
        Breaks::NoTrust if agent == Agent::Codex => {
            home.replace_gate(&home.script("exit 2", 0o755));
            start.flags = &[];
        }
        Breaks::NoTrust => return Some("–"),
    }
    let said = home.start(&mock, "do it", &start);
    drop(held);
    let told = mock.told();
    if told.len() <= 2 {
        // A prompt that the gate did not let through makes some agents stop before the first call.
        assert!(said.contains("blocked"), "{agent:?}, {what}: the call was never made: {said}");
        return Some("does not run");
    }
    // A sandbox of the agent's own may keep the command from writing: that it ran, it tells the model.
    let refused = ["ringfence", "hook", "Hook"].iter().any(|word| told.contains(word));
    let ran = home.ran("ran-unguarded") || (agent.is_in_a_sandbox_of_its_own() && !refused);
    if ran {
        // Nobody else would say so.
        let doctor = home.ringfence(&["doctor", agent.kind()]);
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert_eq!(doctor.status.code(), Some(1), "{agent:?}, {what}: {said}");
        assert!(said.starts_with("nothing is enforced"), "{agent:?}, {what}: {said}");
    }
    Some(if ran { "**runs**" } else { "does not run" })
}

/// So many gates are broken at a time: most of the time is spent waiting for one that never answers.
const AT_ONCE: usize = 3;

/// One column of the table: what this agent makes of each fault.
fn column_is_as_the_documentation_says(agent: Agent) {
    let next = AtomicUsize::new(0);
    let work = || {
        let rows = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let rows = rows.map_while(|row| Some((row, FAULTS.get(row)?)));
        let cells =
            rows.map(|(row, (what, breaks))| Some((row, *what, try_out(agent, what, breaks)?)));
        cells.collect::<Option<Vec<_>>>()
    };
    let cells = std::thread::scope(|scope| {
        let threads = [(); AT_ONCE].map(|()| scope.spawn(work));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Option<Vec<_>>>()
    });
    let Some(cells) = cells else { return };
    let mut cells = cells.concat();
    cells.sort_unstable();
    let cells: Vec<_> = cells.into_iter().map(|(_, what, cell)| (what, cell)).collect();
    compare("faults", "the gate", agent, &cells);
}

#[test]
fn codex() {
    column_is_as_the_documentation_says(Agent::Codex);
}

#[test]
fn copilot() {
    column_is_as_the_documentation_says(Agent::Copilot);
}

#[test]
fn gemini_cli() {
    column_is_as_the_documentation_says(Agent::GeminiCli);
}

#[test]
fn qwen_code() {
    column_is_as_the_documentation_says(Agent::QwenCode);
}

#[test]
fn opencode() {
    column_is_as_the_documentation_says(Agent::OpenCode);
}

#[test]
fn grok() {
    column_is_as_the_documentation_says(Agent::Grok);
}

#[test]
fn droid() {
    column_is_as_the_documentation_says(Agent::Droid);
}

#[test]
fn what_each_agent_makes_of_an_answer_is_as_the_documentation_says() {
    let contained: Vec<Option<&str>> = std::thread::scope(|scope| {
        let threads = Agent::ALL.map(|agent| scope.spawn(move || crate::contain(agent)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (agent, contained) in Agent::ALL.into_iter().zip(contained) {
        let Some(contained) = contained else { return };
        // The first two are what the story of each agent is about.
        let cells =
            [("denied", "does not run"), ("allowed", "runs"), ("to run contained", contained)];
        compare("answers", "a call that is", agent, &cells);
    }
}

/// A column of a table in the documentation, against what was tried out.
fn compare(name: &str, corner: &str, agent: Agent, cells: &[(&str, &str)]) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/agents.md");
    // Several may be printed at once.
    let lock = File::create(std::env::temp_dir().join("ringfence-agents.lock")).unwrap();
    lock.lock().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) =
        (format!("<!-- {name}: printed by a test -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the begin of the table");
    let (printed, after) = rest.split_once(&end).expect("the end of the table");
    let table = with_column(printed, corner, agent, cells);
    if std::env::var_os("RINGFENCE_BLESS").is_some() {
        fs::write(&file, [before, &begin, &table, &end, after].concat()).unwrap();
    } else {
        assert_eq!(printed, table, "print it with RINGFENCE_BLESS=1");
    }
}

/// The table with these cells in the column of this agent; those of the others stay.
fn with_column(printed: &str, corner: &str, agent: Agent, cells: &[(&str, &str)]) -> String {
    let lines = printed.lines().filter(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> =
        lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    let kept = |what: &str, of: Agent| {
        let column = rows.first()?.iter().position(|title| *title == of.title())?;
        rows.iter().find(|row| row[0] == what)?.get(column).copied()
    };
    let titles = Agent::ALL.map(Agent::title).join(" | ");
    let mut table =
        format!("\n| {corner} | {titles} |\n|---|{}\n", "---|".repeat(Agent::ALL.len()));
    for (what, cell) in cells {
        let row =
            Agent::ALL.map(|of| if of == agent { cell } else { kept(what, of).unwrap_or("?") });
        table.push_str(&format!("| {what} | {} |\n", row.join(" | ")));
    }
    table.push('\n');
    table
}
