//! A model that always says what the test wants: the Messages API over loopback, one tool call a
//! turn from a script, then "done". Subagents follow a script of their own.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// In the prompt of a subagent, so that its requests are told apart.
const SUBAGENT: &str = "work for a subagent";

/// A server that lives as long as the test process.
pub(crate) struct Mock {
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

/// A call of a tool.
pub(crate) fn call(tool: &str, input: Value) -> Value {
    json!({"name": tool, "input": input})
}

/// A call of the shell.
pub(crate) fn bash(command: &str) -> Value {
    call("Bash", json!({"command": command, "description": "scripted"}))
}

/// A call that starts a subagent.
pub(crate) fn subagent() -> Value {
    let input =
        json!({"description": "help", "prompt": SUBAGENT, "subagent_type": "general-purpose"});
    call("Agent", input)
}

#[derive(Default)]
struct Script {
    own: VecDeque<Value>,
    subagent: VecDeque<Value>,
    calls: usize,
}

impl Script {
    fn next(&mut self, body: &Value) -> Option<(String, Value)> {
        let queue = if is_subagent(body) { &mut self.subagent } else { &mut self.own };
        let call = queue.pop_front()?;
        self.calls += 1;
        Some((format!("toolu_{}", self.calls), call))
    }
}

impl Mock {
    /// Starts a server that calls `Bash` with each of these commands in turn.
    pub(crate) fn start(commands: &[&str]) -> Self {
        Self::scripted(commands.iter().map(|command| bash(command)), [])
    }

    /// Starts a server that makes these calls, and others where a subagent asks.
    pub(crate) fn scripted(
        own: impl IntoIterator<Item = Value>,
        subagent: impl IntoIterator<Item = Value>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(Script {
            own: own.into_iter().collect(),
            subagent: subagent.into_iter().collect(),
            calls: 0,
        }));
        let messages = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, messages) = (script.clone(), messages.clone());
                thread::spawn(move || {
                    let _ = serve(stream, &script, &messages);
                });
            }
        });
        Self { port, heard }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that tools returned to the model, as text.
    pub(crate) fn tool_results(&self) -> String {
        self.results().join("\n")
    }

    /// What each call of the main agent returned, in order.
    pub(crate) fn results(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let own = heard.iter().filter(|body| !is_subagent(body));
        let Some(last) = own.max_by_key(|body| body.to_string().len()) else { return Vec::new() };
        let messages = last["messages"].as_array().cloned().unwrap_or_default();
        let blocks = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
        let results = blocks.filter(|block| block["type"] == "tool_result");
        let text = |result: &Value| match &result["content"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        results.map(text).collect()
    }
}

fn is_subagent(body: &Value) -> bool {
    body["messages"][0].to_string().contains(SUBAGENT)
}

fn serve(
    stream: TcpStream,
    script: &Mutex<Script>,
    heard: &Mutex<Vec<Value>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !request.starts_with("POST") || !request.contains("/v1/messages") {
            respond(&mut stream, "404 Not Found", "application/json", "{}")?;
        } else if request.contains("count_tokens") {
            respond(&mut stream, "200 OK", "application/json", "{\"input_tokens\":10}")?;
        } else {
            answer(&mut stream, &body, script)?;
            heard.lock().unwrap().push(body);
        }
    }
}

fn answer(stream: &mut TcpStream, body: &Value, script: &Mutex<Script>) -> std::io::Result<()> {
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    let has_bash = tools.iter().any(|tool| tool["name"] == "Bash");
    let call = if has_bash { script.lock().unwrap().next(body) } else { None };
    let (block, delta, stop) = match &call {
        Some((id, call)) => (
            json!({"type": "tool_use", "id": id, "name": call["name"], "input": {}}),
            json!({"type": "input_json_delta", "partial_json": call["input"].to_string()}),
            "tool_use",
        ),
        None => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": "done"}),
            "end_turn",
        ),
    };
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    if body["stream"] != json!(true) {
        let mut whole = message;
        whole["content"] = json!([{"type": "text", "text": "done"}]);
        whole["stop_reason"] = json!("end_turn");
        return respond(stream, "200 OK", "application/json", &whole.to_string());
    }
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
               "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ];
    let text: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect();
    respond(stream, "200 OK", "text/event-stream", &text)
}

fn respond(stream: &mut TcpStream, status: &str, kind: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    stream.flush()
}
