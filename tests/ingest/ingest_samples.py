"""Real files for the readers: PDFs made by reportlab and pypdf, Word files by python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from spreadguide.types import Block, BlockKind, Document


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


def paragraph_lines(text: str, *, x: float, y: float, width: float, size: float = 10) -> list[Placed]:
    """A paragraph wrapped to ``width`` points, 14 points from line to line, first line at ``y``."""
    rows = simpleSplit(text, "Helvetica", size, width)
    return lines(y, *rows, x=x, size=size)


def assert_boxed(document: Document, carried: Sequence[str] = ()) -> None:
    """Every word of every block that is not a row of a table stands in one box, in order, on a page of the document.

    ``carried`` are the names of columns that a page takes over from the one before it.
    """
    sizes = {page.number: page for page in document.pages}
    covered = bytearray(len(document.text))
    end = 0
    for box in document.boxes:
        assert box.span.start >= end
        end = box.span.end
        page = sizes[box.page]
        assert -6 <= box.x0 < box.x1 <= page.width + 6
        assert -6 <= box.top < box.bottom <= page.height + 6
        covered[box.span.start : end] = b"\1" * (end - box.span.start)
    for block in document.blocks:
        if block.kind in (BlockKind.METADATA, BlockKind.TABLE_ROW):
            continue
        bare = [place for place in range(block.span.start, block.span.end) if not covered[place]]
        assert "".join(document.text[place] for place in bare).strip(" –:/") in ("", *carried)


def table_pdf(*flow: object, label: str = "") -> bytes:
    """A PDF set by reportlab's own layout; strings are paragraphs."""
    buffer = io.BytesIO()
    style = ParagraphStyle("apart", getSampleStyleSheet()["Normal"], spaceAfter=10)
    document = SimpleDocTemplate(buffer, pagesize=A4, title=label)
    document.build([Paragraph(item, style) if isinstance(item, str) else item for item in flow])
    return buffer.getvalue()


def ruled(rows: Sequence[Sequence[object]], *commands: tuple, widths: Sequence[float] | None = None, **more) -> Table:
    """A table with all its lines ruled and its first row in bold."""
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 10),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *commands,
    ]
    return Table(rows, colWidths=widths, style=style, **more)


def cell(text: str) -> Paragraph:
    return Paragraph(text, ParagraphStyle("apart", getSampleStyleSheet()["Normal"], spaceAfter=10))
