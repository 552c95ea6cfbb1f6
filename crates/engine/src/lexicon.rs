//! The words in which people ask for things, forbid them, and take that back.
//!
//! Deliberately small: consent needs a verb *and* the exact target, so a word that is missing here
//! costs a question, never an accident.

use ringfence_action::{Attr, Effect, EffectKind};
use serde::{Deserialize, Serialize};

/// What people name with one verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Push,
    ForcePush,
    Commit,
    /// Commits that exist become others.
    Rewrite,
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
    Approve,
    Close,
    Create,
    /// Taking away and making again.
    Recreate,
    /// Opening something to others.
    Expose,
    /// Leaving something behind that starts by itself.
    Schedule,
    /// Leaving out a check.
    Skip,
    /// A change is put up for others to look at.
    Propose,
}

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
    (Operation::Push, &["pushe", "pushen", "pousse*", "empuja*", "hochladen", "推送", "プッシュ"]),
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

/// Commands not to do something, as a whole, in the languages that are no English. `None` is every
/// change.
pub(crate) const FORBIDDING: &[(Option<Operation>, &[&str])] = &[
    (
        Some(Operation::Push),
        &[
            "nicht pushen",
            "push nicht",
            "push noch nicht",
            "kein push",
            "nicht hochladen",
            "ohne zu pushen",
            "ne pousse pas",
            "ne poussez pas",
            "ne pas pousser",
            "sans pousser",
            "pas de push",
            "no hagas push",
            "no hacer push",
            "no empujes",
            "sin hacer push",
        ],
    ),
    (
        Some(Operation::Commit),
        &[
            "nicht committen",
            "nicht commiten",
            "committe nicht",
            "kein commit",
            "ohne zu committen",
            "ne commite pas",
            "ne committe pas",
            "ne pas commiter",
            "ne pas committer",
            "sans commiter",
            "pas de commit",
            "no hagas commit",
            "no hacer commit",
            "sin hacer commit",
        ],
    ),
    (
        Some(Operation::Merge),
        &[
            "nicht mergen",
            "merge nicht",
            "ne fusionne pas",
            "ne pas fusionner",
            "no fusiones",
            "no hagas merge",
        ],
    ),
    (
        Some(Operation::Delete),
        &[
            "nicht löschen",
            "nichts löschen",
            "lösche nicht",
            "lösche nichts",
            "nicht entfernen",
            "nichts entfernen",
            "entferne nichts",
            "ohne etwas zu löschen",
            "ne supprime pas",
            "ne supprime rien",
            "ne supprimez pas",
            "ne supprimez rien",
            "ne pas supprimer",
            "ne rien supprimer",
            "n'efface pas",
            "n'efface rien",
            "ne pas effacer",
            "sans supprimer",
            "no borres",
            "no borrar",
            "no elimines",
            "no eliminar",
            "sin borrar",
            "sin eliminar",
            "消さないで",
        ],
    ),
    (
        Some(Operation::Install),
        &[
            "nicht installieren",
            "nichts installieren",
            "installiere nichts",
            "n'installe pas",
            "n'installe rien",
            "ne pas installer",
            "ne rien installer",
            "sans installer",
            "no instales",
            "no instalar",
            "sin instalar",
        ],
    ),
    (
        Some(Operation::Publish),
        &[
            "nicht veröffentlichen",
            "ne publie pas",
            "ne pas publier",
            "no publiques",
            "no publicar",
        ],
    ),
    (
        Some(Operation::Deploy),
        &["nicht deployen", "ne déploie pas", "ne pas déployer", "no despliegues", "no desplegar"],
    ),
    (
        Some(Operation::Send),
        &[
            "nichts senden",
            "nichts verschicken",
            "n'envoie rien",
            "n'envoie pas",
            "no envíes",
            "no enviar",
        ],
    ),
    (
        Some(Operation::Discard),
        &["nicht zurücksetzen", "nichts verwerfen", "n'annule pas", "no descartes", "no reviertas"],
    ),
    (
        None,
        &[
            "nur lesen",
            "nur lesend",
            "nur ansehen",
            "nichts ändern",
            "ändere nichts",
            "ohne etwas zu ändern",
            "nichts verändern",
            "fass nichts an",
            "lecture seule",
            "ne change rien",
            "ne changez rien",
            "ne modifie rien",
            "ne modifiez rien",
            "ne touche à rien",
            "ne rien modifier",
            "sans rien modifier",
            "solo lectura",
            "solo lee",
            "no cambies nada",
            "no modifiques nada",
            "no toques nada",
            "sin cambiar nada",
            "只读",
            "不要修改任何",
            "不要改动任何",
            "别动任何",
            "不要动任何",
            "读むだけ",
            "読むだけ",
            "見るだけ",
            "何も変更しないで",
            "何も変えないで",
            "触らないで",
            "変更しないで確認",
        ],
    ),
];

