//! What a question costs, and what loading the default rules costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence_action::{Attr, Effect, EffectKind, Preset, Target};
use ringfence_policy::{
    Bundle, RepositoryFacts, Request, SessionFacts, Subject, TargetFacts, default_sources,
};

/// One effect of each shape that coding traffic is made of.
fn effects() -> Vec<(&'static str, Effect)> {
    vec![
        ("exec", Effect::new(EffectKind::Exec, Target::known("git")).with(Attr::By, "git")),
        (
            "read",
            Effect::new(EffectKind::Read, Target::known("/home/u/proj/src/main.rs"))
                .with(Attr::Place, "workspace")
                .with(Attr::Classes, ["source"]),
        ),
        (
            "write",
            Effect::new(EffectKind::Write, Target::known("/home/u/proj/src/main.rs"))
                .with(Attr::Place, "workspace")
                .with(Attr::Classes, ["source"]),
        ),
        (
            "delete",
            Effect::new(EffectKind::Delete, Target::known("/home/u/proj/build"))
                .with(Attr::Place, "workspace")
                .with(Attr::Recursive, true)
                .with(Attr::Classes, ["build-output"]),
        ),
        (
            "vcs_remote",
            Effect::new(EffectKind::VcsRemote, Target::known("origin/feature"))
                .with(Attr::Op, "push")
                .with(Attr::Remote, "origin")
                .with(Attr::Branch, "feature"),
        ),
        (
            "net",
            Effect::new(EffectKind::Net, Target::known("localhost"))
                .with(Attr::Classes, ["localhost"]),
        ),
    ]
}

fn evaluate(criterion: &mut Criterion) {
    let Ok(bundle) = Bundle::default_rules() else { return };
    let target = TargetFacts::default();
    let repository = RepositoryFacts::default();
    let session = SessionFacts::default();
    let mut group = criterion.benchmark_group("evaluate");
    for (name, effect) in effects() {
        let request = Request {
            agent: "claude-code",
            preset: Preset::Guard,
            subject: Subject::Effect(&effect),
            target: &target,
            repository: &repository,
            session: &session,
        };
        group.bench_function(name, |bencher| bencher.iter(|| bundle.evaluate(black_box(&request))));
    }
    group.finish();
}

fn load(criterion: &mut Criterion) {
    let sources = default_sources();
    criterion.bench_function("load/default", |bencher| {
        bencher.iter(|| Bundle::load(black_box(&sources)).map(|bundle| bundle.rules().len()));
    });
}

criterion_group!(benches, evaluate, load);
criterion_main!(benches);
