//! The plan in words, for people who want to know what a run will see before it runs.

use std::fmt;
use std::path::Path;

use crate::plan::{GapReason, Plan};
use crate::request::Doors;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile   {}", self.profile)?;
        writeln!(f, "starts in {}", shown(&self.cwd))?;
        let network = match (self.network, &self.doors) {
            (true, _) => "that of the host".to_owned(),
            (false, None) => "none".to_owned(),
            (false, Some(_)) => {
                format!("its own; out by name alone, with a proxy at http://{}", Doors::PROXY)
            }
        };
        writeln!(f, "network   {network}")?;
        if self.gate.is_some() {
            writeln!(f, "gate      the one outside decides about an agent's calls")?;
        }
        if self.nested {
            writeln!(f, "nested    a sandbox of its own can be set up inside")?;
        }
        section(f, "everything else of the system", &["read only".to_owned()])?;
        let open = |path: &Path| self.open.iter().any(|it| it.folder == path);
        let write = self.show.iter().filter(|it| it.write && !open(&it.path));
        let write = write.map(|it| shown(&it.path));
        section(f, "can be written", &write.collect::<Vec<_>>())?;
        let named = self.open.iter().map(|it| {
            let names: Vec<String> = it.names.iter().map(|it| shown(Path::new(it))).collect();
            format!("{}: {}", shown(&it.folder), names.join(" "))
        });
        section(f, "can be written by these names alone", &named.collect::<Vec<_>>())?;
        let held = |path: &Path| path.parent().is_some_and(open);
        let beside = self.show.iter().filter(|it| !it.write && held(&it.path));
        let beside = beside.map(|it| shown(&it.path));
        section(f, "read only beside that", &beside.collect::<Vec<_>>())?;
        let read = self.show.iter().filter(|it| !it.write && !held(&it.path));
        let read = read.map(|it| shown(&it.path));
        section(f, "can be read although what is around it is hidden", &read.collect::<Vec<_>>())?;
        let protect = self.protect.iter().map(|it| shown(it));
        section(f, "read only inside of what can be written", &protect.collect::<Vec<_>>())?;
        let settings = self.settings.iter().map(|it| shown(it));
        let title = "a copy of its own, of which what is harmless goes back";
        section(f, title, &settings.collect::<Vec<_>>())?;
        let pin = self.pin.iter().map(|it| shown(it));
        section(f, "held in place for that", &pin.collect::<Vec<_>>())?;
        let hide = self.hide.iter().map(|it| shown(it));
        section(f, "hidden", &hide.collect::<Vec<_>>())?;
        let private = self.private.iter().map(|it| shown(it)).chain(["/run".to_owned()]);
        section(f, "empty, and its own", &private.collect::<Vec<_>>())?;
        let mask = self.mask.iter().map(|it| shown(&it.path));
        section(f, "cannot be opened", &mask.collect::<Vec<_>>())?;
        let gaps = self.gaps.iter().map(|gap| {
            let why = match gap.why {
                GapReason::Names => "has another name, by which it may be written",
                GapReason::Link => "behind a symbolic link, which can be replaced",
            };
            format!("{} ({why})", shown(&gap.path))
        });
        section(f, "not protected", &gaps.collect::<Vec<_>>())?;
        let absent = self.watch.absent.iter().map(|it| shown(it));
        let title = "moved away after the run if it appears";
        section(f, title, &absent.collect::<Vec<_>>())?;
        let strict = self.strict.iter().map(|it| shown(it));
        let title = "changed only when the run has ended, and without what others would execute";
        section(f, title, &strict.collect::<Vec<_>>())?;
        let names = self.watch.names.join(" ");
        section(
            f,
            "moved away after the run if it appears, anywhere in what can be written",
            &[names],
        )?;
        let told = self.environment.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        section(f, "environment", &[told.join(" ")])?;
        section(f, "environment, withheld", &[self.withheld.join(" ")])?;
        let mut limits = vec![format!("{} processes and threads", self.limits.processes)];
        limits
            .extend(self.limits.memory.map(|it| format!("{it} bytes of memory for each process")));
        limits.extend(self.limits.file_size.map(|it| format!("{it} bytes in a file")));
        limits.push(format!("{} bytes in each folder of its own", self.limits.private_bytes));
        section(f, "limits", &limits)
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.iter().all(String::is_empty) {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

/// A path without what a terminal would obey.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars()
        .flat_map(
            |it| if it.is_control() { it.escape_default().collect::<Vec<_>>() } else { vec![it] },
        )
        .collect()
}
