//! `ringfence hook AGENT`: one message of an agent in, one answer out.
//!
//! This process lives for milliseconds between an agent and its tool call, and nearly every agent
//! takes its silence for permission. So the order is: a watchdog first, then everything else; a
//! panic, an error and a missed deadline all end in the same denial; the record is written before
//! the answer. Nothing is taken from the environment: a repository can set variables.

mod answer;
mod contain;
mod daemon;
mod facts;
mod inside;
mod origin;
mod overrule;
mod prompts;
mod serving;
mod state;
mod timing;
mod turn;
mod words;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use clap::Args;
use ringfence_action::Action;
use ringfence_adapters::hook::{Answer, HookAgent, HookEvent, Reply};

pub(crate) use self::answer::now;
pub(crate) use self::contain::hosts_inside;
pub(crate) use self::daemon::reached as daemon_behind;
pub(crate) use self::serving::{Clerks, Gatehouse};

/// Answers one message of an agent's hook, in the agent's own dialect
///
/// Agents call this; `ringfence init` registers it. Ignores the environment: where state and
/// configuration are is said by the flags that `init` wrote.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  ringfence hook claude-code --state ~/.local/state/ringfence < event.json"
)]
pub(crate) struct Hook {
    /// The agent that speaks, as `ringfence init` names it
    #[arg(value_name = "AGENT", value_parser = agent)]
    agent: HookAgent,
    /// The state folder [default: below the home folder of the user database]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The configuration folder, with the user's rules [default: below the home folder]
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// The user's home folder [default: that of the user database]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Answer in place of the agent's own prompts, instead of leaving what is allowed to them
    #[arg(long)]
    decide: bool,
    /// The process inside a run that asks; the supervisor of the run says so, and nobody else may
    #[arg(long, hide = true, value_name = "PROCESS")]
    inside: Option<u32>,
    /// Tell on standard error where the time went
    #[arg(long, hide = true)]
    timing: bool,
}

fn agent(name: &str) -> Result<HookAgent, String> {
    HookAgent::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = HookAgent::ALL.iter().map(|agent| agent.as_str()).collect();
        format!("no agent of this kind; known are: {}", known.join(", "))
    })
}

impl Hook {
    /// The command line as `init` writes it: read by hand, since laying out every command and option of
    /// this program takes longer than many a decision. `None` is any other, which is for the parser of all
    /// of them to understand, or to refuse.
    pub(crate) fn as_written(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter().skip(1);
        if words.next()? != "hook" {
            return None;
        }
        let agent = HookAgent::from_name(words.next()?.to_str()?)?;
        let mut hook = Self {
            agent,
            state: None,
            config: None,
            home: None,
            decide: false,
            inside: None,
            timing: false,
        };
        while let Some(word) = words.next() {
            let folder = match word.to_str()? {
                "--state" => &mut hook.state,
                "--config" => &mut hook.config,
                "--home" => &mut hook.home,
                "--decide" if !hook.decide => {
                    hook.decide = true;
                    continue;
                }
                "--timing" if !hook.timing => {
                    hook.timing = true;
                    continue;
                }
                _ => return None,
            };
            let value = words.next()?;
            // What could be an option is left to the parser, and so is a value too many.
            let is_plain = value.to_str().is_some_and(|it| it.starts_with('/'));
            if !is_plain || folder.replace(value.into()).is_some() {
                return None;
            }
        }
        Some(hook)
    }
}

/// Well inside the ten seconds that `init` registers with the agent.
const DEADLINE: Duration = Duration::from_secs(4);

/// The same, where a judge is asked.
const DEADLINE_WITH_A_JUDGE: Duration = Duration::from_secs(8);

/// A judge is being asked.
static JUDGING: AtomicBool = AtomicBool::new(false);

/// So long the watchdog tries to leave word after its answer.
const LAST_WORD: Duration = Duration::from_millis(500);

/// Taken by whoever answers; nobody else writes after that.
static ANSWERED: Mutex<bool> = Mutex::new(false);

/// The event and the session of the message at hand, once they are known.
static AT_HAND: Mutex<Option<(String, String)>> = Mutex::new(None);

/// The message said that a session has ended: what it left behind is signed for.
static ENDED: AtomicBool = AtomicBool::new(false);

pub(crate) fn run(hook: &Hook) -> ExitCode {
    ringfence_sandbox::outlive_limits();
    #[cfg(feature = "encoder")]
    begin_without_switches();
    timing::begin(hook.timing);
    std::panic::set_hook(Box::new(|_| {}));
    let watched = hook.clone();
    let watchdog = thread::Builder::new().spawn(move || {
        thread::sleep(DEADLINE);
        if JUDGING.load(Ordering::Relaxed) {
            thread::sleep(DEADLINE_WITH_A_JUDGE - DEADLINE);
        }
        let code = i32::from(give_up(watched));
        #[expect(clippy::disallowed_methods, reason = "the main thread may never come back")]
        std::process::exit(code);
    });
    let reply = match watchdog {
        Ok(_) => catch_unwind(AssertUnwindSafe(|| respond(hook)))
            .unwrap_or_else(|_| fail(hook, None, "ringfence stopped unexpectedly")),
        Err(error) => fail(hook, None, &format!("no watchdog could be started: {error}")),
    };
    let code = send(&reply);
    if ENDED.load(Ordering::Relaxed) {
        answer::sign(hook);
    }
    timing::tell();
    ExitCode::from(code)
}

