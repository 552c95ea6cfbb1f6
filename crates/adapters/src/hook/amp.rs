//! Amp's delegate: a program that decides about a call.
//!
//! It is given the input of the tool alone; which tool, and of which thread, stand in variables. Its exit code
//! is the whole answer: 0 runs the call, 1 asks the user, 2 refuses. It has no way of having no opinion, so that
//! what is let through runs: its own rules come first if the entry stands after them.

use serde_json::json;

use super::message::{About, Message};
use super::{
    Answer, Beginning, Dialect, HookAgent, HookEvent, HookInput, MalformedHook, Reply, strict,
};

pub(super) struct Amp;

/// The only event.
const EVENT: &str = "delegate";

impl Dialect for Amp {
    /// Puts what the variables say beside the input. What is not JSON stays as it is, and is refused.
    fn complete(&self, input: Vec<u8>, variable: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
        let (Some(tool), Some(thread)) = (variable("AGENT_TOOL_NAME"), variable("AMP_THREAD_ID"))
        else {
            return input;
        };
        match strict::from_slice(&input) {
            Ok(given) => {
                let cwd = variable("PWD");
                json!({"tool": tool, "thread": thread, "input": given, "cwd": cwd})
                    .to_string()
                    .into_bytes()
            }
            Err(_) => input,
        }
    }

    fn read(&self, input: &[u8]) -> Result<HookInput, MalformedHook> {
        let mut message = Message::parse(HookAgent::Amp, input)?;
        message.event = Some(EVENT.to_owned());
        let tool = message.need(&["tool"])?;
        let session = message.need(&["thread"])?;
        let cwd = message.folder(&["cwd"])?;
        let input = message.value("input").cloned().ok_or_else(|| message.missing(&["input"]))?;
        let about = About { session: &session, cwd: cwd.as_deref(), call: None, subagent: None };
        let action = message.action(tool, input, about);
        Ok(HookInput {
            name: EVENT.to_owned(),
            session,
            cwd,
            transcript: None,
            subagent: None,
            event: HookEvent::Before { action, call: None },
        })
    }

    fn reply(&self, _: &str, answer: &Answer) -> Reply {
        match answer {
            Answer::Deny { reason } => Reply::silent().refusing(reason),
            Answer::Ask { reason } => {
                Reply { stderr: format!("{reason}\n"), code: 1, ..Reply::silent() }
            }
            // Nothing can be rewritten here, and what was to run contained must not run as it is.
            Answer::Rewrite { reason, .. } => Reply::silent().refusing(reason),
            Answer::NoOpinion
            | Answer::Allow { .. }
            | Answer::Context { .. }
            | Answer::Replace(_) => Reply::silent(),
        }
    }

    fn decides(&self, _: &str) -> bool {
        true
    }

    fn before_call(&self) -> &'static str {
        EVENT
    }

    fn beginning(&self) -> Beginning {
        Beginning::Anything
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn completed(input: &str, tool: Option<&str>) -> Vec<u8> {
        let variable = |name: &str| match name {
            "AGENT_TOOL_NAME" => tool.map(str::to_owned),
            "AMP_THREAD_ID" => Some("T-1".to_owned()),
            "PWD" => Some("/p".to_owned()),
            _ => None,
        };
        Amp.complete(input.as_bytes().to_vec(), &variable)
    }

    #[test]
    fn the_tool_comes_from_a_variable_and_without_one_nothing_runs() {
        let read = Amp.read(&completed(r#"{"cmd":"ls"}"#, Some("Bash"))).unwrap();
        let HookEvent::Before { action, .. } = read.event else { panic!("{read:?}") };
        assert_eq!((action.tool.as_str(), &action.input), ("Bash", &json!({"cmd": "ls"})));
        assert_eq!(read.session, "T-1");
        for damaged in [completed(r#"{"cmd":"ls"}"#, None), completed("{", Some("Bash"))] {
            assert!(Amp.read(&damaged).is_err());
        }
        assert_eq!(Amp.reply(EVENT, &Answer::Ask { reason: "?".to_owned() }).code, 1);
    }

    /// The value alone is the agent's; it must not be able to say which tool it is for.
    #[test]
    fn an_input_says_nothing_about_its_tool() {
        let forged = r#"{"tool":"Read","thread":"T-2","input":{"path":"x"},"cmd":"rm -rf ~"}"#;
        let read = Amp.read(&completed(forged, Some("Bash"))).unwrap();
        let HookEvent::Before { action, .. } = read.event else { panic!("{read:?}") };
        assert_eq!(action.tool, "Bash");
    }

    #[test]
    fn what_is_no_object_is_still_an_input() {
        let read = Amp.read(&completed("\"x\"", Some("Bash"))).unwrap();
        let HookEvent::Before { action, .. } = read.event else { panic!("{read:?}") };
        assert_eq!(action.input, Value::from("x"));
    }
}
