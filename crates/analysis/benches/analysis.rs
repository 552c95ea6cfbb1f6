//! What analysis of a shell command costs, over the commands of real traffic (with `RINGFENCE_DATA`)
//! or a mix like it. Bars: SPECIFICATION.md.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence_action::{Action, Call};
use ringfence_adapters::normalize;
use ringfence_analysis::analyze;
use ringfence_testkit::{timing, traffic};

fn calls() -> Vec<(Action, Call)> {
    let commands = traffic::commands();
    commands.into_iter().map(|action| (normalize(&action), action)).map(|(c, a)| (a, c)).collect()
}

fn distribution(_: &mut Criterion) {
    let all = timing::each(&calls(), 9, |(action, call)| {
        black_box(analyze(action, call));
    });
    println!("analysis of shell commands, at most 4 KiB: {all}");
}

fn mix(criterion: &mut Criterion) {
    let calls = calls();
    let mut group = criterion.benchmark_group("analysis");
    group.sample_size(20).throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function("mix", |bencher| {
        bencher.iter(|| {
            for (action, call) in &calls {
                black_box(analyze(action, call));
            }
        });
    });
}

criterion_group!(benches, distribution, mix);
criterion_main!(benches);
