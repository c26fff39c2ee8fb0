"""Reads the lines of one PDF in a process of its own, so that a hostile file can only harm that process.

Run by `spreadguide.ingest.pdf` as ``python -P pdf_worker.py PAGES MEMORY_BYTES CPU_SECONDS``, with the file on
standard input. It imports nothing of this package. Writes one JSON object a line: ``{"page", "width", "height",
"lines": [[text, size, bold, face, x0, y0, x1, y1], …]}`` for each page as it is done, and at the end ``{"end":
"done"}``, with ``"title"`` and ``"pages"`` (how many the file has, as far as counted), or ``{"end": "encrypted" |
"memory"}``. Anything else that goes wrong ends the process with an error.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

from pdfminer.converter import PDFPageAggregator
from pdfminer.layout import LAParams, LTChar, LTContainer, LTTextLine
from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.utils import decode_text

OUTPUT_CHARACTERS = 20_000_000
"""More text than any report has; a file that yields more is made to fill the memory of its reader."""

_BOLD = ("bold", "black", "heavy", "semibold", "demi")


def main(arguments: list[str]) -> int:
    """Read the PDF on standard input within the limits in ``arguments``; return the exit status."""
    pages, memory, seconds = (int(argument) for argument in arguments)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    try:
        _emit(_read(sys.stdin.buffer.read(), pages))
    except (PDFPasswordIncorrect, PDFEncryptionError):
        _emit({"end": "encrypted"})
    except MemoryError:
        _emit({"end": "memory"})
    return 0


def _emit(value: dict[str, Any]) -> int:
    text = json.dumps(value)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return len(text)


def _read(data: bytes, most_pages: int) -> dict[str, Any]:
    """Write the pages of a PDF, and return the closing object."""
    document = PDFDocument(PDFParser(io.BytesIO(data)))
    resources = PDFResourceManager()
    device = PDFPageAggregator(resources, laparams=LAParams(all_texts=True))
    interpreter = PDFPageInterpreter(resources, device)
    written = count = 0
    for count, page in enumerate(PDFPage.create_pages(document), start=1):
        if count > most_pages or written > OUTPUT_CHARACTERS:
            break
        interpreter.process_page(page)
        layout = device.get_result()
        lines = [_line(line) for line in _text_lines(layout)]
        written += _emit({"page": count, "width": layout.width, "height": layout.height, "lines": lines})
    return {"end": "done", "title": _title(document), "pages": count}


def _text_lines(container: LTContainer[Any]) -> Iterator[LTTextLine]:
    """Yield the lines of a page in reading order, those inside figures included."""
    for element in container:
        if isinstance(element, LTTextLine):
            yield element
        elif isinstance(element, LTContainer):
            yield from _text_lines(element)


def _line(line: LTTextLine) -> list[Any]:
    characters = [character for character in line if isinstance(character, LTChar) and character.get_text().strip()]
    names = Counter(character.fontname for character in characters)
    bold = sum(count for name, count in names.items() if any(word in name.lower() for word in _BOLD))
    face = names.most_common(1)[0][0] if names else ""
    size = median(character.size for character in characters) if characters else 0.0
    place = [round(value, 1) for value in (line.x0, line.y0, line.x1, line.y1)]
    return [line.get_text(), round(size, 1), bool(characters) and bold > len(characters) / 2, face, *place]


def _title(document: PDFDocument) -> str:
    """Return the title in the file's properties, or an empty string."""
    for properties in document.info:
        title = properties.get("Title")
        if isinstance(title, bytes):
            return decode_text(title)
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
