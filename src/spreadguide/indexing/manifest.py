"""``manifest.json``: what an index was made from and with, and the BLAKE3 hash of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, ValidationError

from spreadguide.errors import IndexCorrupt, IndexMismatch
from spreadguide.indexing.chunking import CHUNKER_VERSION
from spreadguide.protocols import EXACT

FORMAT_VERSION = 6
"""Raised whenever the files of an index, the text that is embedded or the tokeniser of BM25 change."""

MANIFEST = "manifest.json"

RAW_VECTORS = "passages.f32"
MADE_WITH = "building.json"
SCRATCH = (RAW_VECTORS, MADE_WITH)
"""Files that only a build needs, and the build after one that was stopped: publishing removes them last of all."""

REBUILD = "Run `spreadguide index build` to build it again."
"""What to do about an index that cannot be used; a build replaces a damaged index by itself."""

HASHING_THREADS = 2
"""Hashing lets other threads run: two files at once on a machine with two cores."""

READ_BYTES = 1 << 20
"""A file is hashed so many bytes at a time."""

_BLAKE3 = r"^[0-9a-f]{64}$"


class FileEntry(BaseModel):
    """One file of an index; ``size`` is in bytes.

    BLAKE3, because each file is hashed twice in every update and once at every start, and a processor without
    instructions for SHA-256 takes ten times as long over that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: NonNegativeInt
    blake3: str = Field(pattern=_BLAKE3)


class DocumentEntry(BaseModel):
    """One document of an index.

    ``key`` is the `ReportFile.key` that it was read under, ``warnings`` are what reading it gave, ``supersedes`` the
    paths of the reports that it says it replaces, ``superseded`` whether it says of itself that it was replaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source_id: str
    key: str
    warnings: list[str] = []
    supersedes: list[str] = []
    superseded: bool = False


class DenseEntry(BaseModel):
    """A search by meaning that was not to compare every vector; the fields are those of `Approximation`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    recipe: str
    kept: bool
    lists: PositiveInt
    probed: PositiveInt
    recall: float = Field(ge=0, le=1)
    sample: PositiveInt
    p95_ms: NonNegativeFloat


class Manifest(BaseModel):
    """What an index holds.

    ``documents`` maps paths to entries; ``files`` maps names relative to the index's folder, with forward slashes;
    ``passages`` and ``units`` are counts. ``dense`` is there where search by meaning was not to be exact.
    ``checksum`` is of all the rest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    fingerprint: str
    chunker: str
    embedder: str
    dimension: PositiveInt
    passages: PositiveInt
    units: NonNegativeInt
    documents: dict[str, DocumentEntry]
    files: dict[str, FileEntry]
    dense: DenseEntry | None = None
    checksum: str = ""

    @property
    def dense_recipe(self) -> str:
        """What decided how search by meaning was made: see `IndexWriter.dense_recipe`."""
        return self.dense.recipe if self.dense else EXACT


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Return size and hash of every file under ``folder``; the manifest and `SCRATCH` are left out."""
    left_out = {MANIFEST, *SCRATCH}
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in left_out)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = pool.map(_blake3, paths)
        return {
            path.relative_to(folder).as_posix(): FileEntry(size=path.stat().st_size, blake3=digest)
            for path, digest in zip(paths, hashes, strict=True)
        }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest``, with its checksum, into the index's folder."""
    sealed = manifest.model_copy(update={"checksum": _checksum(manifest)})
    (folder / MANIFEST).write_text(sealed.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the index in ``folder``.

    Raises `IndexCorrupt` when it is missing or makes no sense, and `IndexMismatch` when another version of the
    program wrote it.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise _corrupt(f"The index is damaged: {path} is missing.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _corrupt(f"The index is damaged: {path} cannot be read.") from error
    version = found.get("format") if isinstance(found, dict) else None
    if isinstance(version, int) and version != FORMAT_VERSION:
        message = f"The index has format {version}; this version of SpreadGuide reads format {FORMAT_VERSION}."
        raise IndexMismatch(message, hint=REBUILD)
    try:
        manifest = Manifest.model_validate(found)
    except ValidationError as error:
        raise _corrupt(f"The index is damaged: {path} does not have the expected entries.") from error
    if manifest.checksum != _checksum(manifest):
        raise _corrupt(f"The index is damaged: {path} has changed since it was written.")
    if manifest.fingerprint != folder.name:
        raise _corrupt(f"The index is damaged: {path} belongs to another index.")
    return manifest


def check_made_with(manifest: Manifest, *, embedder_id: str) -> None:
    """Raise `IndexMismatch` unless the index was made by this embedder and this version of the chunker."""
    if manifest.embedder != embedder_id:
        message = f"The index was built with the embedding model {manifest.embedder}, but {embedder_id} is in use."
        raise IndexMismatch(message, hint=REBUILD)
    if manifest.chunker != CHUNKER_VERSION:
        message = "The index was built by a version of SpreadGuide that cuts reports into other passages."
        raise IndexMismatch(message, hint=REBUILD)


def check_files(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """Raise `IndexCorrupt`, naming the file, unless every file has the size and hash that the manifest states."""
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        list(pool.map(lambda item: _check_file(folder, *item), files.items()))


def _check_file(folder: Path, name: str, entry: FileEntry) -> None:
    path = folder / name
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise _corrupt(f"The index is damaged: its manifest names a file outside its folder ({name}).")
    try:
        sound = path.stat().st_size == entry.size and _blake3(path) == entry.blake3
    except FileNotFoundError as error:
        raise _corrupt(f"The index is damaged: {path} is missing.") from error
    except OSError as error:
        raise _corrupt(f"The index cannot be used: {path} cannot be read.") from error
    if not sound:
        raise _corrupt(f"The index is damaged: {path} has changed since it was written.")


def _corrupt(message: str) -> IndexCorrupt:
    return IndexCorrupt(message, hint=REBUILD)


def _checksum(manifest: Manifest) -> str:
    found = manifest.model_dump_json(exclude={"checksum"}, exclude_none=True)
    return hashlib.sha256(found.encode()).hexdigest()


def _blake3(path: Path) -> str:
    digest = blake3()
    with path.open("rb", buffering=0) as file:
        while part := file.read(READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
