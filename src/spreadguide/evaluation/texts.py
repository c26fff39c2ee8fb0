"""Texts of a set as reports, so that they go the same way as any report: cut into passages, embedded, indexed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from spreadguide.ingest.builder import DocumentBuilder
from spreadguide.types import Document, Metadata

VERSION = "1"
"""Stands in the key of every text: raised when `SetText.read` gives another document."""


@dataclass(frozen=True, slots=True)
class SetText:
    """One text of a set, a `ReportFile`. Its ``path`` is the text's own id in the set."""

    path: str
    title: str
    text: str

    @property
    def source_id(self) -> str:
        """A hash of the id, for an id may hold any sign."""
        return f"t{hashlib.sha256(self.path.encode()).hexdigest()[:20]}"

    @property
    def key(self) -> str:
        """A hash of title and text."""
        return hashlib.sha256(repr((VERSION, self.title, self.text)).encode()).hexdigest()

    def read(self) -> Document:
        """Return the document: its title as a heading, where there is one, and a paragraph for each line."""
        builder = DocumentBuilder()
        if self.title.strip():
            builder.heading(self.title, level=1)
        for line in self.text.splitlines():
            builder.paragraph(line)
        text, blocks = builder.build()
        metadata = Metadata(title=self.title.strip() or self.path, named=bool(self.title.strip()))
        return Document(self.source_id, self.path, metadata, text, blocks, self.key)


def set_texts(texts: Iterable[tuple[str, str, str]]) -> list[SetText]:
    """Return a `SetText` for each id, title and text; those without a letter or digit are left out."""
    return [SetText(path, title, text) for path, title, text in texts if any(sign.isalnum() for sign in title + text)]
