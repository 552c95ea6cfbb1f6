//! The agents, and a home folder of its own for each, with a project in it.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::mock::Mock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    Codex,
    Copilot,
    GeminiCli,
    QwenCode,
    OpenCode,
    Grok,
    Droid,
}

impl Agent {
    pub(crate) const ALL: [Self; 7] = [
        Self::Codex,
        Self::Copilot,
        Self::GeminiCli,
        Self::QwenCode,
        Self::OpenCode,
        Self::Grok,
        Self::Droid,
    ];

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::GeminiCli => "gemini-cli",
            Self::QwenCode => "qwen-code",
            Self::OpenCode => "opencode",
            Self::Grok => "grok",
            Self::Droid => "droid",
        }
    }

    /// Its name and the version that the suite is about.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Codex => "Codex 0.169.0",
            Self::Copilot => "Copilot CLI 1.0.102",
            Self::GeminiCli => "Gemini CLI 0.61.0",
            Self::QwenCode => "Qwen Code 0.15.10",
            Self::OpenCode => "OpenCode 1.18.33",
            Self::Grok => "Grok CLI 1.0.41",
            Self::Droid => "Droid 0.225.2",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::GeminiCli => "gemini",
            Self::QwenCode => "qwen",
            // Not the script, which would have fetched the program.
            Self::OpenCode if cfg!(target_arch = "aarch64") => {
                "../opencode-linux-arm64/bin/opencode"
            }
            Self::OpenCode => "../opencode-linux-x64/bin/opencode",
            // The programs themselves, too: what starts them would unpack or fetch.
            Self::Grok if cfg!(target_arch = "aarch64") => {
                "../@xai-official/grok-linux-arm64/bin/grok"
            }
            Self::Grok => "../@xai-official/grok-linux-x64/bin/grok",
            Self::Droid if cfg!(target_arch = "aarch64") => "../@factory/cli-linux-arm64/bin/droid",
            Self::Droid => "../@factory/cli-linux-x64/bin/droid",
        }
    }

    /// The settings that the gate is registered in, below the home folder.
    fn settings(self) -> &'static str {
        match self {
            Self::Codex => ".codex/hooks.json",
            Self::Copilot => ".copilot/hooks/ringfence.json",
            Self::GeminiCli => ".gemini/settings.json",
            Self::QwenCode => ".qwen/settings.json",
            Self::OpenCode => ".config/opencode/plugin/ringfence.js",
            Self::Grok => ".grok/hooks/ringfence.json",
            Self::Droid => ".factory/hooks.json",
        }
    }

    /// Codex starts what it runs in a sandbox, which may not be able to write here.
    pub(crate) fn is_in_a_sandbox_of_its_own(self) -> bool {
        self == Self::Codex
    }

    /// The words that leave room for `ringfence run`: without a sandbox of its own, inside of which no other
    /// starts; without a question about paths outside of the project, where the program lies.
    pub(crate) fn with_room(self) -> &'static [&'static str] {
        match self {
            Self::Codex => {
                &["--dangerously-bypass-hook-trust", "--dangerously-bypass-approvals-and-sandbox"]
            }
            Self::Copilot => &["--allow-all-paths"],
            Self::GeminiCli | Self::QwenCode | Self::OpenCode | Self::Grok | Self::Droid => &[],
        }
    }

    /// Droid tells its hooks of prompts where somebody types them, and this is not so here.
    pub(crate) fn tells_prompts(self) -> bool {
        self != Self::Droid
    }

    /// Whether a call can be changed before it runs.
    pub(crate) fn rewrites(self) -> bool {
        self != Self::QwenCode
    }

    /// What a person has there before.
    fn own_settings(self) -> Option<&'static str> {
        match self {
            Self::GeminiCli => Some(
                "{\n  // mine\n  \"security\": {\"auth\": {\"selectedType\": \"gemini-api-key\"}}\n}\n",
            ),
            Self::QwenCode => Some("{\n  \"hooks\": {\"Stop\": []} // mine\n}\n"),
            Self::Droid => Some(
                "{\n  // mine\n  \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"true\"}]}]\n}\n",
            ),
            Self::Codex | Self::Copilot | Self::OpenCode | Self::Grok => None,
        }
    }

    /// The words after the program, and the variables that lead it to the model.
    fn start(self, prompt: &str, url: &str) -> (Vec<String>, Vec<(&'static str, String)>) {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Codex => (
                words(&["exec", "--json", "--skip-git-repo-check", prompt]),
                vec![("MOCK_KEY", "x".to_owned())],
            ),
            Self::Copilot => (
                words(&["-p", prompt, "--allow-all-tools"]),
                vec![
                    ("COPILOT_OFFLINE", "true".to_owned()),
                    ("COPILOT_PROVIDER_BASE_URL", format!("{url}/v1")),
                    ("COPILOT_PROVIDER_TYPE", "openai".to_owned()),
                    ("COPILOT_MODEL", "m".to_owned()),
                ],
            ),
            Self::GeminiCli => (
                words(&["-p", prompt, "--yolo"]),
                vec![
                    ("GOOGLE_GEMINI_BASE_URL", url.to_owned()),
                    ("GEMINI_API_KEY", "x".to_owned()),
                    ("GEMINI_CLI_TRUST_WORKSPACE", "true".to_owned()),
                ],
            ),
            Self::QwenCode => (
                words(&["-p", prompt, "--yolo", "--auth-type", "openai"]),
                vec![
                    ("OPENAI_BASE_URL", format!("{url}/v1")),
                    ("OPENAI_API_KEY", "x".to_owned()),
                    ("OPENAI_MODEL", "m".to_owned()),
                ],
            ),
            Self::OpenCode => (
                words(&["run", prompt]),
                vec![
                    ("OPENCODE_DISABLE_MODELS_FETCH", "1".to_owned()),
                    ("OPENCODE_DISABLE_AUTOUPDATE", "1".to_owned()),
                ],
            ),
            Self::Grok => {
                (words(&["-p", prompt, "--permission-mode", "bypassPermissions"]), Vec::new())
            }
            Self::Droid => (
                words(&["exec", "-m", "custom:mock-0", "--skip-permissions-unsafe", prompt]),
                vec![
                    ("FACTORY_API_KEY", "fk-x".to_owned()),
                    ("FACTORY_API_BASE_URL", url.to_owned()),
                    ("FACTORY_DROID_AUTO_UPDATE_ENABLED", "false".to_owned()),
                ],
            ),
        }
    }
}

