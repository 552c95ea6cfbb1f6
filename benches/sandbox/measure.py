"""What a run costs, beside plain and beside other sandboxes. See `run`.

Everything is measured in turn, round by round, so that other work on the machine falls on all alike, and what is
printed is the middle. Read the ratios; the times are those of one machine on one day.
"""

import argparse
import glob
import os
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


def table(title, head, rows):
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def starts(tools, known, folders, rounds):
    """The start of `true`, in milliseconds."""
    slow = {"srt", "codex"}
    rows = []
    for place, cwd in folders.items():
        times = {name: [] for name in known}
        for number in range(rounds):
            for name, tool in known.items():
                if name in slow and number % 8:
                    continue
                begun = time.perf_counter()
                done = tools.run(tool, ["/bin/true"], cwd)
                times[name].append((time.perf_counter() - begun) * 1000)
                assert done.returncode == 0, (name, done)
        plain = statistics.median(times["plain"])
        for name, all_of_it in times.items():
            middle = statistics.median(all_of_it)
            lowest = statistics.quantiles(all_of_it, n=10)[0] if len(all_of_it) > 1 else middle
            bar = "≤ 6" if name in ("ringfence", "ringfence, hosts") else "≤ 10" if "observed" in name else ""
            rows.append([place, name, f"{middle:.1f}", f"{lowest:.1f}", f"{middle - plain:.1f}", bar])
    table(
        f"Start of `true`, ms, {rounds} rounds",
        ["in", "by", "median", "p10", "over plain", "bar"],
        rows,
    )


def workloads(tools, known, work, rounds):
    """Wall and processor time of the same work, measured inside: without the start."""
    many = os.path.join(work, "many")
    if not os.path.isdir(many):
        for folder in range(300):
            os.makedirs(os.path.join(many, str(folder)))
            for file in range(60):
                with open(os.path.join(many, str(folder), f"{file}.txt"), "w") as out:
                    out.write(f"{folder} {file}\n" * 40)
    units = os.path.join(work, "units")
    if not os.path.isdir(units):
        os.makedirs(units)
        for unit in range(24):
            with open(os.path.join(units, f"{unit}.c"), "w") as out:
                out.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n")
                for function in range(150):
                    out.write(
                        f"double f{function}(double x, int n) {{ double s = {function}; "
                        f"for (int i = 0; i < n; i++) {{ s += sin(x * i) / (i + {unit} + 1); "
                        f"if (s > 1e6) s = fmod(s, {function + 2}); }} return s; }}\n"
                    )
    cases = {
        "18,000 files read": f"find {many} -type f -print0 | xargs -0 cat | wc -c",
        "4,000 files written and removed": "mkdir new && cd new && for a in 1 2 3 4; do mkdir $a && "
        "(cd $a && seq 1000 | split -l 1 -a 4 -) ; done && cd .. && rm -r new",
        "24 files compiled": f"for it in {units}/*.c; do cc -O2 -c $it -o out.o || exit 1; done",
    }
    rows = []
    for case, code in cases.items():
        times = {name: ([], []) for name in known}
        for number in range(rounds):
            order = list(known.items())
            # Whoever comes first finds it colder.
            order = order[number % len(order):] + order[:number % len(order)]
            for name, tool in order:
                done = tools.run(tool, [PYTHON, TIMED, "/bin/sh", "-c", code], work)
                assert done.returncode == 0, (name, done)
                words = [it for it in done.stdout.decode().splitlines() if it.startswith("timed ")]
                wall, used = (float(it) for it in words[-1].split()[1:])
                times[name][0].append(wall)
                times[name][1].append(used)
        middle = {name: [statistics.median(it) for it in both] for name, both in times.items()}
        # The least that a round took is what the work takes; all above it is what else there was to do.
        least = {name: [min(it) for it in both] for name, both in times.items()}
        for name, (wall, used) in middle.items():
            over = [
                f"{(it / plain - 1) * 100:+.1f} %"
                for it, plain in zip([wall, used] + least[name], middle["plain"] + least["plain"])
            ]
            rows.append([case, name, f"{wall:.2f}", over[0], over[2], f"{used:.2f}", over[1], over[3]])
    table(
        f"Work, s, {rounds} rounds, without the start (bars: wall +10 %, processor +2 %, enforcement alone)",
        ["what", "by", "wall", "over plain", "at its least", "processor", "over plain", "at its least"],
        rows,
    )


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


def network(tools, options, cwd, rounds):
    if not shutil.which("curl"):
        return
    server = Server()
    bytes_ = 256 << 20
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
    rows = [
        ["direct, MB/s", f"{direct:.0f}", ""],
        ["through the way out, MB/s", f"{through:.0f}", ""],
        ["share", f"{through / direct * 100:.0f} %", "≥ 50 %"],
    ]
    alone = [options.program, "run", "--", "/bin/sleep", "0.5"]
    memory, _ = most_memory(alone, cwd, tools.environment)
    rows.append(["supervisor, no network, MB", f"{memory:.1f}", "≤ 20"])
    memory, said = most_memory(inside + [PYTHON, "-c", THOUSAND], cwd, tools.environment)
    answered = said.split()[-1] if said.split() else "0"
    rows.append([f"supervisor, 1,000 connections at a time ({answered} answered), MB", f"{memory:.1f}", "≤ 20"])
    whole = 10_000_000_000 if options.long else 1_000_000_000
    memory, said = most_memory(inside + get + [f"http://good.test/{whole}"], cwd, tools.environment)
    rows.append([f"supervisor, {whole // 1_000_000_000} GB through it, MB", f"{memory:.1f}", "≤ 20"])
    table(f"The way out, {rounds} rounds of {bytes_ >> 20} MiB", ["what", "", "bar"], rows)


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
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Linux {os.uname().release}, "
          f"load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}")
    folders = {"an empty folder": empty, "a repository of 781 folders": large}
    starts(tools, known, folders, 8 if options.quick else 80)
    workloads(tools, known, work, 2 if options.quick else 9)
    network(tools, options, work, 2 if options.quick else 7)


if __name__ == "__main__":
    main()
