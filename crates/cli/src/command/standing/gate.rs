//! The registration: what stands in the agent's settings, and whether the agent heeds it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ringfence_adapters::hook::HookAgent;
use ringfence_adapters::install::{Registered, Registration};
use ringfence_record::originals;

use super::{Found, Scene, fails, unknown, warns};
use crate::command::codex;
use crate::exit::Problem;
use crate::places;

const AGAIN: &str = "run `ringfence init` again";

/// Whether the gate stands in the agent's settings below this home folder; why not, if it does not.
pub(in crate::command) fn gate_below(agent: HookAgent, home: &str) -> Result<(), String> {
    gate_of(agent, Path::new("/"), Path::new(home), |_| true).map(drop)
}

/// A registered gate is alive if it is called for every tool, exists and can be started.
pub(super) fn gate_of(
    agent: HookAgent,
    root: &Path,
    home: &Path,
    was_registered: fn(HookAgent) -> bool,
) -> Result<Registered, String> {
    let settings =
        originals::read(&agent.settings_path(home)).map_err(|error| error.to_string())?;
    let mut found = match settings {
        Some(settings) => agent.registered(&settings).map_err(|error| error.to_string())?,
        None => Registered::default(),
    };
    if found.guarded.is_empty()
        && let Some(managed) = managed(agent, root, home)?
    {
        found = managed;
    }
    if let Some(bypass) = found.bypasses.first() {
        return Err(bypass.clone());
    }
    if found.guarded.is_empty() {
        return Err(if was_registered(agent) {
            "the gate was registered and is gone; run `ringfence init` again".to_owned()
        } else {
            "no gate is registered; run `ringfence init`".to_owned()
        });
    }
    if !found.missing.is_empty() {
        let missing = found.missing.join(", ");
        return Err(format!("no gate on {missing}; run `ringfence init`"));
    }
    for program in &found.programs {
        let runs = std::fs::metadata(program)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        if !runs {
            let program = program.display();
            return Err(format!("`{program}` cannot be started; {AGAIN}"));
        }
    }
    Ok(found)
}

/// The gate of the organisation, which serves every user with folders of their own.
fn managed(agent: HookAgent, root: &Path, home: &Path) -> Result<Option<Registered>, String> {
    let Some(path) = agent.managed_path(root) else { return Ok(None) };
    let Some(text) = originals::read(&path).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let found = agent.registered_managed(&text).map_err(|error| error.to_string())?;
    let (state, config) = (home.join(".local/state/ringfence"), home.join(".config/ringfence"));
    let managed = Registered { states: vec![state], configs: vec![config], ..found };
    Ok((!managed.guarded.is_empty()).then_some(managed))
}

/// Whether a gate is that of the organisation: its command lines name no folders.
fn is_managed(found: &Registered) -> bool {
    !found.commands.iter().any(|command| command.contains(" --state "))
}

pub(super) fn guards(found: &Registered) -> String {
    format!("registered on {}", found.guarded.join(", "))
}

/// Whether the entries call the program that is asked here: not another one, and no other version.
pub(super) fn is_this_program(found: &Registered) -> Found {
    let own = std::env::current_exe().and_then(std::fs::metadata);
    let own = own.map_err(|error| unknown(error.to_string()))?;
    for program in &found.programs {
        let is_own = std::fs::metadata(program)
            .is_ok_and(|it| (it.dev(), it.ino()) == (own.dev(), own.ino()));
        if !is_own {
            let program = program.display();
            return Err(fails(format!("`{program}` is not this program; {AGAIN}")));
        }
    }
    Ok("calls this very program".to_owned())
}

