"""From a GGUF file to a loaded model: importing llama.cpp quickly, and reading the weights without keeping them twice.

Only the worker process uses this module (see `llama_worker`).
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GGUF_MAGIC = b"GGUF"
_ERROR_LEVEL = 4
"""``GGML_LOG_LEVEL_ERROR``."""

_OWN_MAPS = Path("/proc/self/maps")
"""What this process has mapped (Linux, proc(5)): a line ``start-end rights offset device inode path`` for each area."""


class EngineError(Exception):
    """The engine cannot do it; ``kind`` is ``engine``, ``missing``, ``corrupt``, ``memory``, ``long`` or ``native``."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def import_native(*, templates: bool = False) -> Any:
    """Return llama.cpp's functions as llama-cpp-python declares them; raises `EngineError`.

    The package's own start is left out: it imports NumPy, Jinja and much else, which takes two thirds of the time and
    is needed only to read chat ``templates``.
    """
    try:
        if templates:
            importlib.import_module("llama_cpp")
        elif "llama_cpp" not in sys.modules and (spec := importlib.util.find_spec("llama_cpp")) is not None:
            sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
        return importlib.import_module("llama_cpp.llama_cpp")
    except ImportError as error:
        raise EngineError("engine", "llama.cpp is not installed.") from error
    except (OSError, RuntimeError) as error:
        # Raised by llama_cpp itself when its shared library is damaged or was built for another system.
        raise EngineError("engine", f"llama.cpp is installed but cannot be loaded: {error}") from error


def load_model(native: Any, path: Path, log: NativeLog) -> Any:
    """Return the loaded model; raises `EngineError`.

    The file is read through a memory map: weights that are laid out anew for this processor go straight from the file
    to their new place. Read in any other way they are copied once more, which takes twice the time. What is mapped is
    given back after that, or the 1.1 GB of the default model would take 1.9 GB.
    """
    _check_file(path)
    params = native.llama_model_default_params()
    params.load_mode = native.LLAMA_LOAD_MODE_MMAP
    model = native.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise log.failure("The model file cannot be loaded.")
    give_back(path)
    return model


def give_back(path: Path) -> int:
    """Let go of the memory that holds mapped pages of the file at ``path``; return the bytes that were mapped.

    The weights that are used from the map come back from the system's file cache when they are asked for. Where the
    system does not tell what is mapped, nothing is done: it takes such pages back by itself when memory is short.
    """
    if not hasattr(mmap, "MADV_DONTNEED") or not _OWN_MAPS.exists():
        return 0
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    total = 0
    for start, end in _areas(path):
        if advise(start, end - start, mmap.MADV_DONTNEED) == 0:
            total += end - start
        else:
            sys.stderr.write(f"madvise: {os.strerror(ctypes.get_errno())}\n")
    return total


def _areas(path: Path) -> Iterator[tuple[int, int]]:
    """Yield the addresses at which pages of the file at ``path`` are mapped for reading only.

    An area that may be written is left alone: there, letting go would lose what was written.
    """
    facts = path.stat()
    wanted = (f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}", str(facts.st_ino))
    for line in _OWN_MAPS.read_text("utf-8", "replace").splitlines():
        area, rights, _, device, inode, *_ = line.split(maxsplit=5)
        if (device, inode) == wanted and rights.startswith("r--"):
            start, _, end = area.partition("-")
            yield int(start, 16), int(end, 16)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except FileNotFoundError as error:
        raise EngineError("missing", "The model file is not on this machine.") from error
    except OSError as error:
        raise EngineError("missing", f"The model file cannot be read: {error.strerror}.") from error
    if magic != _GGUF_MAGIC:
        raise EngineError("corrupt", "The model file is damaged, or is not a GGUF file.")


class NativeLog:
    """llama.cpp's messages: warnings and errors go to stderr, and errors tell why a file did not load."""

    def __init__(self, native: Any) -> None:
        self._errors: list[str] = []
        # ctypes keeps no reference to a callback: without the attribute it would be freed under llama.cpp.
        self._callback = native.llama_log_callback(self._take)
        native.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes, _: Any) -> None:
        if level == _ERROR_LEVEL:
            line = text.decode("utf-8", "replace")
            self._errors.append(line)
            sys.stderr.write(line)

    def failure(self, message: str) -> EngineError:
        """Return the error for a load that failed, as the messages so far explain it."""
        said = " ".join(self._errors).casefold()
        if "alloc" in said or "out of memory" in said:
            return EngineError("memory", "There is not enough free memory for the model.")
        return EngineError(
            "corrupt", f"{message} The file is damaged, cut short, or of a kind that llama.cpp cannot read."
        )
