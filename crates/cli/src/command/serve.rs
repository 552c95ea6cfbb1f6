//! `ringfence serve`: the gate as one process, with a place for people to look and to step in.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ringfence_policy::{Layer, Rule};
use ringfence_record::agents::Agents;
use ringfence_record::cases::Cases;
use ringfence_record::desk::Desk;
use ringfence_record::{RecordError, StateFolder};
use ringfence_server::{Address, ApprovalTerms, Gate, Refused, Terms};
use serde_json::{Value, json};

use super::hook::Gatehouse;
use super::{policy, status};
use crate::exit::{Exit, Failure, Problem};
use crate::person::{self, Doubt, Known};
use crate::places;
use crate::render::text::printable;

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
    let seat = person::seat(&known(&state).map_err(failed)?);
    let house = Gatehouse::of(state.path().to_owned(), places::config_folder()?, places::home()?);
    // What does not load would be found by the first call that is to be decided.
    house.rules().map_err(|refused| {
        Problem::new("the rules do not load", "see the cause").because(refused.problem)
    })?;
    let terms = Terms {
        state,
        log,
        listen: serve.listen,
        behind_tls: serve.behind_tls,
        may_enrol: seat.is_ok(),
        gate: Arc::new(Served { house, config: places::config_folder()? }),
    };
    let as_json = serve.json;
    ringfence_server::serve(terms, |address| {
        // A reader that is gone hears it from nobody, and hooks are served all the same.
        let _ = announce(address, &seat.err(), as_json, out);
    })
    .map_err(|error| Problem::new("nothing is served", "see the cause").because(error))?;
    Ok(Exit::Fine)
}

fn announce(
    address: &Address,
    doubt: &Option<Doubt>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), std::io::Error> {
    if as_json {
        writeln!(out, "{}", json!({"url": address.url, "enrol": address.code.is_some()}))?;
    } else {
        writeln!(out, "open {} in a browser; it opens once", address.url)?;
        if let Some(Doubt { problem, remedy }) = doubt {
            let why = printable(problem);
            writeln!(out, "no passkey can be enrolled from here: {why}; {remedy}")?;
        }
    }
    out.flush()?;
    if let Some(code) = &address.code {
        // For the person at the terminal alone, wherever the standard streams lead.
        let mut terminal = File::options().write(true).open("/dev/tty")?;
        writeln!(terminal, "to enrol a passkey, type {code} in the browser")?;
    }
    Ok(())
}

fn known(state: &StateFolder) -> Result<Known, RecordError> {
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
    house: Gatehouse,
    config: PathBuf,
}

impl Gate for Served {
    fn answer(&self, agent: &str, hook: u32, asked: &[u8]) -> Result<Vec<u8>, Refused> {
        let told = self.house.answer(agent, hook, asked)?;
        serde_json::to_vec(&told).map_err(|error| Refused::undecided(error.to_string()))
    }

    fn decide(&self, action: &[u8]) -> Result<Vec<u8>, Refused> {
        self.house.decide(action)
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
        let (own, built_in): (Vec<&Rule>, Vec<&Rule>) =
            bundle.rules().iter().partition(|rule| rule.layer != Layer::Default);
        let mut packs: Vec<(&str, Vec<Value>)> = Vec::new();
        for rule in built_in {
            let told = policy::told(rule);
            match packs.iter_mut().find(|(name, _)| *name == rule.file) {
                Some((_, rules)) => rules.push(told),
                None => packs.push((&rule.file, vec![told])),
            }
        }
        let packs: Vec<Value> =
            packs.into_iter().map(|(name, rules)| json!({"name": name, "rules": rules})).collect();
        let mut files: Vec<&str> = own.iter().map(|rule| rule.file.as_str()).collect();
        files.dedup();
        let own: Vec<Value> = files
            .into_iter()
            .map(|file| {
                let text = ringfence_record::given::text(file.as_ref()).map(|(text, _)| text).ok();
                let name = file.strip_prefix(&*self.config.to_string_lossy()).unwrap_or(file);
                let name = name.trim_start_matches('/').trim_start_matches("rules/");
                json!({"name": name, "text": text})
            })
            .collect();
        Ok(json!({"bundle": bundle.digest(), "preset": preset, "packs": packs, "own": own}))
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
        bundle.rule(id).map(|rule| (rule.why.clone(), rule.instead.clone()))
    }

    fn alive(&self) -> BTreeSet<String> {
        self.house.alive()
    }

    fn end(&self, session: Option<&str>) -> usize {
        self.house.end(session)
    }
}
