//! `ringfence serve`: the gate as one process, with a place for people to look and to step in.

mod policies;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Args;
use ringfence_policy::Source;
use ringfence_record::agents::Agents;
use ringfence_record::cases::Cases;
use ringfence_record::desk::Desk;
use ringfence_record::log::Log;
use ringfence_record::{RecordError, StateFolder};
use ringfence_server::{Address, ApprovalTerms, Gate, Refused, Terms, Then};
use serde_json::{Value, json};

use super::hook::{Clerks, Gatehouse};
use super::oversight::Recount;
use super::status;
use crate::exit::{Exit, Failure, Problem};
use crate::person::{self, Doubt, Known};
use crate::render::text::printable;
use crate::{places, reviewing, rules};

/// Decide for all agents in one process, show what they do, and let people step in
///
/// Hooks ask it where it is there, and decide by themselves where it is not. Prints the address for a browser,
/// with a token that opens it once. Whoever runs as you can look; to change something takes your passkey.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence serve")]
pub(crate) struct Serve {
    /// Where browsers reach it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7475")]
    listen: SocketAddr,
    /// Something in front of it speaks TLS: listen on an address that others reach
    #[arg(long)]
    behind_tls: bool,
    /// Print the token for programs that look, and end
    #[arg(long)]
    token: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(serve: &Serve, out: &mut impl Write) -> Result<Exit, Failure> {
    let (state, log) = places::log()?;
    if serve.token {
        let token = ringfence_server::bearer_of(&Desk::of(&state)).map_err(failed)?;
        writeln!(out, "{token}")?;
        return Ok(Exit::Fine);
    }
    let seat = person::seat(&known_to(&state).map_err(failed)?);
    let house = Gatehouse::of(state.path().to_owned(), places::config_folder()?, places::home()?);
    let house = Arc::new(house);
    // What does not load would be found by the first call that is to be decided.
    house.rules().map_err(|refused| {
        Problem::new("the rules do not load", "see the cause").because(refused.problem)
    })?;
    let clerks = Clerks::start(&house, &log).map_err(|error| {
        Problem::new("nothing is served", "free some memory or processes").because(error)
    })?;
    let terms = Terms {
        state,
        log: log.clone(),
        listen: serve.listen,
        behind_tls: serve.behind_tls,
        show_code: Box::new(show_code),
        gate: Arc::new(Served {
            house,
            clerks,
            config: places::config_folder()?,
            oversight: Arc::new(Mutex::new(Recount::of(log.clone()))),
            log,
        }),
    };
    let as_json = serve.json;
    ringfence_server::serve(terms, |address| {
        // A reader that is gone hears it from nobody, and hooks are served all the same.
        let _ = announce(address, seat.as_ref().err(), as_json, out);
    })
    .map_err(|error| Problem::new("nothing is served", "see the cause").because(error))?;
    Ok(Exit::Fine)
}

fn announce(
    address: &Address,
    doubt: Option<&Doubt>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), std::io::Error> {
    if as_json {
        writeln!(out, "{}", json!({"url": address.url, "enrol": doubt.is_none()}))?;
    } else {
        writeln!(out, "open {} in a browser; it opens once", address.url)?;
        if let Some(Doubt { problem, remedy }) = doubt {
            let why = printable(problem);
            writeln!(out, "no passkey can be enrolled from here: {why}; {remedy}")?;
        }
    }
    out.flush()
}

/// For the person at the terminal alone, wherever the standard streams lead; looked at anew, since an agent may have
/// come to this terminal.
fn show_code(code: &str) -> Result<(), String> {
    let known = places::log().map_err(|_| "the state folder cannot be used".to_owned());
    let known = known.and_then(|(state, _)| known_to(&state).map_err(|error| error.to_string()))?;
    person::seat(&known).map_err(|Doubt { problem, remedy }| format!("{problem}; {remedy}"))?;
    let minutes = ringfence_server::CODE_SERVES.as_secs() / 60;
    let terminal = File::options().write(true).open("/dev/tty");
    terminal
        .and_then(|mut terminal| {
            let text = "to enrol a passkey, type";
            writeln!(
                terminal,
                "{text} {code} in the browser; it serves once, for {minutes} minutes"
            )
        })
        .map_err(|error| format!("the terminal cannot be written to: {error}"))
}

fn known_to(state: &StateFolder) -> Result<Known, RecordError> {
    let waiting = Cases::open(state)?.pending()?;
    let mut agents: BTreeSet<String> = Agents::open(state)?.all()?.into_iter().collect();
    agents.extend(waiting.iter().filter_map(|case| case.process.clone()));
    let namespaces = waiting.iter().filter_map(|case| case.namespace.clone()).collect();
    Ok(Known { agents, namespaces })
}

fn failed(error: RecordError) -> Problem {
    Problem::new("the state folder cannot be used", "see the cause").because(error)
}

/// The gate, and what else this machine says of itself.
struct Served {
    house: Arc<Gatehouse>,
    clerks: Clerks,
    config: PathBuf,
    log: Log,
    oversight: Arc<Mutex<Recount>>,
}

impl Served {
    /// The user's own rules, as they lie there now.
    fn own(&self) -> Result<Vec<Source>, String> {
        rules::own_sources(&self.config, reviewing::me())
    }
}

impl Gate for Served {
    fn answer(&self, agent: &str, hook: u32, asked: &[u8]) -> Result<Vec<u8>, Refused> {
        let told = self.house.answer(agent, hook, asked)?;
        serde_json::to_vec(&told).map_err(|error| Refused::undecided(error.to_string()))
    }

