"""Runs a command, and prints how long it took and how much of a processor, in seconds. Runs inside, too."""

import os
import resource
import subprocess
import sys
import time

begun = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("timed", wall, used.ru_utime + used.ru_stime)
sys.exit(code)
