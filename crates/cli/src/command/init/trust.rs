//! Codex' trust in the gate: a second file, and a second question.
//!
//! Codex runs no hook that its user has not trusted, and says nothing of it. Which hash is to be trusted
//! only it can tell, once the hooks are registered. So this comes after, and is asked for by itself.

use std::path::Path;

use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::codex_trust::{with_trust, without_trust};
use ringfence_record::originals::Originals;

use super::{Change, File, failed, read};
use crate::command::codex;
use crate::exit::{Failure, Problem};

/// The change that makes Codex run the hooks; `None` where it runs them.
pub(super) fn granted(home: &Path) -> Result<Option<Change>, Failure> {
    let by_hand = "trust them with `/hooks` in codex; until then it runs none of them";
    let cannot =
        |error: String| Problem::new("codex' trust is not settled", by_hand).because(error);
    let folder = std::env::current_dir().map_err(|error| cannot(error.to_string()))?;
    let hooks = codex::listed_hooks(&folder).map_err(cannot)?;
    if hooks.is_empty() {
        return Err(cannot("codex does not list the gate among its hooks".to_owned()).into());
    }
    if hooks.iter().all(|hook| hook.runs) {
        return Ok(None);
    }
    let path = HookAgent::Codex.folder(home).join("config.toml");
    let before = read(&path)?;
    let after = with_trust(before.as_deref().unwrap_or_default(), &hooks);
    let after = Some(after.map_err(|error| cannot(error.to_string()))?);
    Ok(Some(Change { agent: HookAgent::Codex, file: File::Trust, path, before, after }))
}

/// The change that takes it back.
pub(super) fn withdrawn(home: &Path, originals: &Originals) -> Result<Option<Change>, Failure> {
    let path = HookAgent::Codex.folder(home).join("config.toml");
    let before = read(&path)?;
    let Some(text) = &before else { return Ok(None) };
    let original = originals.load(File::Trust.name(HookAgent::Codex)).map_err(failed)?;
    let after = match original {
        Some(original) if original.installed == *text => original.before,
        _ => Some(without_trust(text)),
    };
    let file = File::Trust;
    Ok(Some(Change { agent: HookAgent::Codex, file, path, before, after }))
}
