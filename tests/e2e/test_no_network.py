"""With the network cut, everything works and nothing outside is even tried, native code included.

The server runs in a network namespace that has only loopback, under a tracer that sees every connection asked for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = ("unshare", "strace", "ip")
CLIENT = """
import json, subprocess, sys, time, urllib.error, urllib.request
import psutil
url = "http://127.0.0.1:8000"
trace, *serve = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
traced = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=connect", "-o", trace, *serve])
def get(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read()
deadline = time.monotonic() + 120
while True:
    try:
        get("/healthz")
        break
    except (urllib.error.URLError, ConnectionError):
        if time.monotonic() > deadline:
            raise
get("/"), get("/docs"), get("/openapi.json"), get("/v1/sources")
answer = get("/v1/ask", {"question": "How long does Macmillan fund partner organisations?"})
print(json.loads(answer)["text"])
for child in psutil.Process(traced.pid).children():
    child.terminate()
traced.wait(60)
"""


def can_cut_the_network() -> bool:
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in TOOLS):
        return False
    return subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_cut_the_network(), reason="needs root, unshare, strace and ip to cut the network")
def test_chat_and_api_work_without_a_network_and_try_nothing(shipped_index: Path, tmp_path: Path) -> None:
    trace = tmp_path / "connects.txt"
    client = tmp_path / "client.py"
    client.write_text(CLIENT)
    serve = [sys.executable, "-m", "spreadguide", "serve", "--no-llm", "--index", str(shipped_index)]
    command = ["unshare", "-n", sys.executable, str(client), str(trace), *serve]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "up to three years" in done.stdout
    asked = [line for line in trace.read_text().splitlines() if "connect(" in line]
    outside = [line for line in asked if re.search(r"AF_INET6?\b", line) and not re.search(r"127\.0\.0\.1|::1", line)]
    assert outside == []
