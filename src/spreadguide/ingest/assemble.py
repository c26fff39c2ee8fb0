"""One file's bytes to one `Document`: the registry of formats, and how text and metadata come together."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.builder import DocumentBuilder, Piece
from spreadguide.ingest.catalogue import Entry, year_in
from spreadguide.ingest.html import read_html
from spreadguide.ingest.limits import MEGABYTE, IngestLimits
from spreadguide.ingest.markdown import read_markdown
from spreadguide.ingest.metadata import find_metadata
from spreadguide.ingest.pdf import read_pdf
from spreadguide.ingest.plain import read_plain
from spreadguide.ingest.reading import FormatReader, Reading
from spreadguide.text import normalise, squeeze
from spreadguide.types import BlockKind, Document, Metadata


def _word(data: bytes, path: str, limits: IngestLimits) -> Reading:
    from spreadguide.ingest.docx import read_docx  # its library takes a fifth of a second to import

    return read_docx(data, path, limits)


def _powerpoint(data: bytes, path: str, limits: IngestLimits) -> Reading:
    from spreadguide.ingest.pptx import read_pptx  # its library takes a fifth of a second to import

    return read_pptx(data, path, limits)


READERS: dict[str, FormatReader] = {
    ".docx": _word,
    ".htm": read_html,
    ".html": read_html,
    ".md": read_markdown,
    ".pdf": read_pdf,
    ".pptx": _powerpoint,
    ".txt": read_plain,
}
"""Which reader reads which ending, in lower case. A new format is one reader module and one line here."""

SLUG_CHARACTERS = 80
DEEPEST_HEADING = 6


def slug(path: str) -> str:
    """Return ``path`` in lower-case letters, digits and hyphens; a name with none of them gets a hash."""
    plain = unicodedata.normalize("NFKD", path).encode("ascii", "ignore").decode("ascii").lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARACTERS].strip("-")
    return short or f"report-{path_hash(path)}"


def path_hash(path: str) -> str:
    """Return eight characters that tell apart paths whose slugs are the same."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def read_document(
    data: bytes,
    path: str,
    entry: Entry | None = None,
    *,
    limits: IngestLimits | None = None,
    source_id: str | None = None,
) -> Document:
    """Read one file into a `Document`.

    ``path`` is the file's name relative to the corpus folder, with forward slashes; its ending chooses the reader.
    ``entry`` is what ``sources.toml`` says, and wins over the file's own header, which wins over its text.
    Raises `UnreadableDocument`, with a hint, when the file cannot be read.
    """
    limits = limits or IngestLimits()
    name = PurePosixPath(path)
    reader = READERS.get(name.suffix.lower())
    if reader is None:
        raise UnreadableDocument(
            f"{path} is of a kind that cannot be read.", hint=f"These kinds can be read: {', '.join(sorted(READERS))}."
        )
    check_size(len(data), path, limits)
    if not data:
        raise UnreadableDocument(f"{path} is empty.", hint="Check the file, or remove it from the folder.")
    reading = reader(data, path, limits)
    pieces, found = find_metadata(_one_title(reading.pieces))
    stated = (entry or Entry()).over(reading.header)
    builder = DocumentBuilder()
    for piece in _with_header(pieces, stated):
        builder.add(piece)
    text, blocks = builder.build()
    if not blocks:
        raise UnreadableDocument(f"{path} holds no text.", hint="Check the file, or remove it from the folder.")
    return Document(
        source_id=source_id or slug(str(name.with_suffix(""))),
        path=path,
        metadata=_metadata(stated.over(found), pieces, reading, name),
        text=text,
        blocks=blocks,
        sha256=hashlib.sha256(data).hexdigest(),
        complete=reading.complete,
        warnings=reading.warnings,
        pages=reading.pages,
        boxes=builder.boxes(),
    )


def check_size(size: int, path: str, limits: IngestLimits) -> None:
    """Raise `UnreadableDocument` when a file of ``size`` bytes is larger than the limit."""
    if size > limits.file_bytes:
        raise UnreadableDocument(
            f"{path} is {size / MEGABYTE:.1f} MB; the limit is {limits.file_bytes / MEGABYTE:.1f} MB.",
            hint="Split the file, or raise the setting max_file_megabytes.",
        )


def _with_header(pieces: list[Piece], stated: Entry) -> Iterator[Piece]:
    """Yield the document's title, then what catalogue and header state about it, then the rest.

    The header lines make the facts quotable: an answer to "who published this?" must cite words of the text.
    """
    titled = next((place for place, piece in enumerate(pieces) if _is_title(piece)), None)
    if titled is None and stated.title:
        yield Piece(BlockKind.HEADING, stated.title, level=1)
    body = pieces
    if titled == 0:
        yield pieces[0]
        body = pieces[1:]
    said = [(piece.field, _plain(piece.text)) for piece in pieces if piece.kind is BlockKind.METADATA]
    for label, field, value in _header_lines(stated):
        if not any(name == field and _plain(value) in text for name, text in said):
            yield Piece(BlockKind.METADATA, f"{label}: {value}", field=field)
    yield from body


def _one_title(pieces: Sequence[Piece]) -> list[Piece]:
    """Leave level 1 to the title; where others have it too, they and all headings below them go one level down."""
    titles = [place for place, piece in enumerate(pieces) if _is_title(piece)]
    if len(titles) < 2:
        return list(pieces)
    return [
        replace(piece, level=min(piece.level + 1, DEEPEST_HEADING))
        if piece.kind is BlockKind.HEADING and place != titles[0]
        else piece
        for place, piece in enumerate(pieces)
    ]


def _header_lines(stated: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield (label, field, value) for each fact that the catalogue or the header states."""
    published = stated.published or (str(stated.year) if stated.year else None)
    values = (
        ("Publisher", "publisher", stated.publisher),
        ("Authors", "authors", ", ".join(stated.authors)),
        ("Published", "published", published),
        ("Commissioned by", "commissioner", stated.commissioner),
        ("Source", "source", stated.url),
    )
    yield from ((label, field, value) for label, field, value in values if value)


def _metadata(known: Entry, pieces: list[Piece], reading: Reading, name: PurePosixPath) -> Metadata:
    title = next((piece.text for piece in pieces if _is_title(piece)), "")
    file_name = re.sub(r"[\s_-]+", " ", name.stem).strip() or str(name)
    stated = _plain(known.title or title or reading.fallback_title)
    return Metadata(
        title=stated or _plain(file_name),
        publisher=known.publisher,
        authors=known.authors,
        published=known.published,
        year=known.year or year_in(known.published or ""),
        url=known.url,
        licence=known.licence,
        commissioner=known.commissioner,
        kind=known.kind,
        setting=known.setting,
        edition=known.edition,
        status=known.status,
        supersedes=known.supersedes,
        audience=known.audience,
        pillars=known.pillars,
        limits=known.limits,
        named=bool(stated),
    )


def _is_title(piece: Piece) -> bool:
    return piece.kind is BlockKind.HEADING and piece.level == 1


def _plain(text: str) -> str:
    return squeeze(normalise(text))
