//! What it costs to watch a run: the same work plain, held, and held and watched, in turn.
//!
//! Time of processors is that of a control group of its own: everything that was started, the supervisor and
//! the kernel on its behalf. As root, or where control groups are handed on.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts processes, takes the time and throws its folder away"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Work of many files: a name, and shell code that is run in a folder with a tree of sources in it.
const WORK: [(&str, &str); 5] = [
    ("start of `true`", "true"),
    ("copy a tree, and remove it", "cp -r tree copy; rm -r copy"),
    (
        "pack a tree, and unpack it",
        "tar cf all.tar tree; mkdir out; tar xf all.tar -C out; rm -r out all.tar",
    ),
    (
        "a repository of a tree, and a clone",
        "cd tree; git init -q .; git add .; git -c user.name=a -c user.email=b commit -qm c; git clone -q . ../clone; rm -rf .git ../clone",
    ),
    ("search a tree", "grep -rl 'fn main' tree > found"),
];

/// The ways in which it is run: options of `ringfence run`, or plain.
const WAYS: [(&str, Option<&[&str]>); 3] =
    [("plain", None), ("held", Some(&[])), ("watched", Some(&["--observe"]))];

/// Measures `binary` and prints a table: middles of `rounds`, in ms.
pub(crate) fn run(binary: &Path, tree: &Path, rounds: usize) -> Result<bool, Failure> {
    let binary = binary.canonicalize()?;
    let group = Group::make()?;
    let base = if Path::new("/var/lib").is_dir() { "/var/lib" } else { "/tmp" };
    let folder = Path::new(base).join(format!("ringfence-observe-bench-{}", std::process::id()));
    fs::create_dir_all(folder.join("ws"))?;
    let measured = measure(&binary, tree, &folder, rounds, &group);
    let removed = fs::remove_dir_all(&folder);
    measured?;
    removed?;
    Ok(true)
}

fn measure(
    binary: &Path,
    tree: &Path,
    folder: &Path,
    rounds: usize,
    group: &Group,
) -> Result<(), Failure> {
    let workspace = folder.join("ws");
    let copied = Command::new("cp").arg("-r").arg(tree).arg(workspace.join("tree")).status()?;
    if !copied.success() {
        return Err(format!("{} cannot be copied", tree.display()).into());
    }
    println!(
        "| work, middle of {rounds}, ms | plain: wall, CPU | held | watched | watched over held, CPU |"
    );
    println!("|---|---|---|---|---|");
    for (name, code) in WORK {
        let mut times: [Vec<(f64, f64)>; 3] = Default::default();
        for _ in 0..rounds {
            for ((_, options), times) in WAYS.iter().zip(&mut times) {
                times.push(once(binary, *options, code, folder, group)?);
            }
        }
        let [plain, held, watched] = times.map(middle);
        let over = (watched.1 / held.1 - 1.0) * 100.0;
        let shown = |(wall, cpu): (f64, f64)| format!("{wall:.1}, {cpu:.1}");
        let (plain, held, watched) = (shown(plain), shown(held), shown(watched));
        println!("| {name} | {plain} | {held} | {watched} | {over:+.0} % |");
    }
    Ok(())
}

/// One run: the time that it took, and that processors took for it, in ms.
fn once(
    binary: &Path,
    options: Option<&[&str]>,
    code: &str,
    folder: &Path,
    group: &Group,
) -> Result<(f64, f64), Failure> {
    let mut words: Vec<String> = Vec::new();
    if let Some(options) = options {
        words.extend([binary.display().to_string(), "run".to_owned()]);
        words.extend(options.iter().map(|it| (*it).to_owned()));
        words.push("--".to_owned());
    }
    words.extend(["sh", "-c", code].map(str::to_owned));
    let mut command = Command::new("bash");
    command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(group.0.join("cgroup.procs"));
    command.args(&words).current_dir(folder.join("ws"));
    command.env("RINGFENCE_STATE", folder.join("state"));
    let before = group.used()?;
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let wall = begun.elapsed().as_secs_f64() * 1000.0;
    if !output.status.success() {
        return Err(format!("`{code}` failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok((wall, group.used()? - before))
}

/// A control group of its own.
struct Group(PathBuf);

impl Group {
    fn make() -> Result<Self, Failure> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
        let at =
            line.and_then(|line| line.split(' ').nth(1)).ok_or("there are no control groups")?;
        let folder = Path::new(at).join(format!("ringfence-bench-{}", std::process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// The time that processors took for it so far, in ms, once nothing is left in it.
    fn used(&self) -> Result<f64, Failure> {
        while !fs::read_to_string(self.0.join("cgroup.procs"))?.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let stat = fs::read_to_string(self.0.join("cpu.stat"))?;
        let used = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
        Ok(used.ok_or("the kernel does not tell")?.parse::<f64>()? / 1000.0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is empty, or it is left to be looked at.
        let _ = fs::remove_dir(&self.0);
    }
}

fn middle(mut times: Vec<(f64, f64)>) -> (f64, f64) {
    let at = times.len() / 2;
    let mut of = |value: fn(&(f64, f64)) -> f64| {
        times.sort_by(|one, other| value(one).total_cmp(&value(other)));
        times.get(at).map(value).unwrap_or_default()
    };
    (of(|it| it.0), of(|it| it.1))
}
