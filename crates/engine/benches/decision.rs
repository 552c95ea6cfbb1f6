//! What a decision costs: default rules, session state, no facts gathered, over real traffic (with
//! `RINGFENCE_DATA`) or a mix like it; and a replay of 1,000 calls. Bars: SPECIFICATION.md.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ringfence_action::{Action, Call};
use ringfence_adapters::normalize;
use ringfence_engine::{Engine, Options, Session, Sessions};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::{timing, traffic};

fn engine() -> Engine {
    let bundle = Bundle::default_rules().expect("the default rules load");
    Engine::new(bundle, Box::new(Supplied), Options { sandbox: true, ..Options::default() })
}

fn calls() -> Vec<(Action, Call)> {
    let actions = traffic::actions();
    actions.into_iter().map(|action| (normalize(&action), action)).map(|(c, a)| (a, c)).collect()
}

fn distribution(_: &mut Criterion) {
    let engine = engine();
    let all = timing::each(&calls(), 3, |(action, call)| {
        black_box(engine.decide(action, call, &mut Session::new()));
    });
    println!("decision: {all}");
}

fn replay(criterion: &mut Criterion) {
    let engine = engine();
    let mut calls = calls();
    calls.truncate(1000);
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10).throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function(format!("{} calls", calls.len()), |bencher| {
        bencher.iter_batched(
            Sessions::new,
            |mut sessions| {
                for (action, call) in &calls {
                    let session = sessions.of(action.session.as_deref());
                    black_box(engine.decide(action, call, session));
                }
            },
            BatchSize::LargeInput,
        );
    });
}

fn load(criterion: &mut Criterion) {
    criterion.bench_function("load the default rules", |bencher| {
        bencher.iter(|| black_box(Bundle::default_rules()));
    });
}

criterion_group!(benches, distribution, replay, load);
criterion_main!(benches);
