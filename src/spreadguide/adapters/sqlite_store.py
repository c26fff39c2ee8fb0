"""Documents and passages in SQLite, the vectors of their units in an array mapped into memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spreadguide.adapters.row_file import read_rows
from spreadguide.errors import IndexCorrupt, NotFound
from spreadguide.indexing.manifest import REBUILD
from spreadguide.protocols import Vectors
from spreadguide.types import (
    EditionStatus,
    EvidenceKind,
    LineBox,
    Metadata,
    PageInfo,
    Passage,
    Source,
    Span,
    Unit,
    UnitKind,
)

_PASSAGE = 'SELECT passage_id, source_id, heading, page, page_label, start, "end", text, lead_in, units FROM passages'
_SOURCE = "SELECT source_id, path, metadata, status, passages FROM documents"

UNIT_TYPE = "<f2"
"""Half precision: it halves the largest file of an index, and moves a cosine by less than 0.001."""

BOX_TYPE = np.dtype(
    [("start", "<i4"), ("end", "<i4"), ("page", "<i4"), ("x0", "<f4"), ("top", "<f4"), ("x1", "<f4"), ("bottom", "<f4")]
)
"""How the boxes of a document's lines are written."""


class SqliteStore:
    """A `PassageStore`; threads may share it, and take turns on its one connection."""

    def __init__(self, path: Path, unit_vectors: Path, dimension: int) -> None:
        """Open a published store and its units' vectors, both read-only; raises `IndexCorrupt`."""
        self._path = path
        self._lock = Lock()
        self._vectors = read_rows(unit_vectors, UNIT_TYPE, dimension)
        try:
            # A published file never changes, so SQLite need not look for a journal or lock the file.
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise _corrupt(path) from error

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def __len__(self) -> int:
        return int(self._rows("SELECT count(*) FROM passages")[0][0])

    @property
    def units(self) -> int:
        """How many units have a vector."""
        return len(self._vectors)

    def passage_by_row(self, row: int) -> Passage:
        """Return the passage in ``row``; raises `NotFound` when there is none."""
        return _passage(self._one(f"{_PASSAGE} WHERE row = ?", row, f"There is no passage in row {row}."))

    def passage(self, passage_id: str) -> Passage:
        """Return one passage; raises `NotFound` when there is none."""
        return _passage(self._one(f"{_PASSAGE} WHERE passage_id = ?", passage_id, _no_passage(passage_id)))

    def neighbours(self, passage_id: str) -> tuple[Passage | None, Passage | None]:
        """Return the passages before and after it in the same document; raises `NotFound`."""
        query = "SELECT row, source_id FROM passages WHERE passage_id = ?"
        row, source_id = self._one(query, passage_id, _no_passage(passage_id))
        around = f"{_PASSAGE} WHERE row = ? AND source_id = ?"
        before, after = (self._rows(around, near, source_id) for near in (row - 1, row + 1))
        return (_passage(before[0]) if before else None, _passage(after[0]) if after else None)

    def duplicates(self, passage_id: str) -> list[Passage]:
        """Return the other passages that hold nearly the same text, in the order of their documents' paths."""
        group = self._rows("SELECT same_as, passage_id FROM passages WHERE passage_id = ?", passage_id)
        if not group or group[0][0] is None:
            return []
        found = self._rows(f"{_PASSAGE} WHERE same_as = ? AND passage_id <> ? ORDER BY row", *group[0])
        return [_passage(row) for row in found]

    def allowed_rows(
        self, *, source_ids: Collection[str] | None = None, superseded: bool = False
    ) -> NDArray[np.bool_] | None:
        """Return which rows may be found, or ``None`` where all may.

        ``source_ids`` leaves only those documents; reports that a later edition replaced need ``superseded``.
        """
        documents = self._rows("SELECT source_id, status, first_row, passages FROM documents")
        wanted = None if source_ids is None else frozenset(source_ids)
        open_to = [
            source_id
            for source_id, status, _, _ in documents
            if (wanted is None or source_id in wanted) and (superseded or status == EditionStatus.CURRENT)
        ]
        if len(open_to) == len(documents):
            return None
        mask = np.zeros(len(self), dtype=bool)
        allowed = set(open_to)
        for source_id, _, first, count in documents:
            mask[first : first + count] = source_id in allowed
        return mask

    def pages(self, source_id: str) -> list[PageInfo]:
        """Return the pages of a document; empty for a format without pages. Raises `NotFound`."""
        query = "SELECT pages FROM documents WHERE source_id = ?"
        return [PageInfo(*page) for page in json.loads(self._one(query, source_id, _no_source(source_id))[0])]

    def boxes(self, source_id: str, start: int, end: int) -> list[LineBox]:
        """Return where the lines of ``text[start:end]`` stand on their pages; raises `NotFound`."""
        query = "SELECT boxes FROM documents WHERE source_id = ?"
        blob = self._one(query, source_id, _no_source(source_id))[0]
        found = np.frombuffer(blob, dtype=BOX_TYPE)
        inside = found[(found["start"] < end) & (found["end"] > start)].tolist()
        return [LineBox(Span(first, last), *place) for first, last, *place in inside]

    def passages_of(self, source_id: str) -> list[Passage]:
        """Return all passages of one document, in reading order; empty for an unknown document."""
        return [_passage(row) for row in self._rows(f"{_PASSAGE} WHERE source_id = ? ORDER BY row", source_id)]

    def unit_vectors(self, passage_id: str) -> Vectors:
        """Return the vectors of the passage's units, in order; see `PassageStore`. Raises `NotFound`."""
        query = "SELECT first_unit, unit_count FROM passages WHERE passage_id = ?"
        first, count = self._one(query, passage_id, _no_passage(passage_id))
        return np.array(self._vectors[first : first + count], dtype=np.float32)

    def source(self, source_id: str) -> Source:
        """Return one document's catalogue entry; raises `NotFound` when there is none."""
        return _source(self._one(f"{_SOURCE} WHERE source_id = ?", source_id, _no_source(source_id)))

    def sources(self) -> list[Source]:
        """Return every document's catalogue entry, ordered by title, then path."""
        found = map(_source, self._rows(_SOURCE))
        return sorted(found, key=lambda source: (source.metadata.title.casefold(), source.path))

    def document_text(self, source_id: str) -> str:
        """Return the document's normalised text; raises `NotFound` when there is none."""
        query = "SELECT text FROM documents WHERE source_id = ?"
        return str(self._one(query, source_id, _no_source(source_id))[0])

    def _one(self, query: str, key: int | str, missing: str) -> Any:
        rows = self._rows(query, key)
        if not rows:
            hint = "The reports may have changed since the link was made: ask again, or look at the list of sources."
            raise NotFound(missing, hint=hint)
        return rows[0]

    def _rows(self, query: str, *values: int | str) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _corrupt(self._path) from error


