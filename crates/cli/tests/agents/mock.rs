//! A model that always says what the test wants, in three dialects: OpenAI's chat and responses, and
//! Gemini's. One shell command a turn from a script, then "done".

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A server that lives as long as the test process.
pub(crate) struct Mock {
    port: u16,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Mock {
    /// Starts a server that asks for each of these commands in turn.
    pub(crate) fn start(commands: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let commands: Arc<[String]> = commands.iter().map(|it| (*it).to_owned()).collect();
        let results = told.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (commands, results) = (commands.clone(), results.clone());
                thread::spawn(move || {
                    let _ = serve(stream, &commands, &results);
                });
            }
        });
        Self { port, told }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the calls returned to the model, as text.
    pub(crate) fn told(&self) -> String {
        let told = self.told.lock().unwrap();
        let longest = told.iter().map(Value::to_string).max_by_key(String::len);
        longest.unwrap_or_default()
    }
}

fn serve(stream: TcpStream, commands: &[String], told: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let body = read_body(&mut reader)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if request.contains("/models ") && request.starts_with("GET") {
            let models = json!({"object": "list", "data": [{"id": "m", "object": "model"}]});
            respond(&mut stream, "application/json", &models.to_string())?;
        } else if request.contains("chat/completions") {
            chat(&mut stream, &body, commands, told)?;
        } else if request.contains("/responses") {
            responses(&mut stream, &body, commands, told)?;
        } else if request.contains("countTokens") {
            respond(&mut stream, "application/json", "{\"totalTokens\":5}")?;
        } else if request.contains("enerateContent") {
            gemini(&mut stream, &request, &body, commands, told)?;
        } else {
            write!(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{{}}")?;
        }
    }
}

fn read_body(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut length = 0;
    let mut is_chunked = false;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        is_chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    while is_chunked {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        body.extend(&chunk[..size]);
        is_chunked = size > 0;
    }
    Ok(body)
}

/// OpenAI's chat, as Copilot, Qwen Code, OpenCode, Grok CLI and Droid speak it.
fn chat(
    stream: &mut TcpStream,
    body: &Value,
    commands: &[String],
    told: &Mutex<Vec<Value>>,
) -> std::io::Result<()> {
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let tools = list("tools");
    let shell = tools.iter().map(|tool| &tool["function"]).find(|tool| {
        matches!(
            tool["name"].as_str(),
            Some("bash" | "run_shell_command" | "run_terminal_command" | "Execute")
        )
    });
    let results: Vec<Value> =
        list("messages").into_iter().filter(|it| it["role"] == "tool").collect();
    let done = results.len();
    told.lock().unwrap().push(json!(results));
    let call = shell.zip(commands.get(done)).map(|(shell, command)| {
        let arguments = arguments(&shell["parameters"], command).to_string();
        json!({"role": "assistant", "content": null, "tool_calls": [{
            "index": 0, "id": format!("call_{done}"), "type": "function",
            "function": {"name": shell["name"], "arguments": arguments},
        }]})
    });
    let finish = if call.is_some() { "tool_calls" } else { "stop" };
    let message = call.unwrap_or_else(|| json!({"role": "assistant", "content": "done"}));
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let of = |kind: &str, choice: Value| {
        json!({"id": "c", "created": 1, "model": "m", "object": kind, "choices": [choice],
               "usage": usage})
    };
    if body["stream"] == json!(true) {
        let kind = "chat.completion.chunk";
        let first = of(kind, json!({"index": 0, "delta": message, "finish_reason": null}));
        let last = of(kind, json!({"index": 0, "delta": {}, "finish_reason": finish}));
        let text = format!("data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n");
        return respond(stream, "text/event-stream", &text);
    }
    let whole = json!({"index": 0, "message": message, "finish_reason": finish});
    respond(stream, "application/json", &of("chat.completion", whole).to_string())
}

/// What a shell tool takes: the command, and something for whatever else it insists on.
fn arguments(parameters: &Value, command: &str) -> Value {
    let mut given = json!({"command": command});
    for name in parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let kind = &parameters["properties"][name];
        let value = match (name, kind["type"].as_str(), kind["enum"][0].as_str()) {
            ("command", ..) => continue,
            (_, Some("boolean"), _) => json!(false),
            (_, _, Some(first)) => json!(first),
            _ => json!("scripted"),
        };
        given[name] = value;
    }
    given
}

/// OpenAI's responses, as Codex speaks it.
fn responses(
    stream: &mut TcpStream,
    body: &Value,
    commands: &[String],
    told: &Mutex<Vec<Value>>,
) -> std::io::Result<()> {
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let tools: Vec<String> =
        list("tools").iter().filter_map(|tool| Some(tool["name"].as_str()?.to_owned())).collect();
    let outputs: Vec<Value> =
        list("input").into_iter().filter(|it| it["type"] == "function_call_output").collect();
    let done = outputs.len();
    told.lock().unwrap().push(json!(outputs));
    let known = [("exec_command", "cmd"), ("shell_command", "command")];
    let shell = known.into_iter().find(|(name, _)| tools.iter().any(|tool| tool == name));
    let call = shell.zip(commands.get(done)).map(|((name, field), command)| {
        let mut arguments = json!({});
        arguments[field] = json!(command);
        json!({"type": "function_call", "id": format!("fc_{done}"), "name": name,
               "call_id": format!("call_{done}"), "arguments": arguments.to_string()})
    });
    let item = call.unwrap_or_else(|| {
        json!({"type": "message", "role": "assistant", "id": "m",
               "content": [{"type": "output_text", "text": "done"}]})
    });
    let usage = json!({"input_tokens": 1, "input_tokens_details": null, "output_tokens": 1,
                       "output_tokens_details": null, "total_tokens": 2});
    let events = [
        json!({"type": "response.created", "response": {"id": "r"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "r", "usage": usage}}),
    ];
    let line =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    let text: String = events.iter().map(line).collect();
    respond(stream, "text/event-stream", &text)
}

/// Gemini's own.
fn gemini(
    stream: &mut TcpStream,
    request: &str,
    body: &Value,
    commands: &[String],
    told: &Mutex<Vec<Value>>,
) -> std::io::Result<()> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let tools = list(&body["tools"]);
    let functions = tools.iter().flat_map(|tool| list(&tool["functionDeclarations"]));
    let names: Vec<Value> = functions.map(|function| function["name"].clone()).collect();
    let contents = list(&body["contents"]);
    let parts = contents.iter().flat_map(|content| list(&content["parts"]));
    let results: Vec<Value> = parts.filter(|part| part.get("functionResponse").is_some()).collect();
    let done = results.len();
    told.lock().unwrap().push(json!(results));
    let has_shell = names.contains(&json!("run_shell_command"));
    let part = match commands.get(done) {
        Some(command) if has_shell => json!({"functionCall": {
            "name": "run_shell_command",
            "args": {"command": command, "description": "scripted"},
        }}),
        _ if !names.is_empty() => json!({"text": "done"}),
        // A question of its own about how to go on.
        _ => {
            json!({"text": json!({"reasoning": "x", "next_speaker": "user", "model_choice": "flash",
                     "complexity_reasoning": "x", "complexity_score": 1}).to_string()})
        }
    };
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        "modelVersion": "m",
    });
    if request.contains("stream") {
        return respond(stream, "text/event-stream", &format!("data: {answer}\n\n"));
    }
    respond(stream, "application/json", &answer.to_string())
}

fn respond(stream: &mut TcpStream, kind: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    stream.flush()
}
