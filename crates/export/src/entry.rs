//! An entry of the log, as all formats look at it.

use jiff::Timestamp;
use serde_json::Value;

/// An entry.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'e>(pub(crate) &'e Value);

impl<'e> Entry<'e> {
    pub(crate) fn text(self, pointer: &str) -> Option<&'e str> {
        self.0.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
    }

    pub(crate) fn number(self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer)?.as_u64()
    }

    pub(crate) fn kind(self) -> &'e str {
        self.text("/kind").unwrap_or("unknown")
    }

    pub(crate) fn seq(self) -> u64 {
        self.number("/seq").unwrap_or_default()
    }

    /// When it was made, in milliseconds since 1970; 0 where it does not say.
    pub(crate) fn millis(self) -> i64 {
        self.at().map_or(0, Timestamp::as_millisecond)
    }

    pub(crate) fn nanos(self) -> i128 {
        self.at().map_or(0, Timestamp::as_nanosecond)
    }

    fn at(self) -> Option<Timestamp> {
        self.text("/at")?.parse().ok()
    }

    pub(crate) fn verdict(self) -> Option<&'e str> {
        self.text("/decision/verdict").or(self.text("/verdict"))
    }

    pub(crate) fn code(self) -> Option<&'e str> {
        self.text("/decision/code").or(self.text("/code")).or(self.text("/why"))
    }

    pub(crate) fn tool(self) -> Option<&'e str> {
        self.text("/action/tool")
    }

    pub(crate) fn call(self) -> Option<&'e str> {
        self.text("/action/id").or(self.text("/call"))
    }

    /// The shell command, where it is one.
    pub(crate) fn command(self) -> Option<String> {
        if let Some(words) = self.0.get("command").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return Some(words.join(" "));
        }
        ["command", "cmd", "CommandLine"]
            .iter()
            .find_map(|name| self.0.pointer("/action/input")?.get(name)?.as_str())
            .map(str::to_owned)
    }

    /// One sentence.
    pub(crate) fn sentence(self) -> String {
        let code = self.code().unwrap_or_default();
        match self.kind() {
            "decision" => {
                let tool = self.tool().unwrap_or("a tool");
                format!("{} {tool}: {code}", self.verdict().unwrap_or("no verdict"))
            }
            "finding" => match self.text("/problem") {
                Some(problem) => format!("{code}: {problem}"),
                None => code.to_owned(),
            },
            "egress" => format!(
                "{} {}",
                self.text("/event").unwrap_or("egress"),
                self.text("/host").unwrap_or("")
            ),
            kind => match self.text("/event") {
                Some(event) => format!("{kind}: {event}"),
                None => kind.to_owned(),
            },
        }
    }

    /// The server and the tool of an MCP tool's name: `mcp__server__tool`.
    pub(crate) fn mcp(self) -> Option<(&'e str, &'e str)> {
        self.tool()?.strip_prefix("mcp__")?.split_once("__")
    }

    /// From 1, informational, to 4, high.
    pub(crate) fn severity(self) -> u8 {
        match (self.kind(), self.verdict()) {
            ("finding", _) if self.text("/taints").is_some() => 4,
            (_, Some("deny")) => 4,
            ("finding" | "refusal", _) | (_, Some("ask")) => 3,
            (_, Some("contain")) => 2,
            ("egress", _) if self.text("/why").is_some() => 3,
            _ => 1,
        }
    }
}
