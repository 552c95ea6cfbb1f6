//! What sentences ask for, and of what.

use super::*;

fn asked(sentence: &str) -> Vec<Wish> {
    of_sentence(sentence, &mut Before::default())
}

fn asks(sentence: &str, operation: Operation, name: &str) -> bool {
    asked(sentence).iter().any(|r| r.operations.contains(&operation) && r.has_object(name))
}

#[test]
fn a_verb_asks_for_what_it_is_said_of() {
    for (said, operation, name) in [
        ("force-push fix/login with lease", Operation::ForcePush, "fix/login"),
        ("drop and recreate the local dev database app_dev", Operation::Delete, "app_dev"),
        ("close issues #12 and #15", Operation::Close, "15"),
        ("close #12, #15 and #18", Operation::Close, "18"),
        ("delete the branch old-api on origin", Operation::Delete, "old-api"),
        ("restart the deployment billing", Operation::Stop, "billing"),
        ("kill the process on port 3000", Operation::Stop, "process"),
        ("publish 1.4.2 to npm", Operation::Publish, "1.4.2"),
        ("merge pr 88", Operation::Merge, "88"),
        ("yes, you can delete tmp/x now", Operation::Delete, "tmp/x"),
        ("cut a release v2.0.0", Operation::Publish, "2.0.0"),
        ("tmp/x can be deleted", Operation::Delete, "tmp/x"),
        ("lösche bitte tmp/x", Operation::Delete, "tmp/x"),
        ("bitte tmp/x löschen", Operation::Delete, "tmp/x"),
        ("kannst du tmp/x entfernen?", Operation::Delete, "tmp/x"),
        ("supprime le dossier tmp/x", Operation::Delete, "tmp/x"),
        ("borra la rama old-api", Operation::Delete, "old-api"),
        ("old-apiブランチを削除して", Operation::Delete, "old-api"),
        ("请删除 old-api 分支", Operation::Delete, "old-api"),
    ] {
        assert!(asks(said, operation, name), "{said}: {:?}", asked(said));
    }
}

#[test]
fn telling_asking_and_conditions_are_no_requests() {
    for said in [
        "could we drop invoice_archive, or does finance still need it?",
        "the script deletes tmp/x",
        "somebody deleted tmp/x",
        "i'll delete tmp/x myself",
        "we delete tmp/x every night",
        "delete tmp/x once the tests are green",
        "if tmp/x is old, delete it",
        "tomas said: delete tmp/x",
        "what would it take to delete tmp/x",
        "sollen wir tmp/x löschen?",
        "ich lösche tmp/x selbst",
        "how do i delete tmp/x",
    ] {
        assert!(!asks(said, Operation::Delete, "tmp/x"), "{said}: {:?}", asked(said));
        assert!(!asks(said, Operation::Delete, "invoice_archive"), "{said}");
    }
}

#[test]
fn a_place_is_no_object() {
    let [request] = asked("remove the imports from src/api.py").try_into().unwrap();
    assert!(!request.has_object("src/api.py") && request.mentions("src/api.py"));
    let [request] = asked("restart web on staging").try_into().unwrap();
    assert_eq!(request.environments, BTreeSet::from([Environment::Staging]));
}

#[test]
fn what_it_stands_for_may_be_some_sentences_back() {
    let message = "Until recently we ran the linter from .frob/settings.json. This is set up by \
                   `frob enable --local`. Can you help me change it so that it runs from the path?";
    let wishes = read(message).wishes;
    let change = |wish: &Wish| {
        wish.operations.contains(&Operation::Change) && wish.has_object(".frob/settings.json")
    };
    assert!(wishes.iter().any(change), "{wishes:?}");
}

#[test]
fn what_stands_for_something_is_what_was_named() {
    let mut before = Before::default();
    assert!(of_sentence("we no longer need src/legacy at all", &mut before).is_empty());
    let [request] = of_sentence("git rm the whole folder", &mut before).try_into().unwrap();
    assert!(request.has_object("src/legacy"), "{request:?}");
    let found = asked("close pr 1187, delete its branch");
    let delete = found.iter().find(|r| r.operations.contains(&Operation::Delete));
    assert!(delete.unwrap().has_object("1187"));
}