/// What forbids the verb that follows it, Chinese. What stands before or after and makes another word
/// of it is in the next two lists.
pub(crate) const CHINESE_NO: &[&str] = &["不要", "别", "不准", "禁止", "请勿", "不许", "不得"];
pub(crate) const CHINESE_OTHER_BEFORE: &[char] = &['要', '区', '特', '分', '类', '级', '个', '性'];
pub(crate) const CHINESE_FILLERS: &[&str] =
    &["先", "直接", "自动", "再", "现在", "随便", "擅自", "去", "急着", "立即", "马上", "进行"];

/// What forbids the verb before it, Japanese.
pub(crate) const JAPANESE_NO: &[&str] = &[
    "しないで",
    "するな",
    "しないこと",
    "禁止",
    "しちゃだめ",
    "してはいけない",
    "しちゃ駄目",
    "するのはやめて",
];
pub(crate) const JAPANESE_PARTICLES: &[char] = &['は', 'を', 'も', 'の', '、', ' '];

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

/// Words before a command that change nothing about it.
pub(crate) const LEAD: &[&str] = &[
    "and",
    "then",
    "also",
    "now",
    "please",
    "ok",
    "okay",
    "yes",
    "yeah",
    "yep",
    "yup",
    "sure",
    "so",
    "just",
    "but",
    "first",
    "next",
    "finally",
    "alright",
    "great",
    "perfect",
    "cool",
    "nice",
    "right",
    "no",
    "oh",
    "hey",
    "hi",
    "well",
    "again",
    "instead",
    "maybe",
    "thanks",
    "good",
    "still",
    "however",
    "note",
    "important",
    "remember",
    "reminder",
    "bitte",
    "claude",
    "though",
    "otherwise",
    "nah",
    "afterwards",
    "additionally",
    "only",
    "for",
    "today",
    "temporarily",
];

/// Words that begin a statement or a question, not a command.
pub(crate) const SUBJECTS: &[&str] = &[
    "i", "we", "they", "it", "the", "this", "that", "these", "those", "he", "she", "you", "there",
    "a", "an", "my", "our", "your", "its", "his", "her", "their", "why", "how", "what", "when",
    "where", "who", "which", "whose", "if", "because", "since", "while", "is", "are", "was",
    "were", "do", "does", "did", "has", "have", "had", "would", "could", "should", "will", "can",
    "i'll", "i've", "i'm", "i'd", "we've", "we're", "we'll", "it's", "that's", "there's",
    "they're", "you're", "some", "any", "all", "each", "every", "no-one", "nobody", "somebody",
    "someone", "users", "user",
];

/// What may stand right before a verb that is asked for.
pub(crate) const ASKERS: &[&[&str]] = &[
    &["please"],
    &["let's"],
    &["lets"],
    &["let", "us"],
    &["can", "you"],
    &["could", "you"],
    &["would", "you"],
    &["will", "you"],
    &["you", "can"],
    &["you", "may"],
    &["you", "should"],
    &["you", "could"],
    &["you", "must"],
    &["we", "should"],
    &["we", "must"],
    &["we", "can"],
    &["you", "to"],
    &["i", "want", "to"],
    &["we", "want", "to"],
    &["i", "need", "to"],
    &["we", "need", "to"],
    &["you", "need", "to"],
    &["i'd", "like", "to"],
    &["i", "would", "like", "to"],
    &["we", "have", "to"],
    &["you", "have", "to"],
    &["ahead", "and"],
    &["free", "to"],
    &["sure", "to"],
    &["ok", "to"],
    &["okay", "to"],
    &["forget", "to"],
    &["me"],
    &["can", "we"],
    &["could", "we"],
];

/// Pronouns and the like: they point to what was named before, or to the work at hand.
pub(crate) const POINTERS: &[&str] =
    &["it", "this", "that", "them", "these", "those", "both", "all"];

/// Words beside a pointer that name nothing either.
pub(crate) const AT_HAND: &[&str] = &[
    "the",
    "my",
    "our",
    "your",
    "branch",
    "changes",
    "change",
    "commit",
    "commits",
    "work",
    "pr",
    "please",
    "now",
    "again",
    "to",
    "remote",
    "origin",
    "up",
    "and",
    "then",
    "with",
    "force",
    "lease",
    "force-with-lease",
    "--force-with-lease",
    "here",
    "too",
    "as",
    "well",
    "first",
    "so",
    "we",
    "can",
    "re-test",
    "test",
    "on",
    "off",
    "of",
    "onto",
    "parent",
    "main",
    "master",
    "current",
    "from",
];

/// What a person says who lets things go on, and nothing else.
pub(crate) const GO_AHEAD: &[&str] = &[
    "go ahead",
    "go for it",
    "proceed",
    "do it",
    "carry on",
    "go on",
    "you can now",
    "looks good",
    "lgtm",
    "ship it",
    "los",
    "mach es",
    "mach weiter",
    "leg los",
    "vas-y",
    "continue",
    "adelante",
    "hazlo",
    "sigue",
    "继续",
    "可以了",
    "开始吧",
    "做吧",
    "进めて",
    "お願いします",
    "やって",
    "どうぞ",
];

/// A short answer that agrees and says nothing new.
pub(crate) const AGREEING: &[&str] = &[
    "yes", "yeah", "yep", "yup", "ok", "okay", "sure", "continue", "go", "proceed", "great",
    "perfect", "cool", "thanks", "right", "correct", "y", "ja", "oui", "sí", "si", "好", "好的",
    "是", "はい", "うん",
];

