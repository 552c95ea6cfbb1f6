//! What it costs to watch a run: the same work plain, held, and held and watched, in turn.
//!
//! Time of processors is that of everything that was started, the supervisor among it, as `times` of the
//! shell that waits for it tells.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts processes, takes the time and throws its folder away"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

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
    let base = if Path::new("/var/lib").is_dir() { "/var/lib" } else { "/tmp" };
    let folder = Path::new(base).join(format!("ringfence-observe-bench-{}", std::process::id()));
    fs::create_dir_all(folder.join("ws"))?;
    let measured = measure(&binary, tree, &folder, rounds);
    let removed = fs::remove_dir_all(&folder);
    measured?;
    removed?;
    Ok(true)
}

fn measure(binary: &Path, tree: &Path, folder: &Path, rounds: usize) -> Result<(), Failure> {
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
                times.push(once(binary, *options, code, folder)?);
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
) -> Result<(f64, f64), Failure> {
    let mut words: Vec<String> = Vec::new();
    if let Some(options) = options {
        words.extend([binary.display().to_string(), "run".to_owned()]);
        words.extend(options.iter().map(|it| (*it).to_owned()));
        words.push("--".to_owned());
    }
    words.extend(["sh", "-c", code].map(str::to_owned));
    let mut command = Command::new("bash");
    // The times of a command and of all that it waited for, in seconds with three digits.
    command.args(["-c", "TIMEFORMAT='%U %S'; time \"$@\"", "bash"]).args(&words);
    command.current_dir(folder.join("ws")).env("RINGFENCE_STATE", folder.join("state"));
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let wall = begun.elapsed().as_secs_f64() * 1000.0;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().last().unwrap_or_default();
    let times: Vec<f64> = line.split(' ').filter_map(|it| it.parse().ok()).collect();
    if !output.status.success() || times.len() != 2 {
        return Err(format!("`{code}` failed: {text}").into());
    }
    Ok((wall, times.iter().sum::<f64>() * 1000.0))
}

fn middle(mut times: Vec<(f64, f64)>) -> (f64, f64) {
    let at = times.len() / 2;
    let mut of = |value: fn(&(f64, f64)) -> f64| {
        times.sort_by(|one, other| value(one).total_cmp(&value(other)));
        times.get(at).map(value).unwrap_or_default()
    };
    (of(|it| it.0), of(|it| it.1))
}
