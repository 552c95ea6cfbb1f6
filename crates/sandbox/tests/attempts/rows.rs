//! The ways out: what is tried, what stops it, and whether taking that away lets it through.

use ringfence_sandbox::Tier;

/// One way out.
pub(crate) struct Row {
    /// Which of the kinds of ways out it is, as `docs/escapes.md` counts them.
    pub(crate) kind: u8,
    /// What is tried.
    pub(crate) name: &'static str,
    /// What stops it. Without all of these it gets out.
    pub(crate) walls: &'static [Wall],
    pub(crate) attempt: Attempt,
    /// What is looked at afterwards, outside.
    pub(crate) later: &'static str,
    /// Whether the same attempt succeeds where nothing stops it.
    pub(crate) control: bool,
    /// The tiers that stop it.
    pub(crate) tiers: &'static [Tier],
    /// Whether it is stopped where a sandbox may be set up inside.
    pub(crate) nested: bool,
    pub(crate) proof: Proof,
    /// Whether `bwrap` stops it too, whatever is taken away.
    pub(crate) helper_stops: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wall {
    Mounts,
    Held,
    Pins,
    Masks,
    Copies,
    After,
    Processes,
    Shared,
    Network,
    Landlock,
    Calls,
    Privileges,
    Environment,
    Descriptors,
    Ids,
    Limits,
}

/// What is seen when the named walls are taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It gets out.
    Out,
    /// It gets out, if it is root that tries.
    OutAsRoot,
    /// The kernel answers, and not the filter.
    Kernel,
    /// The same, if it is root that tries.
    KernelAsRoot,
    /// It cannot be seen on every kernel, for a reason.
    None(&'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Attempt {
    /// A shell script; `CANARY` or `REACHED` in its output means that it got out.
    Shell(&'static str),
    /// One of the attempts, with an argument in which `{…}` is replaced.
    Call(&'static str, &'static str),
}

use Attempt::{Call, Shell};
use Wall::{
    After, Calls, Copies, Descriptors, Environment, Held, Ids, Landlock, Limits, Masks, Mounts,
    Network, Pins, Privileges, Processes, Shared,
};

pub(crate) const ALL: &[Tier] = &[Tier::A, Tier::B, Tier::C];
const STRONG: &[Tier] = &[Tier::A, Tier::B];
const OWN: &[Tier] = &[Tier::A];

const fn row(kind: u8, name: &'static str, walls: &'static [Wall], attempt: Attempt) -> Row {
    Row {
        kind,
        name,
        walls,
        attempt,
        later: "",
        control: false,
        tiers: ALL,
        nested: true,
        proof: Proof::Out,
        helper_stops: false,
    }
}

impl Row {
    const fn controlled(mut self) -> Self {
        self.control = true;
        self
    }

    const fn strong(mut self) -> Self {
        self.tiers = STRONG;
        self
    }

    /// Only mounts of our own stop it.
    const fn own(mut self) -> Self {
        self.tiers = OWN;
        self
    }

    const fn later(mut self, later: &'static str) -> Self {
        self.later = later;
        self
    }

    const fn not_nested(mut self) -> Self {
        self.nested = false;
        self
    }

    const fn helper_stops(mut self) -> Self {
        self.helper_stops = true;
        self
    }

    const fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }
}

/// A new name, and what it holds.
macro_rules! appears {
    ($kind:literal, $name:literal, $path:literal) => {
        row(
            $kind,
            $name,
            &[After],
            Shell(concat!("mkdir -p $(dirname ", $path, ") && echo evil > ", $path)),
        )
        .later(concat!("grep -qs evil ", $path, " && echo REACHED"))
        .controlled()
    };
}

/// A setting of the repository.
macro_rules! sets {
    ($name:literal, $code:literal, $grep:literal) => {
        row(12, $name, &[Copies, After], Shell($code))
            .later(concat!("grep -qs '", $grep, "' .git/config && echo REACHED"))
            .controlled()
    };
}

pub(crate) const ROWS: &[Row] = &[
    // Reading what is hidden.
    row(1, "read a key", &[Mounts, Landlock], Shell("cat ../home/.ssh/id_ed25519")).controlled(),
    row(1, "read a secret of the workspace", &[Masks], Shell("cat .env")).controlled().strong(),
    row(1, "read a secret in a subfolder", &[Masks], Shell("cat src/server.key")).controlled().strong(),
    row(2, "through /proc/self/root", &[Mounts, Landlock], Shell("cat /proc/self/root/$PWD/../home/notes")).controlled(),
    row(2, "through the root of the first process", &[Mounts, Landlock, Processes, Ids], Shell("cat /proc/1/root/$PWD/../home/notes")).proof(Proof::None("not every first process can be looked into")),
    row(2, "through the root of a process outside", &[Mounts, Landlock, Processes, Ids, Privileges], Shell("cat /proc/{pid}/root/$PWD/../home/notes")).controlled(),
    row(2, "through the folder of a process outside", &[Mounts, Landlock, Processes, Ids, Privileges], Shell("cat /proc/{pid}/cwd/../home/notes")).controlled(),
    row(3, "through a link in the workspace", &[Mounts, Landlock], Shell("cat keys/id_ed25519")).controlled(),
    row(3, "through a link made inside", &[Mounts, Landlock], Shell("ln -s ../home made && cat made/notes")).controlled(),
    row(5, "a second name for a key", &[Mounts, Landlock], Shell("ln ../home/notes got && cat got")).controlled(),
    row(15, "read the state of Ringfence", &[Mounts, Landlock], Shell("cat ../state/audit")).controlled(),
    row(15, "write the state of Ringfence", &[Mounts, Landlock], Shell("echo x >> ../state/audit && echo REACHED")).controlled(),
    row(22, "read a token from the environment", &[Environment], Shell("env")).controlled(),
    row(23, "a variable that shells execute", &[Environment], Shell("env | grep BASH_ENV && echo REACHED")).controlled(),
    row(24, "a key with the loader", &[Mounts, Landlock], Shell("for it in /lib64/ld-linux*.so.2 /lib/ld-linux*.so.1; do test -x $it && $it /bin/cat ../home/notes; done")).controlled(),
    row(24, "a key with a program of another name", &[Mounts, Landlock], Shell("cp /bin/cat other && ./other ../home/notes")).controlled(),
    row(24, "a key with a program in memory", &[Mounts, Landlock], Shell("python3 -c 'import os; fd = os.memfd_create(\"x\"); os.write(fd, open(\"/bin/cat\", \"rb\").read()); os.execve(fd, [\"cat\", \"../home/notes\"], {})'")).controlled(),
    row(24, "a key with an interpreter", &[Mounts, Landlock], Shell("python3 -c 'print(open(\"../home/notes\").read())'")).controlled(),
    row(38, "a file in shared memory", &[Mounts, Landlock], Shell("cat /dev/shm/{name}")).controlled().strong(),
    row(38, "a segment of shared memory", &[Shared], Call("segment", "{key}")).controlled().strong(),
    row(39, "an open file of the caller", &[Descriptors], Shell("cat <&9")).controlled(),
    // Writing outside.
    row(13, "outside the workspace", &[Mounts, Landlock], Shell("echo x > ../outside/new && echo REACHED")).controlled(),
    row(13, "through a link", &[Mounts, Landlock], Shell("echo x > link/file && echo REACHED")).controlled(),
    row(13, "remove outside", &[Mounts, Landlock], Shell("rm ../outside/file && echo REACHED")).controlled(),
    row(13, "truncate outside", &[Mounts, Landlock], Shell("truncate -s 0 ../outside/file && echo REACHED")).controlled(),
    row(13, "rename into the workspace", &[Mounts, Landlock], Shell("mv ../outside/file . && echo REACHED")).controlled(),
    row(13, "what shells, desktops and services start with", &[Mounts, Landlock], Shell("cd ../home && for it in .bashrc .profile .zshrc .config/fish/config.fish .config/systemd/user/x.service .config/autostart/x.desktop .ssh/authorized_keys .ssh/config .gitconfig .npmrc .cargo/config.toml .config/Code/User/settings.json .claude/settings.json .codex/config.toml; do mkdir -p $(dirname $it) && echo x > $it && echo REACHED; done"))
        .later("cd ../home; test -e .bashrc -o -e .config/autostart/x.desktop -o -e .codex/config.toml && echo REACHED")
        .controlled(),
    row(14, "a program on the path", &[Mounts, Landlock], Shell("echo x > ../home/.cargo/bin/git && echo REACHED")).controlled(),
    row(14, "a program of the system", &[Mounts, Landlock, Ids], Call("touch", "/usr/local/bin")).proof(Proof::OutAsRoot),
    row(35, "what the kernel starts", &[Mounts, Landlock], Shell("for it in core_pattern modprobe hotplug; do : >> /proc/sys/kernel/$it && echo REACHED; done")).proof(Proof::OutAsRoot),
    row(35, "a system key", &[Mounts, Landlock, Ids], Shell(": >> /proc/sysrq-trigger && echo REACHED")).proof(Proof::None("not every kernel has one")),
    row(36, "the release agent of a control group", &[Mounts, Landlock, Ids], Shell("for it in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent /sys/fs/cgroup/cgroup.procs /sys/kernel/uevent_helper; do test -e $it && : >> $it && echo REACHED; done")).proof(Proof::OutAsRoot),
    // What is executed later, and is there.
    row(6, "a second name for a protected file", &[Held], Shell("ln .envrc alias && echo x >> alias && echo REACHED")).controlled().strong(),
    row(7, "write a hook", &[Held, After], Shell("echo x > .git/hooks/pre-push && echo REACHED")).controlled().strong(),
    row(7, "change a hook", &[Held], Shell("echo x >> .git/hooks/pre-commit && echo REACHED")).controlled().strong(),
    row(7, "change what a shell loads here", &[Held], Shell("echo x >> .envrc && echo REACHED")).controlled().strong(),
    row(7, "change what an editor starts", &[Held], Shell("echo x >> .vscode/tasks.json && echo REACHED")).controlled().strong(),
    row(7, "change it in a subfolder", &[Held], Shell("echo x >> src/.vscode/tasks.json && echo REACHED")).controlled().strong(),
    row(7, "change the hook of a repository in a subfolder", &[Held], Shell("echo x >> src/.git/hooks/pre-commit && echo REACHED")).controlled().strong(),
    row(8, "rename the git folder away", &[Pins], Shell("mv .git other && mkdir -p .git/hooks && echo REACHED")).controlled().strong(),
    row(8, "rename a folder away above something protected", &[Pins], Shell("mv src other && mkdir -p src/.vscode && echo REACHED")).controlled().strong(),
    row(9, "exchange the git folder", &[Pins], Call("exchange", "")).controlled().strong(),
    row(10, "remove the hooks", &[Held], Shell("rm -rf .git/hooks; test -e .git/hooks/pre-commit || echo REACHED")).controlled().strong(),
    row(10, "rename the hooks away", &[Held], Shell("mv .git/hooks .git/old && echo REACHED")).controlled().strong(),
    row(10, "replace a protected file", &[Held], Shell("echo x > new && mv -f new .envrc && echo REACHED")).controlled().strong(),
    row(10, "replace a protected link", &[Held], Shell("ln -sfn /tmp .idea && test \"$(readlink .idea)\" = /tmp && echo REACHED")).controlled().own(),
    row(10, "replace the settings", &[Copies], Shell("cp .git/config new && mv -f new .git/config && echo REACHED")).controlled().own(),
    // What is executed later, and is not there yet.
    appears!(11, "new tools of an agent", ".mcp.json"),
    appears!(11, "new settings of Claude Code", ".claude/settings.json"),
    appears!(11, "new settings of Codex", ".codex/config.toml"),
    appears!(11, "new settings of Gemini", ".gemini/settings.json"),
    appears!(11, "new settings of Cursor", ".cursor/mcp.json"),
    appears!(11, "a new task of an editor in a subfolder", "deep/er/.vscode/tasks.json"),
    appears!(11, "a new file that a shell loads", "deep/.envrc"),
    appears!(11, "new hooks of Husky", ".husky/pre-commit"),
    appears!(11, "new hooks of pre-commit", ".pre-commit-config.yaml"),
    appears!(11, "a new folder of a container", ".devcontainer/devcontainer.json"),
    row(11, "a name that is moved into place", &[After], Shell("mkdir x && echo evil > x/settings.json && mv x .gemini")).later("grep -qs evil .gemini/settings.json && echo REACHED").controlled(),
    appears!(12, "settings of one work tree", ".git/config.worktree").proof(Proof::Out),
    appears!(12, "attributes of the repository", ".git/info/attributes"),
    appears!(12, "another folder for the settings", ".git/commondir"),
    sets!("a program that watches files", "git config core.fsmonitor ./evil", "fsmonitor"),
    sets!("another folder of hooks", "git config core.hooksPath ./evil", "hooksPath"),
    sets!("a program for connections", "git config core.sshCommand ./evil", "sshCommand"),
    sets!("a filter", "printf '[filter \"x\"]\\n\\tsmudge = ./evil\\n' >> .git/config", "smudge"),
    sets!("settings of another file", "git config include.path ../evil", "evil"),
    sets!("a name for a command", "git config alias.st '!./evil'", "evil"),
    sets!("an address that executes", "git config remote.origin.url 'ext::sh -c evil'", "evil"),
    row(12, "a new repository with a hook", &[After], Shell("git init -q fresh && echo evil > fresh/.git/hooks/post-checkout")).later("test -e fresh/.git/hooks/post-checkout && echo REACHED").controlled(),
    row(12, "a new repository with a program", &[After], Shell("git init -q fresh && git -C fresh config core.fsmonitor ./evil")).later("grep -qs evil fresh/.git/config && echo REACHED").controlled(),
    row(12, "a repository in plain sight", &[After], Shell("git init -q --bare sight && git -C sight config core.fsmonitor ./evil")).later("grep -qs evil sight/config && echo REACHED").controlled(),
    row(12, "the settings of a submodule", &[After], Shell("git init -q fresh && mkdir .git/modules && mv fresh/.git .git/modules/fresh && echo 'gitdir: ../.git/modules/fresh' > fresh/.git && printf '[core]\\n\\tfsmonitor = ./evil\\n' >> .git/modules/fresh/config")).later("grep -qs evil .git/modules/fresh/config && echo REACHED").controlled(),
    // Other processes.
    row(16, "the environment of a process outside", &[Processes, Ids, Landlock, Privileges, Mounts], Shell("tr '\\0' '\\n' < /proc/{pid}/environ | grep CANARY")).controlled(),
    row(16, "the environment of any process", &[Processes, Ids, Landlock, Privileges, Mounts], Shell("cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -v '^PWD\\|^OLDPWD' | grep CANARY")).controlled(),
    row(17, "the environment of the first process", &[Processes, Landlock, Privileges], Shell("tr '\\0' '\\n' < /proc/$PPID/environ | grep CANARY")).helper_stops(),
    row(17, "the memory of the first process", &[Processes, Landlock, Mounts, Privileges], Shell("exec 3<>/proc/$PPID/mem && echo REACHED")),
    row(17, "trace the first process", &[Processes, Landlock, Privileges], Call("ptrace", "parent")),
    row(16, "trace a process outside", &[Processes, Ids, Landlock, Privileges, Mounts, Calls], Call("ptrace", "{pid}")).controlled(),
    row(18, "read another process's memory", &[Calls], Call("process-vm", "")),
    row(18, "take a file of another process", &[Calls, Processes, Landlock, Privileges], Call("take-file", "")),
    row(19, "signal a process outside", &[Processes, Landlock], Call("kill", "{pid}")).controlled(),
    row(61, "see a process outside", &[Processes, Mounts], Shell("grep -qs sleep /proc/{pid}/comm && echo REACHED")).controlled().strong(),
    // Sockets of the host.
    row(20, "an abstract socket", &[Network, Landlock], Call("abstract", "{name}")).controlled(),
    row(21, "a socket with a path", &[Masks], Call("unix", "{root}/outside/docker.sock")).controlled().strong(),
    row(21, "a socket in /tmp", &[Mounts, Masks], Call("unix", "/tmp/{name}.sock")).controlled().strong(),
    row(21, "what is in /run", &[Mounts, Landlock], Shell("test -n \"$(ls -A /run | grep -v ringfence)\" && echo REACHED")).controlled().strong(),
    // Namespaces and mounts.
    row(25, "make a user namespace", &[Calls], Call("unshare-user", "")).controlled().not_nested(),
    row(25, "clone into a user namespace", &[Calls], Call("clone-user", "")).controlled().not_nested(),
    row(25, "clone3 into a user namespace", &[Calls], Call("clone3", "")).controlled(),
    row(25, "make a user namespace with the loader", &[Calls], Shell("for it in /lib64/ld-linux*.so.2 /lib/ld-linux*.so.1; do test -x $it && $it $(command -v unshare) -U true && echo REACHED; done")).controlled().not_nested(),
    row(25, "make a mount namespace", &[Calls, Privileges], Call("unshare-mount", "")).not_nested(),
    row(26, "mount", &[Calls, Privileges, Landlock], Call("mount", "")).not_nested(),
    row(26, "unmount what covers the home folder", &[Calls, Privileges, Landlock], Call("umount", "{root}/home")).strong().not_nested(),
    row(26, "make the system writable again", &[Calls, Privileges, Landlock], Call("writable", "{root}/outside")).strong().not_nested(),
    row(26, "copy the tree of mounts", &[Calls, Privileges], Call("open-tree", "")).not_nested(),
    row(26, "move a mount", &[Calls, Privileges, Landlock], Call("move-mount", "")).proof(Proof::Kernel).not_nested(),
    row(26, "a new file system", &[Calls, Privileges], Call("fsopen", "")).not_nested(),
    row(26, "change the root", &[Calls, Privileges], Call("chroot", "")).not_nested(),
    row(26, "change the root for all", &[Calls, Privileges, Landlock], Call("pivot-root", "")).proof(Proof::Kernel).not_nested(),
    row(26, "enter a namespace", &[Calls], Call("setns", "")).proof(Proof::Kernel).not_nested(),
    row(26, "unmount in a namespace of one's own", &[Mounts, Landlock], Shell("unshare -Urm sh -c 'umount -l {root}/home; cat {root}/home/notes'; unshare -Urm sh -c 'umount -R /; cat {root}/home/notes'; cat ../home/notes")).controlled(),
    row(26, "make writable in a namespace of one's own", &[Mounts, Landlock], Shell("unshare -Urm sh -c 'mount -o remount,bind,rw /; echo x > {root}/outside/new && echo REACHED'; echo x > ../outside/new && echo REACHED")).controlled(),
    row(26, "look below in a namespace of one's own", &[Mounts, Landlock], Shell("mkdir -p /tmp/m m; unshare -Urm sh -c 'mount --bind / m && cat m/{root}/home/notes; mount --rbind / m && cat m/{root}/home/notes'; cat ../home/notes")).controlled(),
    row(33, "become another user", &[Ids, Privileges, Landlock], Call("setuid", "")).proof(Proof::OutAsRoot),
    row(33, "a program that makes its caller another user", &[Privileges, Landlock, Calls, Mounts, Ids], Shell("it=$(./suid -u) && test -n \"$it\" && test \"$it\" != \"$(id -u)\" && echo REACHED")).controlled().helper_stops(),
    row(34, "make a device", &[Privileges, Ids, Landlock, Mounts], Call("device", "{root}/ws/disk")).proof(Proof::OutAsRoot),
    row(34, "a raw disk, or memory", &[Mounts, Ids, Landlock], Shell("for it in /dev/sd? /dev/vd? /dev/nvme?n? /dev/mem /dev/kmsg /dev/port /proc/kcore; do test -e $it && : < $it && echo REACHED; done")).proof(Proof::None("not every root may read devices")),
    // Parts of the kernel that go around filters, or that no command needs.
    row(27, "a ring of requests", &[Calls], Call("io-uring", "")).proof(Proof::Kernel),
    row(28, "handle page faults", &[Calls], Call("userfaultfd", "")).proof(Proof::Kernel),
    row(28, "load a program into the kernel", &[Calls, Ids, Privileges], Call("bpf", "")).proof(Proof::KernelAsRoot),
    row(28, "watch the processor", &[Calls], Call("perf", "")).proof(Proof::Kernel),
    row(28, "a part of the kernel", &[Calls, Ids, Privileges], Call("module", "")).proof(Proof::KernelAsRoot),
    row(29, "the keyring of the session", &[Calls], Call("keyctl", "")).proof(Proof::Kernel),
    row(29, "put a key into the session", &[Calls], Call("add-key", "")).proof(Proof::Kernel),
    row(29, "ask for a key", &[Calls], Call("request-key", "")).proof(Proof::Kernel),
    row(30, "open a file by handle", &[Calls, Ids, Privileges], Call("handle", "")).proof(Proof::KernelAsRoot),
    row(31, "type into the terminal", &[Calls], Call("terminal-input", "")).proof(Proof::Kernel),
    row(31, "type into the terminal, with high bits", &[Calls], Call("terminal-input-high", "")).proof(Proof::Kernel),
    row(31, "the console's own commands", &[Calls], Call("terminal-linux", "")).proof(Proof::Kernel),
    row(32, "the second set of call numbers", &[Calls], Call("x32", "")).proof(Proof::None("a kernel without that set says the same")),
    row(32, "the calls of another processor", &[Calls], Call("int80", "")).proof(Proof::None("not every kernel has them")),
    row(37, "make everything executable", &[Calls], Call("personality", "")),
    row(37, "read the kernel's log", &[Calls, Ids, Privileges], Call("syslog", "")).proof(Proof::OutAsRoot),
    // The network.
    row(40, "connect to a service of this machine", &[Network, Calls], Call("tcp", "127.0.0.1:{port}")).controlled(),
    row(40, "send a datagram out", &[Network, Calls], Call("udp", "192.0.2.1:9")).controlled(),
    row(41, "the service that tells a machine its keys", &[Network, Calls], Call("udp", "169.254.169.254:80")).controlled(),
    row(42, "a service of this machine, by its other address", &[Network, Calls], Shell("python3 -c 'import socket; socket.create_connection((socket.gethostbyname(\"localhost\"), {port})); print(\"REACHED\")'")).controlled(),
    row(45, "ask a server for names", &[Network, Calls], Call("udp", "192.0.2.53:53")).controlled(),
    row(47, "a packet socket", &[Calls, Privileges], Call("packet", "")),
    row(47, "a raw socket", &[Calls, Privileges], Call("raw", "")),
    row(47, "a socket to the host of this machine", &[Calls], Call("vsock", "")).proof(Proof::None("not every kernel has them")),
    row(47, "a socket to the kernel's ciphers", &[Calls], Call("alg", "")).proof(Proof::None("not every kernel has them")),
    row(47, "a socket to the audit", &[Calls], Call("netlink-audit", "")).proof(Proof::None("not every kernel has them")),
    row(51, "connect and send at once", &[Network, Calls], Call("fast-open", "{port}")).controlled(),
    row(51, "connect by several ways", &[Network, Calls], Call("multipath", "{port}")).proof(Proof::None("not every kernel has them")),
    // Too much of something.
    row(56, "more processes than allowed", &[Limits], Shell("i=0; while test $i -lt 400; do sleep 5 & i=$((i+1)); done 2>&1 | grep -i -e fork -e resource || echo REACHED; kill $(jobs -p) 2>/dev/null")).own(),
    row(56, "a file without end", &[Limits], Shell("head -c 40000000 /dev/zero > big; test $(stat -c %s big) -ge 40000000 && echo REACHED")).controlled(),
    row(56, "memory without end", &[Limits], Shell("python3 -c 'x = bytearray(3 << 30); print(\"REACHED\")'")),
];

/// Kinds of ways out that have no row, and why.
pub(crate) const ELSEWHERE: &[(u8, &str, &str)] = &[
    (
        4,
        "a link swapped while a run starts",
        "paths are opened without following links, and used by descriptor (`a_planted_link_is_refused`)",
    ),
    (43, "a host by an odd name", "there is no network unless the egress gives one: see its tests"),
    (44, "a host whose name ends like an allowed one", "the same"),
    (46, "a name that changes its address", "the same"),
    (48, "another host in the handshake", "the same"),
    (
        49,
        "data out through an allowed host",
        "not by walls: what a host may be used for is the business of the egress and of detection",
    ),
    (50, "a credential at another host", "the same as 43"),
    (
        52,
        "a port rule that does not look at addresses",
        "in tier C sockets are tied to the loopback device as well, where the proxy is the one port that Landlock lets them connect to; without hosts there are none",
    ),
    (
        53,
        "change an argument after it was checked",
        "no decision is made about memory of the command: filters look at registers alone",
    ),
    (
        54,
        "a filter that another has taken",
        "where sockets are handed out by them (tier C with hosts), a run whose place is taken is not started; nothing else needs the kernel's notifications",
    ),
    (55, "end the supervisor, or leave it", "`supervisor_killed` and `left_behind`"),
    (
        57,
        "output that a terminal obeys",
        "not stopped: the command's output is the command's. What Ringfence itself prints is escaped",
    ),
    (
        58,
        "what is built, and run later outside",
        "not stopped: what others execute by name is moved away or named; review the rest as you would a stranger's change",
    ),
    (59, "ask to be started without walls", "the policy is outside of what the command can write"),
    (
        60,
        "a mistake in the kernel",
        "not stopped: less of the kernel can be reached (27 to 32, 47); run it in a virtual machine if that is not enough",
    ),
    (
        62,
        "a secret that is made after the start",
        "not stopped: names are looked for once; what the run makes itself it knows anyway",
    ),
];
