//! How an effect happens: a closed list of typed attributes.
//!
//! The list below is the one source of truth. The JSON Schema, the Cedar schema and the catalogue's
//! lint are generated from it: an attribute that is not here cannot be written anywhere, and one
//! that is listed for some kinds of effect cannot be asked of others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::EffectKind;

/// The type of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrType {
    /// Set or absent; absent is false.
    Flag,
    /// A string; absent is unknown or not applicable.
    Text,
    /// Several strings, unordered.
    Set,
    /// A whole number.
    Count,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum AttrValue {
    /// Of a [`AttrType::Flag`].
    Flag(bool),
    /// Of a [`AttrType::Text`].
    Text(String),
    /// Of a [`AttrType::Set`].
    Set(BTreeSet<String>),
    /// Of a [`AttrType::Count`].
    Count(i64),
}

impl From<bool> for AttrValue {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<&str> for AttrValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for AttrValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for AttrValue {
    fn from(value: i64) -> Self {
        Self::Count(value)
    }
}

impl<const N: usize> From<[&str; N]> for AttrValue {
    fn from(value: [&str; N]) -> Self {
        Self::Set(value.into_iter().map(str::to_owned).collect())
    }
}

impl From<BTreeSet<String>> for AttrValue {
    fn from(value: BTreeSet<String>) -> Self {
        Self::Set(value)
    }
}

macro_rules! attributes {
    ($($variant:ident = $name:literal, $type:ident, [$($kind:ident),*], $doc:literal;)+) => {
        /// The name of an attribute.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Attr {
            $(#[doc = $doc] $variant,)+
        }

        impl Attr {
            /// Every attribute.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, as in policies, the catalogue and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The attribute that this word names.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The type of its value.
            pub const fn value_type(self) -> AttrType {
                match self {
                    $(Self::$variant => AttrType::$type,)+
                }
            }

            /// The kinds of effect that may carry it; empty means every kind.
            pub const fn kinds(self) -> &'static [EffectKind] {
                match self {
                    $(Self::$variant => &[$(EffectKind::$kind),*],)+
                }
            }

            /// One sentence for people and for the reference page.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)+
                }
            }
        }
    };
}

