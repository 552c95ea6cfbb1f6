//! What the embedded models cost: the probe on results of 4 KiB and of 100 MiB, stage 1 on an action with much
//! evidence, how long it takes until each can be asked, what they hold and add to the binary; and the same of an
//! encoder of the user's. Bars: SPECIFICATION.md.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use ringfence_action::{Attr, Effect, EffectKind, Target};
use ringfence_classify::probe::{self, Encoder, EncoderHead, Reader, Scanner};
use ringfence_classify::stage_one::{Evidence, Model, features};
use ringfence_testkit::timing;

use crate::{Failure, files};

const KIB: usize = 1 << 10;
/// What is built in: weights, which lie in the binary as they are.
const WEIGHTS: [&str; 3] = ["probe.bin", "stage-one.tsv", "encoder.tsv"];

/// Results of 4 KiB: code, a log, prose, and words of many kinds, so that every window is another.
fn results() -> [(&'static str, String); 4] {
    let fill = |line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for at in 0.. {
            text.push_str(&line(at));
            if text.len() >= 4 * KIB {
                break;
            }
        }
        text.chars().take(4 * KIB).collect::<String>()
    };
    let code = |at| {
        format!(
            "    let found_{at} = rows.iter().filter(|row| row.label == {at}).count(); // once\n"
        )
    };
    let log = |at| {
        format!(
            "2026-11-21T10:00:{:02}Z INFO worker{{id={at}}}: handled path=/api/v1/items?limit={at} took={at}ms\n",
            at % 60
        )
    };
    let prose = |at| {
        format!(
            "The server reads its settings from file {at}. Restart it after you have changed one of them.\n"
        )
    };
    let table = |at| {
        format!(
            "{{\"id\": {at}, \"name\": \"item-{at}\", \"tags\": [\"a{at}\", \"b\"], \"price\": {at}.50}},\n"
        )
    };
    [("code", fill(&code)), ("log", fill(&log)), ("prose", fill(&prose)), ("json", fill(&table))]
}

pub(crate) fn run(encoder: Option<&Path>, rounds: usize, mib: usize) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        println!("a debug build: the figures say nothing");
    }
    let before = files::held_kib();
    let results = results();
    for (name, text) in &results {
        let all = timing::each(&vec![(); rounds], 1, |()| drop(black_box(probe::scan(text))));
        println!("probe, 4 KiB of {name}: {all}");
    }
    let held = files::held_kib();
    println!(
        "probe, the whole process: {held} KiB, {} more than before",
        held.saturating_sub(before)
    );
    long(mib, &results.iter().map(|(_, text)| text.as_str()).collect::<String>());
    stage_one(rounds);
    for name in WEIGHTS {
        let path = files::root().join("crates/classify/weights").join(name);
        println!("in the binary, {name}: {} bytes", files::read_bytes(&path)?.len());
    }
    if let Some(folder) = encoder {
        second(folder, &results, rounds)?;
    }
    Ok(true)
}

fn long(mib: usize, piece: &str) {
    let mut scanner = Scanner::default();
    let (mut most, before) = (0, files::held_kib());
    let (report, took) = timing::timed(|| {
        for _ in 0..mib * KIB * KIB / piece.len() {
            scanner.feed(black_box(piece));
            most = most.max(scanner.held());
        }
        scanner.finish()
    });
    println!(
        "probe, {mib} MiB: {:.1} s, {most} bytes held, the process grew by {} KiB, taints: {}",
        took / 1e6,
        files::held_kib().saturating_sub(before),
        report.taints
    );
}

fn stage_one(rounds: usize) {
    let before = files::held_kib();
    let (model, load) = timing::timed(Model::trained);
    let effect = |kind: EffectKind| {
        let mut effect = Effect::new(kind, Target::Unknown);
        effect.attributes.set(Attr::Recursive, kind == EffectKind::Delete);
        effect
    };
    let kinds = [EffectKind::Exec, EffectKind::Delete, EffectKind::Net, EffectKind::Write];
    let effects: Vec<Effect> = (0..10).flat_map(|_| kinds).map(effect).collect();
    let evidence = Evidence {
        effects: effects.iter().map(|effect| (effect, false)).collect(),
        ..Evidence::default()
    };
    let all = timing::each(&vec![(); 10 * rounds], 1, |()| {
        drop(black_box(model.judge(&features(&evidence))))
    });
    println!("stage 1, 40 effects: {all}");
    println!(
        "stage 1, until it can be asked: {:.2} ms; {} KiB",
        load / 1e3,
        files::held_kib().saturating_sub(before)
    );
}

fn second(folder: &Path, results: &[(&str, String)], rounds: usize) -> Result<(), Failure> {
    let before = files::held_kib();
    let (encoder, load) = timing::timed(|| -> Result<Encoder, Failure> {
        let network = files::read_bytes(&folder.join("model.onnx"))?;
        let vocabulary = String::from_utf8(files::read_bytes(&folder.join("vocab.txt"))?)?;
        Ok(Encoder::new(network, &vocabulary, EncoderHead::trained(), Duration::MAX)?)
    });
    let encoder = encoder?;
    let reader = Reader { second: Some(&encoder), ..Reader::default() };
    println!("encoder, until it can be asked: {:.0} ms", load / 1e3);
    for (name, text) in results {
        let windows = reader.read_both(text).second.map(|second| second.windows);
        let rounds = vec![(); rounds.div_ceil(10)];
        let all = timing::each(&rounds, 1, |()| drop(black_box(reader.read_both(text))));
        println!("encoder, 4 KiB of {name}, {windows:?} windows: {all}");
    }
    let joined = results.iter().map(|(_, text)| text.as_str()).collect::<String>().repeat(64);
    let (report, took) = timing::timed(|| reader.read_both(&joined));
    let windows = report.second.map(|second| second.windows);
    println!("encoder, {} KiB, {windows:?} windows: {:.0} ms", joined.len() / KIB, took / 1e3);
    let held = files::held_kib();
    println!(
        "encoder, the whole process: {held} KiB, {} more than before",
        held.saturating_sub(before)
    );
    Ok(())
}
