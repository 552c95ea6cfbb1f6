//! What of a workspace an action changes, where its effects say that in full.
//!
//! A contained command gets what it needs and no more. Where all that runs is known, and known to change nothing but
//! what its effects name, these names are what it needs. Where code runs that nobody has read, the prediction is that it
//! may change anything in its workspace, and that is said.

use std::collections::BTreeSet;

use ringfence_action::{Attr, Effect, EffectKind, Opaque, Target, path};

/// An ecosystem, what its installs write, and what tells that they write in other folders too: a file, and what
/// stands in it.
type Install = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

include!(concat!(env!("OUT_DIR"), "/install_data.rs"));

/// What of a workspace is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// It may be anything, and why.
    Anything(String),
    /// These paths, and what is below them: absolute, `*` stands for anything in a name.
    Paths(BTreeSet<String>),
}

/// Whether there is a file at an absolute path, and a text in it. Yes, too, where that cannot be found out.
type Says<'a> = &'a dyn Fn(&str, &str) -> bool;

/// What an action with these effects changes in a workspace. `says` answers whether a file is there, by its absolute path,
/// and holds a text; yes, too, where that cannot be found out.
pub fn of(effects: &[Effect], opaque: &[Opaque], workspace: &str, says: Says<'_>) -> Changes {
    if let Some(remark) = opaque.first() {
        return Changes::Anything(format!("it is not known what it does ({})", remark.reason));
    }
    let mut paths = BTreeSet::new();
    let place = Place { all: effects, workspace, says };
    for effect in effects {
        if let Err(why) = place.add(effect, &mut paths) {
            return Changes::Anything(why);
        }
    }
    Changes::Paths(paths)
}

/// What is known of an action and of where it works.
struct Place<'a> {
    all: &'a [Effect],
    workspace: &'a str,
    says: Says<'a>,
}

impl<'a> Place<'a> {
    fn add(&self, effect: &Effect, paths: &mut BTreeSet<String>) -> Result<(), String> {
        match effect.kind {
            EffectKind::Write | EffectKind::Create | EffectKind::Delete | EffectKind::Metadata => {
                let named = match &effect.target {
                    Target::Known(path) => vec![path.clone()],
                    Target::OneOf(paths) => paths.clone(),
                    Target::Pattern(pattern) => vec![named_by(pattern)],
                    Target::Unknown => return Err("it is not known where it writes".to_owned()),
                };
                named.iter().try_for_each(|path| name(path, self.workspace, paths))
            }
            EffectKind::Package => self.package(effect, paths),
            EffectKind::Exec => self.program(effect),
            EffectKind::ExecCode if is_module(effect, self.all) => Ok(()),
            EffectKind::ExecCode | EffectKind::DownloadExec | EffectKind::EnvExec => {
                Err("it runs code, which may write anything".to_owned())
            }
            EffectKind::VcsLocal => Err("it changes a repository".to_owned()),
            EffectKind::Database => Err("it changes a database, which may be a file".to_owned()),
            // None of these is about files of a workspace; what holds them is not what may be written there.
            EffectKind::Read
            | EffectKind::Net
            | EffectKind::Privilege
            | EffectKind::Credential
            | EffectKind::Persist
            | EffectKind::VcsRemote
            | EffectKind::Infra
            | EffectKind::Process
            | EffectKind::Message
            | EffectKind::Payment
            | EffectKind::Browser
            | EffectKind::Guard => Ok(()),
        }
    }

    /// What a package manager writes where it installs.
    fn package(&self, effect: &Effect, paths: &mut BTreeSet<String>) -> Result<(), String> {
        let installs = matches!(effect.text(Attr::Op), Some("install" | "remove"));
        let builds = effect.text(Attr::Source) == Some("local");
        if !installs || effect.is(Attr::Publish) {
            return Err("it runs what a package brings along".to_owned());
        }
        let ecosystem = effect.text(Attr::Ecosystem).unwrap_or_default();
        if builds && ecosystem != "npm" {
            return Err("it builds a package where that lies".to_owned());
        }
        let Some((_, names, members)) = INSTALLS.iter().find(|(known, ..)| *known == ecosystem)
        else {
            return Err("it is not known what such an install writes".to_owned());
        };
        let folder = self.folder_of(effect);
        let mut folder = folder.ok_or("it is not known which folder it installs in")?;
        let own = self.all.iter().filter(|it| it.kind == EffectKind::Exec && by(it) == by(effect));
        for program in own.filter_map(|it| it.target.as_known()) {
            if let Some(environment) = self.environment(program, folder) {
                name(&environment, self.workspace, paths)?;
            }
        }
        loop {
            if let Some((file, _)) =
                members.iter().find(|(file, text)| (self.says)(&format!("{folder}/{file}"), text))
            {
                return Err(format!("{folder}/{file} has packages in other folders"));
            }
            paths.extend(names.iter().map(|name| format!("{folder}/{name}")));
            if folder == self.workspace || !path::is_within(self.workspace, folder) {
                return Ok(());
            }
            folder = path::parent(folder);
        }
    }

