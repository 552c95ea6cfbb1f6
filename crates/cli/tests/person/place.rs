//! A home folder with a gate, the terminal of a person, and an agent.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
}

pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

impl Place {
    /// `None` where a terminal program cannot be made to look like the administrator's.
    pub(crate) fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if !is_there("script")
            || !is_there("setsid")
            || folder.path().metadata().unwrap().uid() != 0
        {
            assert!(
                std::env::var_os("RINGFENCE_FULL").is_none(),
                "needs root, `script` and `setsid`"
            );
            eprintln!("skipped: needs root, `script` and `setsid`");
            return None;
        }
        let place = Self { folder };
        for folder in ["proj", "bin", "home", "config"] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        let script = which("script");
        fs::copy(script, place.path("bin/xterm")).unwrap();
        Some(place)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn program(&self) -> String {
        env!("CARGO_BIN_EXE_ringfence").to_owned()
    }

    /// What leads the commands of a person to this place.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |name: &str| self.path(name).to_str().unwrap().to_owned();
        vec![
            ("HOME", text("home")),
            ("RINGFENCE_STATE", text("state")),
            ("RINGFENCE_CONFIG", text("config")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("TERM", "xterm".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("PS1", "$ ".to_owned()),
        ]
    }

    /// A command apart from whatever runs the tests, which may itself be an agent.
    pub(crate) fn apart(&self, words: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("-f").args(words).env_clear().envs(self.variables());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(self.path("proj"));
        command
    }

    pub(crate) fn ringfence(&self, args: &[&str]) -> Run {
        let mut command = Command::new(self.program());
        command.args(args).env_clear().envs(self.variables()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        Run { code: output.status.code().unwrap(), out }
    }

    /// The file of the only case.
    pub(crate) fn only_case(&self) -> PathBuf {
        let entries = fs::read_dir(self.path("state/cases")).unwrap();
        let mut cases = entries.map(|entry| entry.unwrap().path());
        cases.find(|path| path.extension().is_some_and(|it| it == "case")).expect("a case waits")
    }

    pub(crate) fn code(&self) -> String {
        let case: Value = serde_json::from_slice(&fs::read(self.only_case()).unwrap()).unwrap();
        case["code"].as_str().unwrap().to_owned()
    }

    /// A receipt of an entry that is in the log, and is about something else.
    pub(crate) fn first_receipt(&self) -> String {
        let log = fs::read_to_string(self.path("state/audit/000001.jsonl")).unwrap();
        let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        let hash = first["hash"].as_str().unwrap();
        json!({"seq": 1, "hash": hash.trim_start_matches("sha256:")}).to_string()
    }

    /// How often somebody who is no person has tried.
    pub(crate) fn attempts(&self) -> usize {
        let log = self.ringfence(&["audit", "tail", "-n", "10000", "--json"]).out;
        log.matches("guard.override-without-person").count()
    }

    pub(crate) fn starts_tmux(&self) {
        if is_there("tmux") {
            let socket = self.path("theirs");
            let words = [
                "tmux",
                "-S",
                socket.to_str().unwrap(),
                "new-session",
                "-d",
                "-x",
                "200",
                "-y",
                "50",
            ];
            assert!(self.apart(&words).status().unwrap().success());
            wait(|| socket.exists().then_some(()));
        }
    }

    /// A service for logins over ssh, as a machine has it: for this user, by a key that an agent can read.
    pub(crate) fn starts_sshd(&self) -> Option<Service> {
        if !is_there("sshd") {
            return None;
        }
        for key in ["host-key", "user-key"] {
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(self.path(key));
            assert!(made.status().unwrap().success());
        }
        fs::create_dir_all("/run/sshd").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let option = |name: &str, file: &str| format!("-o{name}={}", self.path(file).display());
        let mut command = Command::new(which("sshd"));
        command.args(["-D", "-f", "/dev/null", "-oStrictModes=no", "-oListenAddress=127.0.0.1"]);
        command.arg(format!("-oPort={port}")).arg(option("HostKey", "host-key"));
        command.arg(option("AuthorizedKeysFile", "user-key.pub")).arg("-oPidFile=none");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let service = Service(command.spawn().unwrap());
        wait(|| TcpStream::connect(("127.0.0.1", port)).ok());
        let me = Command::new("id").arg("-un").output().unwrap().stdout;
        let me = String::from_utf8(me).unwrap();
        let way = format!(
            "-F none -p {port} -i {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -o LogLevel=ERROR {}@127.0.0.1",
            self.path("user-key").display(),
            me.trim()
        );
        fs::write(self.path("ssh"), way).unwrap();
        Some(service)
    }

    pub(crate) fn stops_tmux(&self) {
        if is_there("tmux") {
            let _ =
                Command::new("tmux").arg("-S").arg(self.path("theirs")).arg("kill-server").status();
        }
    }
}

/// A program that ends with the test.
pub(crate) struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.into_iter().find(|path| path.exists()).unwrap()
}

pub(crate) fn wait<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "it never came");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A terminal that a person types on.
pub(crate) struct Terminal {
    keys: File,
    screen: PathBuf,
    pid: u32,
}

