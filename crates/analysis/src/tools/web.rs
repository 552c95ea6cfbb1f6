//! The web: pages that are fetched, browsers that are driven.

use ringfence_action::path::is_within;
use ringfence_action::{Attr, Effect, EffectKind, Target, Text};
use serde_json::Value as Json;

use super::arguments::{self, Role};
use super::whole;
use crate::context::Analyzer;
use crate::value::{Span, Value, Word};
use crate::{hosts, paths};

/// A page is fetched into the agent's context.
pub(super) fn fetch(analyzer: &mut Analyzer<'_>, url: &Text) {
    if let Some(path) = url.value.strip_prefix("file://") {
        let path = Text { value: path.to_owned(), ..url.clone() };
        return super::files::read(analyzer, &path);
    }
    let frame = analyzer.frame(url);
    let mut effect = hosts::connection(&Value::known(url.value.clone())).with(Attr::Method, "GET");
    effect.attributes.set(Attr::Upload, carries_content(&url.value));
    analyzer.effect(&frame, whole(url), effect);
}

/// Whether the query of an address is no question but a document: content leaves with it.
fn carries_content(url: &str) -> bool {
    const SHORTEST: usize = 24;
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(_, value)| {
        let value = value.to_ascii_lowercase();
        let document = ["%7b%22", "{\"", "%5b%7b", "[{", "%3c%3fxml", "-----begin", "%0a"];
        value.len() >= SHORTEST && document.iter().any(|start| value.contains(start))
    })
}

/// Operations that only look at the page, or move around in it.
const LOOKS: &[&str] = &[
    "read",
    "screenshot",
    "snapshot",
    "wait",
    "wait_for",
    "scroll",
    "hover",
    "mouse_move",
    "resize",
    "get_window_size",
    "tabs",
    "tab_list",
    "list_pages",
    "select_page",
    "close",
    "close_page",
    "back",
    "navigate_back",
    "go_back",
    "forward",
    "navigate_forward",
    "reload",
    "cursor_position",
    "emulate",
    "resize_page",
    "performance_start_trace",
    "performance_stop_trace",
    "performance_analyze_insight",
    "get_console_message",
    "get_network_request",
    "tabs_context",
    "tab_select",
    "pdf_save",
    "install",
    "handle_dialog",
    "resize_window",
    "computer",
];

/// A browser acts for the user.
pub(super) fn browser(
    analyzer: &mut Analyzer<'_>,
    operation: &str,
    pointer: &str,
    arguments: &Json,
) {
    let found = arguments::of(pointer, arguments);
    let place = Text::new(pointer, operation);
    let frame = analyzer.frame(&place);
    let mut page = Effect::new(EffectKind::Browser, Target::known(operation));
    if let Some(url) = found.iter().find(|argument| argument.role == Some(Role::Url)) {
        fetch(analyzer, &url.text);
        page.attributes.set(Attr::Url, url.text.value.as_str());
        if let Some(parts) = hosts::parse(&url.text.value) {
            page.target = Target::known(parts.host);
        }
    }
    page.attributes.set(Attr::Op, operation);
    page.attributes.set(Attr::ReadOnly, LOOKS.contains(&operation) || operation == "navigate");
    analyzer.effect(&frame, Span::default(), page);
    match operation {
        "evaluate" => {
            let code = found.iter().find(|argument| {
                matches!(argument.role, Some(Role::Javascript | Role::Code | Role::Content))
            });
            if let Some(code) = code {
                let frame = analyzer.frame(&code.text);
                let word = Word::known(code.text.value.clone(), whole(&code.text));
                analyzer.code(&frame, "javascript", &word);
            }
        }
        "upload" => {
            for file in found.iter().filter(|argument| argument.role == Some(Role::Path)) {
                let frame = analyzer.frame(&file.text);
                let path = Value::known(file.text.value.clone());
                let span = whole(&file.text);
                paths::effect(analyzer, &frame, span, EffectKind::Read, &path, &[]);
                let leaves = Effect::new(EffectKind::Net, Target::Unknown)
                    .with(Attr::Upload, true)
                    .with(Attr::Payload, file.text.value.as_str());
                analyzer.effect(&frame, span, leaves);
            }
        }
        _ => {}
    }
}

/// Whether a path lies in a folder of the workspace as it is written.
pub(super) fn looks_absolute(path: &str) -> bool {
    is_within("/", path) || path.starts_with("~/") || path.get(1..3) == Some(":\\")
}
