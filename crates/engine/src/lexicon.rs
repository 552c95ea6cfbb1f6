//! The words in which people ask for things, forbid them, and take that back.
//!
//! Deliberately small: consent needs a verb *and* the exact target, so a word that is missing here
//! costs a question, never an accident. Stems match the beginning of a word where they end in `*`.

use ringfence_action::{Attr, Effect, EffectKind};
use serde::{Deserialize, Serialize};

/// What people name with one verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Push,
    ForcePush,
    Commit,
    Merge,
    Delete,
    Discard,
    Install,
    Publish,
    Deploy,
    Send,
    Pay,
    Change,
    Run,
    Stop,
    Grant,
}

/// Verbs by operation: English, German, French, Spanish, Japanese, Chinese.
pub(crate) const VERBS: &[(Operation, &[&str])] = &[
    (
        Operation::ForcePush,
        &[
            "force push*",
            "force-push*",
            "push --force*",
            "push -f",
            "overwrite remote",
            "强制推送",
            "強制プッシュ",
        ],
    ),
    (Operation::Push, &["push*", "pousse*", "empuja*", "hochladen", "推送", "プッシュ"]),
    (Operation::Commit, &["commit*", "committe*", "提交", "コミット"]),
    (Operation::Merge, &["merge*", "fusionne*", "fusiona*", "合并", "マージ"]),
    (
        Operation::Delete,
        &[
            "delete*",
            "remove*",
            "rm",
            "erase*",
            "drop*",
            "wipe*",
            "clean up",
            "get rid of",
            "purge*",
            "lösch*",
            "entfern*",
            "supprim*",
            "efface*",
            "borra*",
            "elimina*",
            "删除",
            "削除",
        ],
    ),
    (
        Operation::Discard,
        &[
            "discard*",
            "revert*",
            "reset*",
            "undo*",
            "throw away",
            "roll back",
            "rollback*",
            "verwirf*",
            "annul*",
            "descarta*",
            "丢弃",
            "破棄",
            "リセット",
        ],
    ),
    (
        Operation::Install,
        &["install*", "add*", "upgrade*", "use", "instal*", "ajoute*", "安装", "インストール"],
    ),
    (
        Operation::Publish,
        &["publish*", "release*", "veröffentlich*", "publie*", "publica*", "发布", "公開"],
    ),
    (
        Operation::Deploy,
        &[
            "deploy*",
            "apply*",
            "roll out",
            "ship",
            "provision*",
            "destroy*",
            "tear down",
            "déploie*",
            "desplieg*",
            "部署",
            "デプロイ",
        ],
    ),
    (
        Operation::Send,
        &[
            "send*", "post*", "email*", "message*", "reply*", "comment*", "tell", "notify*",
            "share*", "upload*", "close*", "sende*", "envoie*", "envía*", "发送", "送信",
        ],
    ),
    (
        Operation::Pay,
        &[
            "pay*",
            "buy*",
            "purchase*",
            "order*",
            "book*",
            "transfer*",
            "refund*",
            "bezahl*",
            "kauf*",
            "pai*",
            "achet*",
            "paga*",
            "compra*",
            "支付",
            "购买",
            "支払",
            "購入",
        ],
    ),
    (
        Operation::Change,
        &[
            "change*",
            "edit*",
            "modif*",
            "write*",
            "touch*",
            "update*",
            "alter*",
            "create*",
            "fix*",
            "rewrite*",
            "änder*",
            "bearbeite*",
            "cambi*",
            "修改",
            "変更",
            "編集",
        ],
    ),
    (
        Operation::Run,
        &[
            "run*",
            "execute*",
            "start*",
            "launch*",
            "ausführ*",
            "exécut*",
            "lance*",
            "ejecut*",
            "运行",
            "実行",
        ],
    ),
    (
        Operation::Stop,
        &[
            "kill*",
            "stop*",
            "terminate*",
            "cancel*",
            "restart*",
            "beende*",
            "arrête*",
            "detén*",
            "停止",
            "終了",
        ],
    ),
    (Operation::Grant, &["grant*", "give access", "invite*", "allow access", "授权", "付与"]),
];

/// Words that turn the verb right after them into a boundary.
pub(crate) const NEGATIONS: &[&str] = &[
    "don't",
    "dont",
    "do not",
    "never",
    "must not",
    "mustn't",
    "should not",
    "shouldn't",
    "without",
    "avoid",
    "refrain from",
    "no need to",
    "hold off",
    "stop",
    "nicht",
    "niemals",
    "ohne",
    "ne pas",
    "jamais",
    "sans",
    "nunca",
    "no hagas",
    "no borres",
    "no elimines",
    "no cambies",
    "no instales",
    "no publiques",
    "不要",
    "别",
    "不准",
    "禁止",
];

