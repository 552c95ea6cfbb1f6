//! The wire formats, as their providers document and send them.

use ringfence_action::{Action, Verdict};
use serde_json::json;

use super::*;
use crate::judge::opinion::Opinion;
use crate::judge::{Beside, Docket, History, Known, Said, Seen, Slots, Subject};

const OPINION: &str = r#"{"rationale":"It deletes more than the build folder.","category":"destruction","risk":"high","consent":{"covers":"nothing","quote":""},"verdict":"deny"}"#;

/// The requests of both passes.
fn requests(dialect: &dyn Dialect) -> [Value; 2] {
    requests_to(dialect, "http://127.0.0.1:8080")
}

fn requests_to(dialect: &dyn Dialect, endpoint: &str) -> [Value; 2] {
    let text = json!({"tool": "Bash", "input": {"command": "rm -rf build cache"}}).to_string();
    let action = Action::from_json(text.as_bytes()).unwrap();
    let call = ringfence_adapters::normalize(&action);
    let (seen, known) = (Seen::of(&action, &call, &Default::default(), &[]), Known::default());
    let mut history = History::new("5f2ca11b".to_owned());
    history.hear(&Said::typed_by_the_user("clean the build"));
    let system = super::super::prompt::system(&Slots::default());
    let prompt = Prompt::new(
        &system,
        &Docket::new(&history, Subject::Call(&seen, &known), &Beside::default()),
    );
    [true, false]
        .map(|first| dialect.request(&Ask { model: "m", endpoint, prompt: &prompt, first }))
}

#[test]
fn a_messages_request_keeps_its_prefix_and_wants_one_token_first() {
    let [first, second] = requests(&Anthropic);
    for same in ["model", "system", "tools"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    let content = |request: &Value| request["messages"][0]["content"].clone();
    assert_eq!(content(&first)[0], content(&second)[0]);
    assert_ne!(content(&first)[1], content(&second)[1]);
    assert_eq!(first["max_tokens"], 1);
    assert_eq!(first["tool_choice"], json!({"type": "none"}));
    assert_eq!(second["tool_choice"], json!({"type": "tool", "name": "give_opinion"}));
    assert_eq!(second["tools"][0]["input_schema"]["required"][0], "rationale");
    assert_eq!(second["system"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(content(&second)[0]["cache_control"], json!({"type": "ephemeral"}));
    let headers = Anthropic.headers(Some("sk-1"));
    assert_eq!(headers[0], ("anthropic-version", "2023-06-01".to_owned()));
    assert_eq!(headers[1], ("x-api-key", "sk-1".to_owned()));
}

#[test]
fn a_messages_answer_is_the_input_of_the_tool() {
    let input: Value = serde_json::from_str(OPINION).unwrap();
    let message = |content: Value, stop: &str| {
        json!({"id": "msg_01", "type": "message", "role": "assistant", "model": "m",
            "content": content, "stop_reason": stop, "stop_sequence": null,
            "usage": {"input_tokens": 12, "cache_creation_input_tokens": 30,
                      "cache_read_input_tokens": 2000, "output_tokens": 61}})
    };
    let read = |message: &Value| Anthropic.read(message.to_string().as_bytes());
    let tool =
        json!({"type": "tool_use", "id": "toolu_01", "name": "give_opinion", "input": input});
    let thought = json!({"type": "thinking", "thinking": "A", "signature": "x"});
    let reply = read(&message(json!([thought, tool]), "tool_use")).unwrap();
    assert_eq!(Opinion::parse(&reply.text).unwrap().verdict, Verdict::Deny);
    assert_eq!((reply.input_tokens, reply.cached_tokens, reply.output_tokens), (42, 2000, 61));

    let letter = read(&message(json!([{"type": "text", "text": "A"}]), "max_tokens")).unwrap();
    assert!(letter.is_clear());
    let other = read(&message(json!([{"type": "text", "text": "All"}]), "max_tokens")).unwrap();
    assert!(!other.is_clear());
    // A server that does not know of the tool writes prose; that is no opinion.
    let prose =
        read(&message(json!([{"type": "text", "text": "I would block it."}]), "max_tokens"));
    assert_eq!(Opinion::parse(&prose.unwrap().text), None);
    assert!(read(&message(json!([]), "refusal")).unwrap().refused);
    let foreign = json!([{"type": "tool_use", "id": "t", "name": "allow", "input": input}]);
    assert_eq!(read(&message(foreign, "tool_use")), Err(Fault::Protocol));
    assert_eq!(read(&message(json!([tool, tool]), "tool_use")), Err(Fault::Protocol));
    assert_eq!(
        read(&json!({"type": "error", "error": {"type": "overloaded_error"}})),
        Err(Fault::Protocol)
    );
}

#[test]
fn a_chat_request_is_constrained_by_the_schema() {
    let [first, second] = requests(&OpenAi);
    assert_eq!(first["messages"][0], second["messages"][0]);
    assert_eq!(first["messages"][1], second["messages"][1]);
    assert_eq!((&first["max_tokens"], &first["logprobs"]), (&json!(1), &json!(true)));
    let format = &second["response_format"];
    assert_eq!(
        (&format["type"], &format["json_schema"]["strict"]),
        (&json!("json_schema"), &json!(true))
    );
    assert_eq!(format["json_schema"]["schema"]["additionalProperties"], false);
    assert_eq!(OpenAi.headers(Some("k")), [("authorization", "Bearer k".to_owned())]);
    assert!(OpenAi.headers(None).is_empty());
    for request in requests_to(&OpenAi, "https://api.openai.com/v1") {
        assert!(request.get("max_tokens").is_none() && request.get("temperature").is_none());
        assert!(request["max_completion_tokens"].is_u64(), "{request}");
    }
}

#[test]
fn a_chat_answer_is_its_first_choice() {
    let completion = |message: Value, logprobs: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 2040, "completion_tokens": 60, "total_tokens": 2100,
                      "prompt_tokens_details": {"cached_tokens": 2000}}})
    };
    let read = |body: &Value| OpenAi.read(body.to_string().as_bytes());
    let opinion = json!({"role": "assistant", "content": OPINION, "refusal": null});
    let reply = read(&completion(opinion, Value::Null)).unwrap();
    assert_eq!(Opinion::parse(&reply.text).unwrap().verdict, Verdict::Deny);
    assert_eq!((reply.input_tokens, reply.cached_tokens, reply.output_tokens), (40, 2000, 60));

    let letter = |probability: f64| {
        let top = json!([{"token": "A", "logprob": probability.ln(), "bytes": [65]},
                         {"token": "B", "logprob": (1.0 - probability).ln(), "bytes": [66]}]);
        let logprobs =
            json!({"content": [{"token": "A", "logprob": probability.ln(), "top_logprobs": top}]});
        read(&completion(json!({"role": "assistant", "content": "A"}), logprobs))
            .unwrap()
            .is_clear()
    };
    assert!(letter(0.97) && !letter(0.8), "a doubtful letter is not clear");
    let plain = read(&completion(json!({"role": "assistant", "content": "A"}), Value::Null));
    assert!(plain.unwrap().is_clear(), "where nothing is told of doubt, the letter counts");
    let refused =
        json!({"role": "assistant", "content": null, "refusal": "I cannot help with that"});
    assert!(read(&completion(refused, Value::Null)).unwrap().refused);
    for broken in
        [json!({}), json!({"choices": []}), json!({"choices": [{"message": "A"}]}), json!([])]
    {
        assert_eq!(read(&broken), Err(Fault::Protocol), "{broken}");
    }
    assert_eq!(OpenAi.read(b"\xff\xfe{\"choices\":[]}"), Err(Fault::Protocol));
    assert_eq!(OpenAi.read(b"data: {\"choices\""), Err(Fault::Protocol));
}

