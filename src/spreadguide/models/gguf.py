"""Read the header of a GGUF model file as data: is it whole, how long is its context, how does it mark turns?

The layout is that of the GGUF specification, versions 2 and 3. Nothing of the file is run; above all not its chat
template, which is a program in a template language. Every count and length is bounded, because a model that the
owner names by path is not in the catalogue and may hold anything.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from spreadguide.errors import ModelCorrupt

MAGIC = b"GGUF"
"""The first four bytes of every GGUF file."""

VERSIONS = (2, 3)
"""Versions whose header has the layout read here; version 1 was replaced in 2023."""

MAX_ENTRIES = 1 << 16
"""Most metadata entries or tensors accepted; the largest public models have a few thousand."""

MAX_ARRAY = 1 << 22
"""Most elements of a metadata array; vocabularies have up to about 300,000."""

MAX_STRING = 1 << 24
"""Longest metadata string, in bytes."""

MAX_DIMENSIONS = 8
"""Most dimensions of a tensor; the engine itself allows four."""

DEFAULT_ALIGNMENT = 32
"""Bytes to which tensor data is aligned when the header does not say."""

DEFAULT_CONTEXT = 2048
"""Tokens assumed when the header gives no context length: what the smallest common models can do."""

CHATML_MARK = "<|im_start|>"
"""A chat template that writes this mark speaks ChatML."""

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""Metadata value types, as `struct` formats."""

_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
"""Tensor type -> (elements in a block, bytes of a block), from the engine's type table."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the header says that SpreadGuide needs."""

    architecture: str
    context: int
    chat_format: str | None


class _Malformed(Exception):
    """The bytes do not follow the layout."""


def read_header(path: Path) -> GgufHeader:
    """Read ``path``'s header and check that the file reaches to the end of its last tensor.

    Raises `ModelCorrupt` when the file is of another kind, malformed or cut short.
    """
    try:
        with path.open("rb") as file:
            header, needed = _read(file)
    except _Malformed as problem:
        raise ModelCorrupt(
            f"{path.name} is not a usable GGUF model: {problem}.",
            hint="Download the file again, or name another .gguf file.",
        ) from problem
    present = path.stat().st_size
    if present < needed:
        raise ModelCorrupt(
            f"{path.name} is cut short: it has {present:,} bytes and needs {needed:,}.",
            hint="Download the file again.",
        )
    return header


def _read(file: BinaryIO) -> tuple[GgufHeader, int]:
    """Return the header and the least size in bytes that the whole file must have."""
    if file.read(len(MAGIC)) != MAGIC:
        raise _Malformed("it does not begin with the GGUF mark")
    version = _number(file, "<I")
    if version not in VERSIONS:
        raise _Malformed(f"its format version is {version}, and only {VERSIONS} are known")
    tensors = _bounded(file, MAX_ENTRIES, "tensors")
    entries = _bounded(file, MAX_ENTRIES, "entries")
    metadata: dict[str, object] = {}
    for _ in range(entries):
        key = _string(file)
        metadata[key] = _value(file, _number(file, "<I"))
    end = max((_tensor_end(file) for _ in range(tensors)), default=0)
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise _Malformed("its data alignment is not a positive number")
    data_start = -(-file.tell() // alignment) * alignment
    architecture = str(metadata.get("general.architecture", ""))
    context = metadata.get(f"{architecture}.context_length", DEFAULT_CONTEXT)
    template = metadata.get("tokenizer.chat_template", "")
    header = GgufHeader(
        architecture=architecture,
        context=context if isinstance(context, int) and context > 0 else DEFAULT_CONTEXT,
        chat_format="chatml" if CHATML_MARK in str(template) else None,
    )
    return header, data_start + end


def _tensor_end(file: BinaryIO) -> int:
    """Return where a tensor's bytes end, counted from the start of the tensor data."""
    _string(file)
    dimensions = _number(file, "<I")
    if dimensions > MAX_DIMENSIONS:
        raise _Malformed(f"a tensor has {dimensions} dimensions")
    elements = prod(_number(file, "<Q") for _ in range(dimensions))
    kind = _number(file, "<I")
    offset = _number(file, "<Q")
    per_block, block_bytes = _BLOCKS.get(kind, (1, 0))  # a type newer than the table counts as empty
    return offset + -(-elements // per_block) * block_bytes


def _value(file: BinaryIO, kind: int) -> object:
    """Return a scalar or a string; arrays are skipped and read as None."""
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        _skip_array(file)
        return None
    if kind not in _SCALARS:
        raise _Malformed(f"it holds a value of the unknown type {kind}")
    return _unpack(file, _SCALARS[kind])


def _skip_array(file: BinaryIO) -> None:
    kind = _number(file, "<I")
    length = _bounded(file, MAX_ARRAY, "array elements")
    if kind == _STRING:
        for _ in range(length):
            _take(file, _bounded(file, MAX_STRING, "string bytes"))
    elif kind in _SCALARS:
        _take(file, length * struct.calcsize(_SCALARS[kind]))
    else:
        raise _Malformed(f"it holds an array of the unsupported type {kind}")


def _string(file: BinaryIO) -> str:
    return _take(file, _bounded(file, MAX_STRING, "string bytes")).decode("utf-8", errors="replace")


def _bounded(file: BinaryIO, limit: int, what: str) -> int:
    count = _number(file, "<Q")
    if count > limit:
        raise _Malformed(f"its header claims {count:,} {what}")
    return count


def _number(file: BinaryIO, layout: str) -> int:
    return int(_unpack(file, layout))


def _unpack(file: BinaryIO, layout: str) -> float:
    value: float = struct.unpack(layout, _take(file, struct.calcsize(layout)))[0]
    return value


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _Malformed("it ends in the middle of its header")
    return data
