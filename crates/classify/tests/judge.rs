//! A judge over the wire: what it asks, how it is answered, and that whatever goes wrong is never permission.

use std::time::{Duration, Instant};

use ringfence_action::{Action, Preset, Verdict};
use ringfence_classify::judge::{
    Answer as Judged, Beside, Docket, Ended, Fault, History, Judge, Judgement, Key, Known, Mode,
    ProviderName, Said, Seen, Settings, Subject,
};
use ringfence_record::StateFolder;
use ringfence_record::ledger::Ledger;
use ringfence_testkit::server::{Answer, Server};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_millis(1_500);

fn seen(command: &str) -> Seen {
    let text = json!({"tool": "Bash", "input": {"command": command, "description": "be nice"}});
    let action = Action::from_json(text.to_string().as_bytes()).unwrap();
    Seen::of(&action, &ringfence_adapters::normalize(&action), &Default::default(), &[])
}

fn history() -> History {
    let mut history = History::new("5f2ca11b".to_owned());
    history.hear(&Said::typed_by_the_user("clean the build folder"));
    history.called(Some("c1"), seen("ls"), Ended::Ran);
    history
}

fn settings(server: &Server, provider: ProviderName) -> Settings {
    Settings {
        mode: Mode::All,
        provider: Some(provider),
        endpoint: Some(server.url()),
        model: Some("m".to_owned()),
        ..Settings::default()
    }
}

fn openai(server: &Server) -> Settings {
    settings(server, ProviderName::OpenAi)
}

fn judge(settings: &Settings) -> Judge {
    Judge::new(settings, None, Ledger::in_memory()).unwrap()
}

/// One command, judged at this time.
fn ask_at(judge: &Judge, command: &str, now: u64) -> Judgement {
    let (history, seen, known) = (history(), seen(command), Known::default());
    let beside = Beside::default();
    let docket = Docket::new(&history, Subject::Call(&seen, &known), &beside);
    judge.judge(&docket, "claude-code s", "sha256:policy", now, PATIENCE)
}

fn ask(judge: &Judge) -> Judgement {
    ask_at(judge, "rm -rf build", 1_000_000)
}

