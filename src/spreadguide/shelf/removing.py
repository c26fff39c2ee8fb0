"""Takes reports out of the folder; unless the owner wants otherwise, nothing is lost."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spreadguide.durable import sync
from spreadguide.errors import NotFound
from spreadguide.ingest import IngestLimits, read_catalogue
from spreadguide.ingest.assemble import slug
from spreadguide.shelf.listing import scan_folder, unfetched
from spreadguide.shelf.sheet import Sheet, editing

REMOVED = ".removed"
"""The hidden folder, inside the folder of reports, where removed reports wait. It is not indexed."""

SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of a report: where its file is now, relative to the folder, or ``None`` when it is gone.

    ``described`` says whether it had an entry in the catalogue; ``supersedes`` names the reports that stand again,
    unless another report supersedes them too.
    """

    path: str
    kept_as: str | None
    described: bool
    supersedes: tuple[str, ...] = ()


def remove_report(folder: Path, name: str, limits: IngestLimits, *, delete: bool = False) -> Removed:
    """Remove the report with that path or id, and its entry.

    The file goes to ``.removed/`` in the folder, and its entry to a catalogue there; with ``delete`` both are gone.
    Raises `NotFound` when there is no such report.
    """
    with editing(folder) as sheet:
        path = _path_of(folder, name, limits)
        stated = read_catalogue(folder).entries.get(path)
        older = stated.supersedes if stated else ()
        kept_as = _put_away(folder, path, delete=delete)
        entry = sheet.drop(path)
        if entry and kept_as:
            Sheet(folder / REMOVED).put_back(PurePosixPath(kept_as).relative_to(REMOVED).as_posix(), entry)
        return Removed(path, kept_as, entry is not None, older)


def _path_of(folder: Path, name: str, limits: IngestLimits) -> str:
    files = {file.path: file.source_id for file in scan_folder(folder, limits).files}
    files |= {
        path: slug(str(PurePosixPath(path).with_suffix(""))) for path, _ in unfetched(folder, read_catalogue(folder))
    }
    plain = PurePosixPath(name).as_posix()
    found = [plain] if plain in files else [path for path, source_id in files.items() if source_id == name]
    # A second copy of the same bytes is not in the index, but must be removable.
    if not found and (folder / plain).is_file() and not _leads_out(plain):
        found = [plain]
    if not found:
        raise NotFound(f"There is no report {name} in {folder}.", hint=_near(name, [*files, *files.values()]))
    return found[0]


def _leads_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return PurePosixPath(path).is_absolute() or any(part.startswith(".") for part in parts) or len(parts) == 0


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=SUGGESTIONS)
    listed = "See all with: spreadguide corpus list"
    return f"Did you mean {' or '.join(near)}? {listed}" if near else listed


def _put_away(folder: Path, path: str, *, delete: bool) -> str | None:
    """Move or delete the file; ``None`` when it is not kept or was not there."""
    file = folder / path
    if not file.exists() and not file.is_symlink():
        return None
    if delete:
        file.unlink()
        sync(file.parent)
        return None
    place = folder / REMOVED / path
    place.parent.mkdir(parents=True, exist_ok=True)
    number = 2
    while place.exists():
        place = (folder / REMOVED / path).with_stem(f"{PurePosixPath(path).stem}-{number}")
        number += 1
    file.rename(place)
    sync(file.parent)
    sync(place.parent)
    return place.relative_to(folder).as_posix()
