"""Vectors of earlier builds, found by the SHA-256 of the text they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.protocols import Vectors

KEY_BYTES = 32
"""A SHA-256 as bytes."""

PREFIX_BYTES = 8
"""So much of a key is sorted and searched; the rest is compared only where it fits."""

UNIT_LENGTH = 0.01
"""How far from 1 the length of a stored vector may be. Half a vector, left by a power cut, is further off."""


@dataclass(frozen=True, slots=True)
class VectorPool:
    """Rows of vectors, with the keys of their texts in a sorted order of their own."""

    keys: NDArray[Any]
    vectors: NDArray[Any]
    prefixes: NDArray[np.uint64]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, keys: NDArray[Any], vectors: NDArray[Any]) -> VectorPool:
        """Make a pool of ``vectors``, whose texts' keys stand in the same rows of ``keys``, of shape ``(n, 32)``."""
        count = min(len(keys), len(vectors))
        heads = np.ascontiguousarray(keys[:count, :PREFIX_BYTES]).view(">u8").reshape(-1).astype(np.uint64)
        order = np.argsort(heads, kind="stable")
        return cls(keys, vectors, heads[order], order)

    def find(self, keys: Sequence[bytes]) -> tuple[list[int], Vectors]:
        """Return which of ``keys`` are here, as places in that sequence, and their vectors in the same order."""
        wanted = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
        heads = np.ascontiguousarray(wanted[:, :PREFIX_BYTES]).view(">u8").reshape(-1).astype(np.uint64)
        at = np.searchsorted(self.prefixes, heads)
        near = np.flatnonzero(at < len(self.prefixes))
        rows = self.order[at[near]]
        same = (self.keys[rows] == wanted[near]).all(axis=1) if len(near) else np.zeros(0, dtype=bool)
        places, rows = near[same], rows[same]
        vectors = np.asarray(self.vectors[rows], dtype=np.float32)
        whole = np.abs(np.linalg.norm(vectors, axis=1) - 1) < UNIT_LENGTH
        return places[whole].tolist(), vectors[whole]
