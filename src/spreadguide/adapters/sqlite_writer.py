"""Writes documents and passages into a new SQLite file, or copies them over from the index before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spreadguide.adapters.sqlite_store import BOX_TYPE
from spreadguide.types import Document, EditionStatus, Passage, Unit

_SCHEMA = """
CREATE TABLE documents (
    source_id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL, status TEXT NOT NULL,
    first_row INTEGER NOT NULL, passages INTEGER NOT NULL, first_unit INTEGER NOT NULL, units INTEGER NOT NULL,
    metadata TEXT NOT NULL, pages TEXT NOT NULL, boxes BLOB NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE,
    source_id TEXT NOT NULL REFERENCES documents, heading TEXT NOT NULL, page INTEGER, page_label TEXT,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, lead_in TEXT,
    units TEXT NOT NULL, first_unit INTEGER NOT NULL, unit_count INTEGER NOT NULL, same_as INTEGER
) STRICT;
CREATE TABLE verdicts (pair BLOB PRIMARY KEY, same INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_INDEXES = "CREATE INDEX same ON passages (same_as) WHERE same_as IS NOT NULL;"
_DOCUMENT = "source_id, path, title, status, first_row, passages, first_unit, units, metadata, pages, boxes, text"
"""Long columns stand last: SQLite reads through all that stands before the one that is asked for."""

_CARRY_DOCUMENT = f"""
INSERT INTO documents ({_DOCUMENT})
SELECT source_id, path, title, status, first_row + :rows, passages, first_unit + :units, units, metadata, pages, boxes,
    text FROM previous.documents WHERE source_id = :source
"""  # noqa: S608 - the names are this file's own
_CARRY_PASSAGES = """
INSERT INTO passages SELECT row + :rows, passage_id, source_id, heading, page, page_label, start, "end", text, lead_in,
    units, first_unit + :units, unit_count, NULL
FROM previous.passages WHERE row BETWEEN :first AND :last
"""


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """Which rows of passages and of units belong to documents that stand one after the other."""

    source_ids: tuple[str, ...]
    first_row: int
    passages: int
    first_unit: int
    units: int


def runs(documents: Iterable[DocumentRows]) -> list[DocumentRows]:
    """Join those that follow each other: a few long copies are much faster than one for each document."""
    found: list[DocumentRows] = []
    for rows in documents:
        last = found[-1] if found else None
        if last and (last.first_row + last.passages, last.first_unit + last.units) == (rows.first_row, rows.first_unit):
            ids = (*last.source_ids, *rows.source_ids)
            passages, units = last.passages + rows.passages, last.units + rows.units
            found[-1] = DocumentRows(ids, last.first_row, passages, last.first_unit, units)
        else:
            found.append(rows)
    return found


class StoreWriter:
    """One new store. SQLite keeps no journal here: a file that is not finished is thrown away as a whole."""

    def __init__(self, path: Path, previous: Path | None) -> None:
        """Make the file ``path``; documents can be carried over from the store ``previous``."""
        self._connection = _scratch(path)
        self._has_previous = previous is not None
        if previous is not None:
            # A published file never changes, so SQLite need not look for a journal or lock the file.
            uri = f"{previous.resolve().as_uri()}?mode=ro&immutable=1"
            self._connection.execute("ATTACH DATABASE ? AS previous", (uri,))
        self._connection.executescript(_SCHEMA)
        self._connection.execute("BEGIN")

    def previous_rows(self, source_ids: Iterable[str]) -> list[DocumentRows]:
        """Return the rows of documents in the previous store."""
        query = "SELECT first_row, passages, first_unit, units FROM previous.documents WHERE source_id = ?"
        return [DocumentRows((one,), *self._connection.execute(query, (one,)).fetchone()) for one in source_ids]

    def carry(self, run: DocumentRows, first_row: int, first_unit: int) -> None:
        """Copy the documents of ``run`` from the previous store to their new rows."""
        shift = {"rows": first_row - run.first_row, "units": first_unit - run.first_unit}
        self._connection.executemany(_CARRY_DOCUMENT, [{**shift, "source": one} for one in run.source_ids])
        bounds = {"first": run.first_row, "last": run.first_row + run.passages - 1}
        self._connection.execute(_CARRY_PASSAGES, {**shift, **bounds})

    def add(self, document: Document, passages: Sequence[Passage], first_row: int, first_unit: int) -> None:
        """Write a document and its passages, from these rows on; raises `sqlite3.Error` when they cannot be."""
        counts = [len(passage.units) for passage in passages]
        rows = (first_row, len(passages), first_unit, sum(counts))
        self._connection.execute(
            f"INSERT INTO documents ({_DOCUMENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (*_head(document), *rows, *_content(document)),
        )
        starts = np.cumsum([first_unit, *counts[:-1]]).tolist() if counts else []
        self._connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [
                (row, *_passage_row(passage), start, len(passage.units))
                for row, (passage, start) in enumerate(zip(passages, starts, strict=True), start=first_row)
            ],
        )

    def passage_text(self, row: int) -> str:
        """Return the text of the passage in ``row``."""
        return str(self._connection.execute("SELECT text FROM passages WHERE row = ?", (row,)).fetchone()[0])

    def set_duplicates(self, groups: Mapping[int, int]) -> None:
        """Note which rows hold nearly the same text: ``groups`` maps a row to the first row of its group."""
        update = "UPDATE passages SET same_as = ? WHERE row = ?"
        self._connection.executemany(update, ((first, row) for row, first in groups.items()))

    def previous_verdicts(self) -> dict[bytes, bool]:
        """Return which paragraphs the previous build compared, and the outcome; none where there is no such build."""
        if not self._has_previous:
            return {}
        return {pair: bool(same) for pair, same in self._connection.execute("SELECT * FROM previous.verdicts")}

    def set_verdicts(self, verdicts: Mapping[bytes, bool]) -> None:
        """Note the outcome of comparing paragraphs, for the next build."""
        self._connection.executemany("INSERT INTO verdicts VALUES (?, ?)", sorted(verdicts.items()))

    def set_superseded(self, paths: Collection[str]) -> None:
        """Mark the reports in ``paths`` as superseded, and all others as current."""
        self._connection.execute("UPDATE documents SET status = ?", (EditionStatus.CURRENT.value,))
        update = "UPDATE documents SET status = ? WHERE path = ?"
        self._connection.executemany(update, ((EditionStatus.SUPERSEDED.value, path) for path in paths))

    def finish(self) -> None:
        """Make the file complete, and close it."""
        self._connection.execute(_INDEXES)
        self._connection.execute("COMMIT")
        self.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._connection.close()


