"""What a run costs, beside plain and beside other sandboxes. See `run`.

Everything is measured in turn, round by round, so that other work on the machine falls on all alike, and what is
printed is the middle. Read the ratios; the times are those of one machine on one day.
"""

import argparse
import glob
import os
import resource
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TIMED = os.path.join(HERE, "timed.py")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", choices=["", "start", "work", "network"], default="")
    return parser.parse_args()


class Joined(list):
    """What goes in front of a command that is given as one word."""


class Tools:
    """How each sandbox is told to run a command that may write to a folder and nowhere else."""

    def __init__(self, options):
        self.options = options
        self.environment = dict(os.environ)
        self.environment.update(
            RINGFENCE_STATE=os.path.join(options.folder, "state"),
            CODEX_HOME=os.path.join(options.folder, "codex"),
            PATH="/usr/local/bin:/usr/bin:/bin",
        )
        os.makedirs(self.environment["CODEX_HOME"], exist_ok=True)
        self.settings = os.path.join(options.folder, "srt.json")
        with open(self.settings, "w") as file:
            file.write(
                '{"filesystem":{"denyRead":[],"allowWrite":["."],"denyWrite":[]},'
                '"network":{"allowedDomains":[],"deniedDomains":[]}}'
            )

    def known(self):
        program = self.options.program
        tools = {
            "plain": lambda cwd: [],
            "ringfence": lambda cwd: [program, "run", "--"],
            "ringfence, hosts": lambda cwd: [program, "run", "--allow-host", "host.example", "--"],
            "ringfence, observed": lambda cwd: [program, "run", "--observe", "--"],
        }
        if shutil.which("bwrap"):
            tools["bwrap"] = lambda cwd: (
                "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind".split()
                + [cwd, cwd, "--chdir", cwd, "--unshare-all", "--die-with-parent", "--"]
            )
        native = glob.glob(
            os.path.join(self.options.peers, "node_modules/@openai/codex-*/vendor/*/bin/codex")
        )
        if native:
            tools["codex"] = lambda cwd: [
                native[0], "sandbox", "-c", 'sandbox_mode="workspace-write"', "--",
            ]
        srt = os.path.join(self.options.peers, "node_modules/.bin/srt")
        if os.path.exists(srt) and shutil.which("socat"):
            tools["srt"] = lambda cwd: Joined([srt, "--settings", self.settings, "-c"])
        return {name: tool for name, tool in tools.items() if self.works(name, tool)}

    def works(self, name, tool):
        done = self.run(tool, ["/bin/true"], self.options.folder)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            print(f"left out: {name}: {words[-1] if words else done.returncode}", file=sys.stderr)
        return done.returncode == 0

    def run(self, tool, command, cwd):
        prefix = tool(cwd)
        # One that takes a line for a shell, since it does not keep words apart.
        command = [shlex.join(command)] if isinstance(prefix, Joined) else command
        return subprocess.run(
            list(prefix) + command, cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True,
        )


class Table:
    """One table: a row for each thing that is measured, a column for each sandbox."""

    def __init__(self, names):
        self.names = list(names)
        self.rows = []

    def add(self, what, bar, cells):
        self.rows.append((what, bar, cells))
        # Whoever waits sees that it goes on.
        print(f"{what}: " + ", ".join(f"{name} {cell}" for name, cell in cells.items()), file=sys.stderr, flush=True)

    def show(self):
        print(f"\n| what | bar | {' | '.join(self.names)} |\n|{'---|' * (len(self.names) + 2)}")
        for what, bar, cells in self.rows:
            print(f"| {what} | {bar} | {' | '.join(cells.get(name, '') for name in self.names)} |")


# They take a second and more for each start.
SLOW = {"srt", "codex"}


def starts(tools, known, folders, rounds, table):
    """The start of `true`: what it takes over plain, in milliseconds."""
    for place, cwd in folders.items():
        times = {name: [] for name in known}
        for number in range(rounds):
            for name, tool in known.items():
                if name in SLOW and number % 8:
                    continue
                begun = time.perf_counter()
                done = tools.run(tool, ["/bin/true"], cwd)
                times[name].append((time.perf_counter() - begun) * 1000)
                assert done.returncode == 0, (name, done)
        plain = statistics.median(times["plain"])
        cells = {}
        for name, all_of_it in times.items():
            middle = statistics.median(all_of_it)
            lowest = statistics.quantiles(all_of_it, n=10)[0] if len(all_of_it) > 1 else middle
            over = f"+{middle - plain:.1f}" if name != "plain" else f"{plain:.1f}"
            cells[name] = f"{over} (p10 {lowest:.1f})"
        bar = "+6; observed +10"
        table.add(f"start of `true` in {place}, ms: median over plain (p10 of all of it)", bar, cells)
        table.add("system calls of that, all processes", "", calls(tools, known, cwd))


