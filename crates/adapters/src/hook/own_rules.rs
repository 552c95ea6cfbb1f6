//! What a person told the agent itself about shell commands.
//!
//! Claude Code matches its rules against the command that it is about to run. Once that is `ringfence run
//! …`, a rule of the person's own that forbids or asks about the original no longer speaks: rewriting
//! would lift it. So a call that such a rule may speak about is not rewritten. Whether it may is judged
//! broadly; the agent's own matching is its own affair.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstObject, CstRootNode};

use super::HookAgent;

impl HookAgent {
    /// Where the agent's own rules may be, most general first; a folder stands for every JSON file in it.
    /// `folders` are those that the agent works in.
    pub fn rule_files(
        self,
        home: Option<&Path>,
        transcript: Option<&Path>,
        folders: &[&Path],
    ) -> Vec<PathBuf> {
        if !self.rewrites() {
            return Vec::new();
        }
        // Transcripts are kept in `CONFIG/projects/PROJECT/SESSION.jsonl`.
        let config = transcript.and_then(|path| path.ancestors().nth(3));
        let config = config.map(Path::to_owned).into_iter();
        let config = config.chain(home.map(|home| home.join(".claude")));
        let folders = folders.iter().map(|folder| folder.join(".claude"));
        let managed = ["managed-settings.json", "managed-settings.d"];
        let managed = managed.map(|name| Path::new("/etc/claude-code").join(name));
        let named = config.chain(folders).flat_map(|folder| {
            ["settings.json", "settings.local.json"].map(|name| folder.join(name))
        });
        managed.into_iter().chain(named).collect()
    }

    /// The rule in these settings that may forbid or ask about this code, if any, in words.
    pub fn rule_about(self, settings: &str, code: &str) -> Option<String> {
        if !self.rewrites() {
            return None;
        }
        let Ok(root) = CstRootNode::parse(settings, &ParseOptions::default()) else {
            return Some("settings that cannot be read".to_owned());
        };
        rule_about(&root.object_value()?, code)
    }

    /// The same, of the words that the agent was started with.
    pub fn flag_about(self, arguments: &[String], code: &str) -> Option<String> {
        if !self.rewrites() {
            return None;
        }
        arguments.iter().enumerate().find_map(|(index, argument)| {
            let rest = arguments.get(index..).unwrap_or_default();
            if argument.starts_with("--settings") {
                Some("--settings".to_owned())
            } else if argument.starts_with("--disallowed") {
                rest.iter().flat_map(|text| listed(text)).find(|rule| speaks(rule, code))
            } else {
                None
            }
        })
    }

    /// Whether calls of this agent are rewritten at all: no rule of any other agent can be lifted by it.
    fn rewrites(self) -> bool {
        self == Self::ClaudeCode
    }
}

fn rule_about(settings: &CstObject, code: &str) -> Option<String> {
    // Inside of the agent's own sandbox there is no room for another.
    let sandbox = settings.object_value("sandbox").and_then(|sandbox| sandbox.get("enabled"));
    if sandbox.and_then(|enabled| enabled.value()?.as_boolean_lit()).is_some_and(|it| it.value()) {
        return Some("sandbox.enabled".to_owned());
    }
    let permissions = settings.object_value("permissions")?;
    let lists = ["deny", "ask"].into_iter().filter_map(|name| permissions.array_value(name));
    let rules = lists.flat_map(|list| list.elements());
    let rules = rules.filter_map(|rule| rule.as_string_lit()?.decoded_value().ok());
    rules.into_iter().find(|rule| speaks(rule, code))
}

/// The rules in a word of a command line, which may hold several.
fn listed(text: &str) -> Vec<String> {
    text.split_inclusive(')').map(|rule| rule.trim_start_matches([',', ' ']).to_owned()).collect()
}

/// Whether a rule may speak about a command: every word of it occurs there. A rule about every command
/// speaks about the rewritten one as well, and is the agent's affair.
fn speaks(rule: &str, code: &str) -> bool {
    let Some((_, pattern)) = rule.split_once("Bash(") else { return false };
    let plain: String = code.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
    let pattern = pattern.strip_suffix(')').unwrap_or(pattern);
    let words = pattern.split([' ', '*', '\t', '\'', '"', '\\']);
    let mut words = words.map(|it| it.trim_end_matches(':')).filter(|it| !it.is_empty());
    let mut any = false;
    words.all(|word| {
        any = true;
        plain.contains(word)
    }) && any
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: HookAgent = HookAgent::ClaudeCode;

    #[test]
    fn rules_that_may_speak_are_found() {
        let settings = r#"{ // mine
            "permissions": {"deny": ["Read(./.env)", "Bash(npm publish:*)"], "ask": ["Bash(git push *)"],
                            "allow": ["Bash(make:*)"]}, }"#;
        let about = |code| AGENT.rule_about(settings, code);
        assert_eq!(about("cd x && npm publish --tag a").as_deref(), Some("Bash(npm publish:*)"));
        assert_eq!(about("n'p'm 'publish'").as_deref(), Some("Bash(npm publish:*)"));
        assert_eq!(about("git -C x push").as_deref(), Some("Bash(git push *)"));
        assert_eq!(about("npm install"), None);
        assert_eq!(about("make"), None);
        assert_eq!(AGENT.rule_about(r#"{"permissions": {"ask": ["Bash", "Bash(*)"]}}"#, "x"), None);
        assert!(AGENT.rule_about("{", "x").is_some());
        assert!(AGENT.rule_about(r#"{"sandbox": {"enabled": true}}"#, "x").is_some());
    }

    #[test]
    fn flags_of_the_agent_are_rules_too() {
        let flags = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let about = |words: &[&str], code| AGENT.flag_about(&flags(words), code);
        let given =
            ["claude", "-p", "x", "--disallowedTools", "Edit,Bash(npm publish:*),Bash(rm:*)"];
        assert!(about(&given, "npm publish").is_some());
        assert!(about(&given, "rm x").is_some());
        assert!(about(&given, "ls").is_none());
        assert!(about(&["claude", "--allowedTools", "Bash(npm:*)"], "npm ci").is_none());
        assert!(about(&["claude", "--settings", "x.json"], "ls").is_some());
    }

    #[test]
    fn the_files_are_those_of_every_layer() {
        let transcript = Path::new("/cfg/projects/-p/s.jsonl");
        let files = AGENT.rule_files(None, Some(transcript), &[Path::new("/p")]);
        for file in ["/cfg/settings.json", "/p/.claude/settings.local.json"] {
            assert!(files.contains(&PathBuf::from(file)), "{files:?}");
        }
    }
}