class Spool:
    """Texts that wait for their vectors, on disk: however many there are, memory holds one batch of them."""

    def __init__(self, path: Path) -> None:
        """Make the file ``path``."""
        self._connection = _scratch(path)
        self._connection.executescript("""
            CREATE TABLE texts (key BLOB PRIMARY KEY, length INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
            CREATE TABLE places (key BLOB NOT NULL, of_unit INTEGER NOT NULL, row INTEGER NOT NULL) STRICT;
        """)
        self._connection.execute("BEGIN")

    def put(self, waiting: Iterable[tuple[bytes, str, bool, int]]) -> None:
        """Add texts: their key, the text, whether it is a unit's, and the row that its vector goes to."""
        for key, text, of_unit, row in waiting:
            self._connection.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (key, len(text), text))
            self._connection.execute("INSERT INTO places VALUES (?, ?, ?)", (key, of_unit, row))

    def count(self) -> int:
        """Return how many different texts wait."""
        return int(self._connection.execute("SELECT count(*) FROM texts").fetchone()[0])

    def batches(self, size: int) -> Iterator[list[str]]:
        """Yield all texts, at most ``size`` at a time, longest first: texts of like length embed faster together."""
        self._connection.execute("CREATE INDEX IF NOT EXISTS place ON places (key)")
        cursor = self._connection.execute("SELECT text FROM texts ORDER BY length DESC, key")
        while rows := cursor.fetchmany(size):
            yield [text for (text,) in rows]

    def places(self, key: bytes) -> list[tuple[bool, int]]:
        """Return where the vector of a text goes: whether to the units, and the row."""
        found = self._connection.execute("SELECT of_unit, row FROM places WHERE key = ?", (key,))
        return [(bool(of_unit), row) for of_unit, row in found]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _scratch(path: Path) -> sqlite3.Connection:
    """Open a file that only this process uses, and that is worth nothing before it is finished."""
    connection = sqlite3.connect(path.resolve().as_uri(), uri=True, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _head(document: Document) -> tuple[str, ...]:
    metadata = document.metadata
    return (document.source_id, document.path, metadata.title, metadata.status.value)


def _content(document: Document) -> tuple[str | bytes, ...]:
    metadata = json.dumps(asdict(document.metadata), ensure_ascii=False)
    pages = json.dumps([(page.number, page.label, page.width, page.height) for page in document.pages])
    boxes = np.array(
        [(box.span.start, box.span.end, box.page, box.x0, box.top, box.x1, box.bottom) for box in document.boxes],
        dtype=BOX_TYPE,
    )
    return (metadata, pages, boxes.tobytes(), document.text)


def _passage_row(passage: Passage) -> tuple[str | int | None, ...]:
    heading = json.dumps(passage.heading, ensure_ascii=False)
    place = (passage.page, passage.page_label, passage.start, passage.end, passage.text, passage.lead_in)
    units = json.dumps([_unit(unit) for unit in passage.units], separators=(",", ":"))
    return (passage.passage_id, passage.source_id, heading, *place, units)


def _unit(unit: Unit) -> tuple[str | int | list[tuple[int, int]] | None, ...]:
    context = [(span.start, span.end) for span in unit.context]
    return (unit.kind.value, unit.span.start, unit.span.end, context, unit.list_id, unit.field)