/// Whether every entry is as `init` would write it now, for this program and these folders. An entry that
/// only looks like ours does whatever it does.
pub(super) fn is_as_written(agent: HookAgent, scene: &Scene, found: &Registered) -> Found {
    let home = &scene.home;
    let program = found.programs.first().ok_or_else(|| fails("no gate is registered"))?;
    let folder = |place: Result<PathBuf, Problem>| place.map_err(|it| unknown(it.to_string()));
    let [state, config] = [folder(places::state_folder())?, folder(places::config_folder())?];
    let managed = is_managed(found);
    let path = agent.managed_path(&scene.root).filter(|_| managed);
    let path = path.unwrap_or_else(|| agent.settings_path(home));
    let settings = read(&path)?.unwrap_or_default();
    // Either is what `init` writes; the entries say which was chosen.
    let decide = found.commands.iter().any(|command| command.ends_with(" --decide"));
    let gate = Registration {
        program: program.clone(),
        state,
        config,
        home: home.to_owned(),
        decide,
        managed,
    };
    let deviations = if managed {
        agent.deviations_managed(&settings, &gate)
    } else {
        agent.deviations(&settings, &gate)
    };
    let deviations = deviations.map_err(|error| fails(error.to_string()))?;
    let Some(first) = deviations.first() else {
        return Ok("every entry is as `ringfence init` writes it".to_owned());
    };
    Err(fails(format!("{first}; {AGAIN}")))
}

/// Whether the agent looks for its settings where the gate is registered.
pub(super) fn is_where_it_looks(agent: HookAgent, home: &Path, found: &Registered) -> Found {
    if is_managed(found) {
        return Ok("registered in the organisation's settings, which nothing moves".to_owned());
    }
    let folder = agent.folder(home);
    let moved = agent.moved_by().and_then(|name| Some((name, std::env::var_os(name)?)));
    match moved {
        Some((variable, moved)) if Path::new(&moved) != folder && Path::new(&moved) != home => {
            let moved = Path::new(&moved).display();
            Err(fails(format!("`{variable}` names `{moved}`, where no gate is registered")))
        }
        _ => Ok(format!("registered where {} looks", agent.title())),
    }
}

/// Whether hooks are switched off in any other of its settings.
pub(super) fn is_not_switched_off(agent: HookAgent, scene: &Scene) -> Found {
    for path in agent.other_settings(&scene.root, &scene.home, &[&scene.here]) {
        if path.is_dir() {
            continue;
        }
        let Some(settings) = read(&path)? else { continue };
        let switches = agent.switches(&settings).unwrap_or_default();
        if let Some(switch) = switches.first() {
            return Err(fails(format!("`{}`: {switch}", path.display())));
        }
    }
    Ok("no setting switches hooks off".to_owned())
}

/// Whether the agent itself says that it runs our hooks, where it can be asked.
pub(super) fn is_run(agent: HookAgent, here: &Path) -> Found {
    if agent != HookAgent::Codex {
        return Ok(format!("{} cannot be asked; the canary stands for it", agent.title()));
    }
    let hooks = codex::listed_hooks(here).map_err(unknown)?;
    if hooks.is_empty() {
        return Err(fails("codex does not list the gate among its hooks"));
    }
    if hooks.iter().all(|hook| hook.runs) {
        return Ok("codex says that it trusts and runs the hooks".to_owned());
    }
    let how = "run `ringfence init codex`, or `/hooks` in codex";
    let what = "codex does not run the hooks: its user has not trusted them";
    Err(fails(format!("{what}; {how}")))
}

/// Whether hooks of somebody else run before a call as well. What they rewrite is found after the call.
pub(super) fn runs_alone(agent: HookAgent, home: &Path) -> Found {
    let settings = read(&agent.settings_path(home))?.unwrap_or_default();
    let shared = agent.shared(&settings).map_err(|error| fails(error.to_string()))?;
    if shared.is_empty() {
        return Ok("no other hook decides about calls".to_owned());
    }
    // Every agent lets a denial win; what another hook rewrote is compared after the call.
    let shared = shared.join(", ");
    Ok(format!("other hooks run on {shared} too; a call that one of them rewrites is a finding"))
}

fn read(path: &Path) -> Result<Option<String>, super::Fault> {
    originals::read(path).map_err(|error| warns(error.to_string()))
}