impl Terminal {
    pub(crate) fn open(place: &Place) -> Self {
        let (keys, screen, pid) = (place.path("keys"), place.path("screen"), place.path("pid"));
        [&keys, &screen, &pid].iter().for_each(|path| drop(fs::remove_file(path)));
        assert!(Command::new("mkfifo").arg(&keys).status().unwrap().success());
        // Opened for both, so that neither side waits for the other.
        let ours = File::options().read(true).write(true).open(&keys).unwrap();
        let code = format!(
            "echo $$ > {}; exec {} -qfc 'exec sh -i' {} < {}",
            pid.display(),
            place.path("bin/xterm").display(),
            screen.display(),
            keys.display()
        );
        assert!(place.apart(&["sh", "-c", &code]).status().unwrap().success());
        let pid = wait(|| fs::read_to_string(&pid).ok()?.trim().parse().ok());
        let terminal = Self { keys: ours, screen, pid };
        terminal.waits_for("$ ");
        // What is started next is younger than this by more than a tick.
        thread::sleep(Duration::from_millis(50));
        terminal
    }

    fn shown(&self) -> String {
        fs::read(&self.screen)
            .map(|it| String::from_utf8_lossy(&it).into_owned())
            .unwrap_or_default()
    }

    /// Types a line.
    pub(crate) fn types(&self, line: &str) {
        // What was shown before counts no more.
        File::options().write(true).open(&self.screen).unwrap().set_len(0).unwrap();
        (&self.keys).write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Presses these keys, and no Enter.
    pub(crate) fn presses(&self, keys: &str) {
        File::options().write(true).open(&self.screen).unwrap().set_len(0).unwrap();
        (&self.keys).write_all(keys.as_bytes()).unwrap();
    }

    /// Types the letters that are shown, and waits for what comes of it.
    pub(crate) fn proves(&self, then: &str) {
        let letters = self.waits_for_letters();
        self.types(&letters);
        self.waits_for(then);
    }

    /// Waits until this is on the screen, and returns all that is.
    pub(crate) fn waits_for(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return shown;
            }
            assert!(start.elapsed() < PATIENCE, "`{text}` was never shown: {shown}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn sees(&self, line: &str, text: &str) -> bool {
        self.types(line);
        self.waits_for(text).contains(text)
    }

    /// The letters that are to be typed.
    pub(crate) fn waits_for_letters(&self) -> String {
        let letters = |shown: &str| {
            let (_, rest) = shown.split_once(", type ")?;
            Some(rest.split_once(':')?.0.to_owned())
        };
        let start = Instant::now();
        loop {
            let shown = self.shown();
            if let Some(letters) = letters(&shown) {
                return letters;
            }
            assert!(start.elapsed() < PATIENCE, "nothing is to be typed: {shown}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn allows(&self, place: &Place) {
        self.types(&format!("{} allow-once {}", place.program(), place.code()));
        let letters = self.waits_for_letters();
        self.types(&letters);
        self.waits_for("let through once");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-9", &self.pid.to_string()]).status();
    }
}

/// An agent: a shell that starts hooks, and tool calls beside them.
pub(crate) struct Agent<'p> {
    place: &'p Place,
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    calls: u32,
}

impl<'p> Agent<'p> {
    pub(crate) fn start(place: &'p Place) -> Self {
        let mut command = Command::new("bash");
        command.env_clear().envs(place.variables()).current_dir(place.path("proj"));
        command.env("RINGFENCE", place.program()).env("TMP", place.path(""));
        command.env("BIN", place.path("bin"));
        if is_there("python3") {
            command.env("PYTHON", which("python3"));
        }
        command.env("ENV", format!("RINGFENCE_STATE={}", place.path("state").display()));
        command.env("OUT", place.path("out"));
        command.env("SSH", fs::read_to_string(place.path("ssh")).unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (orders, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { place, process, orders, answers: BufReader::new(answers), calls: 0 }
    }

    /// Runs shell code, and returns what it says.
    fn order(&mut self, code: &str) -> String {
        writeln!(self.orders, "{code}\necho; echo END").unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the agent ended: {said}");
            if line == "END\n" {
                return said.trim().to_owned();
            }
            said.push_str(&line);
        }
    }

    fn sends(&mut self, event: &Value) -> String {
        let place = self.place;
        let file = place.path("event.json");
        fs::write(&file, event.to_string()).unwrap();
        let [state, config, home] = ["state", "config", "home"].map(|name| place.path(name));
        self.order(&format!(
            "{} hook claude-code --state {} --config {} --home {} < {} 2>/dev/null",
            place.program(),
            state.display(),
            config.display(),
            home.display(),
            file.display()
        ))
    }

    fn event(&self, name: &str) -> Value {
        json!({"session_id": "s", "hook_event_name": name, "cwd": self.place.path("proj")})
    }

    pub(crate) fn begin(&mut self) {
        let mut event = self.event("SessionStart");
        event["source"] = json!("startup");
        assert_eq!(self.sends(&event), "");
    }

    /// What the gate says of a shell command.
    pub(crate) fn asks(&mut self, command: &str) -> (String, String) {
        self.calls += 1;
        let mut event = self.event("PreToolUse");
        event["tool_name"] = json!("Bash");
        event["tool_input"] = json!({"command": command});
        event["tool_use_id"] = json!(format!("c{}", self.calls));
        let said = self.sends(&event);
        if said.is_empty() {
            return ("allow".to_owned(), String::new());
        }
        let output: Value = serde_json::from_str(&said).unwrap();
        let text = |name: &str| output["hookSpecificOutput"][name].as_str().unwrap().to_owned();
        (text("permissionDecision"), text("permissionDecisionReason"))
    }

    /// Runs the code of a tool call.
    pub(crate) fn runs(&mut self, code: &str) -> String {
        let _ = fs::remove_file(self.place.path("out"));
        let file = self.place.path("call.sh");
        fs::write(&file, format!("export CODE={}\n{code}\n", self.place.code())).unwrap();
        self.order(&format!("timeout 20 bash {} 2>&1 < /dev/null", file.display()))
    }

    /// Leaves something running, and returns its process.
    pub(crate) fn starts(&mut self, code: &str) -> u32 {
        self.order(&format!("{code} < /dev/null > /dev/null 2>&1 & echo $!")).parse().unwrap()
    }

    /// Waits until somebody has ended it.
    pub(crate) fn must_be_gone(mut self) {
        wait(|| self.process.try_wait().unwrap());
    }

    pub(crate) fn ends(mut self) {
        drop(self.orders);
        let _ = self.process.wait();
    }
}
