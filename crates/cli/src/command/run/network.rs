//! What a run may reach: a list of hosts, from the command line or from a decision.
//!
//! The list becomes the rules of the egress, and the ports of the run's own network. An empty list is no
//! network at all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::Args;
use jiff::Timestamp;
use ringfence_analysis::hosts_of_class;
use ringfence_egress::{
    Allowed, Egress, Event, Host, Inbound, Inside, Pattern, Report, Rules, Sockets, Vault,
    system_resolver,
};
use ringfence_sandbox::{Doors, Host as Machine, Refusal, Request};
use serde_json::{Value, json};

use super::diary::Diary;
use super::secrets::Secrets;

/// Classes of hosts that no run reaches, whatever is allowed.
const NEVER: [&str; 2] = ["metadata-service", "webhook-catcher"];

/// Where programs usually connect to: at these ports it is said who was not reached.
const WATCHED: [u16; 3] = [22, 80, 443];

/// The part of the command line that is about the network.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct Arguments {
    /// A host that may be reached, at ports 80 and 443 or at the one given; `*.` stands for all below. After
    /// `=`, where it really is. May be given several times
    #[arg(long, value_name = "HOST[:PORT][=ADDRESS]", conflicts_with = "net")]
    allow_host: Vec<String>,
    /// All hosts of a class of the catalogue, such as `package-registry` or `source-forge`
    #[arg(long, value_name = "CLASS", conflicts_with = "net")]
    allow_class: Vec<String>,
    /// Let those hosts lead into private networks
    #[arg(long, conflicts_with = "net")]
    allow_private: bool,
    /// A port of this machine that is reached as `localhost` inside
    #[arg(long, value_name = "PORT", conflicts_with = "net", value_parser = clap::value_parser!(u16).range(1..))]
    allow_host_port: Vec<u16>,
    /// A port inside that is reached as `localhost` on this machine
    #[arg(long, value_name = "PORT", conflicts_with = "net", value_parser = clap::value_parser!(u16).range(1..))]
    publish: Vec<u16>,
    /// The most that may be sent to each host, in bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "net")]
    send_at_most: Option<u64>,
    /// A variable whose value stays outside: inside stands something like it, which is exchanged on its way to
    /// that host alone. May be given several times
    #[arg(long, value_name = "NAME=HOST", conflicts_with = "net")]
    secret: Vec<String>,
    /// Write what was asked for and reached to a file, one JSON object a line; best outside of what the run writes
    #[arg(long, value_name = "FILE", conflicts_with = "net")]
    network_log: Option<PathBuf>,
}

impl Arguments {
    /// What the command line allows, and what a profile brings.
    pub(super) fn reach(&self, hosts: &[String], classes: &[String]) -> Result<Reach, Refusal> {
        let mut reach = Reach::by_name(&[&self.allow_host, hosts].concat())?;
        for class in self.allow_class.iter().chain(classes) {
            let names = hosts_of_class(class).ok_or_else(|| {
                let remedy = "take one of the catalogue, such as `package-registry`";
                Refusal::of_request(format!("there is no class of hosts `{class}`"), remedy)
            })?;
            let rows = names.into_iter().filter_map(pattern);
            reach.rules.allowed.extend(rows.map(|it| Allowed {
                pattern: it,
                port: None,
                at: None,
            }));
        }
        reach.rules.private = self.allow_private;
        reach.rules.host_ports = self.allow_host_port.iter().copied().collect();
        reach.rules.budget = self.send_at_most;
        reach.publish = self.publish.iter().copied().collect();
        if !self.secret.is_empty() {
            let secrets = Secrets::named(&self.secret)?;
            let hosts = secrets.hosts.iter().cloned();
            // After what was said of these hosts more closely.
            reach.rules.allowed.extend(hosts.map(|it| Allowed {
                pattern: Pattern::Exactly(it),
                port: None,
                at: None,
            }));
            reach.secrets = Some(secrets);
        }
        Ok(reach)
    }

    pub(super) fn log(&self) -> Option<&Path> {
        self.network_log.as_deref()
    }
}

/// A name of the catalogue, unless it is an address.
fn pattern((name, whole_domain): (&str, bool)) -> Option<Pattern> {
    let host = Host::parse(name).ok()?;
    Some(if whole_domain { Pattern::Domain(host) } else { Pattern::Exactly(host) })
}

/// What a run may reach, and from where it may be reached.
#[derive(Debug, Default)]
pub(super) struct Reach {
    rules: Rules,
    publish: BTreeSet<u16>,
    secrets: Option<Secrets>,
    /// Whether it is written down who is asked for, even if nobody may be reached.
    watched: bool,
}

impl Reach {
    /// Hosts by name, as a person or a decision has them.
    pub(super) fn by_name(hosts: &[String]) -> Result<Self, Refusal> {
        let rows = hosts.iter().map(|it| Allowed::parse(it)).collect::<Result<Vec<_>, _>>();
        let allowed = rows.map_err(|error| {
            Refusal::of_request("the list of hosts cannot be used", "correct it").because(error)
        })?;
        let classes = NEVER.into_iter();
        let denied = classes.flat_map(|class| {
            let names = hosts_of_class(class).unwrap_or_default().into_iter().filter_map(pattern);
            names.map(move |it| (it, format!("is never reached: {class}")))
        });
        let rules = Rules { allowed, denied: denied.collect(), ..Rules::default() };
        Ok(Self { rules, publish: BTreeSet::new(), secrets: None, watched: false })
    }

