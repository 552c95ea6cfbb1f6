//! What programs were really told to do, against the effects.

use ringfence_action::{Effect, EffectKind, Target, path};
use ringfence_analysis::Analysis;

use crate::arena::Ran;

/// What a call really did that no effect covers.
pub(super) fn missing(ran: &Ran, analysis: &Analysis) -> Vec<String> {
    let mut operands = operands(&ran.arguments);
    // What only larger shells expand, and what is no name at all.
    operands
        .retain(|word| !word.is_empty() && !word.contains(['{', '$']) && !word.starts_with('~'));
    if by_path(analysis, &ran.program) {
        // The program at this path may be any.
        return Vec::new();
    }
    match ran.program.as_str() {
        "rm" => {
            let paths = operands.iter().map(|path| path::absolute(&ran.cwd, path));
            unforeseen(analysis, &[EffectKind::Delete], paths, "deletes")
        }
        "touch" => {
            let paths = operands.iter().map(|path| path::absolute(&ran.cwd, path));
            unforeseen(analysis, &[EffectKind::Create, EffectKind::Write], paths, "makes")
        }
        "curl" => {
            let hosts = operands.iter().filter_map(|url| host(url));
            unforeseen(analysis, &[EffectKind::Net], hosts, "connects to")
        }
        "git" => match operands.as_slice() {
            ["push", remote, branch] => {
                let branch = branch.strip_prefix('+').unwrap_or(branch);
                let branch = branch.rsplit(':').next().unwrap_or(branch);
                let target = format!("{remote}/{branch}");
                unforeseen(analysis, &[EffectKind::VcsRemote], [target].into_iter(), "pushes to")
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn by_path(analysis: &Analysis, program: &str) -> bool {
    let exec = analysis.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    let mut names = exec.filter_map(|effect| effect.target.as_known());
    names.any(|name| name.contains('/') && path::base_name(name) == program)
}

fn unforeseen(
    analysis: &Analysis,
    kinds: &[EffectKind],
    targets: impl Iterator<Item = String>,
    verb: &str,
) -> Vec<String> {
    let effects: Vec<_> =
        analysis.effects.iter().filter(|effect| kinds.contains(&effect.kind)).collect();
    let covered =
        |text: &String| effects.iter().any(|effect: &&Effect| covers(&effect.target, text));
    targets.filter(|target| !covered(target)).map(|target| format!("{verb} {target}")).collect()
}

/// The arguments that are not options, as programs of GNU read them.
fn operands(arguments: &[String]) -> Vec<&str> {
    let dashes = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let before = arguments[..dashes].iter().filter(|word| word.len() < 2 || !word.starts_with('-'));
    before.chain(arguments.iter().skip(dashes + 1)).map(String::as_str).collect()
}

fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split(['/', '?', '#', ':']).next()?.to_ascii_lowercase())
}

/// Whether the text is one of the things that a target may be.
fn covers(target: &Target, text: &str) -> bool {
    target.alternatives().iter().any(|target| match target {
        Target::Known(known) => known == text,
        Target::OneOf(all) => all.iter().any(|known| known == text),
        // A glob that matches nothing stands for itself.
        Target::Pattern(pattern) => pattern == text || matches(pattern.as_bytes(), text.as_bytes()),
        Target::Unknown => true,
    })
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', b'*', b'/', rest @ ..], _) if matches(rest, text) => true,
        ([b'*', b'*', rest @ ..], _) => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        ([b'*', rest @ ..], _) => {
            let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=end).any(|at| matches(rest, &text[at..]))
        }
        ([b'?', rest @ ..], [_, after @ ..]) => matches(rest, after),
        ([b'[', rest @ ..], [byte, after @ ..]) => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let set = &rest[..end];
            let ranged = set.windows(3).any(|w| w[1] == b'-' && (w[0]..=w[2]).contains(byte));
            (set.contains(byte) || ranged) && matches(&rest[end + 1..], after)
        }
        ([b'\\', one, rest @ ..], [byte, after @ ..]) => one == byte && matches(rest, after),
        ([one, rest @ ..], [byte, after @ ..]) => one == byte && matches(rest, after),
        (_, []) | ([], _) => false,
    }
}
