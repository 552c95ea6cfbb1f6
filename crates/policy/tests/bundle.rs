//! What a bundle promises, whoever wrote its rules.

use ringfence_action::{Attr, Effect, EffectKind, Opaque, OpaqueReason, Outcome, Preset, Target};
use ringfence_policy::{
    Bundle, Evaluation, Layer, RepositoryFacts, Request, SessionFacts, Source, Subject, TargetFacts,
};

fn source(layer: Layer, text: &str) -> Source {
    Source { layer, name: "rules.cedar".to_owned(), text: text.to_owned().into() }
}

fn rule(id: &str, outcome: &str, rest: &str) -> String {
    format!(
        "@id(\"{id}\") @outcome(\"{outcome}\") @why(\"why {id}\") @instead(\"instead {id}\")\n{rest}\n"
    )
}

fn ask(
    bundle: &Bundle,
    subject: Subject<'_>,
    preset: Preset,
    session: &SessionFacts,
) -> Evaluation {
    bundle.evaluate(&Request {
        agent: "claude-code",
        preset,
        subject,
        target: &TargetFacts::default(),
        repository: &RepositoryFacts::default(),
        session,
    })
}

fn guard(bundle: &Bundle, effect: &Effect) -> Evaluation {
    ask(bundle, Subject::Effect(effect), Preset::Guard, &SessionFacts::default())
}

fn read() -> Effect {
    Effect::new(EffectKind::Read, Target::known("/home/u/proj/a")).with(Attr::Place, "workspace")
}

#[test]
fn the_strictest_determining_rule_stands_and_the_others_are_named() {
    let text = rule("a.ask", "ask", "forbid (principal, action == Action::\"read\", resource);")
        + &rule("b.deny", "deny", "forbid (principal, action in [Action::\"path\"], resource);")
        + &rule("c.allow", "allow", "permit (principal, action, resource);");
    let bundle = Bundle::load(&[source(Layer::User, &text)]).unwrap();
    let evaluation = guard(&bundle, &read());
    assert_eq!(evaluation.outcome, Outcome::Deny);
    let ids: Vec<&str> = evaluation.hits.iter().map(|hit| hit.id.as_str()).collect();
    assert_eq!(ids, ["b.deny", "a.ask"]);
}

#[test]
fn a_rule_that_errors_is_a_deny() {
    let text = rule(
        "a.overflow",
        "ask",
        "forbid (principal, action, resource) when { context.session.denials + 9223372036854775807 > 0 };",
    );
    let bundle = Bundle::load(&[source(Layer::User, &text)]).unwrap();
    let session = SessionFacts { denials: 1, ..SessionFacts::default() };
    let read = read();
    for preset in Preset::ALL {
        let evaluation = ask(&bundle, Subject::Effect(&read), preset, &session);
        assert_eq!(evaluation.outcome, Outcome::Deny);
        assert!(evaluation.error.as_ref().unwrap().contains("a.overflow"), "{evaluation:?}");
    }
}

#[test]
fn where_no_rule_speaks_the_preset_does() {
    let bundle = Bundle::load(&[]).unwrap();
    let opaque = Opaque::new(OpaqueReason::ParseError, "x");
    for (preset, outcome) in [
        (Preset::Observe, Outcome::Allow),
        (Preset::Guard, Outcome::Allow),
        (Preset::Lockdown, Outcome::Deny),
    ] {
        let session = SessionFacts::default();
        let effect = read();
        for subject in [Subject::Effect(&effect), Subject::Opaque(&opaque)] {
            let evaluation = ask(&bundle, subject, preset, &session);
            assert_eq!((evaluation.outcome, evaluation.hits.len()), (outcome, 0));
        }
    }
}

#[test]
fn lockdown_lets_through_what_a_rule_permits() {
    let bundle = Bundle::default_rules().unwrap();
    let session = SessionFacts::default();
    let evaluation = ask(&bundle, Subject::Effect(&read()), Preset::Lockdown, &session);
    assert_eq!(evaluation.outcome, Outcome::Allow);
    assert_eq!(evaluation.hits[0].id, "workspace.read");
}

#[test]
fn no_layer_widens_what_a_layer_above_forbids() {
    let forbid =
        rule("org.no-reads", "deny", "forbid (principal, action == Action::\"read\", resource);");
    let permit = rule("user.reads", "allow", "permit (principal, action, resource);");
    let bundle =
        Bundle::load(&[source(Layer::Organisation, &forbid), source(Layer::User, &permit)])
            .unwrap();
    assert_eq!(guard(&bundle, &read()).outcome, Outcome::Deny);
}

#[test]
fn a_repository_may_only_narrow_and_its_texts_stay_where_they_are() {
    let permit = rule("repo.all", "allow", "permit (principal, action, resource);");
    let error = Bundle::load(&[source(Layer::Repository, &permit)]).unwrap_err().to_string();
    assert!(error.contains("may only forbid"), "{error}");

    let forbid = rule("ignore-all-rules", "deny", "forbid (principal, action, resource);");
    let bundle = Bundle::load(&[source(Layer::Repository, &forbid)]).unwrap();
    let evaluation = guard(&bundle, &read());
    assert_eq!(evaluation.outcome, Outcome::Deny);
    let told = format!("{:?}", evaluation.hits);
    assert!(!told.contains("ignore-all-rules"), "{told}");
    assert!(evaluation.hits[0].id.starts_with("repository."), "{told}");
    assert!(bundle.rule(&evaluation.hits[0].id).unwrap().why.contains("ignore-all-rules"));
}

