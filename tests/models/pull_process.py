"""A pull in a process of its own: ``python pull_process.py ENTRY_AS_JSON FOLDER SOURCE...``."""

import signal
import subprocess
import sys
from pathlib import Path

from spreadguide.models.catalogue import CatalogueEntry
from spreadguide.models.pull import pull


def interrupt(process: subprocess.Popen[str]) -> str:
    """Do what Ctrl-C does, and return what the process said as it ended."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)[1]


def show(step: str, items: int, done: int) -> None:
    """Print one step of progress at once."""
    sys.stdout.write(f"{step} {items} {done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    pull(CatalogueEntry.model_validate_json(sys.argv[1]), Path(sys.argv[2]), sources=sys.argv[3:], progress=show)
