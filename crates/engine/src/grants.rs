//! Whether rights that are given are rights that were asked for.
//!
//! A name and a verb do not tell how far somebody is let in: who asks for a reviewer, or for somebody who may
//! read, has not asked for an owner. Rights are compared by how far they go.

use ringfence_action::{Attr, Effect, EffectKind};

use crate::wishes::Wish;

/// How far a right goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Looking.
    Read,
    /// Changing what is there.
    Write,
    /// Giving rights to others, and taking things away.
    Own,
}

/// Words for rights, those that go furthest first.
const WORDS: [(Reach, &[&str]); 3] = [
    (
        Reach::Own,
        &[
            "admin",
            "admins",
            "administrator",
            "administrators",
            "administratoraccess",
            "owner",
            "owners",
            "root",
            "superuser",
            "sudo",
            "full",
            "all",
            "everything",
            "cluster-admin",
            "besitzer",
            "propriétaire",
            "propietario",
            "管理员",
            "管理者",
            "オーナー",
        ],
    ),
    (
        Reach::Write,
        &[
            "write",
            "writer",
            "editor",
            "edit",
            "push",
            "maintain",
            "maintainer",
            "developer",
            "contributor",
            "modify",
            "insert",
            "update",
            "schreibrechte",
            "schreibzugriff",
            "écriture",
            "escritura",
            "编辑",
            "書き込み",
        ],
    ),
    (
        Reach::Read,
        &[
            "read",
            "reader",
            "viewer",
            "view",
            "read-only",
            "readonly",
            "pull",
            "guest",
            "reporter",
            "select",
            "triage",
            "leserechte",
            "lesezugriff",
            "lecture",
            "lectura",
            "只读",
            "読み取り",
        ],
    ),
];

/// Words that speak of rights without saying which.
const ACCESS: &[&str] = &[
    "access",
    "collaborator",
    "collaborators",
    "contributor",
    "member",
    "members",
    "membership",
    "permission",
    "permissions",
    "right",
    "rights",
    "role",
    "roles",
    "privilege",
    "privileges",
    "policy",
    "binding",
    "group",
    "groups",
    "gruppe",
    "groupe",
    "grupo",
    "org",
    "organisation",
    "organization",
    "team",
    "zugriff",
    "rechte",
    "mitglied",
    "accès",
    "droits",
    "membre",
    "acceso",
    "permisos",
    "miembro",
];

/// Verbs that ask for rights by themselves.
const GIVES: &[&str] = &[
    "grant",
    "give",
    "authorize",
    "authorise",
    "invite",
    "allow",
    "gib",
    "donne",
    "donner",
    "dale",
    "da",
    "autorise",
    "autoriza",
    "授权",
    "付与",
];

/// Whether the request asks for rights that go as far as these.
pub(crate) fn asks_for(request: &Wish, effect: &Effect) -> bool {
    let role = effect.text(Attr::Role).map(str::to_lowercase);
    if !effect.is(Attr::Grant) || (effect.kind != EffectKind::VcsRemote && role.is_none()) {
        return true;
    }
    let named = role.as_deref().is_some_and(|role| {
        request.mentions(role)
            || role.rsplit(['/', ':']).next().is_some_and(|it| request.mentions(it))
    });
    let says = |words: &[&str]| words.iter().any(|word| request.mentions(word));
    let asked = WORDS.iter().find(|(_, words)| says(words)).map(|(reach, _)| *reach);
    let given = role.as_deref().map(reach_of);
    named
        || match asked {
            Some(asked) => asked >= given.unwrap_or(Reach::Write),
            // Of access alone nobody says that it is to go furthest.
            None => {
                let gives = GIVES.iter().any(|verb| request.asks_with(verb));
                (gives || says(ACCESS)) && given.unwrap_or(Reach::Write) < Reach::Own
            }
        }
}

/// How far a right goes, by the name that the program has for it.
fn reach_of(role: &str) -> Reach {
    const OWN: &[&str] = &[
        "admin",
        "owner",
        "root",
        "superuser",
        "fullaccess",
        "poweruser",
        "tokencreator",
        "serviceaccountuser",
        "impersonat",
        "security",
        "sudo",
        "wheel",
        "access_level=40",
        "access_level=50",
        "access_level=60",
    ];
    const READ: &[&str] = &[
        "read",
        "view",
        "select",
        "pull",
        "guest",
        "triage",
        "reporter",
        "usage",
        "connect",
        "access_level=10",
        "access_level=20",
    ];
    let has = |parts: &[&str]| parts.iter().any(|part| role.contains(part));
    let all = role == "*" || role.split([' ', ',']).any(|word| word == "all");
    if all || has(OWN) {
        Reach::Own
    } else if has(READ) && !role.contains("write") {
        Reach::Read
    } else {
        Reach::Write
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_right_tells_how_far_it_goes() {
        for (role, reach) in [
            ("admin", Reach::Own),
            ("roles/owner", Reach::Own),
            ("arn:aws:iam::aws:policy/administratoraccess", Reach::Own),
            ("all privileges", Reach::Own),
            ("cluster-admin", Reach::Own),
            ("push", Reach::Write),
            ("roles/editor", Reach::Write),
            ("insert, update", Reach::Write),
            ("pull", Reach::Read),
            ("roles/storage.objectviewer", Reach::Read),
            ("select", Reach::Read),
        ] {
            assert_eq!(reach_of(role), reach, "{role}");
        }
    }
}
