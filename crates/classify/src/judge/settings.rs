//! What the user's own configuration says about the judge.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::judgement::Cost;
use super::provider::{Anthropic, Dialect, Ollama, OpenAi};
use super::rules::Slots;

/// Which actions the judge is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// None.
    #[default]
    Off,
    /// Those that rules left open and something speaks against: not all of it is understood, the session has
    /// read what it cannot trust, a subagent is involved, stage 1 flags it.
    Flagged,
    /// All that rules left open, but for reading and ordinary files of the workspace.
    All,
}

/// Why rules left an action open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Something changes, or is sent, or runs, about which no rule spoke.
    pub unspoken: bool,
    /// A part of it is not understood.
    pub opaque: bool,
    /// The session has read what it cannot trust, or what is private.
    pub tainted: bool,
    /// A subagent is started, or asks.
    pub subagent: bool,
    /// Stage 1 takes it for something that nobody asked for.
    pub flagged: bool,
}

impl Mode {
    /// Whether the judge is asked about what is open in this way.
    pub const fn wants(self, open: Open) -> bool {
        let Open { unspoken, opaque, tainted, subagent, flagged } = open;
        match self {
            Self::Off => false,
            Self::Flagged => opaque || subagent || flagged || (unspoken && tainted),
            Self::All => unspoken || opaque || subagent || flagged,
        }
    }
}

/// Whose way of speaking an endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Anthropic Messages, `/v1/messages`.
    Anthropic,
    /// OpenAI chat completions, `/v1/chat/completions`: OpenAI, vLLM, llama.cpp, Ollama and most others.
    #[serde(rename = "openai")]
    OpenAi,
    /// Ollama's own, `/api/chat`.
    Ollama,
}

impl ProviderName {
    pub(super) fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Anthropic => &Anthropic,
            Self::OpenAi => &OpenAi,
            Self::Ollama => &Ollama,
        }
    }
}

/// The section `[judge]` of the user's configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which actions it is asked about.
    pub mode: Mode,
    /// Whose way of speaking the endpoint has.
    pub provider: Option<ProviderName>,
    /// `https://host[:port][/path]`; what the provider's own path is, is added.
    pub endpoint: Option<String>,
    /// The model, as the endpoint names it.
    pub model: Option<String>,
    /// The variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key: absolute, and readable by its owner alone.
    pub key_file: Option<PathBuf>,
    /// The file with the certificates (PEM) that the endpoint's own must lead to, absolute; without it those that
    /// this machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Whether another machine may be asked without TLS.
    pub plain_http: bool,
    /// Whether one letter is asked for before an opinion.
    pub first_pass: bool,
    /// How long an answer is waited for, in milliseconds, all attempts together; by the gate six seconds at
    /// most.
    pub timeout_ms: u64,
    /// How often a request is sent at most, where it fails in a way that may pass.
    pub attempts: u32,
    /// How long an answer may be used again, in minutes.
    pub cache_minutes: u64,
    /// What may be spent.
    pub budget: Budget,
    /// What tokens cost.
    pub price: Price,
    /// The rules in prose.
    pub rules: Slots,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            provider: None,
            endpoint: None,
            model: None,
            key_env: None,
            key_file: None,
            ca_file: None,
            plain_http: false,
            first_pass: true,
            timeout_ms: 5_000,
            attempts: 3,
            cache_minutes: 30,
            budget: Budget::default(),
            price: Price::default(),
            rules: Slots::default(),
        }
    }
}

/// What may be spent; beyond it the answer is the stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Requests of one session.
    pub calls_per_session: u64,
    /// Tokens of one session.
    pub tokens_per_session: u64,
    /// Requests in one day.
    pub calls_per_day: u64,
    /// Tokens in one day.
    pub tokens_per_day: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            calls_per_session: 500,
            tokens_per_session: 2_000_000,
            calls_per_day: 5_000,
            tokens_per_day: 20_000_000,
        }
    }
}

/// What a million tokens cost, in whatever currency; all zero where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Read for the first time.
    pub input: f64,
    /// Read from the provider's cache.
    pub cached_input: f64,
    /// Written.
    pub output: f64,
}

impl Price {
    #[expect(clippy::cast_precision_loss, reason = "nobody buys 2^52 tokens")]
    pub(super) fn of(&self, cost: &Cost) -> Option<f64> {
        let sum = self.input * cost.input_tokens as f64
            + self.cached_input * cost.cached_tokens as f64
            + self.output * cost.output_tokens as f64;
        (sum > 0.0).then_some(sum / 1e6)
    }
}

/// What the endpoint wants to see. Not shown, not written.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key in a text, without the white space around it.
    ///
    /// # Errors
    /// When there is none, or one that cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, BadSettings> {
        let key = text.trim();
        let fits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let problem = "the key is empty, or has characters that no key has";
        if fits { Ok(Self(key.to_owned())) } else { Err(BadSettings::new(problem)) }
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why the settings do not make a judge, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct BadSettings {
    problem: String,
}

