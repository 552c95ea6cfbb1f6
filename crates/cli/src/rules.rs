//! Rule files: read, loaded into a bundle, and shown with the place where something is wrong.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use miette::{Diagnostic, Severity};
use ringfence_action::{Effect, Preset};
use ringfence_classify::{judge, probe};
use ringfence_policy::{Bundle, BundleError, Layer, Source, Tried, default_sources};
use ringfence_record::given;
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Problem};
use crate::input;
use crate::render::snippet::{Mark, Snippet};
use crate::render::text::printable;
use crate::retention::Retention;
use crate::wiring;

/// The built-in rules, with those of these files added.
pub(crate) fn load(files: &[PathBuf]) -> Result<Bundle, Failure> {
    let sources = read(files)?;
    bundle(&sources).map_err(|error| report(&error, &sources))
}

/// The files as sources of a bundle.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Source>, Problem> {
    files
        .iter()
        .map(|path| {
            let source = input::Source::File(path.clone());
            let text = String::from_utf8(source.read("rules")?).map_err(|error| {
                Problem::new(format!("{source} is not UTF-8"), "save the rules as UTF-8 text")
                    .because(error.utf8_error())
            })?;
            Ok(Source { layer: Layer::User, name: path.display().to_string(), text: text.into() })
        })
        .collect()
}

/// These rules, examples checked, with the built-in ones unless they are to stand alone.
pub(crate) fn load_sources(sources: &[Source], alone: bool) -> Result<Bundle, Failure> {
    let loaded = if alone { Bundle::load_checked(sources, &effects_of) } else { bundle(sources) };
    loaded.map_err(|error| report(&error, sources))
}

/// The built-in rules and these.
pub(crate) fn bundle(sources: &[Source]) -> Result<Bundle, BundleError> {
    Bundle::load_checked(&with_defaults(sources), &effects_of)
}

/// Tries the examples of these rules, each; nothing where the rules do not load.
pub(crate) fn try_examples(sources: &[Source]) -> Result<Vec<Tried>, Failure> {
    let all = with_defaults(sources);
    let bundle = Bundle::load(&all).map_err(|error| report(&error, sources))?;
    Ok(bundle.try_examples(&all, &effects_of))
}

fn with_defaults(sources: &[Source]) -> Vec<Source> {
    let mut all = default_sources();
    all.extend_from_slice(sources);
    all
}

/// What a command does, to rules that know nothing of commands.
fn effects_of(command: &str) -> Vec<Effect> {
    wiring::effects_of(&wiring::project_action(command)).effects
}

/// Everything that is wrong with rules, as an error.
fn report(error: &BundleError, sources: &[Source]) -> Failure {
    Failure::Report(findings(error, sources).iter().map(Finding::snippet).collect())
}

/// The files of rules in a folder and below, by name.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error| input::Source::File(folder.to_owned()).unreadable(&error);
    #[expect(clippy::disallowed_methods, reason = "rules lie where the user says")]
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|it| it == "toml" || it == "cedar") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What the configuration folder of a user says.
pub(crate) struct Configured {
    /// The built-in rules, with the user's own added.
    pub(crate) bundle: Bundle,
    /// What is assumed where no rule speaks.
    pub(crate) preset: Preset,
}

/// `config.toml` of a configuration folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// What is assumed where no rule speaks.
    pub(crate) preset: Preset,
    /// Whom to ask about what rules leave open.
    pub(crate) judge: judge::Settings,
    /// What pauses a session by itself.
    pub(crate) hold: Holding,
    /// Where what is asked about waits for a person.
    pub(crate) approvals: Approvals,
    /// What becomes of results that look as if they were made to instruct an agent.
    pub(crate) probe: probe::Settings,
    /// How long the audit log is kept.
    pub(crate) audit: Retention,
}

/// Where what is asked about waits for a person, and how much of it a person is shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Approvals {
    /// At the agent's own prompt, or in the queue of `ringfence serve`.
    pub(crate) mode: Asks,
    /// What a person answers in an hour with care; the riskiest come first, and the rest is refused.
    pub(crate) per_hour: u32,
    /// Rules; what they ask about takes two people.
    pub(crate) needs_two: Vec<String>,
    /// Whether requests are made up now and then, to see whether a dangerous one is noticed.
    pub(crate) probes: bool,
    /// At most so many of them in a day.
    pub(crate) probes_per_day: u32,
}

/// Where what is asked about waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asks {
    /// At the agent's own prompt.
    #[default]
    Prompt,
    /// In the queue; the agent is told to come back.
    Queue,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            mode: Asks::Prompt,
            per_hour: 12,
            needs_two: Vec::new(),
            probes: false,
            probes_per_day: 3,
        }
    }
}

/// What pauses a session, until a person releases it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Holding {
    /// Rules; a call that one of them asks about or denies pauses its session.
    pub(crate) rules: Vec<String>,
    /// The calls that a session may make.
    pub(crate) calls: Option<u64>,
}

impl Configured {
    /// What holds where nothing is configured.
    pub(crate) fn built_in(preset: Preset) -> Result<Self, String> {
        let bundle = Bundle::default_rules().map_err(|error| error.to_string())?;
        Ok(Self { bundle, preset })
    }
}

/// Reads a configuration folder of the user `me`: `config.toml`, and the rules in `rules/`, each a `.toml`
/// or `.cedar` file. What is not there is not configured; what is there and cannot be used, or could have
/// been written by somebody else, is an error, with the file it is in.
pub(crate) fn configured(folder: &Path, me: u32) -> Result<Configured, String> {
    let preset = settings_in(folder, me)?.preset;
    configured_with(folder, me, preset)
}

