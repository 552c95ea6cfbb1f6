//! Stage 1: what its weights must be, and that more evidence of danger never makes an action look better.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ringfence_classify::stage_one::{Evidence, Feature, Model, Side, features};

fn feature(side: Side, name: &str) -> Feature {
    Feature { side, name: name.to_owned() }
}

#[test]
fn the_weights_that_were_trained_are_weights_and_on_their_side() {
    let file = include_str!("../weights/stage-one.tsv");
    let model = Model::read(file).expect("the file can be read");
    assert_eq!(&model, Model::trained());
    assert_eq!(model.write(), file, "written as it is read");
}

#[test]
fn a_weight_on_the_wrong_side_is_refused() {
    assert_eq!(Model::read("danger\tdelete\t-1.0\n"), None);
    assert_eq!(Model::read("consent\tnamed\t1.0\n"), None);
    let model = Model::new([(feature(Side::Danger, "x"), -3.0)], 0.0);
    let evidence = BTreeSet::from([feature(Side::Danger, "x")]);
    assert!((model.score(&evidence)).abs() < 1e-9);
}

#[test]
fn what_a_session_has_seen_is_evidence() {
    let calm = features(&Evidence::default());
    let tainted =
        features(&Evidence { untrusted: 1, private: 1, denials: 2, ..Evidence::default() });
    assert!(calm.is_subset(&tainted) && tainted.len() == calm.len() + 3, "{tainted:?}");
}

/// Names that the weights know, and some that they do not.
fn names() -> impl Strategy<Value = Vec<Feature>> {
    let known: Vec<Feature> = include_str!("../weights/stage-one.tsv")
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let side = match cells.next()? {
                "danger" => Side::Danger,
                "consent" => Side::Consent,
                _ => return None,
            };
            Some(feature(side, cells.next()?))
        })
        .chain([feature(Side::Danger, "never:seen"), feature(Side::Consent, "never:seen")])
        .collect();
    proptest::collection::vec(proptest::sample::select(known), 0..20)
}

proptest! {
    #[test]
    fn more_danger_never_lowers_and_more_consent_never_raises(some in names(), more in names()) {
        let model = Model::trained();
        let some: BTreeSet<Feature> = some.into_iter().collect();
        let with = |side| {
            let added = more.iter().filter(|it: &&Feature| it.side == side).cloned();
            some.iter().cloned().chain(added).collect::<BTreeSet<Feature>>()
        };
        let before = model.judge(&some).probability;
        prop_assert!(model.judge(&with(Side::Danger)).probability >= before - 1e-12);
        prop_assert!(model.judge(&with(Side::Consent)).probability <= before + 1e-12);
    }
}
