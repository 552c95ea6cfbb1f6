"""Drives commands on a terminal, as a person would. Arguments: what to put before a command to run it inside."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

RUN = sys.argv[1:]
ENTER, STOP, INTERRUPT = b"\n", b"\x1a", b"\x03"


def talk(argv, steps):
    """Waits for each text and types what follows it. Answers the exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 97, 0, 0))
        os.execvp(argv[0], argv)
    seen, pressed = b"", b""
    for text, keys in steps:
        end = time.time() + 20
        while text not in seen and time.time() < end:
            try:
                if select.select([fd], [], [], 2)[0]:
                    seen += os.read(fd, 4096)
                elif pressed == STOP:
                    # Pressed before there was anything to stop: pressed again.
                    os.write(fd, pressed)
            except OSError:
                break
        if text not in seen:
            sys.exit(f"{argv}: no {text} in {seen}")
        if keys:
            seen, pressed = b"", keys
            time.sleep(0.2)
            os.write(fd, keys)
    end = time.time() + 20
    while True:
        try:
            if not select.select([fd], [], [], max(0, end - time.time()))[0]:
                sys.exit(f"{argv}: does not end after {seen}")
            more = os.read(fd, 4096)
        except OSError:
            break
        if not more:
            break
        seen += more
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def expect(code, argv, steps):
    got = talk(argv, steps)
    if got != code:
        sys.exit(f"{argv}: ended with {got}")


def shell(code):
    return RUN + ["/bin/sh", "-c", code]


# Its size, its name, and its name for programs that have none of their own.
expect(5, shell("stty size; tty; echo text > /dev/tty; exit 5"), [(b"41 97", b""), (b"/dev/", b""), (b"text", b"")])
# The key that interrupts reaches the command, and ends it if it does nothing about it.
expect(9, shell("trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done"), [(b"ready", INTERRUPT)])
expect(130, shell("echo ready; sleep 60"), [(b"ready", INTERRUPT)])
# A run is a job of the shell around it: stopped, and let go on.
job = " ".join(RUN) + " sh -c 'echo rea\"\"dy; sleep 1; echo af\"\"ter'"
outer = ["bash", "--norc", "-i"]
expect(4, outer, [(b"", b"PS1='%% '\n"), (b"%% ", job.encode() + ENTER), (b"ready", STOP), (b"Stopped", b"fg\n"), (b"after", b"exit 4\n")])
# A shell inside has jobs of its own.
inner = RUN + ["bash", "--norc", "-i"]
expect(6, inner, [(b"", b"PS1='%% '\n"), (b"%% ", b"sleep 60\n"), (b"sleep", STOP), (b"Stopped", b"kill %1; wait; echo o''k\n"), (b"ok", b"exit 6\n")])
# The terminal is given back afterwards.
expect(3, ["/bin/sh", "-c", " ".join(RUN) + " bash --norc -ic 'exit 0'; echo ready; read line; test \"$line\" = text && exit 3"], [(b"ready", b"text\n")])
