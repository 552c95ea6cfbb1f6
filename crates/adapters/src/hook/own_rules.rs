//! What a person told the agent itself about shell commands.
//!
//! Agents match their rules against the command that they are about to run. Once that is `ringfence run
//! …`, a rule of the person's own that forbids or asks about the original no longer speaks: rewriting
//! would lift it. So a call that such a rule may speak about is not rewritten. Whether it may is judged
//! broadly; the agents' own matching is their own affair.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstObject, CstRootNode};

use super::HookAgent;

impl HookAgent {
    /// Where the agent's own rules may be, most general first; a folder stands for every file of settings or
    /// rules in it. `folders` are those that the agent works in.
    pub fn rule_files(
        self,
        home: Option<&Path>,
        transcript: Option<&Path>,
        folders: &[&Path],
    ) -> Vec<PathBuf> {
        // Of the person, and of the project.
        let below = |folder: &str, names: &[&str]| -> Vec<PathBuf> {
            let folders = home.iter().chain(folders).map(|it| it.join(folder));
            folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).collect()
        };
        let system = |folder: &str, names: &[&str]| -> Vec<PathBuf> {
            names.iter().map(|name| Path::new("/etc").join(folder).join(name)).collect()
        };
        match self {
            Self::ClaudeCode => {
                let names = ["settings.json", "settings.local.json"];
                // Transcripts are kept in `CONFIG/projects/PROJECT/SESSION.jsonl`.
                let config = transcript.and_then(|path| path.ancestors().nth(3));
                let config = config.into_iter().flat_map(|it| names.map(|name| it.join(name)));
                let managed =
                    system("claude-code", &["managed-settings.json", "managed-settings.d"]);
                managed.into_iter().chain(config).chain(below(".claude", &names)).collect()
            }
            Self::Codex => [system("codex", &["rules"]), below(".codex", &["rules"])].concat(),
            Self::GeminiCli => {
                let names = ["settings.json", "policies"];
                [system("gemini-cli", &names), below(".gemini", &names)].concat()
            }
            Self::OpenCode => {
                let names = ["opencode.json", "opencode.jsonc", "config.json"];
                let folders = [".config/opencode", ".opencode", ""].map(|it| below(it, &names));
                [system("opencode", &names), folders.concat()].concat()
            }
            _ => Vec::new(),
        }
    }

    /// The rule in these settings that may forbid or ask about this code, if any, in words.
    pub fn rule_about(self, settings: &str, code: &str) -> Option<String> {
        let object = || CstRootNode::parse(settings, &ParseOptions::default()).ok()?.object_value();
        let unreadable = || Some("settings that cannot be read".to_owned());
        match self {
            Self::ClaudeCode => match object() {
                Some(object) => rule_about(&object, code),
                None => unreadable(),
            },
            // One pattern may be spread over lines, so that any such rule may speak.
            Self::Codex => strict_word(settings, &["forbidden", "prompt"]),
            Self::GeminiCli => match object() {
                Some(object) => excluded(&object, code),
                None => strict_word(settings, &["deny", "ask_user"]),
            },
            Self::OpenCode => match object() {
                Some(object) => permission(&object, false, code),
                None => unreadable(),
            },
            _ => None,
        }
    }

    /// The same, of the words that the agent was started with.
    pub fn flag_about(self, arguments: &[String], code: &str) -> Option<String> {
        let has = |word: &str| arguments.iter().any(|it| it == word);
        let after = |flag: &str| {
            let found = arguments.iter().enumerate().find(|(_, it)| it.starts_with(flag));
            let rest = found.and_then(|(at, _)| arguments.get(at..)).unwrap_or_default();
            rest.iter().flat_map(|text| listed(text)).find(|rule| speaks(rule, code))
        };
        let named =
            |flag: &str| arguments.iter().any(|it| it.starts_with(flag)).then(|| flag.to_owned());
        match self {
            Self::ClaudeCode => named("--settings").or_else(|| after("--disallowed")),
            // Inside of its own sandbox there is no room for another.
            Self::Codex => {
                let without = ["--dangerously-bypass-approvals-and-sandbox", "danger-full-access"];
                (!without.iter().any(|word| has(word))).then(|| "its own sandbox".to_owned())
            }
            Self::Copilot => named("--sandbox").or_else(|| after("--deny-tool")),
            Self::GeminiCli => named("--policy")
                .or_else(|| named("--admin-policy"))
                .or_else(|| after("--exclude-tools")),
            _ => None,
        }
    }
}