pub(crate) struct Home {
    folder: tempfile::TempDir,
    agent: Agent,
    programs: PathBuf,
    /// More properties of OpenCode's configuration.
    pub(crate) more: RefCell<&'static str>,
}

/// How the agent is started.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// Words of its command line in front of the others.
    pub(crate) flags: &'a [&'a str],
    /// Shell code that runs before it, in the same namespaces.
    pub(crate) before: &'a str,
    /// The words in front of that.
    pub(crate) wrapped: &'a [&'a str],
}

impl Home {
    /// A fresh home folder with a project in it; `None` where the agent is not there to test.
    pub(crate) fn new(agent: Agent) -> Option<Self> {
        let folder = std::env::var_os("RINGFENCE_AGENTS").map(PathBuf::from);
        let programs = folder.map(|folder| folder.join("node_modules/.bin"));
        let Some(programs) = programs.filter(|it| it.join(agent.program()).exists()) else {
            let full = std::env::var_os("RINGFENCE_FULL").is_some();
            assert!(!full, "{} is not in the folder that RINGFENCE_AGENTS names", agent.program());
            eprintln!("skipped: RINGFENCE_AGENTS names no folder with {}", agent.program());
            return None;
        };
        let home =
            Self { folder: tempfile::tempdir().unwrap(), agent, programs, more: RefCell::new("") };
        fs::create_dir_all(home.path("proj/.git")).unwrap();
        let folder = Path::new(agent.settings()).components().next().unwrap();
        fs::create_dir_all(home.path("").join(folder)).unwrap();
        if let Some(settings) = agent.own_settings() {
            fs::write(home.path(agent.settings()), settings).unwrap();
        }
        Some(home)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    fn search_path(&self) -> String {
        format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap())
    }

    pub(crate) fn ringfence(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(args)
            .current_dir(self.path("proj"))
            .env("HOME", self.path(""))
            .env("PATH", self.search_path())
            .env("RINGFENCE_STATE", self.state())
            .output()
            .unwrap()
    }

    pub(crate) fn init(&self) {
        let init = self.ringfence(&["init", "--yes", self.agent.kind()]);
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    }

    pub(crate) fn settings(&self) -> Option<String> {
        fs::read_to_string(self.path(self.agent.settings())).ok()
    }

    pub(crate) fn undo(&self) {
        let undo = self.ringfence(&["init", "--undo", "--yes", self.agent.kind()]);
        assert!(undo.status.success(), "{}", String::from_utf8_lossy(&undo.stderr));
    }

