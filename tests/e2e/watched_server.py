"""Serve the chat page and write down every address that this process connects to or looks up.

Usage: watched_server.py LOG. Prints its own address once it listens.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))

LOG = Path(sys.argv[1])
WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"}
lock = threading.Lock()


def write_down(event: str, arguments: tuple[Any, ...]) -> None:
    if event in WATCHED:
        target = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
        with lock, LOG.open("a", encoding="utf-8") as log:
            log.write(f"{event} {target!r}\n")


sys.addaudithook(write_down)  # before anything of the page is imported

from scripted_api import Script, scripted_api  # noqa: E402
from serving import serving  # noqa: E402

from spreadguide_ui import mount  # noqa: E402

with serving(lambda address: mount(scripted_api(Script()), api_url=address)) as own_address:
    print(own_address, flush=True)  # noqa: T201
    sys.stdin.read()
