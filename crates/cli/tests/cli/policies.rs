//! Rules in the console: what is wrong with a draft, what it says of a command, and what it would have changed, which
//! is what `ringfence replay` says.

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::gate::{ASKED, Gate, write};

const DRAFT: &str = r#"
[[rule]]
id = "our.no-uploads"
outcome = "deny"
why = "Nothing leaves by curl."
owner = "us"
maturity = "new"
when.effect = "net"
when.program = "curl"
"#;

/// What a page that has logged in says with each request.
fn page(daemon: &Daemon) -> impl Fn(&str, &Value) -> Value + '_ {
    let body = json!({"token": daemon.token}).to_string();
    let said = daemon.asks_by_network("POST", "/api/v1/login", "", &body);
    let cookie = said.head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let cookie = format!("cookie: {cookie}\r\n");
    let me = daemon.asks_by_network("GET", "/api/v1/me", &cookie, "").json();
    let headers = format!("{cookie}x-ringfence-csrf: {}\r\n", me["csrf"].as_str().unwrap());
    move |path, body| {
        let path = format!("/api/v1/policies/{path}");
        daemon.asks_by_network("POST", &path, &headers, &body.to_string()).json()
    }
}

#[test]
fn a_draft_is_checked_tried_and_run_against_what_happened_as_replay_does() {
    let gate = Gate::new();
    gate.start("s");
    for (number, command) in [
        "ls",
        "curl -s https://example.com/a",
        "curl -s https://example.com/b",
        ASKED,
        "git status",
    ]
    .iter()
    .enumerate()
    {
        gate.asked("s", &format!("c{number}"), command);
    }
    let daemon = Daemon::start(&gate);
    // An agent that has no sessions.
    let bare =
        json!({"tool": "Bash", "input": {"command": "curl -s https://example.com/c"}, "cwd": "/p"});
    assert_eq!(daemon.asks("POST", "/api/v1/decide", &bare.to_string()).code, 200);
    let asks = page(&daemon);
    let draft = json!({"name": "ours.toml", "text": DRAFT, "days": 30});
    assert_eq!(asks("check", &draft)["diagnostics"], json!([]));
    let wrong = json!({"name": "ours.toml", "text": DRAFT.replace("outcome", "outcom")});
    let problem = &asks("check", &wrong)["diagnostics"][0];
    assert!(problem["line"].as_u64().unwrap() > 1 && problem["message"].is_string(), "{problem}");
    assert!(asks("replay", &wrong)["error"].as_str().unwrap().contains("do not load"));

    let mut tried = draft.clone();
    tried["action"] = json!({"tool": "Bash", "input": {"command": "curl https://example.com"}});
    let tried = asks("try", &tried);
    assert_eq!(tried["before"]["verdict"], "allow", "{tried}");
    assert_eq!(
        (&tried["now"]["verdict"], &tried["now"]["code"]),
        (&json!("deny"), &json!("our.no-uploads"))
    );

    let before = gate.entries().len();
    let mut told = asks("replay", &draft);
    assert_eq!(gate.entries().len(), before, "nothing is recorded");
    assert_eq!(told["changed"][0]["rule"], "our.no-uploads", "{told}");
    assert_eq!((&told["actions"], &told["changed"][0]["count"]), (&json!(6), &json!(3)));
    write(&gate.path("draft/ours.toml"), DRAFT);
    let bundle = gate.text("draft/ours.toml");
    let run = gate.run(&["replay", "--bundle", &bundle, "--log", "--json"]);
    let by_command: Value = serde_json::from_str(run.out()).unwrap();
    let beside = ["since", "more"].map(|it| told.as_object_mut().unwrap().remove(it).unwrap());
    assert!(beside[0].is_string() && beside[1] == false, "{beside:?}");
    assert_eq!(told, by_command, "one core, one answer");

    let oversight = gate.run(&["oversight", "--json"]);
    let oversight: Value = serde_json::from_str(oversight.out()).unwrap();
    assert_eq!(oversight["unreadable"], 0, "{oversight}");

    // What lies further back is not counted.
    let none = asks("replay", &json!({"name": "ours.toml", "text": DRAFT, "days": 0}));
    assert_eq!(none["actions"], 0, "{none}");
}