attributes! {
    // Any effect.
    By = "by", Text, [], "The program responsible, by base name; absent for an agent's own tools.";
    Op = "op", Text, [], "The operation in the program's own words: `push`, `reset`, `apply`, `DROP TABLE`…";
    Force = "force", Flag, [], "A confirmation is skipped or a protection overridden.";
    DryRun = "dry_run", Flag, [], "Nothing happens: the program only shows what it would do.";
    Conditional = "conditional", Flag, [], "Happens on some paths through the code only.";
    Content = "content", Flag, [], "Found in content that is written now and would run later, not in what runs now.";
    // Paths.
    Place = "place", Text,
        [Read, Write, Create, Delete, Metadata, Credential, Persist, Guard, ExecCode],
        "Where the path lies: `workspace`, `home`, `temp`, `system`, `device`, `other`, `unknown`.";
    Classes = "classes", Set,
        [Read, Write, Create, Delete, Metadata, Credential, Persist, Guard, Net, DownloadExec, ExecCode],
        "What the path or host is: classes of `catalog/paths.toml`, such as `shell-rc`, `ci`, `secret`, `lockfile`, or of `catalog/hosts.toml`, such as `paste`, `localhost`.";
    Critical = "critical", Flag, [Read, Write, Delete, Metadata],
        "The path is one whose loss ends a machine or a home: `/` and its children, home, drive roots, the working folder and its parents.";
    Recursive = "recursive", Flag, [Read, Write, Delete, Metadata, Credential, Create],
        "Everything below the target too.";
    Append = "append", Flag, [Write], "What was there stays; something is added.";
    Mode = "mode", Text, [Metadata, Write, Create], "The new file mode or owner, as written.";
    Link = "link", Text, [Create], "What a new link points to.";
    // Programs and code.
    Args = "args", Count, [Exec], "How many arguments the program gets.";
    Lang = "lang", Text, [ExecCode, DownloadExec], "The language of the code: `sh`, `python`, `javascript`, `sql`…";
    Unread = "unread", Flag, [ExecCode], "The code lies in a file that nobody has read.";
    Source = "source", Text, [ExecCode, DownloadExec, Package],
        "Where the code or package comes from: `inline`, `file`, `stdin`, `network`, `registry`, `vcs`, `local`, `task`; `renamed`: a program of the machine under another name.";
    // Network.
    Url = "url", Text, [Net, DownloadExec, Message, Browser, Package], "The whole URL, as far as known.";
    Port = "port", Count, [Net], "The port.";
    Method = "method", Text, [Net], "The HTTP method, upper-case.";
    Listen = "listen", Flag, [Net], "A port is opened instead of a connection made.";
    Bind = "bind", Text, [Net], "The address listened on.";
    Upload = "upload", Flag, [Net], "Content of this machine leaves with the connection.";
    Payload = "payload", Text, [Net, Message, VcsRemote, VcsLocal], "The path or source whose content leaves.";
    PayloadPlace = "payload_place", Text, [Net], "Where the file lies whose content leaves; words as for `place`.";
    PayloadClasses = "payload_classes", Set, [Net], "What kind of file it is whose content leaves; words as for `classes`.";
    Tunnel = "tunnel", Flag, [Net], "A way in from outside is opened: tunnels, reverse forwarding.";
    Insecure = "insecure", Flag, [], "A check of identity or integrity is switched off: TLS, host keys, signatures.";
    // Version control.
    Remote = "remote", Text, [VcsRemote, VcsLocal], "The remote by name or URL.";
    Branch = "branch", Text, [VcsRemote, VcsLocal], "The branch, tag or ref, where the target is more than that.";
    Dir = "dir", Text, [VcsRemote, VcsLocal, Package, Infra],
        "The folder whose repository or project is meant, or that packages are installed in; absent where that cannot be told.";
    Lease = "lease", Flag, [VcsRemote], "A forced push that is refused where the remote is not as it was last seen.";
    DeleteRef = "delete_ref", Flag, [VcsRemote, VcsLocal], "A branch or tag is deleted.";
    All = "all", Flag, [], "Not one but everything: all branches, all processes, a selector.";
    NoVerify = "no_verify", Flag, [VcsLocal, VcsRemote], "Hooks and checks are skipped.";
    Discards = "discards", Set, [VcsLocal],
        "What would be lost: `changes` (uncommitted), `untracked`, `ignored`, `commits`, `stash`.";
    // Packages.
    Ecosystem = "ecosystem", Text, [Package], "`npm`, `pypi`, `cargo`, `apt`…";
    Version = "version", Text, [Package], "The version or range asked for.";
    Pinned = "pinned", Flag, [Package], "One exact version, or a lockfile that fixes it.";
    FromManifest = "from_manifest", Flag, [Package], "What the project declares, not what the agent chose.";
    Global = "global", Flag, [Package, VcsLocal], "For the user or the machine, not for the project.";
    Scripts = "scripts", Flag, [Package], "Scripts of the package may run while installing.";
    Publish = "publish", Flag, [Package, VcsRemote, Infra], "Made available to others.";
    Registry = "registry", Text, [Package], "Another registry than the default.";
    // Infrastructure and databases.
    Provider = "provider", Text, [Infra, Database, Credential], "`aws`, `gcloud`, `az`, `kubernetes`, `terraform`…";
    Resource = "resource", Text, [Infra, VcsRemote], "The type of resource.";
    Environment = "environment", Text, [Infra, Database, VcsRemote, Process], "`production`, `staging`, `development`, as far as a name tells; `elsewhere`: not this machine.";
    Destroy = "destroy", Flag, [Infra, Database, Process, VcsRemote, Net], "Something that exists is taken away for good.";
    Grant = "grant", Flag, [Infra, VcsRemote, Privilege], "Somebody gets more rights.";
    Role = "role", Text, [Infra, VcsRemote, Privilege], "Which rights somebody gets, in the program's own words.";
    Public = "public", Flag, [Infra, VcsRemote, Message, Package], "Visible to anybody.";
    Ddl = "ddl", Flag, [Database], "The structure changes, not only the rows.";
    Unbounded = "unbounded", Flag, [Database, Infra], "No condition limits what is touched.";
    ReadOnly = "read_only", Flag, [Database, Infra, VcsRemote, Browser], "Only looked at.";
    // The rest.
    Signal = "signal", Text, [Process], "The signal sent, by name without `SIG`.";
    Mechanism = "mechanism", Text, [Persist, Privilege, Guard, EnvExec, Credential, Message],
        "By what means: `sudo`, `crontab`, `shell-rc`, `git-hook`, `agent-settings`…";
    Brings = "brings", Set, [Guard], "Names and values that a change of content puts in or takes out; of one with blanks in it, all words.";
    Shown = "shown", Flag, [Credential], "The secret would be printed where the agent reads it.";
    Count = "count", Count, [Delete, Message, Infra, Process], "How many targets, where more than one is known.";
}

