//! The gate, started as the agent would start it, with a call that it must deny.

#![expect(clippy::disallowed_methods, reason = "the registered command is started and waited for")]

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ringfence_adapters::hook::{CANARY_DENIED, HookAgent, Reply};

use super::{Fault, Found, fails, unknown, warns};

/// What `init` registers with every agent that can be told.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(2);

/// Whether this command, in the agent's place, denies the canary in a way that the agent hears.
pub(super) fn denied(agent: HookAgent, command: &str, here: &Path) -> Found {
    let folder = here.to_string_lossy();
    let started = Instant::now();
    let (reply, status) = answer(agent, command, here, &agent.canary(&folder))?;
    let took = started.elapsed();
    if let Some(reason) = agent.reason_of_denial(&reply) {
        return match reason.strip_prefix(CANARY_DENIED) {
            Some(code) => {
                let took = took.as_millis();
                Ok(format!("the gate denied a call that it must deny ({code}, {took} ms)"))
            }
            // It holds, by denying everything.
            None => Err(warns(format!("every call is denied: {reason}"))),
        };
    }
    let said = reply.stdout.trim().chars().take(80).collect::<String>();
    let what = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, Some(126 | 127)) => {
            let problem = reply.stderr.lines().last().unwrap_or_default();
            format!("it cannot be started: {problem}")
        }
        (None, Some(0)) if said.is_empty() => "it let the canary pass".to_owned(),
        (None, Some(code)) if said.is_empty() => {
            format!("it ended with {code} and did not say no")
        }
        (None, Some(code)) => format!("it ended with {code} and said `{said}`"),
        (None, None) => "it ended in a way that is not known".to_owned(),
    };
    let title = agent.title();
    Err(fails(format!(
        "the gate did not deny a call that it must deny: {what}; {title} may run such calls"
    )))
}

/// Runs it with this on its standard input.
fn answer(
    agent: HookAgent,
    command: &str,
    here: &Path,
    message: &str,
) -> Result<(Reply, ExitStatus), Fault> {
    let [shell, flag] = agent.hook_shell();
    let mut gate = Command::new(shell)
        .args([flag, command])
        .current_dir(here)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| unknown(format!("`{shell}` cannot be started: {error}")))?;
    if let Some(mut input) = gate.stdin.take() {
        let message = message.to_owned();
        // One that does not read must not keep us.
        thread::spawn(move || input.write_all(message.as_bytes()));
    }
    let [out, err] = [heard(gate.stdout.take()), heard(gate.stderr.take())];
    let status = ended(&mut gate)?;
    let text = |heard: mpsc::Receiver<Vec<u8>>| {
        let bytes = heard.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
    Ok((Reply { stdout: text(out), stderr: text(err), code }, status))
}

fn heard(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut output) = output {
            let _ = output.by_ref().take(1 << 20).read_to_end(&mut bytes);
        }
        let _ = send.send(bytes);
    });
    receive
}

fn ended(gate: &mut Child) -> Result<ExitStatus, Fault> {
    let started = Instant::now();
    loop {
        match gate.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if started.elapsed() < PATIENCE => thread::sleep(STEP),
            Ok(None) => {
                let _ = gate.kill();
                let _ = gate.wait();
                let seconds = PATIENCE.as_secs();
                return Err(fails(format!("the gate did not answer within {seconds} s")));
            }
            Err(error) => return Err(unknown(error.to_string())),
        }
    }
}