/// The library that runs an encoder listens to variables of its own, and some make it write where the answer goes.
/// A repository can set variables: where one of these is set, this process begins anew without it.
#[cfg(feature = "encoder")]
fn begin_without_switches() {
    use std::os::unix::process::CommandExt as _;

    let names = std::env::vars_os().map(|(name, _)| name);
    let switches: Vec<OsString> = names.filter(|name| crate::second::is_switch(name)).collect();
    let Some(program) = std::env::current_exe().ok().filter(|_| !switches.is_empty()) else {
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "it is this program, in this process")]
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in &switches {
        again.env_remove(name);
    }
    // Where it cannot, it goes on, and the encoder is not loaded.
    let _ = again.exec();
}

/// The answer of the watchdog. It waits for nothing that the main thread may be stuck in: the answer is
/// given first, and leaving word is tried beside, for a moment.
fn give_up(hook: Hook) -> u8 {
    let problem = "no decision within the deadline";
    let code = send(&refuse(&hook, None, problem));
    let (done, wait) = mpsc::channel::<()>();
    let word = thread::Builder::new().spawn(move || {
        leave_word(&hook, None, problem);
        drop(done);
    });
    if word.is_ok() {
        let _ = wait.recv_timeout(LAST_WORD);
    }
    code
}

/// Reads the message and answers it. Every error becomes a denial where the event can deny.
fn respond(hook: &Hook) -> Reply {
    let agent = hook.agent;
    // What goes wrong, and a missed deadline, are answered as the user has chosen.
    let _ = answer::chosen(hook);
    let input = match read_input() {
        Ok(input) => input,
        Err(problem) => return fail(hook, None, &problem),
    };
    let input = agent.complete(input, &variable);
    if hook.inside.is_none()
        && let Some(answered) = inside::asked_outside(hook, &input)
    {
        return answered.unwrap_or_else(|problem| refuse(hook, None, &problem));
    }
    if hook.inside.is_none()
        && let Some(reply) = daemon::asked(hook, &input)
    {
        return reply;
    }
    let message = match agent.read(&input) {
        Ok(message) => message,
        Err(error) => return fail(hook, error.event.as_deref(), &error.to_string()),
    };
    timing::mark("message");
    *AT_HAND.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((message.name.clone(), message.session.clone()));
    ENDED.store(matches!(message.event, HookEvent::End), Ordering::Relaxed);
    match answer::answer(hook, &message) {
        Ok(answer) => agent.reply(&message.name, &answer),
        Err(problem) => fail(hook, Some(&message.name), &problem.to_string()),
    }
}

fn fail(hook: &Hook, event: Option<&str>, problem: &str) -> Reply {
    leave_word(hook, event, problem);
    refuse(hook, event, problem)
}

/// The event that could not be answered, and its session, as far as they are known. `event` is what is
/// known where the message could not be read whole.
fn at_hand(hook: &Hook, event: Option<&str>) -> (String, Option<String>) {
    let at_hand = AT_HAND.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (name, session) = at_hand.unzip();
    let event = event.map(str::to_owned).or(name);
    (event.unwrap_or_else(|| hook.agent.before_call().to_owned()), session)
}

/// A word about a message that could not be answered, for whoever comes next. Nothing that goes wrong
/// here may take the denial away.
fn leave_word(hook: &Hook, event: Option<&str>, problem: &str) {
    let (event, session) = at_hand(hook, event);
    let leave = || answer::leave_word(hook, &event, session.as_deref(), problem);
    let _ = catch_unwind(AssertUnwindSafe(leave));
}

/// The denial for everything that went wrong. Events that cannot deny stay silent.
fn refuse(hook: &Hook, event: Option<&str>, problem: &str) -> Reply {
    let (event, _) = at_hand(hook, event);
    let answer = if answer::only_observes() {
        Answer::NoOpinion
    } else {
        Answer::Deny {
            reason: format!(
                "ringfence could not decide, so the answer is no: {problem}; \
                 tell the user to run `ringfence status`"
            ),
        }
    };
    hook.agent.reply(&event, &answer)
}

/// What an agent says of a call beside its message. Nothing else is taken from the environment.
fn variable(name: &str) -> Option<String> {
    if name == "PWD" {
        return std::env::current_dir().ok()?.into_os_string().into_string().ok();
    }
    std::env::var(name).ok()
}

fn read_input() -> Result<Vec<u8>, String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err("standard input is a terminal; agents call this, not people".to_owned());
    }
    let mut input = Vec::new();
    let limit = Action::MAX_BYTES as u64 + 1;
    stdin.lock().take(limit).read_to_end(&mut input).map_err(|error| error.to_string())?;
    if input.len() > Action::MAX_BYTES {
        return Err(format!("the message is longer than {} bytes", Action::MAX_BYTES));
    }
    Ok(input)
}

/// Writes the reply, once, and returns the exit code. A reply that cannot be written is a denial by
/// exit code.
fn send(reply: &Reply) -> u8 {
    let mut answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
    if *answered {
        // The other thread is about to end the process with its own answer.
        drop(answered);
        loop {
            thread::park();
        }
    }
    *answered = true;
    let mut stdout = io::stdout();
    let written = stdout.write_all(reply.stdout.as_bytes()).and_then(|()| stdout.flush());
    let explained = io::stderr().write_all(reply.stderr.as_bytes());
    if written.and(explained).is_err() { 2 } else { reply.code }
}