#[test]
fn what_is_wrong_is_said_with_the_place_and_the_remedy() {
    let forbid = "forbid (principal, action == Action::\"exec\", resource)";
    let cases = [
        (
            "forbid (principal, action, resource)".to_owned(),
            ["unexpected end of input", "rules.cedar:1"],
        ),
        (format!("{forbid};"), ["no usable @id", "@why"]),
        (
            rule("a.b", "forbid", &format!("{forbid};")),
            ["@outcome (`forbid`)", "contain, review, ask, deny"],
        ),
        (
            rule("a.b", "allow", &format!("{forbid};")),
            ["@outcome (`allow`)", "contain, review, ask, deny"],
        ),
        (rule("A b", "deny", &format!("{forbid};")), ["@id (`A b`)", "small letters"]),
        (
            rule("a.b", "deny", &format!("{forbid} when {{ context.recursve }};")),
            ["recursve", "rules.cedar:2"],
        ),
        (
            rule("a.b", "deny", "forbid (principal, action == Action::\"exce\", resource);"),
            ["exce", "did you mean"],
        ),
        (
            rule("a.b", "deny", &format!("{forbid} when {{ context.facts.exists }};")),
            ["exists", "has"],
        ),
        (
            rule("a.b", "deny", &format!("{forbid};")) + &rule("a.b", "ask", &format!("{forbid};")),
            ["already taken", "another @id"],
        ),
        (
            format!("@idd(\"a\") {}", rule("a.b", "deny", &format!("{forbid};"))),
            ["@idd", "did you mean `id`"],
        ),
        (
            format!(
                "@consent(\"operation-and-target\") {}",
                rule("a.b", "deny", &format!("{forbid};"))
            ),
            ["cleared by consent", "`never`"],
        ),
    ];
    for (text, expected) in cases {
        let error = Bundle::load(&[source(Layer::User, &text)]).unwrap_err().to_string();
        for words in expected {
            assert!(error.contains(words), "{text}\n→ {error}\nlacks {words}");
        }
    }
}

/// Whoever meets a rule is told how sure it is, and which risk of agents it is about: one of OWASP's
/// list for agentic applications, and where there is one a technique of MITRE ATLAS.
#[test]
fn every_default_rule_says_how_mature_it_is_and_what_it_maps_to() {
    let bundle = Bundle::default_rules().unwrap();
    let mut wrong = Vec::new();
    for rule in bundle.rules() {
        let is_owasp = |name: &str| {
            let number = name.strip_prefix("ASI").and_then(|number| number.parse::<u8>().ok());
            name.len() == 5 && number.is_some_and(|number| (1..=10).contains(&number))
        };
        let is_atlas = |name: &str| {
            let number = name.strip_prefix("AML.T").unwrap_or_default();
            number.len() >= 4 && number.chars().all(|c| c.is_ascii_digit() || c == '.')
        };
        if !rule.text.contains("@maturity(") {
            wrong.push(format!("{}: no @maturity", rule.id));
        }
        if !rule.maps_to.iter().any(|name| is_owasp(name)) {
            wrong.push(format!("{}: @maps_to names none of ASI01 to ASI10", rule.id));
        }
        for name in rule.maps_to.iter().filter(|name| !is_owasp(name) && !is_atlas(name)) {
            wrong.push(format!("{}: `{name}` is in neither catalogue", rule.id));
        }
        if rule.outcome != Outcome::Allow && rule.instead.is_empty() {
            wrong.push(format!("{}: no @instead", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bundle_without_a_rule_has_all_the_others() {
    let bundle = Bundle::default_rules().unwrap();
    let fewer = bundle.without("fs.delete-critical-path").unwrap();
    assert_eq!(fewer.rules().len() + 1, bundle.rules().len());
    assert!(fewer.rule("fs.delete-critical-path").is_none());
    assert_ne!(fewer.digest(), bundle.digest());
}

/// Requests are built without the schema: this is what holds the two together.
#[test]
fn every_question_can_be_answered_with_everything_in_the_schema() {
    let mut text = String::new();
    for kind in EffectKind::ALL {
        let reads: Vec<String> = Attr::ALL
            .iter()
            .filter(|attr| attr.fits(*kind))
            .map(|attr| match attr.value_type() {
                ringfence_action::AttrType::Flag => format!("context.{attr}"),
                ringfence_action::AttrType::Text => format!("context.{attr} == \"x\""),
                ringfence_action::AttrType::Set => format!("context.{attr}.contains(\"x\")"),
                ringfence_action::AttrType::Count => {
                    format!("(context has {attr} && context.{attr} == 7)")
                }
            })
            .collect();
        let facts = "context.live && (context.target.text == \"\" || context.target.precision == \"\" || context.scope.name == \"\" || context.scope.place == \"x\" || context.facts.created || context.facts.named_by_user || context.session.denials == 9 || context.session.untrusted.contains(\"\") || context.session.private.contains(\"\") || context.session.boundaries.contains(\"\") || context.preset == \"\"";
        text += &rule(
            &format!("all.{kind}"),
            "deny",
            &format!(
                "forbid (principal, action == Action::\"{kind}\", resource) when {{ {facts} || {}) }};",
                reads.join(" || ")
            ),
        );
    }
    let bundle = Bundle::load(&[source(Layer::User, &text)]).unwrap();
    for kind in EffectKind::ALL {
        let effect = Effect::new(*kind, Target::known("y"));
        let evaluation = guard(&bundle, &effect);
        assert_eq!((evaluation.outcome, evaluation.error), (Outcome::Allow, None), "{kind}");
    }
}
