//! Codex runs a hook only once its user has trusted just this hook: `config.toml` then has its hash.
//!
//! Which hooks there are, and their hashes, only Codex can tell (`codex app-server`, `hooks/list`). The
//! trust is written as one block between two comments, so that it can be found and taken out again.

use serde_json::Value;

use super::{InstallError, program_of};
use crate::hook::HookAgent;

const BEGIN: &str = "# ringfence: begin of the trust in its own hooks\n";
const END: &str = "# ringfence: end of the trust in its own hooks\n";

/// One hook, as Codex lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedHook {
    /// Codex' name of it: file, event and place.
    pub key: String,
    /// What it is now.
    pub hash: String,
    /// Whether it would run.
    pub runs: bool,
}

/// Our hooks in Codex' answer to `hooks/list`.
///
/// # Errors
/// When it is not such an answer.
pub fn our_hooks(answer: &Value) -> Result<Vec<ListedHook>, InstallError> {
    let unreadable =
        || InstallError("codex listed its hooks in a way that is not known".to_owned());
    let folders =
        answer.pointer("/result/data").and_then(Value::as_array).ok_or_else(unreadable)?;
    let mut found: Vec<ListedHook> = Vec::new();
    for hook in folders.iter().filter_map(|it| it.get("hooks")?.as_array()).flatten() {
        let text = |name: &str| hook.get(name).and_then(Value::as_str);
        let ours = text("command").and_then(|command| program_of(command, HookAgent::Codex));
        if ours.is_none() || !matches!(text("source"), Some("user" | "system")) {
            continue;
        }
        let (Some(key), Some(hash)) = (text("key"), text("currentHash")) else {
            return Err(unreadable());
        };
        let enabled = hook.get("enabled") == Some(&Value::Bool(true));
        let runs = enabled && matches!(text("trustStatus"), Some("trusted" | "managed"));
        let listed = ListedHook { key: key.to_owned(), hash: hash.to_owned(), runs };
        if !found.contains(&listed) {
            found.push(listed);
        }
    }
    Ok(found)
}

/// The configuration with these hooks trusted; everything else stays as it is.
///
/// # Errors
/// When the text is not TOML, before or after: nothing is guessed at.
pub fn with_trust(config: &str, hooks: &[ListedHook]) -> Result<String, InstallError> {
    let mut text = without_trust(config);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(BEGIN);
    for hook in hooks {
        let [key, hash] = [&hook.key, &hook.hash].map(|text| toml::Value::from(text.as_str()));
        text.push_str(&format!("[hooks.state.{key}]\ntrusted_hash = {hash}\n"));
    }
    text.push_str(END);
    toml::from_str::<toml::Table>(&text).map(|_| text).map_err(|error| {
        let problem = error.message().to_owned();
        InstallError(format!(
            "the hooks cannot be trusted in codex' configuration ({problem}); trust them with \
             `/hooks` in codex"
        ))
    })
}

/// The configuration without our block.
pub fn without_trust(config: &str) -> String {
    let Some((before, rest)) = config.split_once(BEGIN) else { return config.to_owned() };
    match rest.split_once(END) {
        Some((_, after)) => format!("{before}{after}"),
        // Without its end it is not known what is ours.
        None => config.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed() -> Vec<ListedHook> {
        let hook = |trust: &str, command: &str| {
            json!({"key": "/h/u/.codex/hooks.json:pre_tool_use:0:0", "currentHash": "sha256:07",
                   "source": "user", "enabled": true, "trustStatus": trust, "command": command})
        };
        let ours = hook("untrusted", "/opt/ringfence hook codex --state /s");
        let theirs = hook("trusted", "/opt/other");
        our_hooks(&json!({"result": {"data": [{"hooks": [ours, theirs]}]}})).unwrap()
    }

    #[test]
    fn only_ours_are_listed_and_said_not_to_run() {
        let listed = listed();
        assert_eq!(listed.len(), 1);
        assert!(!listed[0].runs);
        assert!(our_hooks(&json!({"error": {}})).is_err());
    }

    #[test]
    fn trust_comes_and_goes_and_leaves_the_rest() {
        for theirs in ["", "# mine\nmodel = \"x\"\n[tui]\ntheme = 'a'\n", "[a]\nb = 1"] {
            let with = with_trust(theirs, &listed()).unwrap();
            let read: toml::Table = toml::from_str(&with).unwrap();
            let state = read["hooks"]["state"]["/h/u/.codex/hooks.json:pre_tool_use:0:0"].clone();
            assert_eq!(state["trusted_hash"].as_str(), Some("sha256:07"));
            assert_eq!(with_trust(&with, &listed()).unwrap(), with);
            assert_eq!(without_trust(&with).trim_end(), theirs.trim_end());
        }
        assert!(with_trust("not toml", &listed()).is_err());
        // Trusted by hand already, and changed since: twice is no TOML, and is not written.
        let twice =
            "[hooks.state.\"/h/u/.codex/hooks.json:pre_tool_use:0:0\"]\ntrusted_hash = \"x\"\n";
        assert!(with_trust(twice, &listed()).is_err());
    }
}
