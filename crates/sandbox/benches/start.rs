//! What a sandbox costs to start: `true`, plain and inside, in turn, and the middle of 200.
//!
//! `cargo bench -p ringfence-sandbox`. The bar is 6 ms over plain.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement of its own, which starts programs and reads the clock"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringfence_sandbox::{Host, Plan, Profile, Request, Sandbox, Snapshot, Terms, Tier};

const LAUNCH: &str = "ringfence-bench-launch";
const ROUNDS: usize = 200;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(LAUNCH) => launch(),
        _ => measure(),
    }
}

fn launch() -> ! {
    let cwd = std::env::current_dir().unwrap();
    let request = Request {
        workspace: vec![cwd.clone()],
        cwd,
        homes: Host::homes(),
        environment: std::env::vars().collect(),
        read: vec![PathBuf::from("/usr")],
        ..Request::default()
    };
    let plan =
        Plan::for_command(&Profile::plain().unwrap(), &request, &Snapshot::default()).unwrap();
    let terms = Terms { require: Some(Tier::A), ..Terms::default() };
    let ended = Sandbox::run(&plan, &["/bin/true".into()], &terms, &mut |_| {}).unwrap();
    std::process::exit(ended.code.into())
}

fn measure() {
    let own = std::env::current_exe().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let time = |program: &str, arguments: &[&str]| -> Duration {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        let start = Instant::now();
        assert!(command.status().unwrap().success());
        start.elapsed()
    };
    let (mut plain, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(time("/bin/true", &[]));
        inside.push(time(own.to_str().unwrap(), &[LAUNCH]));
    }
    let (plain, inside) = (shape(&mut plain), shape(&mut inside));
    println!("start of true, {ROUNDS} times, in ms    p10   median    p90");
    println!("plain                             {plain}");
    println!("inside, tier A                    {inside}");
}

fn shape(times: &mut [Duration]) -> String {
    times.sort();
    let at = |part: usize| {
        let time = times.get(times.len() * part / 100).copied().unwrap_or_default();
        format!("{:6.2}", time.as_secs_f64() * 1000.0)
    };
    [at(10), at(50), at(90)].join("   ")
}
