"""``spreadguide corpus add URL`` and ``corpus fetch``, against a real server on loopback.

Loopback is refused by default, and no setting allows it. Where a test needs it, it starts the command from a few lines
that replace the rule.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import PATIENCE_SECONDS, environment, run, run_badly
from web_server import Page, Site, serving

SENTENCE = "The rapid diagnosis hubs cut the wait for a first scan from nine weeks to four. "
PERMISSIVE = """
import sys
from functools import partial
from spreadguide import corpus_cli
from spreadguide.cli import main
corpus_cli.web_fetcher = partial(corpus_cli.web_fetcher, permits=lambda address: address.is_loopback)
main()
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def page() -> bytes:
    text = "".join(f"<h2>Part {number}</h2><p>{SENTENCE * 5}</p>" for number in range(300))
    return f"<!DOCTYPE html><html><head><title>Rapid hubs</title></head><body>{text}</body></html>".encode()


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start a command that may ask this machine."""
    return subprocess.Popen(
        [sys.executable, "-c", PERMISSIVE, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in out + err, err
    return process.returncode, out, err


def hidden(folder: Path, start: str) -> list[Path]:
    return [file for file in folder.iterdir() if file.name.startswith(start)]


def test_the_command_refuses_this_machine(site: Site, folder: Path, page: bytes) -> None:
    site.pages["/report.html"] = Page(page)
    url = f"{site.url}/report.html"
    (folder / "sources.toml").write_text(f'["r.html"]\nurl = "{url}"\n')
    for arguments in (("add", url), ("fetch",)):
        done = run("corpus", *arguments, "--corpus", folder, cwd=folder)
        assert done.returncode == 1
        assert "not on the public internet" in done.stderr
        assert "What to do:" in done.stderr
    assert site.requests == []
    assert not (folder / "r.html").exists()


def test_addresses_are_added_and_each_has_its_result(site: Site, folder: Path, page: bytes) -> None:
    site.pages["/rapid-hubs/"] = Page(page)
    code, out, err = end(
        start("corpus", "add", f"{site.url}/rapid-hubs/", f"{site.url}/gone.pdf", "--corpus", folder, cwd=folder)
    )
    assert code == 1
    assert out == "Added: rapid-hubs.html (Rapid hubs)\n"
    assert f"Fetching {site.url}/rapid-hubs/" in err
    assert "Not added:" in err
    assert "has no document at this address (status 404)" in err
    assert (folder / "rapid-hubs.html").read_bytes() == page
    assert f'url = "{site.url}/rapid-hubs/"' in (folder / "sources.toml").read_text()


def test_what_the_catalogue_names_is_fetched(site: Site, folder: Path, page: bytes) -> None:
    site.pages |= {"/a": Page(page), "/b": Page(page.replace(b"nine", b"ten"))}
    (folder / "sources.toml").write_text(
        f'["originals/a.html"]\ntitle = "One"\nurl = "{site.url}/a"\n["b.pdf"]\nurl = "{site.url}/b"\n'
    )
    code, out, err = end(start("corpus", "fetch", "--json", "--corpus", folder, cwd=folder))
    assert code == 1
    good, bad = json.loads(out)["reports"]
    assert (good["path"], good["title"], good["problem"]) == ("originals/a.html", "One", None)
    assert (bad["given"], bad["path"]) == ("b.pdf", None)
    assert "gave a web page, not a PDF" in bad["problem"]
    assert (folder / "originals" / "a.html").read_bytes() == page
    code, out, err = end(start("corpus", "fetch", "originals/a.html", "--corpus", folder, cwd=folder))
    assert code == 1
    assert "No report originals/a.html waits to be fetched" in err


def test_without_anything_to_fetch_nothing_is_asked(folder: Path) -> None:
    done = run("corpus", "fetch", "--corpus", folder, cwd=folder)
    assert done.returncode == 0
    assert "Nothing waits to be fetched" in done.stderr


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "There is no report folder" in run_badly("corpus", "fetch", "--corpus", tmp_path / "no", cwd=tmp_path)


def test_ctrl_c_keeps_what_has_come_and_the_next_run_goes_on(site: Site, folder: Path, page: bytes) -> None:
    slow = site.pages["/slow"] = Page(page, headers={"ETag": '"1"'}, ranges=True, cut=50_000, wait=threading.Event())
    site.pages["/quick"] = Page(page.replace(b"nine", b"ten"))
    (folder / "sources.toml").write_text(
        f'["quick.html"]\nurl = "{site.url}/quick"\n["slow.html"]\nurl = "{site.url}/slow"\n'
    )
    process = start("corpus", "fetch", "--corpus", folder, cwd=folder)
    assert process.stderr is not None
    said = next(line for line in process.stderr if "/slow" in line)  # said when the first bytes are on the disk
    assert said.startswith("Fetching")
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    assert code == 130
    assert out == "Added: quick.html (Rapid hubs)\n"
    assert "Stopped." in err
    assert not (folder / "slow.html").exists()
    assert hidden(folder, ".incoming-") == []
    (part,) = (folder / ".fetching").glob("*.part")
    kept = part.stat().st_size
    assert 0 < kept <= 50_000
    assert page.startswith(part.read_bytes())

    slow.wait.set()
    slow.cut = slow.wait = None
    code, out, err = end(start("corpus", "fetch", "--corpus", folder, cwd=folder))
    assert (code, out) == (0, "Added: slow.html (Rapid hubs)\n")
    assert site.requests[-1][1]["range"] == f"bytes={kept}-"
    assert (folder / "slow.html").read_bytes() == page
    assert list((folder / ".fetching").glob("*.part")) == []
