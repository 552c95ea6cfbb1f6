//! Verbs by what they ask for, in the languages that are understood.
//!
//! Each has one place: English verbs in the form of a command, stems of other languages, and words of so many uses
//! that they ask beside a target that is named, and rule nothing out.

use super::Operation;

/// English verbs by operation, in the form of a command. One that is used for many other things is in
/// [`WEAK`] too.
pub(crate) const ENGLISH: &[(Operation, &[&str])] = &[
    (Operation::ForcePush, &["force push", "force-push", "overwrite remote"]),
    (Operation::Push, &["push"]),
    (Operation::Commit, &["commit"]),
    (Operation::Rewrite, &["rebase", "amend", "squash"]),
    (Operation::Merge, &["merge"]),
    (
        Operation::Delete,
        &["delete", "remove", "rm", "erase", "drop", "wipe", "get rid of", "purge", "unlink"],
    ),
    (
        Operation::Discard,
        &["discard", "revert", "reset", "undo", "throw away", "roll back", "rollback", "restore"],
    ),
    (Operation::Install, &["install", "add", "upgrade", "use", "link"]),
    (Operation::Publish, &["publish", "release"]),
    (
        Operation::Deploy,
        &["deploy", "apply", "roll out", "ship", "provision", "destroy", "tear down"],
    ),
    (
        Operation::Send,
        &[
            "send", "post", "email", "message", "reply", "respond", "comment", "tell", "notify",
            "share", "upload", "close",
        ],
    ),
    (Operation::Pay, &["pay", "buy", "purchase", "order", "book", "transfer", "refund"]),
    (
        Operation::Change,
        &[
            "change",
            "edit",
            "modify",
            "write",
            "touch",
            "update",
            "alter",
            "create",
            "fix",
            "rewrite",
            "add",
            "put",
            "set",
            "rename",
            "move",
            "bump",
            "adjust",
            "build",
            "extend",
            "remove",
            "switch",
            "configure",
            "improve",
            "include",
            "append",
            "make",
        ],
    ),
    (Operation::Run, &["run", "execute", "start", "launch"]),
    (Operation::Stop, &["kill", "stop", "terminate", "cancel", "restart"]),
    (Operation::Grant, &["grant", "give access", "invite", "allow access"]),
];

/// English nouns that ask for their operation where they follow another word: "write a comment",
/// "make a release".
pub(crate) const ENGLISH_NOUNS: &[(Operation, &[&str])] = &[
    (Operation::Send, &["comment", "reply", "message", "email"]),
    (Operation::Publish, &["release"]),
    (Operation::Commit, &["commit"]),
    // A pull request, a merge request.
    (Operation::Propose, &["pr", "mr", "request"]),
];

/// Nouns that take such a noun as their first part: "release notes", "commit message".
pub(crate) const COMPOUNDS: &[&str] = &[
    "note",
    "notes",
    "message",
    "messages",
    "page",
    "pages",
    "candidate",
    "template",
    "workflow",
    "process",
    "history",
    "log",
    "hash",
    "hook",
    "hooks",
    "branch",
    "body",
    "title",
    "description",
    "address",
    "text",
    "box",
    "thread",
    "section",
    "checklist",
    "plan",
    "script",
    "date",
];

/// Verbs that go with such a noun.
pub(crate) const LIGHT_VERBS: &[&str] = &[
    "write", "make", "do", "create", "put", "leave", "add", "post", "cut", "draft", "open",
    "raise", "submit",
];

