"""Fetches the reports that ``sources.toml`` names with an address and that are not in the folder yet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from spreadguide.errors import ConfigError, SpreadGuideError
from spreadguide.ingest import READERS, Entry, IngestLimits, read_catalogue
from spreadguide.ingest.assemble import slug
from spreadguide.shelf.adding import INCOMING, Added, Wish, free_path, take_in
from spreadguide.shelf.listing import unfetched

FetchAs = Callable[[str, Path, str], Path]
"""Fetches an address into an empty folder, and returns the file, which has the given ending, such as ".pdf".

Raises a `SpreadGuideError` that says why it could not.
"""


def fetch_reports(
    folder: Path, names: Sequence[str] = (), *, limits: IngestLimits, fetch_as: FetchAs
) -> Iterator[Added]:
    """Fetch every report that has an address and no file, or only those with one of these paths or ids.

    Yields what became of each. What the catalogue says of them stays as it is. Raises `ConfigError` before anything
    is fetched when there is no such folder, or a name is not that of a report that can be fetched.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no report folder at {folder}.", hint="Create the folder, or name another.")
    waiting = {path: entry for path, entry in unfetched(folder, read_catalogue(folder)) if entry.url}
    by_id = {slug(str(PurePosixPath(path).with_suffix(""))): path for path in waiting}
    for name in names:
        if name not in waiting and name not in by_id:
            hint = "It may be here already, or have no url. See with: spreadguide corpus list"
            raise ConfigError(f"No report {name} waits to be fetched into {folder}.", hint=hint)
    chosen = list(dict.fromkeys(by_id.get(name, name) for name in names)) or list(waiting)
    return (_result(folder, path, waiting[path], limits, fetch_as) for path in chosen)


def _result(folder: Path, path: str, entry: Entry, limits: IngestLimits, fetch_as: FetchAs) -> Added:
    try:
        return _fetch(folder, path, entry, limits, fetch_as)
    except SpreadGuideError as error:
        return Added(path, problem=error.message, hint=error.hint)
    except OSError as error:
        what = f"It could not be written: {error.strerror or error}."
        return Added(
            path, problem=what, hint="Check that you may write in the folder of reports, and that it has room."
        )


def _fetch(folder: Path, path: str, entry: Entry, limits: IngestLimits, fetch_as: FetchAs) -> Added:
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise ConfigError("Its path leads out of the folder.", hint="Correct the path in sources.toml.")
    if PurePosixPath(path).suffix.lower() not in READERS:
        raise ConfigError(f"{path} is not of a kind that can be read.", hint=f"Let it end in {', '.join(READERS)}.")
    free_path(folder, path, path)
    wish = Wish(entry.model_dump(mode="json", exclude_unset=True), path)
    with tempfile.TemporaryDirectory(prefix=INCOMING, dir=folder) as place:
        fetched = fetch_as(entry.url or "", Path(place), PurePosixPath(path).suffix.lower())
        return take_in(folder, path, fetched, wish, limits, described=True)