/// The first of these words that stands in rules whose form is not looked into.
fn strict_word(rules: &str, words: &[&str]) -> Option<String> {
    let lines = rules.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut lines = lines.filter(|line| words.iter().any(|word| line.contains(word)));
    lines.next().map(|line| line.trim().to_owned())
}

/// Tools that Gemini CLI is told not to offer: `run_shell_command(rm)`.
fn excluded(settings: &CstObject, code: &str) -> Option<String> {
    let tools = settings.object_value("tools");
    let lists = [
        tools.as_ref().and_then(|tools| tools.array_value("exclude")),
        settings.array_value("excludeTools"),
    ];
    let rules = lists.into_iter().flatten().flat_map(|list| list.elements());
    let mut rules = rules.filter_map(|rule| rule.as_string_lit()?.decoded_value().ok());
    rules.find(|rule| speaks(rule, code))
}

/// OpenCode's patterns of commands, below every `permission`.
fn permission(object: &CstObject, below: bool, code: &str) -> Option<String> {
    object.properties().iter().find_map(|property| {
        let name = property.name()?.decoded_value().ok()?;
        let value = property.value()?;
        if let Some(inner) = value.as_object() {
            return permission(&inner, below || name == "permission", code);
        }
        let says = value.as_string_lit()?.decoded_value().ok()?;
        let strict = below && matches!(says.as_str(), "deny" | "ask");
        (strict && speaks_of(&name, code)).then_some(name)
    })
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

/// Whether a rule such as `Bash(rm *)` may speak about a command.
fn speaks(rule: &str, code: &str) -> bool {
    const SHELLS: [&str; 5] = ["Bash", "shell", "run_shell_command", "ShellTool", "bash"];
    let Some((tool, pattern)) = rule.split_once('(') else { return false };
    let tool = tool.rsplit(['=', ',', ' ']).next().unwrap_or(tool);
    SHELLS.contains(&tool) && speaks_of(pattern.strip_suffix(')').unwrap_or(pattern), code)
}

/// Whether a pattern may speak about a command: every word of it occurs there. A pattern of every command
/// speaks about the rewritten one as well, and is the agent's affair.
fn speaks_of(pattern: &str, code: &str) -> bool {
    let plain: String = code.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
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
    fn rules_of_other_agents_are_found_too() {
        let codex = |rules| HookAgent::Codex.rule_about(rules, "npm publish");
        assert_eq!(codex("prefix_rule(pattern=[\"ls\"], decision=\"allow\") # no prompt"), None);
        assert!(codex("prefix_rule(pattern=[\"npm\"],\n decision=\"forbidden\")").is_some());
        let gemini = |rules, code| HookAgent::GeminiCli.rule_about(rules, code);
        let settings = r#"{"tools": {"exclude": ["run_shell_command(npm publish)", "web_fetch"]}}"#;
        assert!(gemini(settings, "npm publish x").is_some());
        assert!(gemini(settings, "npm ci").is_none());
        assert!(
            gemini("[[rule]]\ndecision = \"deny\"\ncommandPrefix = \"git\"", "npm ci").is_some()
        );
        let opencode = |rules, code| HookAgent::OpenCode.rule_about(rules, code);
        let settings = r#"{"permission": {"bash": {"*": "ask", "npm publish*": "deny", "ls": "allow"}},
                           "agent": {"build": {"permission": {"bash": {"git push *": "ask"}}}}}"#;
        assert!(opencode(settings, "npm publish").is_some());
        assert!(opencode(settings, "git push origin").is_some());
        assert!(opencode(settings, "npm ci && ls").is_none());
        assert!(opencode("{", "npm ci").is_some());
        let flags = |agent: HookAgent, words: &[&str], code| {
            agent.flag_about(&words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), code)
        };
        assert!(flags(HookAgent::Codex, &["codex", "exec"], "ls").is_some());
        let bypassed = ["codex", "--dangerously-bypass-approvals-and-sandbox", "exec"];
        assert!(flags(HookAgent::Codex, &bypassed, "ls").is_none());
        let denied = ["copilot", "--deny-tool", "shell(npm publish)"];
        assert!(flags(HookAgent::Copilot, &denied, "npm publish").is_some());
        assert!(flags(HookAgent::Copilot, &denied, "npm ci").is_none());
        assert!(
            flags(HookAgent::Copilot, &["copilot", "--deny-tool=shell(rm:*)"], "rm x").is_some()
        );
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