/// The same, with the preset read before.
pub(crate) fn configured_with(
    folder: &Path,
    me: u32,
    preset: Preset,
) -> Result<Configured, String> {
    let sources = own_sources(folder, me)?;
    if sources.is_empty() {
        return Configured::built_in(preset);
    }
    let bundle = bundle(&sources).map_err(|error| {
        let problem = error.problems.first();
        problem.map_or_else(String::new, |problem| format!("`{}`: {problem}", problem.file()))
    })?;
    Ok(Configured { bundle, preset })
}

/// The user's own rules, as they lie in the configuration folder.
pub(crate) fn own_sources(folder: &Path, me: u32) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for path in rule_files(&folder.join("rules"), me)? {
        let name = path.display().to_string();
        if let Some(text) = private_text(&path, me)? {
            sources.push(Source { layer: Layer::User, name, text: text.into() });
        }
    }
    Ok(sources)
}

/// What `config.toml` in a configuration folder of the user `me` says.
pub(crate) fn settings_in(folder: &Path, me: u32) -> Result<Settings, String> {
    match std::fs::metadata(folder) {
        Ok(metadata) => check_private(folder, &metadata, me)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(format!("`{}` cannot be read: {error}", folder.display())),
    }
    let path = folder.join("config.toml");
    let Some(text) = private_text(&path, me)? else { return Ok(Settings::default()) };
    settings_from(&path, &text)
}

/// What this file says, which has the form of `config.toml`.
pub(crate) fn settings_of(path: &Path, me: u32) -> Result<Settings, String> {
    let text = private_text(path, me)?;
    settings_from(path, &text.ok_or_else(|| format!("`{}` is not there", path.display()))?)
}

fn settings_from(path: &Path, text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error| format!("`{}`: {}", path.display(), error.message()))
}

fn rule_files(folder: &Path, me: u32) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: io::Error| format!("`{}` cannot be listed: {error}", folder.display());
    #[expect(clippy::disallowed_methods, reason = "the folder of the user's rules")]
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    check_private(folder, &std::fs::metadata(folder).map_err(unreadable)?, me)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let is_rules = path.extension().is_some_and(|it| it == "toml" || it == "cedar");
        files.extend(is_rules.then_some(path));
    }
    files.sort();
    Ok(files)
}

/// A file that nobody but its owner can change; `None` if there is none.
pub(crate) fn private_text(path: &Path, me: u32) -> Result<Option<String>, String> {
    let (text, metadata) = match given::text(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("`{}` cannot be read: {error}", path.display())),
    };
    check_private(path, &metadata, me)?;
    Ok(Some(text))
}

/// The same of a file that is no text, and of which there must be one.
pub(crate) fn private_bytes(path: &Path, me: u32, most: u64) -> Result<Vec<u8>, String> {
    let (bytes, metadata) = given::bytes(path, most)
        .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    check_private(path, &metadata, me)?;
    Ok(bytes)
}

/// Only what nobody but `me` and the administrator could have written is believed.
fn check_private(path: &Path, metadata: &Metadata, me: u32) -> Result<(), String> {
    let (path, owner) = (path.display(), metadata.uid());
    if owner != me && owner != 0 {
        return Err(format!(
            "`{path}` belongs to user {owner}, not to you; replace it by your own"
        ));
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("`{path}` can be changed by others; run `chmod go-w` on it"));
    }
    Ok(())
}

/// One thing that is wrong with a rule file.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    spans: Vec<[usize; 2]>,
}

/// What is wrong, with the text of the files at hand.
pub(crate) fn findings(error: &BundleError, sources: &[Source]) -> Vec<Finding> {
    error
        .problems
        .iter()
        .map(|problem| {
            let text = sources.iter().find(|source| source.name == problem.file());
            let labels = problem.labels().into_iter().flatten();
            Finding {
                file: problem.file().to_owned(),
                line: problem.line(),
                error: problem.to_string(),
                help: problem.help().map(|help| help.to_string()),
                text: text.map(|source| source.text.clone().into_owned()).unwrap_or_default(),
                spans: labels.map(|label| [label.offset(), label.offset() + label.len()]).collect(),
            }
        })
        .collect()
}

impl Finding {
    /// For an editor: where it is, from 1.
    pub(crate) fn placed(&self) -> serde_json::Value {
        let start = self.spans.first().map(|[start, _]| *start);
        let before = start.and_then(|start| self.text.get(..start));
        let place = before.map(|before| {
            let line = before.matches('\n').count() + 1;
            (line, before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1)
        });
        let (line, column) = place.unwrap_or((self.line.unwrap_or(1), 1));
        serde_json::json!({"line": line, "column": column, "message": self.error})
    }

    /// For people, with the place underlined.
    pub(crate) fn snippet(&self) -> Snippet {
        let help = self.help.as_deref().unwrap_or(
            "compare with a rule that loads: `ringfence policy show fs.delete-critical-path`",
        );
        let help = Some(printable(help).into_owned());
        let place = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let message = printable(&format!("{}{place}: {}", self.file, self.error)).into_owned();
        let snippet = Snippet::new(Severity::Error, message, help);
        let marks: Vec<Mark> =
            self.spans.iter().map(|&span| Mark { span, label: "here".to_owned() }).collect();
        if marks.is_empty() || self.text.is_empty() {
            return snippet;
        }
        snippet.with_source(&self.file, &self.text, &marks)
    }
}
