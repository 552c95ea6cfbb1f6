//! Tools that drive a browser or a whole desktop.
//!
//! Browsers come as MCP servers (Playwright, Chrome's developer tools, Claude in Chrome…) or as a
//! tool with an `action`. Their operations get one name each where they mean the same.

use ringfence_action::Call;
use serde_json::{Map, Value};

use super::node::{Node, Problem, same_name};
use super::shape::Shape;

/// A tool that drives the browser by itself, the operation in `action`.
pub(crate) const ACTION: Shape = Shape { read: action, usage: "{\"action\":\"screenshot\"}" };

fn action(input: &Node<'_>) -> Result<Call, Problem> {
    let name = input.need_words(&["action", "operation"])?.value;
    Ok(Call::Browser {
        operation: canonical(&name),
        pointer: input.pointer().to_owned(),
        arguments: input.value().clone(),
    })
}

/// Browser tools of editors that carry no `browser_` in their name, and what they do.
const NATIVE: &[(&str, &str)] = &[
    ("open_browser_url", "navigate"),
    ("open_simple_browser", "navigate"),
    ("execute_browser_javascript", "evaluate"),
    ("capture_browser_screenshot", "screenshot"),
    ("capture_browser_console_logs", "read"),
    ("read_browser_page", "read"),
    ("list_browser_pages", "read"),
    ("click_browser_pixel", "click"),
    ("preview_url", "navigate"),
];

/// Server names, or starts of them, that are browsers.
const SERVERS: &[&str] = &[
    "playwright",
    "puppeteer",
    "chrome",
    "claude-in-chrome",
    "claude-for-chrome",
    "browser",
    "computer-use",
    "computer",
    "plugin-playwright",
    "cursor-browser",
    "cursor-ide-browser",
];

/// The operation of a native tool whose name says that it drives a browser.
pub(super) fn operation_of(tool: &str) -> Option<String> {
    if let Some((_, operation)) = NATIVE.iter().find(|(name, _)| same_name(name, tool)) {
        return Some((*operation).to_owned());
    }
    let lower = tool.to_ascii_lowercase();
    // Copilot and OpenCode put the server before the tool.
    let name = ["playwright-", "playwright_", "chrome-devtools-", "chrome-devtools_"]
        .iter()
        .find_map(|server| lower.strip_prefix(server))
        .unwrap_or(&lower);
    let known = name.strip_prefix("browser_").or_else(|| name.strip_prefix("puppeteer_"));
    match known {
        Some(operation) => Some(canonical(operation)),
        None if name.len() < lower.len() => Some(canonical(name)),
        None => None,
    }
}

/// The operation of an MCP tool, if its server is a browser.
pub(super) fn operation_of_mcp(server: &str, tool: &str) -> Option<String> {
    let server = server.to_ascii_lowercase().replace('_', "-");
    let is_browser = SERVERS.iter().any(|name| {
        server.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    let tool = tool.to_ascii_lowercase();
    let bare = tool.strip_prefix("browser_").or_else(|| tool.strip_prefix("puppeteer_"));
    (is_browser || bare.is_some()).then(|| canonical(bare.unwrap_or(&tool)))
}

pub(super) fn driven(operation: String, input: &Node<'_>) -> Call {
    let arguments = match input.value() {
        Value::Null => Value::Object(Map::new()),
        other => other.clone(),
    };
    Call::Browser { operation, pointer: input.pointer().to_owned(), arguments }
}

/// One word for operations that mean the same; others keep their own.
fn canonical(operation: &str) -> String {
    let operation = operation.trim().to_ascii_lowercase().replace('-', "_");
    let word = match operation.as_str() {
        "navigate" | "goto" | "navigate_to" | "navigate_page" | "launch" | "open" | "open_url"
        | "new_page" | "tab_new" | "tabs_create" => "navigate",
        "click" | "left_click" | "right_click" | "middle_click" | "double_click"
        | "triple_click" | "mouse_click_xy" | "left_mouse_down" | "left_mouse_up" => "click",
        "type" | "fill" | "fill_form" | "form_input" | "key" | "press_key" | "hold_key"
        | "press" | "select_option" | "select" | "type_text" => "type",
        "evaluate" | "evaluate_script" | "javascript_tool" | "run_code" | "run_code_unsafe"
        | "execute_javascript" | "execute_script" => "evaluate",
        "upload" | "file_upload" | "upload_file" | "upload_image" | "drop_files" => "upload",
        "screenshot" | "take_screenshot" | "zoom" => "screenshot",
        "snapshot"
        | "take_snapshot"
        | "read_page"
        | "get_page_text"
        | "get_text"
        | "find"
        | "console_messages"
        | "list_console_messages"
        | "read_console_messages"
        | "network_requests"
        | "list_network_requests"
        | "read_network_requests"
        | "get_visible_text"
        | "get_visible_html" => "read",
        other => other,
    };
    word.to_owned()
}
