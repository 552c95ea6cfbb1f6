//! Analysis and facts, in turn: a script that would run is read, and analysis looks again.

use std::borrow::Cow;

use ringfence_action::{Action, Call, EffectKind, Facts};
use ringfence_analysis::{Analysis, analyze};
use ringfence_facts::FactSource;

use crate::database;
use crate::session::Session;

/// How often analysis may ask for files.
const ROUNDS: usize = 3;

/// Analyses an action, reading what analysis asks for as far as the source of facts has it. Returns
/// the facts that were used.
pub(crate) fn analyse(
    source: &dyn FactSource,
    session: &Session,
    action: &Action,
    call: &Call,
) -> (Analysis, Facts) {
    let deadline = source.deadline();
    let mut action = Cow::Borrowed(action);
    let mut analysis = analyze(&action, call);
    for _ in 0..ROUNDS {
        let mut read_any = false;
        for need in std::mem::take(&mut analysis.needs) {
            // The disk knows best; where it is not looked at, the session knows what it wrote.
            let written = || session.written(&need.path).map(str::to_owned);
            if let Some(content) = source.read(&need.path).or_else(written) {
                action.to_mut().facts.files.insert(need.path, content);
                read_any = true;
            }
        }
        if !read_any {
            break;
        }
        analysis = analyze(&action, call);
    }
    let read = |path: &str| {
        let supplied = || action.facts.files.get(path).cloned();
        source.read(path).or_else(|| session.written(path).map(str::to_owned)).or_else(supplied)
    };
    database::place(&mut analysis.effects, &action, read);
    let mut facts = action.facts.clone();
    source.gather(&action, &analysis.effects, &mut facts, deadline);
    // A name that leads elsewhere is judged by where it leads, and a push that names no branch by the
    // one that is checked out.
    let known =
        |path: &str| action.facts.paths.get(path).is_some_and(|path| path.resolved.is_some());
    let led = facts.paths.iter().any(|(path, facts)| facts.resolved.is_some() && !known(path));
    let branch = action.facts.git.is_none()
        && facts.git.is_some()
        && analysis.effects.iter().any(|effect| effect.kind == EffectKind::VcsRemote);
    if led || branch {
        action.to_mut().facts = facts.clone();
        analysis = analyze(&action, call);
        let read = |path: &str| source.read(path);
        database::place(&mut analysis.effects, &action, read);
        source.gather(&action, &analysis.effects, &mut facts, deadline);
    }
    (analysis, facts)
}