def _no_passage(passage_id: str) -> str:
    return f"There is no passage {passage_id}."


def _no_source(source_id: str) -> str:
    return f"There is no source {source_id}."


def _corrupt(path: Path) -> IndexCorrupt:
    return IndexCorrupt(f"The index is damaged: {path} cannot be read.", hint=REBUILD)


def _passage(row: Any) -> Passage:
    passage_id, source_id, heading, page, page_label, start, end, text, lead_in, units = row
    return Passage(
        passage_id=passage_id,
        source_id=source_id,
        heading=tuple(json.loads(heading)),
        page=page,
        start=start,
        end=end,
        text=text,
        units=tuple(map(_unit, json.loads(units))),
        lead_in=lead_in,
        page_label=page_label,
    )


def _unit(entry: list[Any]) -> Unit:
    kind, start, end, context, list_id, field = entry
    return Unit(UnitKind(kind), Span(start, end), tuple(Span(*span) for span in context), list_id, field)


def _source(row: Any) -> Source:
    source_id, path, metadata, status, passages = row
    entry = json.loads(metadata)
    for name in ("authors", "supersedes", "audience", "pillars"):
        entry[name] = tuple(entry[name])
    entry["kind"] = EvidenceKind(entry["kind"]) if entry["kind"] else None
    entry["status"] = EditionStatus(status)
    return Source(source_id, path, Metadata(**entry), passages)
