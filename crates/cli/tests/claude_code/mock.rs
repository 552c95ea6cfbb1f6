//! A model that always says what the test wants: the Messages API over loopback, one tool call a
//! turn from a script, then "done".

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A server that lives as long as the test process.
pub(crate) struct Mock {
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Mock {
    /// Starts a server that calls `Bash` with each of these commands in turn.
    pub(crate) fn start(commands: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let script: Vec<String> = commands.iter().map(|command| (*command).to_owned()).collect();
        let script =
            Arc::new(Mutex::new(script.into_iter().collect::<std::collections::VecDeque<_>>()));
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
        let heard = self.heard.lock().unwrap();
        let last = heard.iter().max_by_key(|body| body.to_string().len());
        last.map(|body| body["messages"].to_string()).unwrap_or_default()
    }
}

type Script = Mutex<std::collections::VecDeque<String>>;

fn serve(stream: TcpStream, script: &Script, heard: &Mutex<Vec<Value>>) -> std::io::Result<()> {
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

fn answer(stream: &mut TcpStream, body: &Value, script: &Script) -> std::io::Result<()> {
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    let has_bash = tools.iter().any(|tool| tool["name"] == "Bash");
    let command = if has_bash { script.lock().unwrap().pop_front() } else { None };
    let id = format!("toolu_{:p}_{}", script, script.lock().unwrap().len());
    let (block, stop) = match &command {
        Some(_) => (json!({"type": "tool_use", "id": id, "name": "Bash", "input": {}}), "tool_use"),
        None => (json!({"type": "text", "text": ""}), "end_turn"),
    };
    let delta = match &command {
        Some(command) => {
            let input = json!({"command": command, "description": "scripted"});
            json!({"type": "input_json_delta", "partial_json": input.to_string()})
        }
        None => json!({"type": "text_delta", "text": "done"}),
    };
    let model = body["model"].clone();
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
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