def calls(tools, known, cwd):
    """How many system calls a start takes, which no other work on the machine changes."""
    cells = {}
    if not shutil.which("perf"):
        return cells
    for name, tool in known.items():
        prefix = tool(cwd)
        command = ["/bin/true"]
        counted = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter"] + list(prefix) + command
        done = subprocess.run(
            counted, cwd=cwd, env=tools.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        lines = [it for it in done.stderr.splitlines() if "raw_syscalls" in it]
        if done.returncode == 0 and lines and lines[0].split(",")[0].isdigit():
            cells[name] = lines[0].split(",")[0]
    return cells


def make_work(work, quick):
    """Files to read and to compile. Answers what is done with them."""
    folders, units, new = (30, 4, 250) if quick else (300, 24, 1000)
    many = os.path.join(work, f"many{folders}")
    if not os.path.isdir(many):
        for folder in range(folders):
            os.makedirs(os.path.join(many, str(folder)))
            for file in range(60):
                with open(os.path.join(many, str(folder), f"{file}.txt"), "w") as out:
                    out.write(f"{folder} {file}\n" * 40)
    sources = os.path.join(work, f"units{units}")
    if not os.path.isdir(sources):
        os.makedirs(sources)
        for unit in range(units):
            with open(os.path.join(sources, f"{unit}.c"), "w") as out:
                out.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n")
                for function in range(150):
                    out.write(
                        f"double f{function}(double x, int n) {{ double s = {function}; "
                        f"for (int i = 0; i < n; i++) {{ s += sin(x * i) / (i + {unit} + 1); "
                        f"if (s > 1e6) s = fmod(s, {function + 2}); }} return s; }}\n"
                    )
    return {
        f"{folders * 60:,} files read": ("+10 %, observed +20 %", f"find {many} -type f -print0 | xargs -0 cat | wc -c"),
        f"{new * 4:,} files written and removed": (
            "+10 %, observed +20 %",
            "rm -rf new && mkdir new && cd new && for a in 1 2 3 4; do mkdir $a && "
            f"(cd $a && seq {new} | split -l 1 -a 4 -) ; done && cd .. && rm -r new",
        ),
        f"{units} files compiled": (
            "+2 %",
            f"for it in {sources}/*.c; do cc -O2 -c $it -o out.o || exit 1; done",
        ),
    }


def of_children():
    """Processor time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own_start(tools, tool, work):
    """Processor time that the supervisor takes for a command that does nothing."""
    each = []
    for _ in range(5):
        before = of_children()
        tools.run(tool, ["/bin/true"], work)
        each.append(of_children() - before)
    return statistics.median(each)


def workloads(tools, known, work, quick, rounds, table):
    """Wall and processor time of the same work, measured inside: without the start. What our supervisor takes while
    it lasts is added; the others' are not asked."""
    own = {name: own_start(tools, tool, work) for name, tool in known.items() if name.startswith("ringfence")}
    for case, (bar, code) in make_work(work, quick).items():
        times = {name: ([], []) for name in known}
        for number in range(rounds):
            order = list(known.items())
            # Whoever comes first finds it colder.
            order = order[number % len(order):] + order[:number % len(order)]
            for name, tool in order:
                if name in SLOW and number % 3:
                    continue
                before = of_children()
                done = tools.run(tool, [PYTHON, TIMED, "/bin/sh", "-c", code], work)
                supervisor = of_children() - before
                assert done.returncode == 0, (name, done)
                words = [it for it in done.stdout.decode().splitlines() if it.startswith("timed ")]
                wall, used = (float(it) for it in words[-1].split()[1:])
                times[name][0].append(wall)
                # What a run executes is not its supervisor's child, so that this is the supervisor alone.
                times[name][1].append(used + max(0, supervisor - own[name]) if name in own else used)
        # The least that a round took is what the work takes; all above it is what else there was to do.
        for part, title in ((0, "wall"), (1, "processor")):
            plain = [of(times["plain"][part]) for of in (statistics.median, min)]
            cells = {"plain": f"{plain[0]:.2f} s"}
            for name, both in times.items():
                if name != "plain":
                    over = [(of(both[part]) / base - 1) * 100 for of, base in zip((statistics.median, min), plain)]
                    cells[name] = f"{over[0]:+.1f} % (least {over[1]:+.1f})"
            table.add(f"{case}, {title}, over plain", bar, cells)


class Server:
    """Sends as many bytes as it is asked for, as fast as this machine can."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2000)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(65536)
            if not part:
                return
            head += part
        left = int(head.split()[1].strip(b"/") or 0)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % left)
        block = bytes(1 << 20)
        try:
            while left > 0:
                left -= client.send(block[: min(left, len(block))])
        except OSError:
            pass
        client.close()


def most_memory(command, cwd, environment):
    """The most memory that the supervisor ever had, in MB, and what was said."""
    run = subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    most = 0
    said = []
    reader = threading.Thread(target=lambda: said.append(run.stdout.read()))
    reader.start()
    while run.poll() is None:
        try:
            with open(f"/proc/{run.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]) / 1000)
        except OSError:
            pass
        time.sleep(0.02)
    reader.join()
    return most, said[0]


THOUSAND = """
import socket, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
all = [socket.create_connection(("good.test", 80), 20) for _ in range(1000)]
for s in all: s.send(b"GET /1000 HTTP/1.0\\r\\n\\r\\n")
def said(s):
    n = 0
    while d := s.recv(9999): n += len(d)
    return n > 1000
print("answered", sum(said(s) for s in all))
"""


def network(tools, options, cwd, rounds, table):
    if not shutil.which("curl"):
        return
    server = Server()
    bytes_ = (128 if options.quick else 256) << 20
    get = "curl -sS -o /dev/null -w %{speed_download}".split()
    inside = [options.program, "run", "--allow-host", f"good.test=127.0.0.1:{server.port}", "--"]
    speeds = ([], [])
    for _ in range(rounds):
        for speed, command in (
            (speeds[0], get + [f"http://127.0.0.1:{server.port}/{bytes_}"]),
            (speeds[1], inside + get + [f"http://good.test/{bytes_}"]),
        ):
            done = tools.run(lambda _: [], command, cwd)
            speed.append(float(done.stdout.decode().strip()) / 1e6)
    direct, through = (statistics.median(it) for it in speeds)
    share = f"{through:.0f} ({through / direct * 100:.0f} %)"
    what = f"{bytes_ >> 20} MiB from a server of this machine, MB/s (of direct)"
    table.add(what, "50 %", {"plain": f"{direct:.0f}", "ringfence, hosts": share})
    alone = [options.program, "run", "--", "/bin/sleep", "0.5"]
    memory, _ = most_memory(alone, cwd, tools.environment)
    watched = [options.program, "run", "--observe", "--", "/bin/sleep", "0.5"]
    seen, _ = most_memory(watched, cwd, tools.environment)
    cells = {"ringfence": f"{memory:.1f}", "ringfence, observed": f"{seen:.1f}"}
    table.add("most memory of the supervisor, MB", "20", cells)
    memory, said = most_memory(inside + [PYTHON, "-c", THOUSAND], cwd, tools.environment)
    answered = said.split()[-1] if said.split() else "0"
    what = "the same, 1,000 connections at a time"
    table.add(what, "20", {"ringfence, hosts": f"{memory:.1f} ({answered} answered)"})
    whole = 10_000_000_000 if options.long else 1_000_000_000
    begun = time.perf_counter()
    memory, _ = most_memory(inside + get + [f"http://good.test/{whole}"], cwd, tools.environment)
    speed = whole / (time.perf_counter() - begun) / 1e6
    what = f"the same, {whole // 1_000_000_000} GB through the way out"
    table.add(what, "20", {"ringfence, hosts": f"{memory:.1f} ({speed:.0f} MB/s)"})


def large_repository(path):
    """700 folders of six files, most of them three or four levels down, as a repository."""
    if os.path.isdir(path):
        return
    for number in range(700):
        folder = os.path.join(path, f"part{number % 10}", f"area{number % 70}", f"unit{number}")
        os.makedirs(folder)
        for file in range(6):
            with open(os.path.join(folder, f"file{file}.txt"), "w") as out:
                out.write("text\n")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", path]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run(git + command, check=True)
    # Folders that changed just now are read again, as is right.
    time.sleep(4)


def main():
    options = arguments()
    tools = Tools(options)
    work = os.path.join(options.folder, "work")
    empty = os.path.join(options.folder, "empty")
    large = os.path.join(options.folder, "large")
    for folder in (work, empty):
        os.makedirs(folder, exist_ok=True)
    large_repository(large)
    known = tools.known()
    load = os.getloadavg()
    quick = options.quick
    table = Table(known)
    folders = {"an empty folder": empty, "a repository of 781 folders and 4,200 files": large}
    if options.only in ("", "start"):
        starts(tools, known, folders, 8 if quick else 80, table)
    if options.only in ("", "work"):
        workloads(tools, known, work, quick, 2 if quick else 9, table)
    if options.only in ("", "network"):
        network(tools, options, work, 2 if quick else 7, table)
    after = os.getloadavg()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Linux {os.uname().release}, "
          f"load before {load[0]:.1f}, after {after[0]:.1f}")
    table.show()


if __name__ == "__main__":
    main()
