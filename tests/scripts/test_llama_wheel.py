"""Building llama.cpp: what can be checked without building it."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import llama_wheel
import pytest

SCRIPT = Path(llama_wheel.__file__)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "spreadguide" / "wheels"


def test_the_key_names_version_and_platform_and_changes_with_the_options(monkeypatch):
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    plain = llama_wheel.wheel_key()
    assert plain.startswith(f"{llama_wheel.VERSION}-")
    assert llama_wheel.wheel_key() == plain
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_BLAS=ON")
    assert llama_wheel.wheel_key() != plain


def test_a_wheel_is_found_only_under_its_own_key(cache):
    (cache / "right").mkdir(parents=True)
    wheel = cache / "right" / "llama_cpp_python-0.3.36-py3-none-any.whl"
    wheel.touch()
    assert llama_wheel.cached_wheel("right") == wheel
    assert llama_wheel.cached_wheel("wrong") is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  [7/83] /usr/bin/g++ -DGGML_BUILD -c ggml.cpp\n", "step 7 of 83"),
        ("Collecting llama-cpp-python==0.3.36\n", "fetching the source"),
        ("  *** Configuring CMake...\n", "looking at this machine"),
        ("  -- Performing Test CMAKE_HAVE_LIBC_PTHREAD\n", None),
    ],
)
def test_the_build_output_becomes_progress(line, shown):
    assert llama_wheel._stage(line) == shown


def test_without_a_compiler_nothing_is_tried_and_the_hint_is_plain(cache, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(llama_wheel.Failed, match="apt-get install build-essential"):
        llama_wheel.build("some-key")
    assert not cache.exists()


def test_a_failed_build_leaves_only_its_log(cache, monkeypatch):
    # No index and no files to look in: pip fails at once, and without the network.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(llama_wheel.Failed, match="could not be built"):
        llama_wheel.build("some-key")
    assert [path.name for path in cache.iterdir()] == ["some-key.log"]


def test_a_second_build_waits_for_the_first(cache):
    cache.mkdir(parents=True)
    code = (
        "import sys, llama_wheel\n"
        "with llama_wheel._only_one(llama_wheel.cache_folder() / 'x.lock'): print('mine', flush=True)\n"
    )
    with (cache / "x.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, "-c", code], cwd=SCRIPT.parent, stdout=subprocess.PIPE, text=True
        ) as waiting:
            watchdog = threading.Timer(30, waiting.kill)
            watchdog.start()
            assert "waiting for it" in waiting.stdout.readline()
            assert waiting.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert waiting.stdout.readline() == "mine\n"
            watchdog.cancel()
