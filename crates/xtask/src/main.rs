//! Build tasks, as `cargo xtask TASK`: what must hold of the repository itself, what is generated
//! from the code, and reports over recorded commands.

mod catalog;
mod contained;
mod corpus;
mod files;
mod fuzz;
mod hold_bench;
mod hook_bench;
mod hostile;
mod models_bench;
mod mutate;
mod observe_bench;
mod redteam;
mod schema;
mod serve_bench;
mod tidy;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build tasks of Ringfence")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check what holds of the sources: layers, purity, sizes, module prose, links.
    Tidy,
    /// Write the schemas that are generated from the code.
    Schema {
        /// Write nothing; fail where a file differs.
        #[arg(long)]
        check: bool,
    },
    /// Check where catalogue entries stand, and write the page that lists them.
    Catalog {
        /// Write nothing; fail where the page differs.
        #[arg(long)]
        check: bool,
    },
    /// Decide recorded commands and report what came of it; needs RINGFENCE_DATA.
    Corpus {
        /// Every source, not real traffic alone. Nothing is written.
        #[arg(long)]
        all: bool,
        /// Print the actions that this rule or opaque reason spoke on, instead of a report.
        #[arg(long, value_name = "ID")]
        show: Option<String>,
        /// Read what calls returned with these weights, say of `train --without`, and print what is
        /// interrupted then.
        #[arg(long, value_name = "FILE")]
        probe: Option<PathBuf>,
    },
    /// Carry out harmless commands that are contained, outside of the walls and inside, in a world that
    /// is thrown away; needs RINGFENCE_DATA, root, and `unshare` and `setpriv` of util-linux.
    Contained {
        /// The program that builds the walls.
        #[arg(long, value_name = "FILE", default_value = "target/release/ringfence")]
        binary: PathBuf,
        /// How many commands.
        #[arg(long, default_value_t = 300)]
        size: usize,
    },
    /// Train the models of `classify` and write their weights and reports; needs RINGFENCE_DATA.
    Train {
        /// Leave the weights as they are; write the reports alone.
        #[arg(long)]
        measure: bool,
        /// This one alone.
        #[arg(long)]
        only: Option<train::Which>,
        /// Instead, train the probe without these sources and write its weights to `--out`.
        #[arg(long, value_name = "SOURCE", requires = "out")]
        without: Vec<String>,
        /// Where to.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The folder with `model.onnx` and `vocab.txt`: what `benches/encoder/run` makes.
        #[arg(long, value_name = "FOLDER", default_value = "target/encoder/model")]
        model: PathBuf,
    },
    /// Bring attacks forward in many ways and report what the probe makes of them, and what the rules
    /// make of what they are after.
    Redteam,
    /// Take each rule of the default packs away in turn: some case of tests/policy or tests/bypass
    /// must fail for it.
    MutateRules,
    /// Measure how long an agent waits for `ringfence hook`, against plain process start; over the
    /// traffic in RINGFENCE_DATA, or a mix of its own.
    HookBench {
        /// What is measured.
        #[arg(long, value_name = "FILE", default_value = "target/release/ringfence")]
        binary: PathBuf,
        /// How many calls.
        #[arg(long, default_value_t = 200)]
        runs: usize,
        /// Instead, how long so many calls of one session at the same time wait for each other.
        #[arg(long, value_name = "N")]
        parallel: Option<usize>,
        /// Instead, the same for the words of every agent, a call of each in turn.
        #[arg(long)]
        agents: bool,
    },
    /// Measure the embedded models: time, load, memory, what they add to the binary; and the encoder, where there is
    /// one. To be run as a release build on a quiet machine.
    ModelsBench {
        /// The folder with `model.onnx` and `vocab.txt`.
        #[arg(long, value_name = "FOLDER")]
        encoder: Option<PathBuf>,
        /// How often.
        #[arg(long, default_value_t = 200)]
        rounds: usize,
        /// MiB of the long result.
        #[arg(long, default_value_t = 100)]
        long: usize,
    },
    /// Measure how much `ringfence serve` bears: decisions a second, how long one takes, who watches, memory;
    /// and how long an agent waits for a hook that asks it.
    ServeBench {
        /// What is measured.
        #[arg(long, value_name = "FILE", default_value = "target/release/ringfence")]
        binary: PathBuf,
        /// How long it is asked.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// By how many connections.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// How many watch meanwhile.
        #[arg(long, default_value_t = 200)]
        watchers: usize,
        /// How many entries the log has before.
        #[arg(long, default_value_t = 100_000)]
        entries: u64,
        /// How many hooks are started.
        #[arg(long, default_value_t = 100)]
        hooks: usize,
        /// No two sessions are told the same by their users.
        #[arg(long)]
        own_words: bool,
    },
    /// Measure how soon a hold is there: from its being placed to the denial of the next call, through a whole hook
    /// process; with the daemon deciding for others, and without one.
    HoldBench {
        /// What is measured.
        #[arg(long, value_name = "FILE", default_value = "target/release/ringfence")]
        binary: PathBuf,
        /// How many holds, with the daemon and without it each.
        #[arg(long, default_value_t = 200)]
        holds: usize,
        /// Decisions a second that the daemon makes for others meanwhile.
        #[arg(long, default_value_t = 500)]
        load: u32,
    },
    /// Measure what it costs to watch a run, on work of many files, against the same run that is not watched.
    ObserveBench {
        /// What is measured.
        #[arg(long, value_name = "FILE", default_value = "target/release/ringfence")]
        binary: PathBuf,
        /// The tree of files that is worked on.
        #[arg(long, value_name = "DIR", default_value = "crates")]
        tree: PathBuf,
        /// How often each.
        #[arg(long, default_value_t = 11)]
        rounds: usize,
    },
    /// Change commands at random and analyse what comes of it: no panic, no input that takes long.
    FuzzSmoke {
        /// Of all targets together, which run side by side.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The same number makes the same inputs.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// This target alone, in this process.
        #[arg(long)]
        target: Option<String>,
    },
    /// Write the commands that fuzzing begins with as a corpus for `cargo fuzz`.
    FuzzSeeds,
    /// Analyse and decide commands that are written to be expensive, and print what the worst cost.
    Hostile {
        /// These alone.
        #[arg(long)]
        family: Option<String>,
        /// Print so many of each family.
        #[arg(long, default_value_t = 0)]
        slowest: usize,
    },
}

