"""A llama.cpp server with a small instruct model, until its standard input ends.

Prints its URL once it answers. Usage: server.py MODEL.gguf
"""

import json
import socket
import sys
import time
import urllib.request

import xllamacpp as xl


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


params = xl.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = ["127.0.0.1"]
params.port = free_port()
params.offline = True
params.ui = False
params.n_ctx = 8192
params.n_parallel = 1
# Threads that wait for each other make it slower where others work too.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
server = xl.Server(params)

url = f"http://127.0.0.1:{params.port}"
for _ in range(300):
    try:
        with urllib.request.urlopen(f"{url}/v1/models", timeout=5) as answer:
            json.load(answer)
        break
    except OSError:
        time.sleep(0.2)
print(url, flush=True)
sys.stdin.read()
