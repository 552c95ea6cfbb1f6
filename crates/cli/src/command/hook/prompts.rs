//! Prompts, compared with the agent's transcript.
//!
//! A message that says "the user typed this" is believed once the agent's own transcript of the session
//! has it as typed. When the message comes, the line is not there yet; when the next call is about to
//! run, it is. Until then the words may forbid and not permit.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ringfence_adapters::hook::{HookAgent, Typed};
use ringfence_record::given;

use super::state::Unconfirmed;

/// At most so many prompts wait; the oldest are given up.
const MOST_WAITING: usize = 8;

/// How far before its end the transcript is looked at when a prompt comes: its line may be there.
const LOOK_BACK: u64 = 64 << 10;

/// The same, for results of calls.
const LOOK_BACK_FOR_RESULTS: u64 = 1 << 20;

/// At most so much is read at once; the rest is for the next call.
const MOST_READ: u64 = 8 << 20;

/// The agent may still be writing when it asks about its first call: how often, and after how long, to
/// look again.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(8);

/// What the transcript showed, and where the next look begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) typed: Typed,
    pub(super) end: u64,
}

impl Unconfirmed {
    /// Takes note of a prompt that is to be confirmed.
    pub(super) fn expect(&mut self, digest: String) {
        if self.digests.is_empty() {
            let length = self.transcript.as_ref().and_then(|path| fs::metadata(path).ok());
            self.offset = length.map_or(0, |it| it.len()).saturating_sub(LOOK_BACK);
        }
        if self.digests.len() >= MOST_WAITING {
            self.digests.remove(0);
        }
        self.digests.push(digest);
    }

    /// The first transcript that is named is the session's: of this session by its name, and ours.
    pub(super) fn name(
        &mut self,
        agent: HookAgent,
        transcript: Option<&str>,
        session: &str,
        owner: u32,
    ) {
        let Some(path) = transcript.map(Path::new).filter(|path| path.is_absolute()) else {
            return;
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let fits = stem.is_some_and(|stem| agent.is_transcript(stem, session))
            && fs::symlink_metadata(path).map_or(true, |it| it.is_file() && it.uid() == owner);
        if self.transcript.is_none() && fits {
            self.transcript = Some(path.to_owned());
        }
    }

    /// Looks for what was typed; waits a little for a call that must be there, and with it all before it.
    /// `scripted`: what a program handed to the agent counts as its user's.
    pub(super) fn look(
        &self,
        agent: HookAgent,
        session: &str,
        call: Option<&str>,
        scripted: bool,
    ) -> Look {
        let looks = if call.is_some() { LOOKS } else { 1 };
        let mut look = Look::default();
        for attempt in 0..looks {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            look = self.look_once(agent, session, call, scripted).unwrap_or_default();
            if look.typed.has_call {
                break;
            }
        }
        look
    }

    /// The calls that the end of the transcript shows as come back or refused.
    pub(super) fn done(&self, agent: HookAgent, session: &str) -> Vec<String> {
        let length = self.transcript.as_ref().and_then(|path| fs::metadata(path).ok());
        let offset = length.map_or(0, |it| it.len()).saturating_sub(LOOK_BACK_FOR_RESULTS);
        let end = Self { offset, ..self.clone() };
        end.look_once(agent, session, None, false).unwrap_or_default().typed.done
    }

    fn look_once(
        &self,
        agent: HookAgent,
        session: &str,
        call: Option<&str>,
        scripted: bool,
    ) -> Option<Look> {
        let (mut file, _) = given::open(self.transcript.as_ref()?).ok()?;
        file.seek(SeekFrom::Start(self.offset)).ok()?;
        let mut text = Vec::new();
        file.take(MOST_READ).read_to_end(&mut text).ok()?;
        // A line without an end is read the next time, unless it is longer than any that is read.
        let cut = if text.len() as u64 == MOST_READ { text.len() } else { 0 };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(cut, |end| end + 1);
        text.truncate(whole);
        let typed = agent.typed(text.as_slice(), session, call, scripted);
        Some(Look { typed, end: self.offset + whole as u64 })
    }
}
