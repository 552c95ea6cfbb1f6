//! What it costs to read a transcript of a thousand calls, and to understand them.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence_action::Action;
use ringfence_adapters::normalize;
use ringfence_adapters::transcript::Event;
use ringfence_adapters::transcript::claude_code::Reader;
use serde_json::json;

const SESSION: &str = include_str!("../../../examples/session.jsonl");
const CALLS: usize = 1_000;

/// The example session, over and over, until it has a thousand calls.
fn transcript() -> String {
    let per_session = calls(SESSION).len();
    SESSION.repeat(CALLS.div_ceil(per_session))
}

fn calls(transcript: &str) -> Vec<Action> {
    Reader::new(transcript.as_bytes())
        .filter_map(|entry| match entry.ok()?.event {
            Event::Call { tool, input, .. } => {
                serde_json::from_value(json!({"tool": tool, "input": input})).ok()
            }
            _ => None,
        })
        .collect()
}

fn reading(criterion: &mut Criterion) {
    let transcript = transcript();
    let mut group = criterion.benchmark_group("transcript");
    group.sample_size(20).throughput(Throughput::Bytes(transcript.len() as u64));
    group.bench_function("read 1,000 calls", |bencher| {
        bencher.iter(|| black_box(Reader::new(transcript.as_bytes()).count()));
    });
    group.finish();

    let mut actions = calls(&transcript);
    actions.truncate(CALLS);
    let mut group = criterion.benchmark_group("normalize");
    group.sample_size(20).throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("1,000 calls", |bencher| {
        bencher.iter(|| {
            for action in &actions {
                black_box(normalize(action));
            }
        });
    });
}

criterion_group!(benches, reading);
criterion_main!(benches);
