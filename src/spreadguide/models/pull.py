"""Bring a model to this machine: try its sources in order, check the bytes, then move the file into place.

A run that is interrupted leaves ``<file>.part`` or finished parts in ``<file>.parts/`` and the next run carries on
from there. The file itself appears only when it is whole and its SHA-256 is right.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from spreadguide.durable import put_in_place
from spreadguide.errors import ModelCorrupt, ModelFetchFailed, ModelMissing
from spreadguide.models.carriers import fetch_parts, room_needed
from spreadguide.models.catalogue import CarrierSource, CatalogueEntry, HubSource, InstalledSource
from spreadguide.models.download import address_in_words, download
from spreadguide.models.files import remember, verify
from spreadguide.models.transfer import Meter, SourceFailed, hash_file, in_words, join, size_of
from spreadguide.protocols import Progress

SPARE_BYTES = 64 * 10**6
"""Free space that a pull leaves on the disk, so that it does not choke everything else."""


class _Pull:
    """One pull of one model into one folder."""

    def __init__(self, entry: CatalogueEntry, folder: Path, progress: Progress | None) -> None:
        self.entry = entry
        self.folder = folder
        self.part = folder / f"{entry.file}.part"
        self.parts = folder / f"{entry.file}.parts"
        self.progress = progress
        self.meters: dict[str, Meter] = {}

    def meter(self, step: str) -> Meter:
        """Return the step's meter, one for all sources, so that what a second source repeats is not counted twice."""
        fresh = Meter(self.progress, f"{step} {self.entry.id}", self.entry.bytes)
        return self.meters.setdefault(step, fresh)

    def room_needed(self, source: str | HubSource | CarrierSource) -> int:
        """Return the free bytes that fetching from ``source`` takes; bytes that it replaces count as free."""
        present = size_of(self.part)
        if isinstance(source, CarrierSource):
            return room_needed(source, self.parts, self.entry.bytes) - present
        return self.entry.bytes - present

    def fetch(self, source: str | HubSource | CarrierSource) -> None:
        """Bring the whole file into ``self.part``; raise `SourceFailed` when it is not to be had or is not right."""
        lacking = self.room_needed(source) + SPARE_BYTES - shutil.disk_usage(self.folder).free
        if lacking > 0:
            raise SourceFailed(f"the disk of {self.folder} needs {in_words(lacking)} more free space")
        if isinstance(source, CarrierSource):
            self._from_carrier(source)
        elif isinstance(source, HubSource):
            self._from_url(source.url)
        elif "://" in source:
            self._from_url(source)
        else:
            self._from_disk(Path(source).expanduser())

    def _from_carrier(self, source: CarrierSource) -> None:
        parts = fetch_parts(source, self.parts, self.entry.bytes, self.meter("Fetching"))
        digest = join(parts, self.part, self.meter("Joining and checking"))
        if digest != self.entry.sha256:
            shutil.rmtree(self.parts)
        self._compare(digest)

    def _from_url(self, url: str) -> None:
        resumed = self.part.exists()
        download(url, self.part, self.entry.bytes, self.meter("Fetching"))
        try:
            self._compare(hash_file(self.part, self.meter("Checking")))
        except SourceFailed:
            if not resumed:
                raise
            # The first bytes came from an earlier run, perhaps of another source: this one deserves a fresh start.
            download(url, self.part, self.entry.bytes, self.meter("Fetching"))
            self._compare(hash_file(self.part, self.meter("Checking")))

    def _from_disk(self, path: Path) -> None:
        path = path / self.entry.file if path.is_dir() else path
        if not path.is_file():
            raise SourceFailed("there is no such file")
        if size_of(path) != self.entry.bytes:
            raise SourceFailed(
                f"the file has {size_of(path):,} bytes and the model has {self.entry.bytes:,}", wrong_bytes=True
            )
        try:
            path.open("rb").close()
        except OSError as problem:
            raise SourceFailed(f"the file cannot be read ({problem.strerror})") from problem
        self._compare(join([path], self.part, self.meter("Copying and checking")))

    def _compare(self, digest: str) -> None:
        if digest != self.entry.sha256:
            self.part.unlink()
            raise SourceFailed(f"its bytes are not the model's (their SHA-256 is {digest})", wrong_bytes=True)

    def publish(self) -> Path:
        """Move the checked file into place, and tidy up."""
        target = self.folder / self.entry.file
        put_in_place(self.part, target)
        shutil.rmtree(self.parts, ignore_errors=True)
        return target


