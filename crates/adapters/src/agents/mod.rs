//! The agents, one file each: what their tools are called and what they take.

mod acp;
mod amp;
mod antigravity;
mod claude_code;
mod cline;
mod codex;
mod copilot;
mod cursor;
mod droid;
mod gemini_cli;
mod generic;
mod grok;
mod kimi;
mod kiro;
mod opencode;
mod qwen_code;
mod windsurf;

use crate::normalize::Tools;

/// Every agent by its kind. The order settles which table speaks first for a call without an agent.
pub(crate) const ALL: &[(&str, Tools)] = &[
    ("claude-code", claude_code::TOOLS),
    ("codex", codex::TOOLS),
    ("copilot", copilot::TOOLS),
    ("gemini-cli", gemini_cli::TOOLS),
    ("antigravity", antigravity::TOOLS),
    ("cursor", cursor::TOOLS),
    ("opencode", opencode::TOOLS),
    ("qwen-code", qwen_code::TOOLS),
    ("windsurf", windsurf::TOOLS),
    ("cline", cline::TOOLS),
    ("droid", droid::TOOLS),
    ("grok", grok::TOOLS),
    ("kiro", kiro::TOOLS),
    ("kimi", kimi::TOOLS),
    ("amp", amp::TOOLS),
    ("acp", acp::TOOLS),
    ("generic", generic::TOOLS),
];

/// The tools of one kind of agent.
pub(crate) fn tools_of(kind: &str) -> Option<Tools> {
    ALL.iter().find(|(name, _)| *name == kind).map(|(_, tools)| *tools)
}
