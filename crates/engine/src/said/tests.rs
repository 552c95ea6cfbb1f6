//! What people say, and what was meant: each sentence next to one that differs by little.

use super::*;

fn asked(message: &str) -> Vec<Operation> {
    let mut found: Vec<Operation> =
        read(message).requests.into_iter().map(|request| request.operation).collect();
    found.sort();
    found.dedup();
    found
}

fn forbidden(message: &str) -> Vec<Option<Operation>> {
    let mut found: Vec<Option<Operation>> =
        read(message).boundaries.into_iter().map(|boundary| boundary.operation).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_verb_is_a_request() {
    for (said, operation) in [
        ("force-push feature-x", Operation::ForcePush),
        ("push --force feature-x", Operation::ForcePush),
        ("please delete tests/old", Operation::Delete),
        ("Can you delete tests/old?", Operation::Delete),
        ("ok, now delete tests/old", Operation::Delete),
        ("tests/old should be deleted", Operation::Delete),
        ("look at it again and then delete tests/old", Operation::Delete),
        ("I want to delete tests/old", Operation::Delete),
        ("rebase onto main", Operation::Rewrite),
        ("write a comment in #172", Operation::Send),
        ("lösche tests/old", Operation::Delete),
        ("supprime tests/old", Operation::Delete),
        ("borra tests/old", Operation::Delete),
        ("tests/old を削除して", Operation::Delete),
        ("删除 tests/old", Operation::Delete),
    ] {
        assert!(asked(said).contains(&operation), "{said}: {:?}", asked(said));
    }
}

#[test]
fn a_question_a_quote_or_a_report_is_not() {
    for said in [
        "why was tests/old deleted?",
        "should we delete tests/old?",
        "> delete tests/old",
        "```\nrm -rf tests/old\n```",
        "the ticket: see docs/delete.md",
        "I deleted tests/old by accident",
        "it tries to delete tests/old",
        "the script will delete tests/old",
        "I'll delete tests/old myself",
        "someone removed tests/old yesterday",
        "the log says \"delete tests/old at once\"",
        "`git push --force origin main` fails",
        "$ git push --force origin feature-x",
        "❯ rm -rf tests/old",
        "# Plan\n\nDelete tests/old and force-push feature-x.",
        "| step | delete tests/old |",
        "tests/old を削除しました",
        "已经删除了 tests/old",
        "j'ai supprimé tests/old",
        "tests/old wurde gelöscht",
    ] {
        assert!(
            !asked(said).iter().any(|it| matches!(it, Operation::Delete | Operation::ForcePush)),
            "{said}: {:?}",
            asked(said)
        );
    }
}

#[test]
fn a_target_is_named_by_itself_or_by_the_end_of_its_path() {
    let request = &read("delete ./tests/old/ please").requests[0];
    assert!(request.names("tests/old"));
    assert!(request.names("/home/u/proj/tests/old"));
    assert!(!request.names("/home/u/proj/tests/older"));
    assert!(!request.names("/home/u/proj/tests"));
    assert!(!serde_json::to_string(request).unwrap().contains("tests"));
}

#[test]
fn what_is_named_beside_is_not_what_is_to_go() {
    let names = |said: &str, name: &str| {
        read(said).requests.iter().any(|it| it.operation == Operation::Delete && it.names(name))
    };
    assert!(names("remove tests/old", "tests/old"));
    assert!(!names("remove the retry step from ci.yml", "ci.yml"));
    assert!(names("tests/old is broken. Remove it.", "tests/old"));
    assert!(!names("see tests/old. That is fine. Remove the rest.", "tests/old"));
}

#[test]
fn a_pronoun_means_what_was_named_before() {
    let said = "We use `go run` in .claude/settings.json. It is slow. Can you help me change it so that it is fast?";
    let found = read(said);
    let change = found.requests.iter().find(|it| it.operation == Operation::Change).unwrap();
    assert!(change.names("/home/u/proj/.claude/settings.json"));
}

#[test]
fn a_negation_is_a_boundary_and_not_a_request() {
    let push = Some(Operation::Push);
    for (said, boundary) in [
        ("commit it, but don't push", push),
        ("commit it but don't push", push),
        ("please do not push yet", push),
        ("never push to main", push),
        ("you must not push", push),
        ("fix it without pushing", push),
        ("hold off on pushing", push),
        ("make sure to never push", push),
        ("be careful not to push", push),
        ("no pushing please", push),
        ("don't merge or push", push),
        ("don't commit, merge or push", push),
        ("push it, but not before I say so", push),
        ("only read, please", None),
        ("read-only please", None),
        ("look around, but do not change any files", None),
        ("don't fix anything, but just validate it", None),
        ("don't touch anything", None),
        ("bitte nicht pushen", push),
        ("bitte noch nicht pushen", push),
        ("nur lesen", None),
        ("ne pousse pas", push),
        ("ne modifie rien", None),
        ("no hagas push todavía", push),
        ("no toques nada", None),
        ("先不要推送", push),
        ("不要推送代码", push),
        ("只读", None),
        ("まだプッシュしないで", push),
        ("何も変更しないで", None),
        ("bitte nicht löschen", Some(Operation::Delete)),
        ("no borres nada", Some(Operation::Delete)),
        ("ne supprime rien", Some(Operation::Delete)),
        ("不要删除", Some(Operation::Delete)),
        ("削除しないでください", Some(Operation::Delete)),
        ("fixtures/golden must not be deleted", Some(Operation::Delete)),
        ("don't commit this", Some(Operation::Commit)),
    ] {
        let said_so = read(said);
        assert!(forbidden(said).contains(&boundary), "{said}: {:?}", forbidden(said));
        let asks =
            boundary.is_some_and(|it| said_so.requests.iter().any(|asked| asked.operation == it));
        assert!(!asks, "{said}");
    }
    assert_eq!(asked("commit it but don't push"), [Operation::Commit]);
}

#[test]
fn what_tells_how_things_are_is_no_boundary() {
    for said in [
        "No. Nothing on a web page gets to see my .env. Go on with the fix.",
        "don't change the behaviour",
        "there's no fix for it",
        "don't use emojis",
        "don't run into that again",
        "I don't think we need to add more",
        "never mind, write the tests",
        "the view is read-only and shows what others have changed",
        "a simple read-only subcommand showing:",
        "- **metadata**: read-only (auto-selected)",
        "so it covers all agents without any hook changes",
        "it works without installing anything",
        "strategies that don't support reset",
        "the hook does not commit anything",
        "when do we stop attribution of more changes?",
        "I can't push",
        "the push did not work",
        "users who never commit see nothing",
        "| file | do not delete the file |",
        "why don't we push?",
        "要不要推送？",
        "特别提交",
        "der Push hat nicht funktioniert",
        "il ne pousse pas les tags",
    ] {
        assert_eq!(forbidden(said), [], "{said}");
    }
}

#[test]
fn a_boundary_may_be_about_one_thing() {
    let boundaries = read("don't delete fixtures/golden").boundaries;
    assert_eq!(boundaries[0].objects, ["fixtures/golden"]);
    assert!(read("don't push yet").boundaries[0].objects.is_empty());
    assert!(read("don't push the branch").boundaries[0].objects.is_empty());
    assert_eq!(read("don't push directly to main").boundaries[0].objects, ["main"]);
}

#[test]
fn what_lifts_a_boundary() {
    let lifts = |boundary: &str, later: &str| {
        let boundary = read(boundary).boundaries.remove(0);
        read(later).lifts(&boundary)
    };
    for (boundary, later) in [
        ("don't push", "now push it"),
        ("don't push", "push"),
        ("don't push yet", "go ahead"),
        ("don't push until I have looked", "ok, go ahead"),
        ("don't push", "force-push feature-x"),
        ("don't fix anything", "let's try implementing this"),
        ("only read", "please fix src/a.rs"),
        ("don't delete fixtures/golden", "delete fixtures/golden"),
    ] {
        assert!(lifts(boundary, later), "{boundary} / {later}");
    }
    for (boundary, later) in [
        ("don't push", "go ahead"),
        ("don't push", "yes"),
        ("don't push", "did you push?"),
        ("don't push", "> push it"),
        ("don't push", "I pushed it myself"),
        ("don't install anything", "add a test"),
        ("only read", "how far is it?"),
        ("only read", "run the tests"),
        ("don't delete fixtures/golden", "delete tests/old"),
    ] {
        assert!(!lifts(boundary, later), "{boundary} / {later}");
    }
}

#[test]
fn a_document_that_is_handed_over_forbids_little() {
    let plan = format!("Plan\n{}\nOnly read.\nDo not push until it is green.\n", "x ".repeat(400));
    assert_eq!(read_relayed(&plan).boundaries, []);
    assert!(read_relayed("delete tests/old").requests.is_empty());
    assert_eq!(read_relayed("do not push").boundaries.len(), 1);
}
