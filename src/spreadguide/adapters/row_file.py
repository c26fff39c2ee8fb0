"""Rows of one length in a file: written in any order while an index is made, read through a memory map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.errors import IndexCorrupt
from spreadguide.indexing.manifest import REBUILD


class RowFile:
    """A file of rows being written; a row that was never written is all zeros."""

    def __init__(self, path: Path, dtype: str, width: int) -> None:
        """Make the file; ``dtype`` is a NumPy type with its byte order, ``width`` the values in a row."""
        self._path = path
        self._dtype = np.dtype(dtype)
        self._width = width
        self._file = path.open("wb")

    @property
    def width(self) -> int:
        """Values in a row."""
        return self._width

    def put(self, first: int, rows: NDArray[Any]) -> None:
        """Write ``rows``, of shape ``(n, width)``, from row ``first`` on."""
        self._file.seek(first * self._width * self._dtype.itemsize)
        self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)  # no copy of rows that are mapped

    def flush(self) -> None:
        """Hand what was written to the operating system, where it outlives this process."""
        self._file.flush()

    def close(self, count: int) -> None:
        """Give the file the length of ``count`` rows, and close it; closing it again does nothing."""
        if self._file.closed:
            return
        self._file.truncate(count * self._width * self._dtype.itemsize)
        self._file.close()


def read_rows(path: Path, dtype: str, width: int) -> NDArray[Any]:
    """Map the whole rows of a file into memory, read-only; raises `IndexCorrupt` when it cannot be read."""
    row = np.dtype(dtype).itemsize * width
    try:
        count = path.stat().st_size // row
        if not count:
            return np.zeros((0, width), dtype=dtype)
        return np.memmap(path, dtype=dtype, mode="r", shape=(count, width))
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"The index is damaged: {path} cannot be read.", hint=REBUILD) from error