def pull(entry: CatalogueEntry, folder: Path, *, sources: Sequence[str] = (), progress: Progress | None = None) -> Path:
    """Bring ``entry``'s file into ``folder`` and return its path; return at once when it is there and right.

    ``sources`` are the owner's own, tried before those of the catalogue: a file, a folder that holds the file, or an
    address. ``progress`` counts bytes. A source that fails, or whose bytes are wrong, gives way to the next.

    Raises `ModelFetchFailed` when no source could deliver, `ModelCorrupt` when one delivered something else than the
    model and none the model; both name every source and what was wrong with it.
    """
    if entry.installed is not None:
        return _check_installed(entry, folder, entry.installed, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(entry, folder):
            return _pull_locked(entry, folder, sources, progress)
    except OSError as problem:
        raise ModelFetchFailed(
            f"The model {entry.id} cannot be stored in {folder}: {problem.strerror or problem}.",
            hint="Choose a folder that you may write to, on a disk with enough room, and try again.",
        ) from problem


def _pull_locked(entry: CatalogueEntry, folder: Path, sources: Sequence[str], progress: Progress | None) -> Path:
    with contextlib.suppress(ModelMissing, ModelCorrupt):  # those are what a pull is for
        return verify(entry, folder, progress=progress).path
    job = _Pull(entry, folder, progress)
    tried: list[str | HubSource | CarrierSource] = [*sources]
    tried += [source for source in entry.sources if not isinstance(source, InstalledSource)]
    _require_room(job, tried)
    failures: list[tuple[str, SourceFailed]] = []
    for source in tried:
        try:
            job.fetch(source)
        except SourceFailed as failure:
            failures.append((_source_in_words(source), failure))
        else:
            path = job.publish()
            remember(entry, folder)
            return path
    raise _all_failed(entry, failures)


def _require_room(job: _Pull, sources: Sequence[str | HubSource | CarrierSource]) -> None:
    """Say before anything is fetched that not even the most modest source fits on the disk."""
    free = shutil.disk_usage(job.folder).free
    needed = min(job.room_needed(source) for source in sources) + SPARE_BYTES
    if needed > free:
        raise ModelFetchFailed(
            f"There is not enough room for the model {job.entry.id}: {job.folder} has {in_words(free)} free and "
            f"{in_words(needed)} are needed.",
            hint="Free some space, or choose another folder for models.",
        )


def _all_failed(entry: CatalogueEntry, failures: Sequence[tuple[str, SourceFailed]]) -> ModelFetchFailed | ModelCorrupt:
    listed = "; ".join(f"{source}: {failure}" for source, failure in failures)
    if any(failure.wrong_bytes for _, failure in failures):
        return ModelCorrupt(
            f"The model {entry.id} could not be fetched, and something that was offered is not that model. {listed}.",
            hint="Try again later, or give another source: a file or an address of your own.",
        )
    return ModelFetchFailed(
        f"The model {entry.id} could not be fetched from any source. {listed}.",
        hint="Check the connection and run the same command again: what has arrived is kept. "
        "Or give a file or an address of your own as a source.",
    )


def _source_in_words(source: str | HubSource | CarrierSource) -> str:
    if isinstance(source, CarrierSource):
        return (
            f"the package index ({source.requirement(1)}{f' and {source.parts - 1} more' if source.parts > 1 else ''})"
        )
    if isinstance(source, HubSource):
        return f"the model hub ({address_in_words(source.url)})"
    return address_in_words(source) if "://" in source else source


def _check_installed(entry: CatalogueEntry, folder: Path, source: InstalledSource, progress: Progress | None) -> Path:
    try:
        return verify(entry, folder, progress=progress).path
    except ModelMissing as problem:
        raise ModelFetchFailed(
            f"The model {entry.id} is part of the package {source.package}, which is not installed.", hint=problem.hint
        ) from problem


@contextlib.contextmanager
def _lock(entry: CatalogueEntry, folder: Path) -> Iterator[None]:
    """Hold the model's lock, or raise `ModelFetchFailed` when another pull holds it."""
    lock = FileLock(folder / f"{entry.file}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as problem:
        raise ModelFetchFailed(
            f"The model {entry.id} is being fetched by another run.", hint="Wait until that run has finished."
        ) from problem
    try:
        yield
    finally:
        lock.release()