    fn decide(&self, action: Vec<u8>, then: Then) {
        self.clerks.ask(action, then);
    }

    fn bundle(&self) -> Result<String, String> {
        let (bundle, _) = self.house.rules().map_err(|refused| refused.problem)?;
        Ok(bundle.digest().to_owned())
    }

    fn status(&self) -> Result<Value, String> {
        status::report().map_err(|_| "it cannot be told; run `ringfence status`".to_owned())
    }

    fn policies(&self) -> Result<Value, String> {
        let (bundle, preset) = self.house.rules().map_err(|refused| refused.problem)?;
        Ok(policies::told(&bundle, preset, &self.own()?))
    }

    fn check_rules(&self, name: &str, text: &str) -> Result<Value, String> {
        policies::check(&self.own()?, &self.config, name, text)
    }

    fn try_rules(&self, name: &str, text: &str, action: &Value) -> Result<Value, String> {
        let (bundle, preset) = self.house.rules().map_err(|refused| refused.problem)?;
        let home = places::home().map_err(|_| "the home folder is not known".to_owned())?;
        let own = self.own()?;
        policies::try_on(bundle, preset, (&own, &self.config), (name, text), (action, &home))
    }

    fn replay_rules(&self, name: &str, text: &str, days: u32) -> Result<Value, String> {
        let (bundle, _) = self.house.rules().map_err(|refused| refused.problem)?;
        let own = self.own()?;
        let when = (super::hook::now(), days);
        policies::replay(bundle, (&own, &self.config), (name, text), &self.log, when)
    }

    fn keep_rules(&self, name: &str, text: &str) -> Result<(), String> {
        policies::keep(&self.own()?, &self.config, name, text)
    }

    fn oversight(&self) -> Result<Value, String> {
        Recount::told(&self.oversight)
            .map_err(|_| "it cannot be told; run `ringfence oversight`".to_owned())
    }

    fn approvals(&self) -> Result<ApprovalTerms, String> {
        let approvals = self.house.chosen()?.approvals;
        Ok(ApprovalTerms {
            per_hour: approvals.per_hour,
            needs_two: approvals.needs_two,
            probes_per_day: approvals.probes.then_some(approvals.probes_per_day),
        })
    }

    fn rule(&self, id: &str) -> Option<(String, String)> {
        let (bundle, _) = self.house.rules().ok()?;
        bundle.rule(id).map(policies::why)
    }

    fn alive(&self) -> BTreeSet<String> {
        self.house.alive()
    }

    fn end(&self, session: Option<&str>) -> usize {
        self.house.end(session)
    }
}