impl Attr {
    /// Whether effects of this kind may carry the attribute.
    pub fn fits(self, kind: EffectKind) -> bool {
        self.kinds().is_empty() || self.kinds().contains(&kind)
    }
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The attributes of one effect. A flag that is false is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Attributes(BTreeMap<Attr, AttrValue>);

impl Attributes {
    /// Sets an attribute, replacing what it was. `false` removes it.
    pub fn set(&mut self, attr: Attr, value: impl Into<AttrValue>) {
        match value.into() {
            AttrValue::Flag(false) => {
                self.0.remove(&attr);
            }
            value => {
                debug_assert_eq!(value.value_type(), attr.value_type(), "value of `{attr}`");
                self.0.insert(attr, value);
            }
        }
    }

    /// Adds one element to an attribute that is a set.
    pub fn insert(&mut self, attr: Attr, element: impl Into<String>) {
        let slot = self.0.entry(attr).or_insert_with(|| AttrValue::Set(BTreeSet::new()));
        if let AttrValue::Set(set) = slot {
            set.insert(element.into());
        }
    }

    /// The value, if set.
    pub fn get(&self, attr: Attr) -> Option<&AttrValue> {
        self.0.get(&attr)
    }

    /// Whether a flag is set.
    pub fn is(&self, attr: Attr) -> bool {
        matches!(self.0.get(&attr), Some(AttrValue::Flag(true)))
    }

    /// The text of an attribute, if set.
    pub fn text(&self, attr: Attr) -> Option<&str> {
        match self.0.get(&attr) {
            Some(AttrValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a set has this element.
    pub fn contains(&self, attr: Attr, element: &str) -> bool {
        matches!(self.0.get(&attr), Some(AttrValue::Set(set)) if set.contains(element))
    }

    /// What is set, in the order of [`Attr::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Attr, &AttrValue)> {
        self.0.iter().map(|(attr, value)| (*attr, value))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl AttrValue {
    /// The type of this value.
    pub const fn value_type(&self) -> AttrType {
        match self {
            Self::Flag(_) => AttrType::Flag,
            Self::Text(_) => AttrType::Text,
            Self::Set(_) => AttrType::Set,
            Self::Count(_) => AttrType::Count,
        }
    }
}

impl fmt::Display for AttrValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
            Self::Set(set) => {
                f.write_str(&set.iter().map(String::as_str).collect::<Vec<_>>().join(","))
            }
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(attr, value)| (attr.as_str(), value)))
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let mut attributes = Self::default();
        for (name, value) in fields {
            // Unknown names are ignored: a newer writer may know more attributes.
            let Some(attr) = Attr::from_name(&name) else { continue };
            let value = match attr.value_type() {
                AttrType::Flag => value.as_bool().map(AttrValue::Flag),
                AttrType::Text => value.as_str().map(AttrValue::from),
                AttrType::Count => value.as_i64().map(AttrValue::Count),
                AttrType::Set => serde_json::from_value(value).ok().map(AttrValue::Set),
            };
            let value =
                value.ok_or_else(|| de::Error::custom(format!("wrong type for `{name}`")))?;
            attributes.set(attr, value);
        }
        Ok(attributes)
    }
}

impl JsonSchema for Attributes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: serde_json::Map<_, _> = Attr::ALL
            .iter()
            .map(|attr| {
                let mut schema = match attr.value_type() {
                    AttrType::Flag => serde_json::json!({"type": "boolean"}),
                    AttrType::Text => serde_json::json!({"type": "string"}),
                    AttrType::Count => serde_json::json!({"type": "integer"}),
                    AttrType::Set => serde_json::json!({
                        "type": "array", "items": {"type": "string"}, "uniqueItems": true
                    }),
                };
                if let Some(fields) = schema.as_object_mut() {
                    fields.insert("description".into(), attr.description().into());
                }
                (attr.as_str().to_owned(), schema)
            })
            .collect();
        json_schema!({"type": "object", "properties": properties})
    }
}
