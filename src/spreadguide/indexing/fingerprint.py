"""The name of an index: a hash of everything that decides what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from spreadguide.indexing.chunking import CHUNKER_VERSION
from spreadguide.indexing.manifest import FORMAT_VERSION
from spreadguide.types import Document

FINGERPRINT_LENGTH = 16
"""Hexadecimal digits kept of the hash: 64 bits, far more than the handful of indexes in one folder need."""


def fingerprint(documents: Iterable[Document], *, embedder_id: str) -> str:
    """Return the fingerprint of the index of ``documents``; their order does not matter.

    The text and blocks are part of it beside the file's hash: a better reader gives other text from the same file.
    """
    digest = hashlib.sha256(_line(FORMAT_VERSION, CHUNKER_VERSION, embedder_id))
    for document in sorted(documents, key=lambda document: document.path):
        identity = (document.path, document.source_id, document.sha256, document.metadata)
        digest.update(_line(*identity, document.text, document.blocks))
    return digest.hexdigest()[:FINGERPRINT_LENGTH]


def _line(*values: object) -> bytes:
    """Write the values out; the representation of frozen values names every field, and never varies."""
    return repr(values).encode() + b"\n"