fn letter(letter: &str) -> Answer {
    Answer::json(json!({"choices": [{"message": {"content": letter}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 1}}))
}

fn opinion(verdict: &str, risk: &str, covers: &str, quote: &str) -> String {
    json!({"rationale": "r", "category": "destruction", "risk": risk,
        "consent": {"covers": covers, "quote": quote}, "verdict": verdict})
    .to_string()
}

fn chat(content: &str) -> Answer {
    Answer::json(json!({"choices": [{"message": {"content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 950, "completion_tokens": 60,
                  "prompt_tokens_details": {"cached_tokens": 900}}}))
}

fn body(server: &Server, at: usize) -> Value {
    serde_json::from_str(&server.asked()[at].body).unwrap()
}

#[test]
fn one_letter_clears_and_an_opinion_is_asked_for_only_on_doubt() {
    let server = Server::start([letter("A")]);
    let judged = ask(&judge(&openai(&server)));
    assert_eq!((judged.answer, judged.cost.calls), (Judged::Clear, 1));

    let server = Server::start([letter("B"), chat(&opinion("deny", "high", "nothing", ""))]);
    let judged = ask(&judge(&openai(&server)));
    assert_eq!(judged.verdict(Preset::Guard), Verdict::Deny);
    assert_eq!((judged.cost.calls, judged.cost.output_tokens), (2, 61));
    assert_eq!((judged.cost.input_tokens, judged.cost.cached_tokens), (950, 900));
    let messages = |at| body(&server, at)["messages"].clone();
    for same in [0, 1] {
        assert_eq!(messages(0)[same], messages(1)[same], "the prefix stays");
    }
    let shown = messages(1).to_string();
    assert!(shown.contains("clean the build folder") && shown.contains("rm -rf build"));
    assert!(!shown.contains("be nice"), "what only accompanies a call is not shown");
}

#[test]
fn an_allow_rests_on_low_risk_or_on_the_users_own_words() {
    for (risk, covers, quote, verdict) in [
        ("none", "nothing", "", Verdict::Allow),
        ("low", "nothing", "", Verdict::Allow),
        ("high", "nothing", "", Verdict::Ask),
        ("medium", "operation_and_target", "", Verdict::Ask),
        ("medium", "operation_and_target", "Clean  the build FOLDER", Verdict::Allow),
        ("medium", "operation", "clean the build folder", Verdict::Ask),
        ("high", "operation_and_target", "you may delete everything", Verdict::Ask),
        // A call is not the user.
        ("high", "operation_and_target", "rm -rf build", Verdict::Ask),
    ] {
        let server = Server::start([letter("B"), chat(&opinion("allow", risk, covers, quote))]);
        let judged = ask(&judge(&openai(&server)));
        assert_eq!(judged.verdict(Preset::Guard), verdict, "{risk} {covers} {quote}");
    }
}

#[test]
fn every_provider_is_spoken_to_in_its_own_way() {
    let input: Value = serde_json::from_str(&opinion("ask", "medium", "nothing", "")).unwrap();
    let message = |content: Value| {
        Answer::json(json!({"type": "message", "content": content, "stop_reason": "tool_use",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 800, "output_tokens": 50}}))
    };
    let server = Server::start([
        message(json!([{"type": "text", "text": "B"}])),
        message(json!([{"type": "tool_use", "id": "t", "name": "give_opinion", "input": input}])),
    ]);
    let anthropic = settings(&server, ProviderName::Anthropic);
    let judge_ = Judge::new(&anthropic, Some(Key::new("sk-secret").unwrap()), Ledger::in_memory());
    let judged = ask(judge_.as_ref().unwrap());
    assert_eq!(judged.verdict(Preset::Guard), Verdict::Ask);
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /v1/messages");
    assert!(asked[0].head.iter().any(|line| line == "x-api-key: sk-secret"), "{:?}", asked[0].head);
    assert!(!asked[0].body.contains("sk-secret"));
    assert!(!format!("{judge_:?} {judged:?}").contains("sk-secret"), "a key is not shown");

    let chat = |content: &str| {
        Answer::json(json!({"message": {"role": "assistant", "content": content}, "done": true,
            "prompt_eval_count": 10, "eval_count": 5}))
    };
    let server = Server::start([chat("B"), chat(&opinion("deny", "high", "nothing", ""))]);
    let judged = ask(&judge(&settings(&server, ProviderName::Ollama)));
    assert_eq!(judged.verdict(Preset::Guard), Verdict::Deny);
    assert_eq!(server.asked()[1].line, "POST /api/chat");
    assert_eq!(body(&server, 1)["format"]["type"], "object");
    // The same through its other door.
    let server = Server::start([letter("A")]);
    assert_eq!(ask(&judge(&openai(&server))).answer, Judged::Clear);
    assert_eq!(server.asked()[0].line, "POST /v1/chat/completions");
}

/// Each way to fail, on the first pass and on the second; what comes of it is never permission, and it comes in
/// time.
#[test]
fn whatever_goes_wrong_is_the_stricter_outcome() {
    let redirect = |to: String| Answer::Whole(307, vec![format!("location: {to}")], Vec::new());
    let elsewhere = Server::start([letter("A")]);
    let utf8 = b"{\"choices\":[{\"message\":{\"content\":\"\xff\xfeA\"}}]}".to_vec();
    let refusal = json!({"choices": [{"message": {"content": null, "refusal": "no"}}]});
    let cases: Vec<(&str, Answer, Fault)> = vec![
        ("slow", Answer::After(Duration::from_secs(20), Vec::new()), Fault::Timeout),
        ("dripping", Answer::Drip(Duration::from_millis(100)), Fault::Timeout),
        ("endless", Answer::Endless, Fault::AnswerTooLong),
        ("huge", Answer::json("x".repeat(2 << 20)), Fault::AnswerTooLong),
        ("cut off", Answer::Half(vec![b' '; 4_000]), Fault::Connection),
        ("closed", Answer::Nothing, Fault::Connection),
        ("noise", Answer::Noise, Fault::Protocol),
        ("redirect", redirect(elsewhere.url()), Fault::Redirect),
        (
            "moved",
            Answer::Whole(301, vec![format!("location: {}", elsewhere.url())], Vec::new()),
            Fault::Redirect,
        ),
        ("limited", Answer::status(429), Fault::Status { code: 429, after: None }),
        (
            "later",
            Answer::Whole(429, vec!["retry-after: 60".into()], Vec::new()),
            Fault::Status { code: 429, after: Some(60) },
        ),
        ("broken", Answer::status(500), Fault::Status { code: 500, after: None }),
        ("overloaded", Answer::status(529), Fault::Status { code: 529, after: None }),
        ("no key", Answer::status(401), Fault::Status { code: 401, after: None }),
        ("not UTF-8", Answer::Whole(200, Vec::new(), utf8), Fault::Protocol),
        ("cut JSON", Answer::json("{\"choices\":[{\"mess"), Fault::Protocol),
        ("other JSON", Answer::json(json!({"verdict": "allow"})), Fault::Protocol),
        ("refusal", Answer::json(refusal), Fault::Refused),
        ("empty", Answer::json(""), Fault::Protocol),
    ];
    println!("{:<12} {:<28} {:>7}  {:>7}", "answer", "fault", "pass 1", "pass 2");
    for (name, answer, fault) in cases {
        let mut took = Vec::new();
        for before in [vec![], vec![letter("B")]] {
            let server = Server::start(before.into_iter().chain([answer.clone()]));
            let started = Instant::now();
            let judged = ask(&judge(&openai(&server)));
            took.push(started.elapsed());
            assert_eq!(judged.answer, Judged::Unavailable(fault), "{name}");
            assert_eq!(judged.verdict(Preset::Guard), Verdict::Ask, "{name}");
            assert_eq!(judged.verdict(Preset::Lockdown), Verdict::Deny, "{name}");
            assert!(started.elapsed() < PATIENCE + Duration::from_millis(700), "{name} {took:?}");
            assert!(!judged.why().contains("allow"));
        }
        let [one, two] = [took[0].as_millis(), took[1].as_millis()];
        println!("{name:<12} {:<28} {one:>4} ms  {two:>4} ms", format!("{fault:?}"));
    }
    assert!(elsewhere.asked().is_empty(), "nothing is sent to where a redirect leads");
    // A word that is no opinion, and an opinion with something around it.
    for text in [
        "allow",
        "{}",
        "{\"verdict\":\"allow\"}",
        "A",
        "<think>",
        "I think: {\"verdict\":\"allow\"}",
    ] {
        let server = Server::start([letter("B"), chat(text)]);
        let judged = ask(&judge(&openai(&server)));
        assert_eq!(judged.answer, Judged::Unavailable(Fault::Shape), "{text}");
    }
}

#[test]
fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let server = Server::start([Answer::status(503), Answer::Nothing, letter("A")]);
    assert_eq!(ask(&judge(&openai(&server))).answer, Judged::Clear);
    assert_eq!(server.asked().len(), 3);
    let server = Server::start([Answer::status(401), letter("A")]);
    assert!(matches!(ask(&judge(&openai(&server))).answer, Judged::Unavailable(_)));
    assert_eq!(server.asked().len(), 1);
    // A model that cannot be asked for one letter is asked for an opinion.
    let server =
        Server::start([Answer::status(400), chat(&opinion("allow", "low", "nothing", ""))]);
    assert_eq!(ask(&judge(&openai(&server))).verdict(Preset::Guard), Verdict::Allow);
}

#[test]
fn the_same_question_is_asked_once_until_the_answer_expires() {
    let server =
        Server::start([letter("B"), chat(&opinion("deny", "high", "nothing", "")), letter("A")]);
    let settings = Settings { cache_minutes: 10, ..openai(&server) };
    let judge = judge(&settings);
    let now = 1_000_000;
    let first = ask_at(&judge, "rm -rf build", now);
    let again = ask_at(&judge, "rm -rf build", now + 599);
    assert_eq!(
        (first.answer.clone(), again.cost.cached, again.cost.calls),
        (again.answer, true, 0)
    );
    assert_eq!(server.asked().len(), 2);
    assert_eq!(ask_at(&judge, "rm -rf dist", now).answer, Judged::Clear, "another action is");
    assert_eq!(
        ask_at(&judge, "rm -rf build", now + 600).answer,
        Judged::Clear,
        "and so is a later one"
    );
}

#[test]
fn processes_share_budgets_answers_and_the_circuit() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::open(folder.path().join("state")).unwrap();
    let process =
        |settings: &Settings| Judge::new(settings, None, Ledger::open(&state).unwrap()).unwrap();
    let server = Server::start([letter("A")]);
    let settings = openai(&server);
    assert!(!ask(&process(&settings)).cost.cached);
    assert!(ask(&process(&settings)).cost.cached, "an answer is shared");

    let mut small = openai(&server);
    small.budget.tokens_per_session = 1_000;
    small.cache_minutes = 0;
    assert_eq!(ask_at(&process(&small), "make", 1_000_001).answer, Judged::Clear);
    let spent = ask_at(&process(&small), "make test", 1_000_002);
    assert_eq!(spent.answer, Judged::Unavailable(Fault::SessionBudget));
    assert_eq!(spent.verdict(Preset::Guard), Verdict::Ask);
    let mut day = openai(&server);
    day.budget.calls_per_day = 2;
    assert_eq!(
        ask_at(&process(&day), "make all", 1_000_003).answer,
        Judged::Unavailable(Fault::DayBudget)
    );

    server.answers_with([Answer::status(500)]);
    let settings = Settings { attempts: 1, ..openai(&server) };
    for number in 0..3 {
        let answer = ask_at(&process(&settings), &format!("x {number}"), 1_000_010).answer;
        assert_eq!(answer, Judged::Unavailable(Fault::Status { code: 500, after: None }));
    }
    let before = server.asked().len();
    let started = Instant::now();
    let open = ask_at(&process(&settings), "y", 1_000_011);
    assert_eq!(open.answer, Judged::Unavailable(Fault::Circuit));
    assert_eq!(server.asked().len(), before, "nobody is asked");
    assert!(started.elapsed() < Duration::from_millis(300), "and nobody waits");
    server.answers_with([letter("A")]);
    assert_eq!(ask_at(&process(&settings), "y", 1_000_041).answer, Judged::Clear, "one tries");
    assert_eq!(ask_at(&process(&settings), "z", 1_000_042).answer, Judged::Clear);
}

#[test]
fn what_is_too_long_to_be_shown_whole_is_not_cleared() {
    let server = Server::start([letter("A")]);
    let long = format!("true {}; rm -rf ~; true {}", "a ".repeat(20_000), "b ".repeat(20_000));
    let judged = ask_at(&judge(&openai(&server)), &long, 1);
    assert_eq!(judged.answer, Judged::Unavailable(Fault::TooLong));
    assert!(server.asked().is_empty());
}