impl BadSettings {
    /// Settings that are bad for this reason.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into() }
    }
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) provider: ProviderName,
    pub(super) endpoint: String,
    pub(super) model: String,
}

/// Milliseconds. The gate itself waits for six seconds at most: it must have answered before its agent gives up.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 50..=120_000;

impl Settings {
    /// Whom to ask, checked.
    pub(super) fn target(&self) -> Result<Target, BadSettings> {
        let missing = |name: &str, example: &str| {
            BadSettings::new(format!(
                "`judge.{name}` is missing; set it, for example to `{example}`"
            ))
        };
        let provider = self.provider.ok_or_else(|| missing("provider", "openai"))?;
        let endpoint = self.endpoint.as_deref().map(|it| it.trim_end_matches('/'));
        let endpoint = endpoint.ok_or_else(|| missing("endpoint", "http://127.0.0.1:8080"))?;
        let model = self.model.clone().filter(|model| !model.is_empty());
        let model = model.ok_or_else(|| missing("model", "default"))?;
        if !TIMEOUTS.contains(&self.timeout_ms) {
            let (least, most) = (TIMEOUTS.start(), TIMEOUTS.end());
            return Err(BadSettings::new(format!(
                "`judge.timeout_ms` is {}; choose {least} to {most}",
                self.timeout_ms
            )));
        }
        if !(1..=5).contains(&self.attempts) {
            return Err(BadSettings::new("`judge.attempts` must be 1 to 5"));
        }
        if self.key_env.is_some() && self.key_file.is_some() {
            return Err(BadSettings::new("name `judge.key_env` or `judge.key_file`, not both"));
        }
        self.check_endpoint(endpoint)?;
        Ok(Target { provider, endpoint: endpoint.to_owned(), model })
    }

    /// A name and a password in the URL would come into logs; without TLS, everybody on the way reads along.
    fn check_endpoint(&self, endpoint: &str) -> Result<(), BadSettings> {
        let bad = |problem: &str| Err(BadSettings::new(format!("`judge.endpoint` {problem}")));
        let (scheme, rest) = match endpoint.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
            _ => return bad("does not begin with `https://` or `http://`"),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() || rest.contains(['?', '#', '@', ' ']) {
            return bad(
                "must be a scheme, a host, and a path if need be: no user, query or fragment",
            );
        }
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let is_here = host == "localhost"
            || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        if scheme == "http" && !is_here && !self.plain_http {
            return bad(
                "asks another machine without TLS; use `https://`, or set `judge.plain_http`",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Target, String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.target().map_err(|error| error.to_string())
    }

    #[test]
    fn whom_to_ask_is_said_in_full_and_checked() {
        let whole = "provider = 'openai'\nmodel = 'm'\nendpoint = ";
        for (endpoint, fits) in [
            ("'https://judge.example/v1/'", true),
            ("'http://127.0.0.1:8080'", true),
            ("'http://[::1]:8080'", true),
            ("'http://localhost:1'", true),
            ("'http://judge.example'", false),
            ("'http://127.0.0.1.example'", false),
            ("'http://127.0.0.1@judge.example'", false),
            ("'https://user:secret@judge.example'", false),
            ("'ftp://judge.example'", false),
            ("'https://'", false),
            ("'https://judge.example?key=x'", false),
            ("'http://judge.example'\nplain_http = true", true),
            ("'https://judge.example'\ntimeout_ms = 600000", false),
            ("'https://judge.example'\nattempts = 0", false),
            ("'https://judge.example'\nkey_env = 'A'\nkey_file = '/b'", false),
            ("'https://judge.example'\nkey = 'sk-1'", false),
        ] {
            let read = settings(&format!("{whole}{endpoint}"));
            assert_eq!(read.is_ok(), fits, "{endpoint}: {read:?}");
        }
        for part in
            ["", "provider = 'openai'", "provider = 'openai'\nendpoint = 'https://j.example'"]
        {
            let problem = settings(part).unwrap_err();
            assert!(problem.contains("is missing; set it"), "{problem}");
        }
        assert_eq!(Settings::default().mode, Mode::Off);
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::new(" sk-123\n").unwrap();
        assert_eq!(format!("{key:?}"), "Key(…)");
        assert_eq!(key.expose(), "sk-123");
        assert!(Key::new(" \n").is_err() && Key::new("a\r\nb: c").is_err());
    }

    #[test]
    fn what_is_open_is_asked_about_by_mode() {
        let open = Open { unspoken: true, ..Open::default() };
        let opaque = Open { opaque: true, ..Open::default() };
        let tainted = Open { tainted: true, ..Open::default() };
        for (open, flagged, all) in [
            (Open::default(), false, false),
            (tainted, false, false),
            (open, false, true),
            (Open { tainted: true, ..open }, true, true),
            (opaque, true, true),
            (Open { subagent: true, ..Open::default() }, true, true),
            (Open { flagged: true, ..Open::default() }, true, true),
        ] {
            let wants = [Mode::Off, Mode::Flagged, Mode::All].map(|mode| mode.wants(open));
            assert_eq!(wants, [false, flagged, all], "{open:?}");
        }
    }
}
