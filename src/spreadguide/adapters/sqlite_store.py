"""Documents and passages in SQLite, the vectors of their units in an array mapped into memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from spreadguide.errors import IndexCorrupt, NotFound
from spreadguide.indexing.manifest import REBUILD
from spreadguide.protocols import Vectors
from spreadguide.types import Document, Metadata, Passage, Source, Span, Unit, UnitKind

_SCHEMA = """
CREATE TABLE documents (
    source_id TEXT PRIMARY KEY, path TEXT NOT NULL, title TEXT NOT NULL, metadata TEXT NOT NULL,
    text TEXT NOT NULL, passages INTEGER NOT NULL
) STRICT;
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE,
    source_id TEXT NOT NULL REFERENCES documents, heading TEXT NOT NULL, page INTEGER,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, lead_in TEXT,
    units TEXT NOT NULL, first_unit INTEGER NOT NULL, unit_count INTEGER NOT NULL
) STRICT;
"""
_PASSAGE = 'SELECT passage_id, source_id, heading, page, start, "end", text, lead_in, units FROM passages'
_SOURCE = "SELECT source_id, path, metadata, passages FROM documents"


def write_store(path: Path, documents: Sequence[Document], passages: Sequence[Passage]) -> None:
    """Write a new store; passage ``i`` stands in row ``i``. Raises `sqlite3.Error` when it cannot be written."""
    counts = dict.fromkeys((document.source_id for document in documents), 0)
    rows = []
    first_unit = 0
    for row, passage in enumerate(passages):
        counts[passage.source_id] += 1
        rows.append((row, *_passage_row(passage), first_unit, len(passage.units)))
        first_unit += len(passage.units)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)",
            [(*_document_row(document), counts[document.source_id]) for document in documents],
        )
        connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


class SqliteStore:
    """A `PassageStore`; threads may share it, and take turns on its one connection."""

    def __init__(self, path: Path, unit_vectors: Path) -> None:
        """Open a published store and its units' vectors, both read-only; raises `IndexCorrupt`."""
        self._path = path
        self._lock = Lock()
        try:
            self._vectors = np.load(unit_vectors, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise _corrupt(unit_vectors) from error
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

    def passages_of(self, source_id: str) -> list[Passage]:
        """Return all passages of one document, in reading order; empty for an unknown document."""
        return [_passage(row) for row in self._rows(f"{_PASSAGE} WHERE source_id = ? ORDER BY row", source_id)]

    def unit_vectors(self, passage_id: str) -> Vectors:
        """Return the vectors of the passage's units, in order; raises `NotFound`."""
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


def _document_row(document: Document) -> tuple[str, ...]:
    metadata = json.dumps(asdict(document.metadata), ensure_ascii=False)
    return (document.source_id, document.path, document.metadata.title, metadata, document.text)


def _passage_row(passage: Passage) -> tuple[str | int | None, ...]:
    units = [
        {
            "kind": unit.kind.value,
            "span": (unit.span.start, unit.span.end),
            "context": [(span.start, span.end) for span in unit.context],
            "list_id": unit.list_id,
            "field": unit.field,
        }
        for unit in passage.units
    ]
    place = (passage.page, passage.start, passage.end, passage.text, passage.lead_in)
    heading = json.dumps(passage.heading, ensure_ascii=False)
    return (passage.passage_id, passage.source_id, heading, *place, json.dumps(units))


def _passage(row: Any) -> Passage:
    passage_id, source_id, heading, page, start, end, text, lead_in, units = row
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
    )


def _unit(entry: dict[str, Any]) -> Unit:
    context = tuple(Span(*span) for span in entry["context"])
    return Unit(UnitKind(entry["kind"]), Span(*entry["span"]), context, entry["list_id"], entry["field"])


def _source(row: Any) -> Source:
    source_id, path, metadata, passages = row
    entry = json.loads(metadata)
    return Source(source_id, path, Metadata(**{**entry, "authors": tuple(entry["authors"])}), passages)
