//! Rights that something takes are asked for with it.
//!
//! Who asks for a service of the machine to be restarted asks for `sudo systemctl restart` and not for
//! `sudo`. So what a call takes to be done is judged after what it does: where every change that it makes
//! was asked for by name, and there is one, the rights for it were asked for, too. A call that
//! changes nothing asked for, or that cannot be read to its end, carries nothing, and neither does one that
//! takes rights for more: `sudo systemctl restart nginx && sudo ./setup.sh`.

use ringfence_action::path::base_name;
use ringfence_action::{Attr, AttrValue, Effect, EffectKind};
use ringfence_analysis::Analysis;

/// Whether the changes of a call, as far as they were looked at, were asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    all: bool,
    any: bool,
    looks: bool,
}

impl Asked {
    /// Nothing was looked at yet.
    pub(crate) fn of(analysis: &Analysis) -> Self {
        let known = analysis.opaque.is_empty() && each_is_for_a_change(&analysis.effects);
        Self {
            all: known,
            any: false,
            looks: analysis.opaque.is_empty() && looks(&analysis.effects),
        }
    }

    /// Takes note of an effect, and whether it was named.
    pub(crate) fn note(&mut self, effect: &Effect, named: bool) {
        if changes(effect) {
            self.all &= named;
            self.any = true;
        }
    }

    /// Whether this is what the changes take, and they were asked for.
    pub(crate) fn carries(self, effect: &Effect) -> bool {
        is_means(effect) && ((self.all && self.any) || self.looks)
    }
}

/// Programs that only show what is there.
const SHOW: &[&str] = &[
    "du",
    "df",
    "ls",
    "cat",
    "head",
    "tail",
    "grep",
    "zgrep",
    "find",
    "stat",
    "wc",
    "sort",
    "uniq",
    "cut",
    "file",
    "ps",
    "ss",
    "netstat",
    "lsof",
    "dmesg",
    "journalctl",
    "uptime",
    "free",
    "id",
    "whoami",
    "lsblk",
    "ncdu",
    "sudo",
    "echo",
    "true",
];

/// Whether a call does nothing but look, at what holds no secret. Rights that it takes for that change nothing.
fn looks(effects: &[Effect]) -> bool {
    let shows = |run: &Effect| run.target.as_known().is_some_and(|it| base_name(it) != "sudo");
    let only = effects.iter().all(|effect| match effect.kind {
        EffectKind::Exec => {
            let target = effect.target.as_known().unwrap_or_default();
            SHOW.contains(&base_name(target))
        }
        EffectKind::Read => {
            let secret = ["secret", "shadow", "private-key", "credential"];
            !effect.is(Attr::Critical)
                && !secret.iter().any(|class| effect.attributes.contains(Attr::Classes, class))
        }
        EffectKind::Privilege => effect.text(Attr::Mechanism) == Some("sudo"),
        _ => false,
    });
    only && each_is_for(effects, shows)
}

fn changes(effect: &Effect) -> bool {
    effect.kind.changes_state() && !effect.is(Attr::ReadOnly) && !is_means(effect)
}

/// Whether all rights are taken for programs that change something themselves. What a shell, a script or a
/// container does with them is told by nobody.
fn each_is_for_a_change(effects: &[Effect]) -> bool {
    each_is_for(effects, |run| {
        let by = run.text(Attr::By);
        effects.iter().any(|effect| changes(effect) && effect.text(Attr::By) == by)
    })
}

/// Whether all rights are taken to run programs like this one.
fn each_is_for(effects: &[Effect], is: impl Fn(&Effect) -> bool) -> bool {
    let arguments = |effect: &Effect| match effect.attributes.get(Attr::Args) {
        Some(AttrValue::Count(count)) => *count,
        _ => 0,
    };
    let is_for = |at: usize| {
        let Some([taker, _, run]) = at.checked_sub(1).and_then(|from| effects.get(from..at + 2))
        else {
            return false;
        };
        taker.kind == EffectKind::Exec
            && run.kind == EffectKind::Exec
            // `sudo -i; systemctl restart nginx`: the second is not what the first runs.
            && arguments(taker) > arguments(run)
            && is(run)
    };
    let means = effects.iter().enumerate().filter(|(_, effect)| is_means(effect));
    means.map(|(at, _)| at).all(is_for)
}

fn is_means(effect: &Effect) -> bool {
    effect.kind == EffectKind::Privilege
}

/// The effects with their places, what they are for before what it takes.
pub(crate) fn last(effects: &[Effect]) -> impl Iterator<Item = (usize, &Effect)> {
    let ends = effects.iter().enumerate().filter(|(_, effect)| !is_means(effect));
    ends.chain(effects.iter().enumerate().filter(|(_, effect)| is_means(effect)))
}
