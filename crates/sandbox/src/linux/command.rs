//! The last steps of the process that becomes the command: limits, Landlock, seccomp, proof, execution.

use std::ffi::{CString, OsString};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::group::Group;
use super::overlay::Overlay;
use super::seccomp::Filters;
use super::settings::Settings;
use super::sys::{self, Signals};
use super::witness::Witness;
use super::{Hold, doorman, landlock, message, observe};
use crate::observe::Observe;
use crate::plan::Plan;
use crate::refusal::{Refusal, RefusalKind};
use crate::support::Tier;
use crate::walls::{Wall, Walls};

/// Where programs look for a proxy, and for what they should reach without one.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"];
const WITHOUT_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What the command is told. Where a proxy is the only way out, it is told of it whatever the caller has.
fn told(plan: &Plan, hold: Hold<'_>) -> Vec<(String, String)> {
    let mut told = plan.environment.clone();
    let Some(proxy) = plan.doors.as_ref().and(hold.proxy()) else { return told };
    told.retain(|(name, _)| !PROXIES.contains(&&**name) && !WITHOUT_PROXY.contains(&&**name));
    let address = format!("http://{proxy}");
    told.extend(PROXIES.map(|name| (name.to_owned(), address.clone())));
    told.push(("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()));
    if hold.tier() == Tier::B {
        // What listens inside is reached there.
        let here = "localhost,127.0.0.1,::1".to_owned();
        told.extend(WITHOUT_PROXY.map(|name| (name.to_owned(), here.clone())));
    }
    told
}

fn unusable(error: io::Error) -> Refusal {
    let remedy = "report this, with the command that was given";
    Refusal::new("the command cannot be prepared", remedy).because(error)
}

/// Everything a command needs, made ready before anything is forked.
pub(super) struct Command<'a> {
    pub(super) plan: &'a Plan,
    pub(super) argv: Vec<CString>,
    pub(super) environment: Vec<CString>,
    filters: Filters,
    pub(super) witness: Witness,
    /// Settings of repositories, as they are before.
    pub(super) settings: Vec<Settings>,
    /// What is kept apart until the end.
    pub(super) overlays: Vec<Overlay>,
    mounted: bool,
    /// Where the only way out is, for a command that gets its sockets from the supervisor.
    proxy: Option<SocketAddrV4>,
    pub(super) walls: Walls,
    /// Where a shell tells in which folder it ended.
    pub(super) mouth: Option<BorrowedFd<'a>>,
    pub(super) observe: Option<Observe>,
    /// The control group that it runs in, if there is one.
    pub(super) group: Option<&'a Group>,
}

impl<'a> Command<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        argv: &[OsString],
        hold: Hold<'_>,
        mouth: Option<BorrowedFd<'a>>,
        observe: Option<Observe>,
        walls: &Walls,
    ) -> Result<Self, Refusal> {
        let string = |bytes: &[u8]| {
            CString::new(bytes).map_err(|_| {
                let what = "an argument or a variable holds a NUL";
                Refusal::new(what, "leave it out")
            })
        };
        let argv = argv.iter().map(|it| string(it.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        let told = told(plan, hold).into_iter();
        let environment = told.map(|(name, value)| string(format!("{name}={value}").as_bytes()));
        let mounted = hold.tier() != Tier::C;
        let proxy = hold.proxy().filter(|_| !mounted);
        Ok(Self {
            plan,
            argv,
            environment: environment.collect::<Result<_, _>>()?,
            filters: Filters::compile(
                plan.network,
                !mounted,
                proxy.is_some(),
                plan.nested && mounted,
            )
            .map_err(unusable)?,
            witness: Witness::before(plan, hold),
            settings: Settings::before(plan)?,
            overlays: Vec::new(),
            mounted,
            proxy,
            walls: walls.clone(),
            mouth,
            observe,
            group: None,
        })
    }

    /// The same command, as it was told to this program inside of what `bwrap` made.
    pub(super) fn told(
        plan: &'a Plan,
        (argv, environment): (Vec<CString>, Vec<CString>),
        witness: Witness,
        mouth: Option<BorrowedFd<'a>>,
        observe: Option<Observe>,
        walls: &Walls,
    ) -> Result<Self, Refusal> {
        let filters =
            Filters::compile(plan.network, false, false, plan.nested).map_err(unusable)?;
        let (settings, walls) = (Vec::new(), walls.clone());
        Ok(Self {
            plan,
            argv,
            environment,
            filters,
            witness,
            settings,
            overlays: Vec::new(),
            mounted: true,
            proxy: None,
            walls,
            mouth,
            observe,
            group: None,
        })
    }

    /// Brings this process into the group, if there is one.
    pub(super) fn enter_group(&self) -> Result<(), Refusal> {
        self.group.map_or(Ok(()), Group::enter).map_err(|error| {
            let remedy = "leave the limits out, or start it from another control group";
            Refusal::new("the run's control group cannot be entered", remedy).because(error)
        })
    }

    /// Becomes the command. Comes back with the reason why not.
    pub(super) fn become_it(&self, signals: &Signals, control: BorrowedFd<'_>) -> Refusal {
        match self.confine(control) {
            Ok(()) => self.execute(signals),
            Err(refusal) => refusal,
        }
    }

    fn confine(&self, control: BorrowedFd<'_>) -> Result<(), Refusal> {
        let step = |what: &str, error: io::Error| {
            let remedy = "see `ringfence run --explain` and what the system allows";
            Refusal::new(what, remedy).because(error)
        };
        let stands = |wall| self.walls.stands(wall);
        if stands(Wall::Limits) {
            self.limit().map_err(|error| step("limits cannot be set", error))?;
        }
        if stands(Wall::Privileges) {
            sys::control(libc::PR_SET_NO_NEW_PRIVS, 1)
                .map_err(|error| step("new privileges cannot be ruled out", error))?;
            sys::drop_capabilities()
                .map_err(|error| step("capabilities cannot be dropped", error))?;
        } else {
            sys::pass_capabilities_on()
                .map_err(|error| step("capabilities cannot be passed on", error))?;
        }
        if stands(Wall::Landlock) {
            landlock::restrict(self.plan, self.mounted, self.proxy.map(|it| it.port()))
                .map_err(|error| step("Landlock cannot be set", io::Error::other(error)))?;
        }
        let filters = Some(&self.filters).filter(|_| stands(Wall::Calls));
        match (self.observe, filters) {
            (Some(observe), filters) => observe::begin(observe, filters, control)?,
            (None, Some(filters)) => {
                filters.load().map_err(|error| step("system calls cannot be filtered", error))?;
            }
            (None, None) => {}
        }
        if self.proxy.is_some() {
            doorman::begin(control)?;
        }
        if stands(Wall::Descriptors) {
            sys::close_on_exec_from_three()
                .map_err(|error| step("open files cannot be closed, for Linux 5.11", error))?;
        }
        if !stands(Wall::Witness) {
            return Ok(());
        }
        match self.witness.falls(self.plan, self.mounted) {
            None => Ok(()),
            Some(wall) => {
                let remedy = "the command was not started; report this, with your kernel's version";
                Err(Refusal::new("a wall does not stand", remedy).because(wall))
            }
        }
    }

    fn limit(&self) -> io::Result<()> {
        let limits = &self.plan.limits;
        sys::limit(libc::RLIMIT_CORE as _, 0)?;
        sys::limit(libc::RLIMIT_NPROC as _, limits.processes)?;
        let together = self.group.is_some_and(Group::holds_memory);
        if let Some(memory) = limits.memory.filter(|_| !together) {
            sys::limit(libc::RLIMIT_AS as _, memory)?;
        }
        if let Some(size) = limits.file_size {
            sys::limit(libc::RLIMIT_FSIZE as _, size)?;
        }
        Ok(())
    }

    fn execute(&self, signals: &Signals) -> Refusal {
        let Some(program) = self.argv.first() else {
            return Refusal::new("no command is given", "write it after --");
        };
        let name = program.to_string_lossy().into_owned();
        if let Some(mouth) = self.mouth
            && let Err(error) = sys::keep_when_executing(mouth)
        {
            return Refusal::new("a file cannot be kept open", "report this").because(error);
        }
        sys::default_broken_pipe();
        signals.restore();
        let mut denied = None;
        for candidate in self.candidates(Path::new(&*name)) {
            let Ok(path) = sys::c_string(&candidate) else { continue };
            let mut error = sys::execute(&path, &self.argv, &self.environment);
            if error.raw_os_error() == Some(libc::ENOEXEC) {
                // A script without a first line that names its shell, as every shell takes it.
                let rest = self.argv.iter().skip(1).cloned();
                let argv: Vec<CString> = [c"sh".to_owned(), path].into_iter().chain(rest).collect();
                error = sys::execute(c"/bin/sh", &argv, &self.environment);
            }
            match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR) => {}
                // A folder that may not be searched does not hold the command.
                _ if candidate.symlink_metadata().is_err() => {}
                _ => denied = denied.or(Some((candidate, error))),
            }
        }
        match denied {
            Some((path, error)) => {
                let what = format!("{} cannot be executed", path.display());
                let remedy = "check that it is a program, and not outside of what the run shows";
                Refusal::new(what, remedy).because(error).kind(RefusalKind::NotExecutable)
            }
            None => {
                let remedy = "check the name; what the run shows is in `ringfence run --explain`";
                Refusal::new(format!("{name}: command not found"), remedy)
                    .kind(RefusalKind::NotFound)
            }
        }
    }

    /// Where the program may be: the path that was given, or every folder of PATH.
    fn candidates(&self, name: &Path) -> Vec<PathBuf> {
        if name.components().count() > 1 || name.as_os_str().as_bytes().contains(&b'/') {
            return vec![name.to_path_buf()];
        }
        let path = self.plan.environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or("/usr/local/bin:/usr/bin:/bin", |(_, value)| value.as_str());
        path.split(':').map(|folder| Path::new(folder).join(name)).collect()
    }

    /// Tells the supervisor why, and ends.
    pub(super) fn give_up(refusal: &Refusal, to: BorrowedFd<'_>) -> ! {
        // If nobody listens any more there is nobody to be told.
        let _ = sys::send(to, &message::write(refusal));
        sys::exit_now(i32::from(refusal.exit_code()))
    }
}
