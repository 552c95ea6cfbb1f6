//! Imitations of what only the agent's own program writes: turns of a conversation, notes of the system,
//! calls and results of tools.
//!
//! Programs that talk to models are full of these marks, so they count for as much as what stands next
//! to them speaks to an agent.

use crate::probe::{Finding, Kind};

const ROLES: [&str; 16] = [
    "<system>",
    "<system-reminder>",
    "</system>",
    "<|im_start|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "[INST]",
    "<<SYS>>",
    "<|start_header_id|>",
    "### Instruction:",
    "### System:",
    "[SYSTEM]",
    "\nSYSTEM:",
    "\nHuman:",
    "<admin>",
];

const TOOLS: [&str; 9] = [
    "<function_calls>",
    "<invoke name=",
    "</tool_result>",
    "</function_results>",
    "<tool_call>",
    "</tool_response>",
    "\"type\":\"tool_use\"",
    "\"type\": \"tool_use\"",
    "<tool_use>",
];

/// So much after a mark is looked at.
const AFTER: usize = 400;

pub(super) fn find(text: &str, told: &dyn Fn([usize; 2]) -> f64) -> Vec<Finding> {
    let roles = ROLES.iter().map(|mark| {
        (mark, Kind::RoleImitation, "it imitates the system or a turn of the conversation")
    });
    let tools = TOOLS
        .iter()
        .map(|mark| (mark, Kind::ToolImitation, "it imitates a call or a result of a tool"));
    let mut found = Vec::new();
    for (mark, kind, why) in roles.chain(tools) {
        for (at, _) in text.match_indices(mark).take(8) {
            let end = text.floor_char_boundary((at + mark.len() + AFTER).min(text.len()));
            let sure = told([at, end]);
            let confidence = if sure >= 0.3 { sure + (1.0 - sure) * 0.5 } else { 0.25 };
            let span = [at, at + mark.len()];
            found.push(Finding { kind, span, why: why.to_owned(), confidence });
        }
    }
    found
}