#[test]
fn an_ollama_answer_is_whole() {
    let [first, second] = requests(&Ollama);
    assert_eq!(first["options"]["num_predict"], 1);
    assert_eq!((first.get("format"), &second["format"]["type"]), (None, &json!("object")));
    assert_eq!(second["stream"], false);
    let body = json!({"model": "m", "created_at": "2026-11-21T10:00:00Z", "done": true, "done_reason": "stop",
        "message": {"role": "assistant", "content": OPINION},
        "total_duration": 900000000, "prompt_eval_count": 1100, "eval_count": 60});
    let reply = Ollama.read(body.to_string().as_bytes()).unwrap();
    assert_eq!(Opinion::parse(&reply.text).unwrap().verdict, Verdict::Deny);
    assert_eq!((reply.input_tokens, reply.output_tokens), (1100, 60));
    let half = json!({"message": {"role": "assistant", "content": "A"}, "done": false});
    assert_eq!(Ollama.read(half.to_string().as_bytes()), Err(Fault::Protocol));
}

#[test]
fn only_the_schema_is_an_opinion() {
    let whole: Value = serde_json::from_str(OPINION).unwrap();
    assert!(
        Opinion::parse(OPINION).is_some() && Opinion::parse(&format!("\n{OPINION} ")).is_some()
    );
    let mut wrong = vec![
        String::new(),
        "allow".to_owned(),
        format!("Sure! {OPINION}"),
        format!("{OPINION}{OPINION}"),
        format!("```json\n{OPINION}\n```"),
        "[\"fine\",\"none\",\"none\",{\"covers\":\"nothing\",\"quote\":\"\"},\"allow\"]".to_owned(),
        OPINION.replace("}", ",\"verdict\":\"allow\"}"),
        OPINION.replacen("\"rationale\"", "\"verdict\":\"allow\",\"rationale\"", 1),
    ];
    for (field, value) in [
        ("verdict", json!("contain")),
        ("verdict", json!("ALLOW")),
        ("verdict", json!(null)),
        ("risk", json!("tiny")),
        ("category", json!(3)),
        ("consent", json!("all")),
        ("extra", json!(1)),
        ("ungrounded", json!(true)),
    ] {
        let mut changed = whole.clone();
        changed[field] = value;
        wrong.push(changed.to_string());
    }
    for field in ["rationale", "category", "risk", "consent", "verdict"] {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(field);
        wrong.push(less.to_string());
    }
    for text in wrong {
        assert_eq!(Opinion::parse(&text), None, "{text}");
    }
}