/// Languages that negate after the verb.
pub(crate) const NEGATIONS_AFTER: &[&str] =
    &["nicht", "pas", "しないで", "するな", "しない", "禁止"];

/// Verbs of so many uses that alone, without an object, they rule nothing out: "don't use it".
pub(crate) const WEAK: &[&str] = &[
    "add*", "use", "tell", "order*", "book*", "ship", "start*", "post*", "share*", "comment*",
    "close*", "apply*", "drop*", "message*", "reply*", "create*", "fix*", "ajoute*",
];

/// Sentences that forbid every change.
pub(crate) const READ_ONLY: &[&str] = &[
    "read only",
    "read-only",
    "only read",
    "just read",
    "only look",
    "just look",
    "look but",
    "don't change anything",
    "do not change anything",
    "don't touch anything",
    "do not touch anything",
    "don't modify anything",
    "do not modify anything",
    "don't edit anything",
    "make no changes",
    "don't make any changes",
    "do not make any changes",
    "don't write any code",
    "nur lesen",
    "nichts ändern",
    "lecture seule",
    "ne change rien",
    "solo lectura",
    "no cambies nada",
    "只读",
    "不要修改任何",
    "読むだけ",
    "何も変更しないで",
];

/// Words after which an operation that was forbidden is wanted again.
pub(crate) const LIFTS: &[&str] = &[
    "now",
    "go ahead",
    "you can",
    "you may",
    "feel free",
    "okay to",
    "ok to",
    "please",
    "let's",
    "jetzt",
    "maintenant",
    "ahora",
    "现在",
    "今",
];

/// Objects that mean "all of it".
pub(crate) const EVERYTHING: &[&str] = &[
    "anything",
    "any",
    "it",
    "yet",
    "this",
    "that",
    "them",
    "everything",
    "stuff",
    "code",
    "changes",
    "to",
    "the",
    "for",
    "now",
    "until",
    "before",
    "unless",
    "without",
    "me",
    "i",
    "we",
    "you",
    "and",
    "or",
    "a",
    "an",
    "from",
    "in",
    "on",
    "files",
    "file",
    "tests",
    "please",
    "again",
    "nothing",
];

/// The operations that an effect is an instance of, most specific first.
pub(crate) fn operations(effect: &Effect) -> &'static [Operation] {
    let op = effect.text(Attr::Op).unwrap_or_default();
    match effect.kind {
        EffectKind::VcsRemote if effect.is(Attr::DeleteRef) => &[Operation::Delete],
        EffectKind::VcsRemote if effect.is(Attr::Force) => &[Operation::ForcePush],
        EffectKind::VcsRemote if op.contains("merge") => &[Operation::Merge],
        EffectKind::VcsRemote if op.contains("release") => &[Operation::Publish],
        EffectKind::VcsRemote if op.starts_with("push") => &[Operation::Push],
        EffectKind::VcsRemote => &[Operation::Send, Operation::Change],
        EffectKind::VcsLocal if effect.is(Attr::DeleteRef) => &[Operation::Delete],
        EffectKind::VcsLocal if op.starts_with("commit") => &[Operation::Commit],
        EffectKind::VcsLocal => &[Operation::Discard],
        EffectKind::Delete => &[Operation::Delete],
        EffectKind::Write | EffectKind::Create | EffectKind::Metadata => &[Operation::Change],
        EffectKind::Package if effect.is(Attr::Publish) => &[Operation::Publish],
        EffectKind::Package => &[Operation::Install, Operation::Run],
        EffectKind::Infra if effect.is(Attr::Grant) => &[Operation::Grant],
        EffectKind::Infra if effect.is(Attr::Destroy) => &[Operation::Delete, Operation::Deploy],
        EffectKind::Infra => &[Operation::Deploy, Operation::Change],
        EffectKind::Database if effect.is(Attr::Destroy) => &[Operation::Delete],
        EffectKind::Database => &[Operation::Change, Operation::Run],
        EffectKind::Process => &[Operation::Stop],
        EffectKind::Message => &[Operation::Send],
        EffectKind::Payment => &[Operation::Pay],
        EffectKind::Exec | EffectKind::ExecCode | EffectKind::DownloadExec => &[Operation::Run],
        EffectKind::Net if effect.is(Attr::Destroy) => &[Operation::Delete],
        EffectKind::Net if effect.is(Attr::Upload) => &[Operation::Send],
        // Other requests that change something, by what people call them.
        EffectKind::Net if effect.text(Attr::Method).is_some_and(|method| method != "GET") => {
            &[Operation::Send, Operation::Change, Operation::Deploy, Operation::Publish]
        }
        EffectKind::Net if effect.is(Attr::Tunnel) || effect.is(Attr::Listen) => &[Operation::Run],
        EffectKind::Read
        | EffectKind::Net
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Persist
        | EffectKind::Browser
        | EffectKind::Guard => &[],
    }
}
