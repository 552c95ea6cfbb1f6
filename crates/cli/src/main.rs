//! The `ringfence` command.
//!
//! Thin: arguments in, one module of [`command`] at work, an exit code out. Decisions are made by
//! the engine alone; what is here reads input that may be anything and shows answers to people and
//! machines.

mod command;
mod ending;
mod exit;
mod input;
mod person;
mod places;
mod processes;
mod progress;
mod recorded;
mod recording;
mod render;
mod retention;
mod reviewing;
mod rules;
mod second;
mod wiring;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{
    allow_once, audit, check, doctor, eval, explain, hold, hook, init, judge, oversight, policy,
    probe, replay, run, serve, setup, status, version, watch,
};
use crate::exit::{Exit, Failure, Problem};
use crate::render::color::{self, ColorWhen};
use crate::render::snippet;

/// Decides what AI agents may do, and says why
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: ColorWhen,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0    fine
  1    something was denied, asked or found
  2    the command or its input was wrong
  125  could not enforce

Start with what your own agent did:
  ringfence replay";

#[derive(Debug, Subcommand)]
enum Command {
    AllowOnce(allow_once::AllowOnce),
    Audit(audit::Audit),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Eval(eval::Eval),
    Explain(explain::Explain),
    Hold(hold::HoldCommand),
    Hook(hook::Hook),
    Init(init::Init),
    Judge(judge::Judge),
    Oversight(oversight::Oversight),
    Pending(allow_once::Pending),
    Policy(policy::Policy),
    Probe(probe::Probe),
    Replay(replay::Replay),
    Run(Box<run::Run>),
    Serve(serve::Serve),
    Setup(setup::Setup),
    Status(status::Status),
    Version(version::Version),
    Watch(watch::Watch),
}

fn main() -> ExitCode {
    ringfence_sandbox::Sandbox::carry_on();
    // An agent waits: nothing but the answer may happen.
    if let Some(hook) = hook::Hook::as_written(std::env::args_os()) {
        return hook::run(&hook);
    }
    let run = run::Alone::as_written(std::env::args_os());
    let run = run.map(|(color, run)| Cli { color, command: Command::Run(run) });
    let cli = run.unwrap_or_else(Cli::parse);
    if let Command::Hook(hook) = &cli.command {
        return hook::run(hook);
    }
    let mut out = color::stdout(cli.color);
    let done = match &cli.command {
        Command::AllowOnce(allow) => allow_once::allow_once(allow, &mut out),
        Command::Pending(pending) => allow_once::pending(pending, &mut out),
        Command::Audit(audit) => audit::run(audit, &mut out),
        Command::Check(check) => check::run(check, &mut out),
        Command::Doctor(doctor) => doctor::run(doctor, &mut out),
        Command::Eval(eval) => eval::run(eval, &mut out),
        Command::Explain(explain) => explain::run(explain, &mut out),
        Command::Replay(replay) => replay::run(replay, &mut out),
        Command::Run(run) => run::run(run, &mut out),
        Command::Hold(command) => hold::run(command, &mut out),
        Command::Hook(_) => Ok(Exit::Usage),
        Command::Init(init) => init::run(init, &mut out),
        Command::Judge(judge) => judge::run(judge, &mut out),
        Command::Oversight(oversight) => oversight::run(oversight, &mut out),
        Command::Policy(policy) => policy::run(policy, &mut out),
        Command::Probe(probe) => probe::run(probe, &mut out),
        Command::Serve(serve) => serve::run(serve, &mut out),
        Command::Setup(setup) => setup::run(setup, &mut out),
        Command::Status(status) => status::run(status, &mut out),
        Command::Version(version) => version::run(version, &mut out),
        Command::Watch(watch) => watch::run(watch, cli.color, &mut out),
    };
    let done = done.and_then(|exit| Ok(out.flush().map(|()| exit)?));
    done.unwrap_or_else(|failure| report(failure, cli.color)).into()
}

/// Says what went wrong, unless nobody listens any more.
fn report(failure: Failure, color: ColorWhen) -> Exit {
    let width = color::width();
    let text = match failure {
        Failure::Problem(problem) => snippet::report(&problem, width),
        Failure::Report(snippets) => snippets.iter().map(|it| it.render(width)).collect(),
        Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => return Exit::Usage,
        Failure::Output(error) => {
            let help = "make room, or write elsewhere";
            snippet::report(&Problem::new("cannot write the output", help).because(error), width)
        }
    };
    // Standard error may be gone as well; the exit code still tells.
    let _ = write!(color::stderr(color), "{text}");
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// Read by hand or by the parser of everything, a command line says the same; and where only one of the
    /// two takes it, that is the parser.
    #[test]
    fn a_hook_is_started_the_same_however_its_words_are_read() {
        let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
        let parsed = |line: &str| match Cli::try_parse_from(words(line)).ok()?.command {
            Command::Hook(hook) => Some(hook),
            _ => None,
        };
        for line in [
            "ringfence hook claude-code",
            "/opt/ringfence hook codex --state /s --config /c --home /h --decide",
            "ringfence hook gemini-cli --home /h --state /s",
            "ringfence hook acp --timing --decide",
        ] {
            let by_hand = hook::Hook::as_written(words(line));
            assert!(by_hand.is_some(), "{line}");
            assert_eq!(by_hand, parsed(line), "{line}");
        }
        // Understood all the same, or refused: by the parser.
        for line in [
            "ringfence",
            "ringfence hook",
            "ringfence hook nobody",
            "ringfence hook codex --state",
            "ringfence hook codex --state --decide",
            "ringfence hook codex --state=/s",
            "ringfence hook codex --state relative",
            "ringfence hook codex --state /a --state /b",
            "ringfence hook codex --decide --decide",
            "ringfence hook codex --inside 7",
            "ringfence hook codex --help",
            "ringfence hook --decide codex",
            "ringfence hook codex -- --decide",
            "ringfence hook codex more",
            "ringfence status hook codex",
        ] {
            assert_eq!(hook::Hook::as_written(words(line)), None, "{line}");
        }
    }
}