    /// Whether a program changes no files but those that effects name. One that lies in the workspace is called as it is by
    /// whoever wrote it.
    fn program(&self, effect: &Effect) -> Result<(), String> {
        let own = by(effect);
        let manages = |it: &Effect| it.kind == EffectKind::Package && by(it) == own;
        if let Some(program) = effect.target.as_known().filter(|it| it.contains('/')) {
            let installs = self.all.iter().find(|it| manages(it));
            let folder = installs.and_then(|it| self.folder_of(it)).unwrap_or(self.workspace);
            let outside = program.starts_with('/') && !path::is_within(self.workspace, program);
            if !outside && self.environment(program, folder).is_none() {
                return Err(format!("`{program}` is a program of the workspace"));
            }
        }
        let runs_module = |it: &Effect| {
            it.kind == EffectKind::ExecCode && by(it) == own && is_module(it, self.all)
        };
        if PROGRAMS.contains(&own) || self.all.iter().any(|it| manages(it) || runs_module(it)) {
            return Ok(());
        }
        Err(format!("it is not known what `{own}` writes"))
    }

    /// The folder that something is installed in, if it lies in the workspace.
    fn folder_of(&self, effect: &'a Effect) -> Option<&'a str> {
        let folder = effect.text(Attr::Dir).filter(|it| path::is_within(self.workspace, it))?;
        Some(folder.trim_end_matches('/'))
    }

    /// The virtual environment that a program lies in, which what it installs goes to. Never what belongs to a repository.
    fn environment(&self, program: &str, folder: &str) -> Option<String> {
        let (environment, _) = program.rsplit_once("/bin/")?;
        let environment = path::absolute(folder, environment);
        let is_own = !environment.split('/').any(|it| it.eq_ignore_ascii_case(".git"));
        let is_one = is_own && (self.says)(&format!("{environment}/pyvenv.cfg"), "");
        is_one.then_some(environment)
    }
}

/// The path that a pattern names as far as it can be written down: a `*` in its last part stands, and what is below a
/// folder that is not known belongs to the innermost one that is.
fn named_by(pattern: &str) -> String {
    let known = |part: &&str| !part.contains(['*', '?', '[']);
    let mut parts = pattern.split('/').peekable();
    let mut named: Vec<&str> = Vec::new();
    while let Some(part) = parts.next_if(known) {
        named.push(part);
    }
    let last = parts.next().filter(|it| !it.contains(['?', '[']) && *it != "**");
    named.extend(last.filter(|_| parts.next().is_none()));
    named.join("/")
}

/// A path that is changed. One outside of the workspace is none of it.
fn name(path: &str, workspace: &str, paths: &mut BTreeSet<String>) -> Result<(), String> {
    if path::is_within(path, workspace) || path.is_empty() {
        return Err("it writes in the whole folder".to_owned());
    }
    if path::is_within(workspace, path) {
        paths.insert(path.to_owned());
    }
    Ok(())
}

/// `python -m pip`: a program of its own, whose effects are known.
fn is_module(effect: &Effect, all: &[Effect]) -> bool {
    let Some(module) = effect.text(Attr::Op) else { return false };
    let interpreter = effect.target.as_known().is_some_and(|it| !it.contains('/'));
    let named = |it: &Effect| it.kind == EffectKind::Exec && by(it) == module;
    interpreter && effect.text(Attr::Source) == Some("file") && all.iter().any(named)
}

fn by(effect: &Effect) -> &str {
    effect.text(Attr::By).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ringfence_action::OpaqueReason;

    use super::*;

    fn effect(kind: EffectKind, target: &str, by: &str) -> Effect {
        Effect::new(kind, Target::known(target)).with(Attr::By, by)
    }

    fn install(by: &str, ecosystem: &str, folder: &str) -> Vec<Effect> {
        let package = effect(EffectKind::Package, "x", by)
            .with(Attr::Op, "install")
            .with(Attr::Ecosystem, ecosystem)
            .with(Attr::Dir, folder);
        vec![effect(EffectKind::Exec, by, by), package]
    }

    /// There is one virtual environment, and nothing else.
    fn in_tools(file: &str, _: &str) -> bool {
        file == "/w/tools/pyvenv.cfg"
    }

    fn paths(effects: &[Effect]) -> BTreeSet<String> {
        match of(effects, &[], "/w", &in_tools) {
            Changes::Paths(paths) => paths,
            Changes::Anything(why) => panic!("{why}"),
        }
    }

    fn anything(effects: &[Effect]) -> bool {
        matches!(of(effects, &[], "/w", &in_tools), Changes::Anything(_))
    }

    #[test]
    fn an_install_writes_its_lists_and_its_folder() {
        let found = paths(&install("npm", "npm", "/w/app"));
        for there in ["/w/app/node_modules", "/w/app/package.json*", "/w/package-lock.json*"] {
            assert!(found.contains(there), "{there}: {found:?}");
        }
        assert!(found.iter().all(|it| !it.contains("src")), "{found:?}");
        let mut more = install("pip", "pypi", "/w");
        more.push(effect(EffectKind::Write, "/w/log", "tee"));
        more.push(effect(EffectKind::Exec, "tee", "tee"));
        more.push(effect(EffectKind::Exec, "tools/bin/pip", "pip"));
        let found = paths(&more);
        assert!(found.contains("/w/log") && found.contains("/w/tools"), "{found:?}");
    }

    #[test]
    fn a_module_that_is_a_known_program_is_one() {
        let mut effects = install("pip", "pypi", "/w");
        effects.push(effect(EffectKind::Exec, "python3", "python"));
        let module = effect(EffectKind::ExecCode, "python", "python").with(Attr::Source, "file");
        effects.push(module.clone().with(Attr::Op, "pip"));
        assert!(!anything(&effects));
        effects.push(module.with(Attr::Op, "other"));
        assert!(anything(&effects));
    }

    #[test]
    fn an_install_for_packages_in_other_folders_may_write_there() {
        let with = |ecosystem: &str, file: &'static str, content: &'static str| {
            let says = move |path: &str, text: &str| path == file && content.contains(text);
            of(&install("x", ecosystem, "/w/packages/a"), &[], "/w", &says)
        };
        for (ecosystem, file, content) in [
            ("npm", "/w/package.json", "{\"workspaces\": [\"packages/*\"]}"),
            ("npm", "/w/packages/a/package.json", "{\"workspaces\": []}"),
            ("npm", "/w/pnpm-workspace.yaml", "packages: []"),
            ("cargo", "/w/Cargo.toml", "[workspace]"),
            ("go", "/w/go.work", "use ."),
            ("hex", "/w/mix.exs", "apps_path: \"apps\""),
            ("pypi", "/w/pyproject.toml", "[tool.uv.workspace]"),
            ("nuget", "/w/x", ""),
        ] {
            let found = with(ecosystem, file, content);
            assert!(matches!(found, Changes::Anything(_)), "{ecosystem} {file}: {found:?}");
        }
        let alone = with("npm", "/w/package.json", "{\"name\": \"a\"}");
        assert!(matches!(alone, Changes::Paths(_)), "{alone:?}");
    }

    #[test]
    fn a_program_of_the_workspace_is_not_known_by_its_name() {
        for program in ["src/bin/pip", ".git/bin/pip", "./pip", "/w/bin/pip", "../pip"] {
            let mut effects = install("pip", "pypi", "/w");
            effects.push(effect(EffectKind::Exec, program, "pip"));
            assert!(anything(&effects), "{program}");
            assert!(anything(&[effect(EffectKind::Exec, &program.replace("pip", "cat"), "cat")]));
            let found = of(&effects, &[], "/w", &|file, _| file == "/w/.git/pyvenv.cfg");
            assert!(matches!(found, Changes::Anything(_)), "{program}: {found:?}");
        }
        assert!(!anything(&[effect(EffectKind::Exec, "/usr/bin/cat", "cat")]));
    }

    #[test]
    fn code_that_runs_may_write_anything() {
        let with = |more: Effect| [install("npm", "npm", "/w"), vec![more]].concat();
        for more in [
            effect(EffectKind::Exec, "tsc", "tsc"),
            effect(EffectKind::ExecCode, "/w/x.py", "python"),
            effect(EffectKind::EnvExec, "LD_PRELOAD", "env"),
            effect(EffectKind::VcsLocal, "/w", "git"),
            effect(EffectKind::Write, "/w", "cp"),
            effect(EffectKind::Delete, "/", "rm"),
            Effect::new(EffectKind::Write, Target::Unknown),
            Effect::new(EffectKind::Write, Target::Pattern("/w/**".to_owned())),
            effect(EffectKind::Package, "x", "npx").with(Attr::Op, "run"),
            effect(EffectKind::Package, "x", "npm").with(Attr::Op, "install"),
        ] {
            assert!(anything(&with(more.clone())), "{more:?}");
        }
        let remark = Opaque::new(OpaqueReason::DynamicCode, "x");
        let effects = install("npm", "npm", "/w");
        assert!(matches!(of(&effects, &[remark], "/w", &in_tools), Changes::Anything(_)));
        let elsewhere = install("npm", "npm", "/other");
        assert!(anything(&elsewhere));
    }

    #[test]
    fn a_pattern_is_a_name_or_the_folder_around_it() {
        let written = |target: &str| {
            paths(&[Effect::new(EffectKind::Write, Target::Pattern(target.to_owned()))])
        };
        assert_eq!(written("/w/out-*"), BTreeSet::from(["/w/out-*".to_owned()]));
        assert_eq!(written("/w/out/*/x"), BTreeSet::from(["/w/out".to_owned()]));
        assert_eq!(written("/w/out/**"), BTreeSet::from(["/w/out".to_owned()]));
        assert_eq!(written("/elsewhere/*"), BTreeSet::new());
    }
}