    /// Puts another program in the place of the registered one.
    pub(crate) fn replace_gate(&self, program: &Path) {
        let ours = Path::new(env!("CARGO_BIN_EXE_ringfence")).canonicalize().unwrap();
        let settings = self.settings().unwrap();
        let settings = settings.replace(ours.to_str().unwrap(), program.to_str().unwrap());
        fs::write(self.path(self.agent.settings()), settings).unwrap();
    }

    pub(crate) fn script(&self, body: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path("bin/ringfence");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn run(&self, mock: &Mock, prompt: &str) -> String {
        self.start(mock, prompt, &Start::default())
    }

    /// Runs the agent to its end, and returns what it printed.
    pub(crate) fn start(&self, mock: &Mock, prompt: &str, start: &Start<'_>) -> String {
        self.configure(&mock.url());
        let (words, variables) = self.agent.start(prompt, &mock.url());
        let before = format!("{}\nexec timeout 240 \"$@\"", start.before);
        let shell = ["/bin/sh", "-c", before.as_str(), "sh"];
        let wrapped = [start.wrapped, &shell].concat();
        let run = Command::new(wrapped[0])
            .args(&wrapped[1..])
            .arg(self.programs.join(self.agent.program()))
            .args(start.flags)
            .args(words)
            .current_dir(self.path("proj"))
            .env_clear()
            .env("PATH", self.search_path())
            .env("HOME", self.path(""))
            .env("PWD", self.path("proj"))
            .env("STATE", self.state())
            .env("SHELL", "/bin/bash")
            .envs(variables)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}", text(&run.stdout), text(&run.stderr))
    }

    /// Where the program of an agent is.
    pub(crate) fn program_of(&self, agent: Agent) -> PathBuf {
        self.programs.join(agent.program())
    }

    /// Leads some to the model; the others learn it from variables.
    fn configure(&self, url: &str) {
        match self.agent {
            Agent::OpenCode => self.configure_opencode(url),
            Agent::Codex => self.configure_codex(url),
            Agent::Grok => {
                let model = format!(
                    "[models]\ndefault = \"mock\"\n[model.mock]\nmodel = \"m\"\n\
                     base_url = \"{url}/v1\"\napi_key = \"x\"\n"
                );
                fs::write(self.path(".grok/config.toml"), model).unwrap();
            }
            Agent::Droid => {
                let settings = format!(
                    r#"{{"customModels":[{{"model":"m","displayName":"mock","baseUrl":"{url}/v1",
                    "apiKey":"x","provider":"generic-chat-completion-api","maxOutputTokens":4096}}]}}"#
                );
                fs::write(self.path(".factory/settings.json"), settings).unwrap();
            }
            Agent::Copilot | Agent::GeminiCli | Agent::QwenCode => {}
        }
    }

    /// The same, whoever else is at home here.
    pub(crate) fn configure_codex(&self, url: &str) {
        let path = self.path(".codex/config.toml");
        let trust = fs::read_to_string(&path).unwrap_or_default();
        let own = format!(
            "model_provider = \"mock\"\nmodel = \"gpt-5.4\"\n[model_providers.mock]\nname = \"mock\"\n\
             base_url = \"{url}/v1\"\nwire_api = \"responses\"\nenv_key = \"MOCK_KEY\"\n"
        );
        fs::write(path, format!("{own}{trust}")).unwrap();
    }

    /// And OpenCode, which would fetch what plugins are written with unless it seems to be there.
    fn configure_opencode(&self, url: &str) {
        let folder = self.path(".config/opencode");
        fs::create_dir_all(folder.join("node_modules")).unwrap();
        let lock = r#"{"packages":{"":{"dependencies":{"@opencode-ai/plugin":"1.18.33"}}}}"#;
        fs::write(folder.join("package-lock.json"), lock).unwrap();
        let config = format!(
            r#"{{"model":"mock/m","small_model":"mock/m","autoupdate":false,"share":"disabled","provider":{{
            "mock":{{"npm":"@ai-sdk/openai-compatible","options":{{"baseURL":"{url}/v1","apiKey":"x"}},
            "models":{{"m":{{"name":"m"}}}}}}}}{}}}"#,
            self.more.borrow()
        );
        fs::write(folder.join("opencode.json"), config).unwrap();
    }

    pub(crate) fn ran(&self, marker: &str) -> bool {
        self.path("proj").join(marker).exists()
    }

    pub(crate) fn audit(&self) -> String {
        String::from_utf8(self.ringfence(&["audit", "tail", "-n", "100", "--json"]).stdout).unwrap()
    }
}
