//! What would change, for people who are asked whether it may.

use std::io::Write;

use ringfence_adapters::install::Registered;
use similar::{ChangeTag, TextDiff};

use super::{Change, File, Init};
use crate::exit::Failure;
use crate::render::color::{GREEN, RED, paint};
use crate::render::text::printable;

/// The gist of a change, or all of it.
pub(super) fn change(change: &Change, init: &Init, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}", printable(&change.path.display().to_string()))?;
    if init.diff {
        return lines(change, out);
    }
    if change.file == File::Trust {
        let line = "  codex runs hooks only if its user has trusted them: their hashes";
        writeln!(out, "{line}")?;
        return lines(change, out);
    }
    let (sign, style) = if init.undo { ('-', RED) } else { ('+', GREEN) };
    if matches!(change.file, File::Alias(_)) {
        return lines(change, out);
    }
    let with_gate = if init.undo { &change.before } else { &change.after };
    let with_gate = with_gate.as_deref().unwrap_or_default();
    let with_gate = match change.file {
        File::Managed => change.agent.registered_managed(with_gate),
        _ => change.agent.registered(with_gate),
    };
    let Registered { guarded, told, commands, .. } = with_gate.unwrap_or_default();
    for (what, events) in [("can stop a call", guarded), ("hear what happened", told)] {
        let line = format!("{sign} hooks that {what}: {}", events.join(", "));
        writeln!(out, "{}", paint(style, &line))?;
    }
    for command in commands {
        writeln!(out, "{}", paint(style, &format!("{sign}   {}", printable(&command))))?;
    }
    match (&change.before, &change.after) {
        (None, _) => writeln!(out, "  a new file (`--diff` shows it)")?,
        (_, None) => writeln!(out, "  the file goes: it was not there before")?,
        _ => writeln!(out, "  everything else stays as it is (`--diff` shows every line)")?,
    }
    writeln!(out)?;
    Ok(())
}

fn lines(change: &Change, out: &mut impl Write) -> Result<(), Failure> {
    let before = change.before.as_deref().unwrap_or_default();
    let after = change.after.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = printable(change.value().trim_end_matches(['\r', '\n'])).into_owned();
            match change.tag() {
                ChangeTag::Delete => writeln!(out, "{}", paint(RED, &format!("- {line}")))?,
                ChangeTag::Insert => writeln!(out, "{}", paint(GREEN, &format!("+ {line}")))?,
                ChangeTag::Equal => writeln!(out, "  {line}")?,
            }
        }
    }
    writeln!(out)?;
    Ok(())
}
