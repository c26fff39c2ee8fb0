"""Locking, publishing and clearing up, on a real folder."""

import subprocess
import sys
from contextlib import suppress

import pytest

from spreadguide.errors import IndexCorrupt, IndexingError, IndexLocked, IndexMissing
from spreadguide.indexing import publish as module
from spreadguide.indexing.publish import build_lock, building_folder, clear, leftovers, live_folder, publish

ONE, TWO, THREE = ("1" * 16, "2" * 16, "3" * 16)
HOLD_THE_LOCK = """
import sys
from pathlib import Path
from spreadguide.indexing.publish import build_lock
with build_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.readline()
"""


def _publish(index_dir, name, content="x"):
    with building_folder(index_dir) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "file").write_text(content)
        publish(folder, index_dir, name)


def _folders(index_dir):
    return sorted(path.name for path in index_dir.iterdir() if path.is_dir())


def test_what_is_published_is_live(tmp_path):
    _publish(tmp_path, ONE)
    assert live_folder(tmp_path) == tmp_path / ONE
    assert (live_folder(tmp_path) / "part" / "file").read_text() == "x"
    assert _folders(tmp_path) == [ONE]


def test_the_index_before_leaves_no_trace(tmp_path):
    for name in (ONE, TWO, THREE):
        _publish(tmp_path, name)
        assert _folders(tmp_path) == [name]


def test_the_same_fingerprint_is_replaced(tmp_path):
    _publish(tmp_path, ONE, "damaged")
    _publish(tmp_path, ONE, "sound")
    assert (live_folder(tmp_path) / "part" / "file").read_text() == "sound"
    assert _folders(tmp_path) == [ONE]


@pytest.mark.parametrize(("error", "stays"), [(KeyboardInterrupt, True), (ValueError, False)])
def test_a_build_that_fails_leaves_the_live_index(tmp_path, error, stays):
    """What Ctrl-C stopped is of use to the next build; what an error stopped may be what filled the disk."""
    _publish(tmp_path, ONE)

    def fail():
        with building_folder(tmp_path) as folder:
            (folder / "file").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert live_folder(tmp_path).name == ONE
    assert _folders(tmp_path) == ([ONE, "building-1"] if stays else [ONE])


def test_the_fullest_leftover_comes_first(tmp_path):
    for size in (10, 100_000, 10):
        with suppress(KeyboardInterrupt), building_folder(tmp_path) as folder:
            (folder / "file").write_bytes(b"x" * size)
            raise KeyboardInterrupt
    first, *others = [path.name for path in leftovers(tmp_path)]
    assert first == "building-2"
    assert sorted(others) == ["building-1", "building-3"]


def test_clearing_takes_leftovers_and_other_indexes_and_nothing_else(tmp_path):
    for name in ("building-123", "replaced-0a", ONE, "owner's notes", "building-plans"):
        (tmp_path / name).mkdir()
    (tmp_path / ".gitignore").write_text("*")
    _publish(tmp_path, TWO)
    assert (tmp_path / ".gitignore").exists()
    assert _folders(tmp_path) == [TWO, "building-plans", "owner's notes"]
    clear(tmp_path)
    assert _folders(tmp_path) == [TWO, "building-plans", "owner's notes"]


def test_no_index_yet_is_told_with_the_command_that_builds_one(tmp_path):
    with pytest.raises(IndexMissing) as caught:
        live_folder(tmp_path)
    assert "spreadguide index build" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"../elsewhere", b"\xff\xfe", b"0123456789abcdef\n", b"x" * 100_000])
def test_a_current_file_that_names_no_index_is_refused(tmp_path, content):
    (tmp_path / "CURRENT").write_bytes(content)
    with pytest.raises(IndexCorrupt, match="CURRENT") as caught:
        live_folder(tmp_path)
    assert "spreadguide index build" in caught.value.hint


def test_a_second_build_is_kept_out_while_the_first_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOCK_WAIT_SECONDS", 0.2)
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with (
            pytest.raises(IndexLocked, match=rf"Another build .* \(process {other.pid} on ") as caught,
            build_lock(tmp_path),
        ):
            pytest.fail("the lock was given to two builds")
        assert "try again" in caught.value.hint
        other.communicate("\n")
    with build_lock(tmp_path):
        assert other.returncode == 0


def test_a_folder_that_cannot_be_written_is_told_plainly(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(IndexingError, match="could not be written") as caught, build_lock(tmp_path / "file"):
        pytest.fail("a file was taken for a folder")
    assert "disk" in caught.value.hint
