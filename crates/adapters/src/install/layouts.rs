//! How each agent lists its hooks.
//!
//! Data: what is not the same for all of them. Events are named as the agent's messages name them.

use super::json_hooks::{Layout, Literal, Reads};
use crate::hook::HookAgent;

/// What most have in common. Where it is not known what an agent reads, it is plain JSON: a file that is passed
/// over holds no gate.
const NONE: Layout = Layout {
    agent: HookAgent::ClaudeCode,
    events: Some("hooks"),
    top: &[],
    deciding: &[],
    telling: &[],
    matched: &[],
    matcher: "*",
    grouped: true,
    typed: true,
    command: "command",
    timeout: Some(("timeout", "10")),
    blocking: None,
    reads: Reads::Plain,
    switches: &[],
    listed_off: None,
    enabled: &[],
    disabled: &[],
};

pub(super) const CLAUDE_CODE: Layout = Layout {
    agent: HookAgent::ClaudeCode,
    deciding: &["PreToolUse", "PermissionRequest"],
    telling: &[
        "PostToolUse",
        "PostToolUseFailure",
        "UserPromptSubmit",
        "SessionStart",
        "SessionEnd",
        "Stop",
        "SubagentStart",
        "SubagentStop",
        "ConfigChange",
    ],
    matched: &["PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure"],
    blocking: Some(("onFailure", Literal::Text("block"))),
    switches: &[
        ("disableAllHooks", "no hook runs"),
        ("allowManagedHooksOnly", "only managed hooks run"),
    ],
    ..NONE
};

pub(super) const CODEX: Layout = Layout {
    agent: HookAgent::Codex,
    deciding: &["PreToolUse", "PermissionRequest"],
    telling: &[
        "PostToolUse",
        "UserPromptSubmit",
        "SessionStart",
        "Stop",
        "SubagentStart",
        "SubagentStop",
    ],
    ..NONE
};

pub(super) const COPILOT: Layout = Layout {
    agent: HookAgent::Copilot,
    top: &[("version", Literal::Number("1"))],
    deciding: &["PreToolUse", "PermissionRequest"],
    telling: &[
        "PostToolUse",
        "PostToolUseFailure",
        "UserPromptSubmit",
        "SessionStart",
        "SessionEnd",
    ],
    grouped: false,
    command: "bash",
    timeout: Some(("timeoutSec", "10")),
    switches: &[("disableAllHooks", "no hook runs")],
    ..NONE
};

pub(super) const GEMINI_CLI: Layout = Layout {
    agent: HookAgent::GeminiCli,
    deciding: &["BeforeTool"],
    telling: &["AfterTool", "BeforeAgent", "SessionStart", "SessionEnd"],
    matched: &["BeforeTool", "AfterTool"],
    timeout: Some(("timeout", "10000")),
    reads: Reads::Comments,
    enabled: &[("hooksConfig", "enabled"), ("tools", "enableHooks")],
    disabled: &[("hooksConfig", "disabled"), ("hooks", "disabled")],
    ..NONE
};

/// The name of the group of hooks is ours to choose.
pub(super) const ANTIGRAVITY: Layout = Layout {
    agent: HookAgent::Antigravity,
    events: Some("ringfence"),
    deciding: &["PreToolUse"],
    ..NONE
};

pub(super) const CURSOR: Layout = Layout {
    agent: HookAgent::Cursor,
    top: &[("version", Literal::Number("1"))],
    deciding: &["beforeShellExecution", "beforeMCPExecution", "beforeReadFile", "preToolUse"],
    telling: &[
        "afterShellExecution",
        "postToolUse",
        "beforeSubmitPrompt",
        "sessionStart",
        "sessionEnd",
        "stop",
    ],
    grouped: false,
    typed: false,
    blocking: Some(("failClosed", Literal::True)),
    ..NONE
};

/// Ten thousand, since some versions take what is below a thousand for milliseconds.
pub(super) const QWEN_CODE: Layout = Layout {
    agent: HookAgent::QwenCode,
    deciding: &["PreToolUse", "PermissionRequest"],
    telling: &[
        "PostToolUse",
        "PostToolUseFailure",
        "UserPromptSubmit",
        "SessionStart",
        "SessionEnd",
        "Stop",
    ],
    timeout: Some(("timeout", "10000")),
    reads: Reads::Comments,
    switches: &[("disableAllHooks", "no hook runs")],
    ..NONE
};

pub(super) const WINDSURF: Layout = Layout {
    agent: HookAgent::Windsurf,
    deciding: &["pre_run_command", "pre_write_code", "pre_read_code", "pre_mcp_tool_use"],
    telling: &["pre_user_prompt"],
    grouped: false,
    typed: false,
    timeout: None,
    ..NONE
};

/// The events are at the top of the file.
pub(super) const DROID: Layout = Layout {
    agent: HookAgent::Droid,
    events: None,
    deciding: &["PreToolUse"],
    telling: &["PostToolUse", "UserPromptSubmit", "SessionStart", "SessionEnd"],
    matched: &["PreToolUse", "PostToolUse"],
    reads: Reads::Comments,
    switches: &[("hooksDisabled", "no hook runs")],
    ..NONE
};

pub(super) const GROK: Layout = Layout {
    agent: HookAgent::Grok,
    deciding: &["PreToolUse"],
    telling: &[
        "PostToolUse",
        "PostToolUseFailure",
        "UserPromptSubmit",
        "SessionStart",
        "SessionEnd",
    ],
    listed_off: Some("global/ringfence:"),
    ..NONE
};
