"""Any sentence-transformers model in a local folder, as an `Embedder`.

The library takes many seconds to import, so it is imported at the first text, never earlier: a build that finds
nothing new, and the server, do without it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spreadguide.errors import ModelCorrupt, ModelMissing
from spreadguide.protocols import Vectors

BATCH_SIZE = 32
"""Texts per call of the model; also how often progress is reported."""


class SentenceTransformerEmbedder:
    """Embeds documents and queries with the model in a folder, on the CPU and without the network."""

    def __init__(self, path: Path, *, embedder_id: str | None = None) -> None:
        """Take the model in ``path``; without ``embedder_id`` its id is the folder's name and its files' hash."""
        self._path = path
        self._given_id = embedder_id

    @cached_property
    def embedder_id(self) -> str:
        """The folder's name and the first eight digits of the SHA-256 of its files; raises `ModelMissing`."""
        if self._given_id is not None:
            return self._given_id
        self._check_folder()
        digest = hashlib.sha256()
        for file in sorted(path for path in self._path.rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(self._path).as_posix()}\0".encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return f"{self._path.resolve().name}@{digest.hexdigest()[:8]}"

    @property
    def dimension(self) -> int:
        """Length of one vector; loads the model."""
        return int(self._model.get_embedding_dimension())

    def prepare(self) -> None:
        """Load the model; raises `ModelMissing` or `ModelCorrupt` when it cannot be loaded."""
        _ = self._model

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed passages or units; raises `ModelMissing` or `ModelCorrupt` when the model cannot be loaded.

        Texts of like length go through the model together, because a batch is padded to its longest text.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for first in range(0, len(order), BATCH_SIZE):
            rows = order[first : first + BATCH_SIZE]
            vectors[rows] = self._encode(self._model.encode_document, [texts[row] for row in rows])
            if progress is not None:
                progress(len(rows))
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions or claims; raises `ModelMissing` or `ModelCorrupt` when the model cannot be loaded."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return self._encode(self._model.encode_query, texts)

    def _encode(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        vectors = encode(list(texts), batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def _check_folder(self) -> None:
        if not (self._path / "modules.json").is_file():
            hint = "Name a folder that sentence-transformers can load; it holds a file modules.json."
            raise ModelMissing(f"There is no embedding model in {self._path}.", hint=hint)

    @cached_property
    def _model(self) -> Any:
        self._check_folder()
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        quiet: Any = logging
        quiet.disable_progress_bar()
        quiet.set_verbosity_error()
        try:
            return SentenceTransformer(str(self._path), device="cpu", local_files_only=True, trust_remote_code=False)
        except Exception as error:
            # The loader raises many kinds of error, some of types of its own; all mean that the folder is no good.
            hint = "Copy or install the model again, then build the index again."
            raise ModelCorrupt(f"The embedding model in {self._path} cannot be loaded.", hint=hint) from error
