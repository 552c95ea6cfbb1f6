//! How soon a hold is there: from the moment at which somebody holds a session, through the hold being on disk and a
//! whole hook process, to the denial that the agent reads. With the daemon while it decides for others, and without.
//!
//! Every call is one of a session that was let through before, every other one of an agent within the session. A call
//! that is not denied for being held is a failure, however fast it was answered.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures, in a folder of its own, and takes the time"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use ringfence_record::StateFolder;
use ringfence_record::holds::{Hold, HoldKind, Holds};
use ringfence_testkit::timing::Percentiles;
use serde_json::{Value, json};

use crate::serve_bench::load::{Asking, ask_while, bodies};
use crate::serve_bench::{hook, start};
use crate::{Failure, hook_bench};

/// What is asked for.
pub(crate) struct Terms {
    pub(crate) binary: PathBuf,
    /// How many holds, with the daemon and without it each.
    pub(crate) holds: usize,
    /// Decisions a second that the daemon makes for others meanwhile.
    pub(crate) load: u32,
}

/// From hold to effect, for 99 of 100.
const P99_MS: f64 = 100.0;

/// They ask for others.
const CONNECTIONS: u32 = 8;

/// Measures, and prints a table. False where the bar is missed.
pub(crate) fn run(terms: &Terms) -> Result<bool, Failure> {
    let folder = env::temp_dir().join(format!("ringfence-hold-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(terms, &folder);
    let removed = fs::remove_dir_all(&folder);
    let [with, without] = measured?.map(Percentiles::of);
    removed?;
    println!("| from hold to the denial of the next call | n | p50 | p99 | longest | bar |");
    println!("|---|---|---|---|---|---|");
    let load = terms.load;
    let names = [format!("daemon, {load} decisions a second beside"), "no daemon".to_owned()];
    for (name, it) in names.iter().zip([&with, &without]) {
        println!(
            "| {name} | {} | {:.1} ms | {:.1} ms | {:.1} ms | p99 {P99_MS:.0} ms |",
            it.count, it.p50, it.p99, it.max
        );
    }
    Ok([with, without].iter().all(|it| it.p99 <= P99_MS))
}

fn measure(terms: &Terms, folder: &Path) -> Result<[Vec<f64>; 2], Failure> {
    StateFolder::open(folder.join("state"))?;
    let (daemon, bodies, over) = (start(&terms.binary, folder)?, bodies()?, AtomicBool::new(false));
    let with = thread::scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS.min(terms.load))
            .map(|number| {
                let every = Duration::from_secs(1) * CONNECTIONS / terms.load.max(1);
                let (socket, bodies, number) = (&daemon.socket, &bodies, number as usize);
                let asking = Asking { socket, number, bodies, own_words: false, every };
                let over = &over;
                scope.spawn(move || ask_while(asking, &|| !over.load(Ordering::SeqCst)))
            })
            .collect();
        let held = held(terms, folder, "state");
        over.store(true, Ordering::SeqCst);
        for asked in asking {
            asked.join().map_err(|_| "a connection stopped")??;
        }
        held
    })?;
    drop(daemon);
    Ok([with, held(terms, folder, "alone")?])
}

/// Milliseconds from each hold to its effect.
fn held(terms: &Terms, folder: &Path, state: &str) -> Result<Vec<f64>, Failure> {
    let holds = Holds::of(&StateFolder::open(folder.join(state))?);
    let mut times = Vec::new();
    for number in 0..terms.holds {
        let session = format!("held-{number}");
        let asked = |call: &str| {
            let mut event = json!({"session_id": session, "hook_event_name": "PreToolUse",
                "cwd": folder, "tool_name": "Bash", "tool_use_id": call,
                "tool_input": {"command": format!("git diff --stat HEAD~{number}")}});
            if let Some(event) = event.as_object_mut().filter(|_| number % 2 == 1) {
                event.insert("agent_id".to_owned(), json!("a-within"));
                event.insert("agent_type".to_owned(), json!("general-purpose"));
            }
            denied(hook(&terms.binary, folder, state), &event)
        };
        if asked("before")? {
            return Err("a call was denied that nobody held".into());
        }
        let began = Instant::now();
        let hold = holds.place(Hold {
            id: String::new(),
            kind: if number % 4 < 2 { HoldKind::Pause } else { HoldKind::Kill },
            session: Some(session.clone()),
            by: "bench".to_owned(),
            reason: "to see how soon".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        })?;
        let is_denied = asked("after")?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        if !is_denied {
            return Err(format!("hold {number} had no effect on the next call").into());
        }
        holds.release(&hold.id)?;
    }
    Ok(times)
}

/// Whether the agent reads a denial that says that the session is held.
fn denied(hook: Command, event: &Value) -> Result<bool, Failure> {
    let told = hook_bench::wait_for(hook, &event.to_string())?.stdout;
    let answer: Value =
        if told.trim().is_empty() { Value::Null } else { serde_json::from_str(&told)? };
    let said = |name: &str| {
        let field = answer.get("hookSpecificOutput").and_then(|it| it.get(name));
        field.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let is_held = said("permissionDecisionReason").contains("ringfence: session.");
    Ok(said("permissionDecision") == "deny" && is_held)
}
