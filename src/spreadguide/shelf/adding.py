"""Adds reports to the folder: each is read first, then put in its place with an entry in the catalogue."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from spreadguide.durable import sync
from spreadguide.errors import ConfigError, SpreadGuideError
from spreadguide.ingest import Entry, IngestLimits, read_document
from spreadguide.ingest.assemble import check_size
from spreadguide.shelf.sheet import checked_values, editing
from spreadguide.types import Metadata

FetchTo = Callable[[str, Path], Path]
"""Fetches an address into an empty folder, and returns the file, named with the ending that its content has.

Raises a `SpreadGuideError` that says why it could not.
"""

INCOMING = ".incoming-"
"""Start of the name of the hidden folder where a report waits until it has been read."""

SINGLE = ("title", "url", "supersedes", "published", "edition")
"""What describes one report, and cannot be given for several at once."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one report: its ``path`` in the folder, or the ``problem`` and what to do about it.

    ``copied`` is false for a report that lay in the folder already and was only described.
    """

    given: str
    path: str | None = None
    title: str | None = None
    copied: bool = True
    warnings: tuple[str, ...] = ()
    problem: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """How reports are to be added: what is said of them, and the name that one of them gets in the folder."""

    values: Mapping[str, Any]
    name: str | None = None


def add_reports(
    folder: Path, given: Sequence[str], wish: Wish, *, limits: IngestLimits, fetch_to: FetchTo
) -> Iterator[Added]:
    """Add files or addresses one after the other, and yield what became of each.

    Raises `ConfigError` before anything is done when there is no such folder, when what is said of the reports is
    wrong, or when it can be true of one report only and there are several.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no report folder at {folder}.", hint="Create the folder, or name another.")
    values = checked_values(wish.values)
    alone = [key for key in SINGLE if key in values] + (["as"] if wish.name else [])
    if len(given) > 1 and alone:
        options = ", ".join(f"--{key}" for key in alone)
        raise ConfigError(f"Not all of these reports can have the same {options}.", hint="Add them one at a time.")
    return (_result(folder, item, Wish(values, wish.name), limits, fetch_to) for item in given)


def _result(folder: Path, given: str, wish: Wish, limits: IngestLimits, fetch_to: FetchTo) -> Added:
    try:
        return _add(folder, given, wish, limits, fetch_to)
    except SpreadGuideError as error:
        return Added(given, problem=error.message, hint=error.hint)
    except OSError as error:
        what = f"{given} could not be copied: {error.strerror or error}."
        return Added(given, problem=what, hint="Check the file, and that there is room in the folder of reports.")


def _add(folder: Path, given: str, wish: Wish, limits: IngestLimits, fetch_to: FetchTo) -> Added:
    """Bring one report in. The copy is read, not the original: what was checked is what comes into the folder."""
    if given.lower().startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory(prefix=INCOMING, dir=folder) as place:
            fetched = fetch_to(given, Path(place))
            return take_in(folder, given, fetched, Wish({"url": given, **wish.values}, wish.name), limits)
    source = Path(given).expanduser()
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "is not there"
        raise ConfigError(f"{given} {what}.", hint="Name the file of a report, or an address.")
    if inside := _inside(folder, source):
        return _describe(folder, given, inside, wish, limits)
    check_size(source.stat().st_size, given, limits)
    with tempfile.TemporaryDirectory(prefix=INCOMING, dir=folder) as place:
        copy = Path(shutil.copyfile(source, Path(place, source.name)))
        return take_in(folder, given, copy, wish, limits)


def take_in(
    folder: Path, given: str, copy: Path, wish: Wish, limits: IngestLimits, *, described: bool = False
) -> Added:
    """Read a copy that waits in the folder, move it to its place, and describe it, unless it is ``described`` already.

    Raises `UnreadableDocument` when it cannot be read, and `ConfigError` when it cannot have its place.
    """
    data = copy.read_bytes()
    document = read_document(data, copy.name, Entry.model_validate(wish.values), limits=limits)
    with editing(folder) as sheet:
        if same := _same_bytes(folder, data):
            raise ConfigError(f"{given} is in the folder already, as {same}.", hint="Nothing has to be done.")
        path = free_path(folder, copy.name, wish.name)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.replace(target)
        try:
            if not described:
                sheet.put(path, _entry(wish, document.metadata))
        except BaseException:
            target.unlink()
            raise
        sync(target.parent)
    return Added(given, path, document.metadata.title, warnings=document.warnings + _missing(folder, wish))


def _describe(folder: Path, given: str, path: str, wish: Wish, limits: IngestLimits) -> Added:
    """Write the entry of a report that lies in the folder already."""
    if wish.name:
        hint = "Move the file yourself, or leave --as out."
        raise ConfigError(f"{given} is in the folder already, and keeps its name.", hint=hint)
    document = read_document((folder / path).read_bytes(), path, Entry.model_validate(wish.values), limits=limits)
    with editing(folder) as sheet:
        sheet.put(path, _entry(wish, document.metadata))
    return Added(given, path, document.metadata.title, copied=False, warnings=_missing(folder, wish))


def _entry(wish: Wish, read: Metadata) -> dict[str, Any]:
    """Return what the entry holds: what was said, and the title, so that the owner finds the entry again."""
    return {"title": read.title, **wish.values} if read.named else dict(wish.values)


def _missing(folder: Path, wish: Wish) -> tuple[str, ...]:
    older = [path for path in wish.values.get("supersedes", ()) if not (folder / path).is_file()]
    return tuple(f'It supersedes "{path}", but there is no such report in the folder.' for path in older)


def _inside(folder: Path, source: Path) -> str | None:
    """Return the path of ``source`` below the folder, when it lies there and is not hidden."""
    root, file = folder.resolve(), source.resolve()
    if not file.is_relative_to(root):
        return None
    path = file.relative_to(root)
    return None if any(part.startswith(".") for part in path.parts) else path.as_posix()


def free_path(folder: Path, given: str, wanted: str | None) -> str:
    """Return where in the folder the file ``given`` goes; raises `ConfigError` when it cannot go there."""
    path = PurePosixPath(wanted or given)
    ending = PurePosixPath(given).suffix.lower()
    wrong = path.is_absolute() or ".." in path.parts or "\\" in str(path)
    if wrong or any(part.startswith(".") for part in path.parts):
        hint = "Give a path inside the folder, such as 2024/report.pdf. Names that begin with a dot are hidden."
        raise ConfigError(f"A report cannot be named {path}.", hint=hint)
    if path.suffix.lower() != ending:
        raise ConfigError(f"{path} must end in {ending}, as the file does.", hint="Correct the name after --as.")
    if path.as_posix().lower() == "readme.md":
        raise ConfigError("A README.md at the top of the folder is passed over.", hint="Use --as with another name.")
    if (folder / path).exists():
        raise ConfigError(f"The folder has another report named {path}.", hint=f"Add --as {_next_name(folder, path)}")
    return path.as_posix()


def _next_name(folder: Path, path: PurePosixPath) -> str:
    """Return a name like ``path`` that is free."""
    number = 2
    while (folder / (free := path.with_stem(f"{path.stem}-{number}"))).exists():
        number += 1
    return free.as_posix()


def _same_bytes(folder: Path, data: bytes) -> str | None:
    """Return the report of the folder that has exactly these bytes."""
    digest = hashlib.sha256(data).digest()
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in path.parts)
        if hidden or not file.is_file() or file.stat().st_size != len(data):
            continue
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").digest() == digest:
                return path.as_posix()
    return None