    /// The same, with somebody at the door even if nobody may go out.
    pub(super) fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.publish.is_empty()
    }

    /// The doors of a network in which this can be reached. None: no network is needed.
    pub(super) fn doors(&self) -> Option<Doors> {
        (!self.is_empty() || self.watched).then(|| Doors {
            ports: self.rules.ports().into_iter().chain(WATCHED).collect(),
            resolvers: Machine::resolvers(),
            inbound: !self.publish.is_empty(),
        })
    }

    /// Puts what stands for secrets, and what is trusted, into what a run is asked to be.
    pub(super) fn equip(&self, request: &mut Request) {
        if let Some(secrets) = &self.secrets {
            secrets.equip(request);
        }
    }

    /// In words, for `--explain`.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.is_empty() {
            return lines;
        }
        lines.extend(["".to_owned(), "may be reached, by name".to_owned()]);
        lines.extend(self.rules.allowed.iter().map(|it| format!("  {it}")));
        lines.extend(
            self.rules.host_ports.iter().map(|it| format!("  localhost:{it}, of this machine")),
        );
        lines.extend(["".to_owned(), "is never reached".to_owned()]);
        let private = if self.rules.private { "" } else { "private networks, " };
        lines.push(format!(
            "  addresses instead of names, {private}this machine, {}",
            NEVER.join(", ")
        ));
        if let Some(budget) = self.rules.budget {
            lines.extend(["".to_owned(), format!("may be sent to each host\n  {budget} bytes")]);
        }
        if let Some(secrets) = &self.secrets {
            lines.extend(["".to_owned(), "stays outside, and is exchanged on its way".to_owned()]);
            lines.extend(secrets.lines());
        }
        if !self.publish.is_empty() {
            lines.extend(["".to_owned(), "can be reached from this machine".to_owned()]);
            lines.extend(self.publish.iter().map(|it| format!("  localhost:{it}, of the run")));
        }
        lines
    }

    /// The same for machines.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "hosts": self.rules.allowed.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "host_ports": self.rules.host_ports,
            "private": self.rules.private,
            "send_at_most": self.rules.budget,
            "publish": self.publish,
            "secrets": self.secrets.as_ref().map(Secrets::lines).unwrap_or_default(),
        })
    }
}

/// The egress of a run, from before it starts to after its end.
pub(super) struct Served {
    rules: Rules,
    inbound: Vec<Inbound>,
    log: Option<Arc<Mutex<File>>>,
    vault: Option<Vault>,
    egress: Option<Egress>,
}

impl Served {
    /// Takes what can be missing before anything is started: ports, and the file to write to.
    #[expect(clippy::disallowed_methods, reason = "the person named the file to write to")]
    pub(super) fn ready(reach: &mut Reach, log: Option<&Path>) -> Result<Self, Refusal> {
        let taken = |port: &u16| {
            Inbound::bind(*port).map_err(|error| {
                let what = format!("port {port} of this machine cannot be had");
                Refusal::of_request(what, "publish another one").because(error)
            })
        };
        let inbound = reach.publish.iter().map(taken).collect::<Result<_, _>>()?;
        let opened = log.map(|path| {
            File::create(path).map_err(|error| {
                let what = format!("{} cannot be written", path.display());
                Refusal::of_request(what, "name another file").because(error)
            })
        });
        let log = opened.transpose()?.map(|file| Arc::new(Mutex::new(file)));
        let vault = reach.secrets.as_mut().and_then(|it| it.vault.take());
        Ok(Self { rules: reach.rules.clone(), inbound, log, vault, egress: None })
    }

    /// Serves the sockets of the run.
    pub(super) fn serve(
        &mut self,
        sockets: ringfence_sandbox::Sockets,
        diary: &mut Diary,
    ) -> Result<(), Refusal> {
        let ringfence_sandbox::Sockets { names, doors, proxy, inside } = sockets;
        let log = self.log.clone();
        let entry = diary.listener();
        let note = move |event: &Event| {
            entry(event);
            if let Some(file) = &log {
                write_down(file, event);
            }
        };
        let sockets = Sockets { names, doors, proxy };
        let rules = std::mem::take(&mut self.rules);
        let egress = Egress::start(rules, system_resolver(), sockets, self.vault.take(), note);
        let egress = egress.and_then(|egress| {
            if let Some(inside) = inside {
                let inside: Inside = Arc::new(move |port| inside.connect(port));
                egress.publish(std::mem::take(&mut self.inbound), &inside)?;
            }
            Ok(egress)
        });
        self.egress = Some(egress.map_err(|error| {
            let what = "the ways out of the run's network cannot be served";
            Refusal::of_request(what, "free some memory or processes").because(error)
        })?);
        Ok(())
    }

    /// What happened, after the end.
    pub(super) fn finish(self) -> Report {
        self.egress.map(|it| it.finish()).unwrap_or_default()
    }
}

/// One line. What cannot be written does not stop the run.
#[expect(clippy::disallowed_methods, reason = "a line says when it was written")]
fn write_down(file: &Mutex<File>, event: &Event) {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut line = json!({ "at": now.to_string() });
    if let (Some(line), Ok(Value::Object(event))) =
        (line.as_object_mut(), serde_json::to_value(event))
    {
        line.extend(event);
    }
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writeln!(file, "{line}");
}