/// What a boundary waits for: it is lifted by "go ahead", not by the operation's name alone.
pub(crate) const WAITS: &[&str] =
    &["until", "till", "before", "unless", "yet", "first", "without", "ohne"];

/// Words between a negation and its verb.
pub(crate) const FILLERS: &[&str] = &[
    "ever",
    "again",
    "actually",
    "just",
    "even",
    "yet",
    "please",
    "to",
    "try",
    "go",
    "and",
    "ahead",
    "start",
    "git",
    "you",
    "dare",
    "also",
    "automatically",
    "blindly",
    "directly",
    "accidentally",
    "under",
    "any",
    "circumstances",
    "on",
    "simply",
    "already",
    "be",
    "attempt",
];

/// Sentences that forbid every change, from their first word on.
pub(crate) const READ_ONLY: &[&str] = &[
    "read only",
    "read-only",
    "only read",
    "just read",
    "only look",
    "just look",
    "look but",
    "make no changes",
    "no changes",
    "no edits",
    "no code changes",
    "this is read-only",
    "this is read only",
    "stay read-only",
    "keep it read-only",
];

/// What may be forbidden to change, and means everything.
pub(crate) const ANYTHING: &[&str] =
    &["anything", "files", "file", "code", "changes", "things", "nothing", "stuff"];

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
    "change",
    "to",
    "the",
    "for",
    "now",
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
    "branch",
    "repo",
    "repository",
    "remote",
    "upstream",
    "work",
    "commits",
    "commit",
    "pr",
    "directly",
    "automatically",
    "yourself",
    "here",
    "there",
    "anymore",
    "my",
    "our",
    "your",
    "of",
    "these",
    "those",
    "all",
    "with",
    "by",
    "just",
    "new",
    "things",
    "up",
    "out",
    "ever",
    "unasked",
    "at",
    "as",
    "first",
];

/// The operations that an effect is an instance of, most specific first.
pub(crate) fn operations(effect: &Effect) -> &'static [Operation] {
    let op = effect.text(Attr::Op).unwrap_or_default();
    match effect.kind {
        EffectKind::VcsRemote if effect.is(Attr::DeleteRef) => &[Operation::Delete],
        EffectKind::VcsRemote if effect.is(Attr::Force) => &[Operation::ForcePush],
        EffectKind::VcsRemote
            if op.contains("pr create")
                || op.contains("mr create")
                || op.starts_with("create_pull_request")
                || op.starts_with("create_merge_request") =>
        {
            &[Operation::Propose, Operation::Send, Operation::Change]
        }
        EffectKind::VcsRemote if op.contains("merge") => &[Operation::Merge],
        EffectKind::VcsRemote if op.contains("release") => &[Operation::Publish],
        EffectKind::VcsRemote if op.starts_with("push") => &[Operation::Push],
        EffectKind::VcsRemote => &[Operation::Send, Operation::Change],
        EffectKind::VcsLocal if effect.is(Attr::DeleteRef) => &[Operation::Delete],
        EffectKind::VcsLocal if op.starts_with("commit --amend") => {
            &[Operation::Commit, Operation::Rewrite]
        }
        EffectKind::VcsLocal if op.starts_with("commit") => &[Operation::Commit],
        EffectKind::VcsLocal if op.starts_with("rebase") => &[Operation::Rewrite],
        EffectKind::VcsLocal if op.starts_with("stash drop") => {
            &[Operation::Discard, Operation::Delete]
        }
        EffectKind::VcsLocal if op.starts_with("merge") => &[Operation::Merge],
        EffectKind::VcsLocal if effect.attributes.get(Attr::Discards).is_some() => {
            &[Operation::Discard]
        }
        EffectKind::VcsLocal => &[],
        EffectKind::Delete => &[Operation::Delete],
        EffectKind::Write | EffectKind::Create | EffectKind::Metadata => &[Operation::Change],
        EffectKind::Package if effect.is(Attr::Publish) => &[Operation::Publish],
        EffectKind::Package if op.starts_with("remove") => &[Operation::Delete],
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
        EffectKind::Guard if op == "delete" => &[Operation::Delete],
        EffectKind::Guard | EffectKind::Persist => &[Operation::Change],
        EffectKind::Read
        | EffectKind::Net
        | EffectKind::Privilege
        | EffectKind::Credential
        | EffectKind::EnvExec
        | EffectKind::Browser => &[],
    }
}

/// Phrases by which somebody keeps the last look: nothing goes to the trunk before it.
pub(crate) const REVIEWS: &[&str] = &[
    "has to look at it first",
    "have to look at it first",
    "wants to look at it first",
    "want to look at it first",
    "looks at it first",
    "has to review it",
    "has to review this",
    "needs to review it",
    "needs to review this",
    "must review it",
    "wants to review it",
    "want to review it",
    "has to approve it",
    "needs to approve it",
    "must approve it",
    "has to sign off",
    "needs to sign off",
    "go through a pr",
    "muss erst drüberschauen",
    "doit relire",
    "tiene que revisar",
];