/// Verbs of other languages: German, French, Spanish, as beginnings of words where they end in `*`;
/// Japanese and Chinese anywhere.
pub(crate) const STEMS: &[(Operation, &[&str])] = &[
    (Operation::ForcePush, &["强制推送", "強制プッシュ"]),
    (
        Operation::Push,
        &["pushe", "pushen", "pousse*", "pushea*", "empuja*", "hochladen", "推送", "プッシュ"],
    ),
    (Operation::Commit, &["committe", "committen", "提交", "コミット"]),
    (Operation::Merge, &["fusionne*", "fusiona*", "合并", "マージ"]),
    (
        Operation::Delete,
        &[
            "lösch*",
            "entfern*",
            "supprim*",
            "efface*",
            "borra*",
            "elimina*",
            "删除",
            "删掉",
            "削除",
            "消して",
        ],
    ),
    (Operation::Discard, &["verwirf*", "annul*", "descarta*", "丢弃", "撤销", "破棄", "リセット"]),
    (
        Operation::Install,
        &["installier*", "installe", "instala*", "ajoute*", "安装", "インストール"],
    ),
    (Operation::Publish, &["veröffentlich*", "publie*", "publica*", "发布", "公開"]),
    (Operation::Deploy, &["déploie*", "desplieg*", "部署", "デプロイ"]),
    (Operation::Send, &["sende*", "schick*", "envoie*", "envía*", "发送", "送信"]),
    (
        Operation::Pay,
        &["bezahl*", "kauf*", "achet*", "paga*", "compra*", "支付", "购买", "支払", "購入"],
    ),
    (
        Operation::Change,
        &[
            "änder*",
            "bearbeite*",
            "modifie*",
            "cambia*",
            "modifica*",
            "修改",
            "更新",
            "変更",
            "編集",
        ],
    ),
    (Operation::Run, &["ausführ*", "exécut*", "ejecut*", "运行", "実行"]),
    (Operation::Stop, &["beende*", "arrête*", "detén*", "停止", "終了"]),
    (Operation::Grant, &["授权", "付与"]),
];

/// What makes of a verb of another language a report of what was done: endings, and what follows.
pub(crate) const DONE_ENDINGS: &[&str] = &[
    "d", "te", "ten", "ted", "ting", "tion", "é", "ée", "és", "ées", "do", "da", "dos", "das",
    "ado", "ada", "ados", "adas", "ido", "ida", "ó", "aron",
];

pub(crate) const DONE_AFTER: &[&str] =
    &["了", "过", "した", "しました", "されて", "された", "され", "済み", "できな", "できません"];

/// Verbs of so many uses that alone, without an object, they rule nothing out and lift nothing:
/// "don't use it".
pub(crate) const WEAK: &[&str] = &[
    "add", "use", "tell", "order", "book", "ship", "start", "post", "share", "comment", "close",
    "apply", "drop", "message", "reply", "respond", "create", "fix", "put", "set", "make", "move",
    "link", "transfer", "release", "restore", "build", "switch",
];

/// Verbs of work: who asks for it has lifted "only look".
pub(crate) const WORK: &[&str] = &[
    "implement",
    "fix",
    "make",
    "do",
    "build",
    "refactor",
    "write",
    "add",
    "create",
    "update",
    "change",
    "rename",
    "move",
    "remove",
    "replace",
    "convert",
    "port",
    "migrate",
    "rework",
    "rewrite",
    "address",
    "resolve",
    "try",
    "extract",
    "split",
    "clean",
    "drop",
    "apply",
    "go",
    "edit",
    "adjust",
    "finish",
    "continue",
];

/// What a word of many uses asks for by the thing that it is to make: "cut a release".
pub(crate) const THINGS: &[(Operation, &[&str])] = &[
    (Operation::Publish, &["release"]),
    (Operation::ForcePush, &["force push", "force-push"]),
    (Operation::Push, &["push"]),
    (Operation::Commit, &["commit"]),
    (Operation::Merge, &["merge", "auto-merge", "automerge"]),
    (Operation::Pay, &["refund", "payment", "order", "purchase"]),
    (Operation::Deploy, &["deployment", "deploy", "rollout"]),
    (Operation::Send, &["gist", "comment", "mail", "message", "reply", "upload"]),
];

/// The words of many uses.
pub(crate) const MAKERS: &[&str] = &[
    "do",
    "make",
    "create",
    "cut",
    "start",
    "trigger",
    "issue",
    "open",
    "perform",
    "enable",
    "turn",
    "switch",
    "mach*",
    "schalt*",
    "aktivier*",
    "fais",
    "cré*",
    "activ*",
    "erstell*",
    "crea*",
    "haz",
    "创建",
    "作成",
];

/// Verbs whose object is too vague to be taken from what was said before.
pub(crate) const VAGUE: &[&str] = &["clean", "tidy", "fix", "get", "make"];
