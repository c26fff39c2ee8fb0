"""Real files for the readers: PDFs made by reportlab and pypdf, Word files by python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from spreadguide.types import Block, Document


def text_of(document: Document, block: Block) -> str:
    return document.text[block.span.start : block.span.end]


def texts(document: Document, kind: str | None = None) -> list[str]:
    return [text_of(document, block) for block in document.blocks if kind is None or block.kind == kind]


def lead_in_of(document: Document, block: Block) -> str | None:
    return document.text[block.lead_in.start : block.lead_in.end] if block.lead_in else None


def block_with(document: Document, text: str) -> Block:
    return next(block for block in document.blocks if text_of(document, block) == text)


def assert_exact(document: Document) -> None:
    """Blocks cover the text: in order, without overlap, and with nothing but white space between them."""
    end = 0
    for block in document.blocks:
        between = document.text[end : block.span.start]
        assert not between.strip()
        assert (end == 0) == (between == "")
        text = text_of(document, block)
        assert text
        assert text == " ".join(text.split())
        end = block.span.end
    assert end == len(document.text)


Placed = tuple[str, float, float, str, float]
"""Text, x and y in points from the lower left corner, font, size."""


def make_pdf(pages: Sequence[Sequence[Placed]], title: str = "") -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setTitle(title)
    for page in pages:
        for text, x, y, font, size in page:
            canvas.setFont(font, size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(first_y: float, *rows: str, x: float = 72, font: str = "Helvetica", size: float = 11) -> list[Placed]:
    """Rows set one below the other, 14 points apart."""
    return [(row, x, first_y - 14 * place, font, size) for place, row in enumerate(rows)]


def word_bytes(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
