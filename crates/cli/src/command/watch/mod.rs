//! `ringfence watch`: what agents do, as they do it, in a terminal, and a way to step in.
//!
//! It follows the daemon's live stream where there is one, and the log itself where there is none, from one to the other
//! and back without a gap. It changes nothing by itself: what a person wants done is done by the commands that prove
//! that it is a person (`ringfence allow-once`, `ringfence hold`), for which the screen is given back for as long
//! as they take.

mod draw;
mod model;
mod row;
mod source;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ringfence_record::RecordError;

use self::model::{Watched, Wish};
use self::source::Source;
use super::allow_once::{self, AllowOnce};
use super::hold::{self, HoldCommand};
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::color::{self, ColorWhen};
use crate::render::snippet;

/// Watch what agents do, as they do it, and step in
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence watch\n\nKeys are shown by `?`.")]
pub(crate) struct Watch {
    /// How many entries from before to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 500)]
    entries: u64,
}

/// So long a key is waited for before it is looked whether there is more to show.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn run(watch: &Watch, color: ColorWhen, out: &mut impl Write) -> Result<Exit, Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let help = "run it in a terminal; `ringfence audit tail` prints the newest entries";
        return Err(Problem::new("there is no terminal to show it on", help).into());
    }
    let Some((folder, log)) = places::existing_log()? else {
        writeln!(out, "nothing was recorded yet; `ringfence init` registers the gate")?;
        return Ok(Exit::Fine);
    };
    let newest = log.newest().map_err(failed)?;
    let mut source = Source::after(newest.saturating_sub(watch.entries), folder, log);
    let mut watched = Watched::new(TimeZone::system(), is_colored(color));
    let mut terminal = ratatui::try_init()?;
    let done = follow(&mut terminal, &mut watched, &mut source, out);
    ratatui::restore();
    done
}

fn follow(
    terminal: &mut DefaultTerminal,
    watched: &mut Watched,
    source: &mut Source,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    loop {
        let trouble = source.look(watched).err().map(|error| error.to_string());
        watched.trouble(trouble);
        terminal.draw(|frame| draw::draw(frame, watched))?;
        if !event::poll(PAUSE)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        match watched.press(key) {
            None => {}
            Some(Wish::End) => return Ok(Exit::Fine),
            Some(wish) => {
                ratatui::restore();
                carry_out(&wish, out)?;
                *terminal = ratatui::try_init()?;
            }
        }
    }
}

/// By the command that proves that a person wants it. How it ended stands on the screen until a key.
fn carry_out(wish: &Wish, out: &mut impl Write) -> Result<(), Failure> {
    let done = match wish {
        Wish::End => return Ok(()),
        Wish::LetThrough(code) => allow_once::allow_once(&AllowOnce::of(code), out),
        Wish::Refuse(code) => allow_once::refuse(&AllowOnce::of(code), out),
        Wish::Hold(kind, session) => hold::run(&HoldCommand::on(*kind, session.clone()), out),
        Wish::Release(id) => hold::run(&HoldCommand::release(id), out),
    };
    if let Err(failure) = done {
        match failure {
            Failure::Problem(problem) => {
                write!(out, "{}", snippet::report(&problem, color::width()))?;
            }
            other => return Err(other),
        }
    }
    write!(out, "\npress Enter to go on watching ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(())
}

/// Whether colours are wanted: `NO_COLOR` counts unless the person said `--color always`.
fn is_colored(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
    }
}

fn failed(error: RecordError) -> Problem {
    Problem::new("the audit log cannot be followed", "see the cause").because(error)
}