/// What a task says when it cannot finish.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Tidy => tidy::run(),
        Task::Schema { check } => schema::run(check),
        Task::Catalog { check } => catalog::run(check),
        Task::Corpus { all, show, probe } => corpus::run(all, show.as_deref(), probe.as_deref()),
        Task::Contained { binary, size } => contained::run(&binary, size),
        Task::Train { out: Some(out), without, .. } => train::without(&without, &out),
        Task::Train { measure, only, model, .. } => train::run(only, measure, &model),
        Task::Redteam => redteam::run(),
        Task::ModelsBench { encoder, rounds, long } => {
            models_bench::run(encoder.as_deref(), rounds, long)
        }
        Task::MutateRules => mutate::run(),
        Task::HookBench { binary, runs, agents: true, .. } => hook_bench::agents(&binary, runs),
        Task::HookBench { binary, runs, parallel: None, .. } => hook_bench::run(&binary, runs),
        Task::HookBench { binary, parallel: Some(at_once), .. } => {
            hook_bench::parallel(&binary, at_once)
        }
        Task::ServeBench { binary, seconds, connections, watchers, entries, hooks, own_words } => {
            serve_bench::run(&serve_bench::Load {
                binary,
                seconds,
                connections,
                watchers,
                entries,
                hooks,
                own_words,
            })
        }
        Task::HoldBench { binary, holds, load } => {
            hold_bench::run(&hold_bench::Terms { binary, holds, load })
        }
        Task::ObserveBench { binary, tree, rounds } => observe_bench::run(&binary, &tree, rounds),
        Task::FuzzSmoke { seconds, seed, target: None } => fuzz::run(seconds, seed),
        Task::FuzzSmoke { seconds, seed, target: Some(target) } => {
            fuzz::run_one(&target, seconds, seed)
        }
        Task::FuzzSeeds => fuzz::write_seeds(),
        Task::Hostile { family, slowest } => hostile::run(family.as_deref(), slowest),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}
