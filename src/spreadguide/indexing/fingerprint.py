"""The name of an index: a hash of everything that decides what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from spreadguide.indexing.chunking import CHUNKER_VERSION
from spreadguide.indexing.manifest import FORMAT_VERSION
from spreadguide.protocols import EXACT

FINGERPRINT_LENGTH = 16
"""Hexadecimal digits kept of the hash: 64 bits, far more than the handful of indexes in one folder need."""


def fingerprint(documents: Iterable[tuple[str, str, str]], *, embedder_id: str, dense: str = EXACT) -> str:
    """Return the fingerprint of the index of ``documents``, given as path, source id and key; in any order.

    A document's key stands for its text and metadata (see `ReportFile.key`): a better reader gives another key.
    ``dense`` is the recipe of search by meaning (see `IndexWriter.dense_recipe`).
    """
    digest = hashlib.sha256(_line(FORMAT_VERSION, CHUNKER_VERSION, embedder_id))
    for document in sorted(documents):
        digest.update(_line(*document))
    if dense != EXACT:
        digest.update(_line(dense))
    return digest.hexdigest()[:FINGERPRINT_LENGTH]


def _line(*values: object) -> bytes:
    """Write the values out, one line for each call."""
    return repr(values).encode() + b"\n"
