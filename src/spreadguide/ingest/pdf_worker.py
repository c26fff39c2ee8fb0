"""Reads one PDF with PDFium in a process of its own, so that a hostile file can only harm that process.

Run by `spreadguide.ingest.pdf` as ``python -P pdf_worker.py MEMORY_BYTES CPU_SECONDS read MOST_PAGES`` or ``… render
PAGE DPI``, with the file on standard input. It imports nothing of this package.

``read`` writes one JSON object a line: for each page, as it is done, ``{"page", "width", "height", "label", "images",
"characters", "unmapped", "words": [[text, x0, top, x1, bottom, base, size, bold, font, colour, turn, spaced], …],
"lines": [[x0, top, x1, bottom], …]}`` with places in points from the upper left corner of the page as it is shown,
``images`` the share of the page under pictures, ``unmapped`` how many characters have no entry in their font's table,
``lines`` the ruled lines, ``turn`` how many quarter turns to the left a word stands in, ``spaced`` whether the file has
a space before it, and ``base`` the height of the line that it stands on, or its distance from the left where it runs up
or down; or ``{"page", "damaged"}``. At the end comes ``{"end": "done", "title", "pages"}`` or ``{"end": "encrypted" |
"memory" | "damaged"}``. ``render`` writes a page as a grey picture in the PGM form. Anything else that goes wrong ends
the process with an error.
"""

from __future__ import annotations

import ctypes
import json
import math
import resource
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

OUTPUT_CHARACTERS = 200_000_000
"""More than any report comes to; a file that yields more is made to fill the memory of its reader."""

PAGE_CHARACTERS = 100_000
"""A page of small print has 10,000; more is a trap, and the rest of that page is left out."""

PAGE_OBJECTS = 20_000
PAGE_RULES = 3_000
PATH_POINTS = 400
"""Drawings above these are maps or charts, not tables."""

FORM_DEPTH = 4

THIN = 3.0
"""Points; Word and Prince draw a ruled line as a box of up to this width."""

STRAIGHT = 1.0
"""Points by which the ends of a ruled line may differ."""

WORD_GAP = 0.15
"""A jump by this share of the type's size parts two words, where the file has no space between them."""

OFF_PAGE = 5.0
"""Points by which a word may stand over the edge of the page; what stands further out is not to be seen."""

BOLD_WEIGHT = 600
RENDER_PIXELS = 30_000_000
"""A4 at 300 dots per inch has 8.7 million; a larger page is drawn coarser."""

_BOLD = ("bold", "black", "heavy", "semibold", "demi")
_BLANK = {0x09, 0x0A, 0x0D, 0x20, 0xA0}
_HYPHENS = {0x02, 0xAD, 0xFFFE}
"""What PDFium gives for a hyphen at the end of a line, and the soft hyphen."""

_UNMAPPED = 0xFFFD

Matrix = tuple[float, float, float, float, float, float]
Font = tuple[str, bool, float, int, int]
"""Name, whether bold, size in points, colour (0xRRGGBB), and the quarter turns to the left, as the file has it."""

_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


def main(arguments: list[str]) -> int:
    """Do what ``arguments`` say with the PDF on standard input; return the exit status."""
    memory, seconds = int(arguments[0]), int(arguments[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    try:
        with pypdfium2.PdfDocument(sys.stdin.buffer.read()) as document:
            if arguments[2] == "render":
                _render(document, int(arguments[3]), int(arguments[4]))
            else:
                _emit(_read(document, int(arguments[3])))
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        _emit({"end": "encrypted" if encrypted else "damaged"})
    except MemoryError:
        _emit({"end": "memory"})
    return 0


def _emit(value: dict[str, Any]) -> int:
    text = json.dumps(value, separators=(",", ":"))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return len(text)


def _read(document: pypdfium2.PdfDocument, most_pages: int) -> dict[str, Any]:
    """Write the pages of a PDF, and return the closing object."""
    written, count = 0, len(document)
    for index in range(min(count, most_pages)):
        if written > OUTPUT_CHARACTERS:
            break
        try:
            page = document[index]
        except pypdfium2.PdfiumError:
            written += _emit({"page": index + 1, "damaged": True})
            continue
        written += _emit({"page": index + 1, "label": document.get_page_label(index), **_Page(page).contents()})
        page.close()
    return {"end": "done", "title": document.get_metadata_value("Title"), "pages": count}


def _render(document: pypdfium2.PdfDocument, number: int, dots: int) -> None:
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(dots / 72, math.sqrt(RENDER_PIXELS / max(1.0, width * height)))
    bitmap = page.render(scale=scale, grayscale=True)
    sys.stdout.buffer.write(b"P5 %d %d 255\n" % (bitmap.width, bitmap.height))
    pixels = memoryview(bitmap.buffer).cast("B")
    for row in range(bitmap.height):
        sys.stdout.buffer.write(pixels[row * bitmap.stride : row * bitmap.stride + bitmap.width])
    sys.stdout.buffer.flush()


class _Page:
    """One page while it is read."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        self._page = page
        self._left, self._bottom, self._right, self._top = page.get_cropbox()
        self.turn = page.get_rotation()
        self.width, self.height = page.get_size()
        self._fonts: dict[int, Font] = {}
        self._names: dict[int, tuple[str, bool]] = {}
        self._letters: dict[tuple[str, int], bool] = {}
        self._pictures = 0.0
        self._rules: list[list[float]] = []

    def contents(self) -> dict[str, Any]:
        """Return what `read` writes about a page, its number and label apart."""
        words = list(self._words())
        self._drawings(self._page.raw, _IDENTITY, 0)
        area = max(1.0, self.width * self.height)
        return {
            "width": round(self.width, 1),
            "height": round(self.height, 1),
            "images": round(min(1.0, self._pictures / area), 3),
            "characters": sum(word.count for word in words),
            "unmapped": sum(word.unmapped for word in words),
            "words": [row for row in (word.row for word in words) if self._is_on_page(row)],
            "lines": self._rules,
        }

    def _is_on_page(self, row: list[Any]) -> bool:
        _, x0, top, x1, bottom, *_ = row
        return bool(
            x1 > -OFF_PAGE and bottom > -OFF_PAGE and x0 < self.width + OFF_PAGE and top < self.height + OFF_PAGE
        )

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the file's own system as points from the upper left corner of the page as shown."""
        if self.turn == 90:
            return y - self._bottom, x - self._left
        if self.turn == 180:
            return self._right - x, y - self._bottom
        if self.turn == 270:
            return self._top - y, self._right - x
        return x - self._left, self._top - y

    def box(self, x0: float, y0: float, x1: float, y1: float) -> list[float]:
        """Return a box of the file's own system as left, top, right and bottom on the page as shown."""
        (a, b), (c, d) = self._place(x0, y0), self._place(x1, y1)
        return [round(value, 1) for value in (min(a, c), min(b, d), max(a, c), max(b, d))]

    def _words(self) -> Iterator[_Word]:
        """Yield the words in the order of the file."""
        text = pdfium.FPDFText_LoadPage(self._page.raw)
        box = pdfium.FS_RECTF()
        word: _Word | None = None
        spaced = False
        try:
            for index in range(min(pdfium.FPDFText_CountChars(text), PAGE_CHARACTERS)):
                code = pdfium.FPDFText_GetUnicode(text, index)
                if code in _BLANK:
                    spaced = spaced or pdfium.FPDFText_IsGenerated(text, index) != 1
                    if word:
                        yield word
                    word = None
                    continue
                if not pdfium.FPDFText_GetLooseCharBox(text, index, box):
                    continue
                font = self._font(text, index)
                place = (box.left, box.bottom, box.right, box.top)
                if word is None or not word.goes_on(place, font):
                    if word:
                        yield word
                    word = _Word(self, font, self._origin(text, index), spaced=spaced)
                    spaced = False
                unmapped = self._is_unmapped(text, index, font[0], code)
                word.add("-" if code in _HYPHENS else chr(_UNMAPPED if unmapped else code), place, unmapped=unmapped)
            if word:
                yield word
        finally:
            pdfium.FPDFText_ClosePage(text)

    def _origin(self, text: Any, index: int) -> tuple[float, float]:
        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDFText_GetCharOrigin(text, index, x, y)
        return self._place(x.value, y.value)

    def _font(self, text: Any, index: int) -> Font:
        """Return how a character is set."""
        shown = pdfium.FPDFText_GetTextObject(text, index)
        key = ctypes.addressof(shown.contents) if shown else 0
        if key not in self._fonts:
            matrix = pdfium.FS_MATRIX()
            pdfium.FPDFText_GetMatrix(text, index, matrix)
            size = pdfium.FPDFText_GetFontSize(text, index) * math.hypot(matrix.c, matrix.d)
            turn = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
            name, bold = self._face(shown) if shown else ("", False)
            colour = _colour(shown) if shown else 0
            self._fonts[key] = (name, bold, round(size, 1), colour, turn)
        return self._fonts[key]

    def _face(self, shown: Any) -> tuple[str, bool]:
        """Return the name of the font of a text, and whether it is bold."""
        font = pdfium.FPDFTextObj_GetFont(shown)
        key = ctypes.addressof(font.contents) if font else 0
        if key not in self._names:
            buffer = ctypes.create_string_buffer(256)
            pdfium.FPDFFont_GetBaseFontName(font, buffer, len(buffer))
            name = buffer.value.decode("utf-8", "replace")
            bold = any(word in name.lower() for word in _BOLD) or pdfium.FPDFFont_GetWeight(font) >= BOLD_WEIGHT
            self._names[key] = (name, bold)
        return self._names[key]

    def _is_unmapped(self, text: Any, index: int, face: str, code: int) -> bool:
        if code in _HYPHENS:
            return False
        if (face, code) not in self._letters:
            self._letters[face, code] = code == 0 or pdfium.FPDFText_HasUnicodeMapError(text, index) == 1
        return self._letters[face, code]

    def _drawings(self, holder: Any, matrix: Matrix, depth: int) -> None:
        """Collect the ruled lines, and the room that pictures take, of a page or of a form on it."""
        if depth:
            count, get = pdfium.FPDFFormObj_CountObjects(holder), pdfium.FPDFFormObj_GetObject
        else:
            count, get = pdfium.FPDFPage_CountObjects(holder), pdfium.FPDFPage_GetObject
        for index in range(min(count, PAGE_OBJECTS)):
            item = get(holder, index)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_PATH and len(self._rules) < PAGE_RULES:
                self._path(item, _times(_matrix_of(item), matrix))
            elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                a, b, c, d, _, _ = _times(_matrix_of(item), matrix)
                self._pictures += abs(a * d - b * c)
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < FORM_DEPTH:
                self._drawings(item, _times(_matrix_of(item), matrix), depth + 1)

    def _path(self, path: Any, matrix: Matrix) -> None:
        """Add the ruled lines of one path: thin boxes, and the straight strokes of others."""
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
        if not fill.value and not stroke.value:
            return
        for points in _outlines(path, matrix):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            if max(xs) - min(xs) <= THIN or max(ys) - min(ys) <= THIN:
                self._rules.append(self.box(min(xs), min(ys), max(xs), max(ys)))
            elif stroke.value:
                for (x0, y0), (x1, y1) in pairwise(points):
                    if abs(x0 - x1) < STRAIGHT or abs(y0 - y1) < STRAIGHT:
                        self._rules.append(self.box(x0, y0, x1, y1))


class _Word:
    """One word while it is put together."""

    __slots__ = ("_font", "_origin", "_page", "_places", "_spaced", "_text", "unmapped")

    def __init__(self, page: _Page, font: Font, origin: tuple[float, float], *, spaced: bool) -> None:
        self._page, self._font, self._origin, self._spaced = page, font, origin, spaced
        self._text: list[str] = []
        self._places: list[tuple[float, float, float, float]] = []
        self.unmapped = 0

    @property
    def count(self) -> int:
        """How many characters it has."""
        return len(self._text)

    def goes_on(self, place: tuple[float, float, float, float], font: Font) -> bool:
        """Whether a character at ``place`` stands right behind the last one."""
        size, turn = max(self._font[2], 1.0), self._font[4]
        if font is not self._font and (font[4] != turn or abs(font[2] - size) >= size):
            return False
        x0, y0, x1, y1 = self._places[-1]
        if turn % 2:
            return place[1] - y1 < WORD_GAP * size and y0 - place[3] < WORD_GAP * size
        return place[0] - x1 < WORD_GAP * size and x0 - place[2] < WORD_GAP * size

    def add(self, character: str, place: tuple[float, float, float, float], *, unmapped: bool) -> None:
        """Append one character."""
        self._text.append(character)
        self._places.append(place)
        self.unmapped += unmapped

    @property
    def row(self) -> list[Any]:
        """What `read` writes about a word."""
        name, bold, size, colour, turn = self._font
        turn = (turn - self._page.turn // 90) % 4
        base = self._origin[0] if turn % 2 else self._origin[1]
        text = "".join(self._text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        x0, y0, x1, y1 = zip(*self._places, strict=True)
        return [
            text,
            *self._page.box(min(x0), min(y0), max(x1), max(y1)),
            round(base, 1),
            size,
            bold,
            name,
            colour,
            turn,
        ]


def _colour(shown: Any) -> int:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    pdfium.FPDFPageObj_GetFillColor(shown, red, green, blue, alpha)
    return red.value << 16 | green.value << 8 | blue.value


def _matrix_of(item: Any) -> Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return _IDENTITY
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _times(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that applies ``first``, then ``second`` (PDF 32000-1, 8.3.4)."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _outlines(path: Any, matrix: Matrix) -> Iterator[list[tuple[float, float]]]:
    """Yield the points of each part of a path; a closed part comes back to its first point."""
    a, b, c, d, e, f = matrix
    points: list[tuple[float, float]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(min(pdfium.FPDFPath_CountSegments(path), PATH_POINTS)):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        if not segment or not pdfium.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        if pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_MOVETO:
            if len(points) > 1:
                yield points
            points = []
        points.append((a * x.value + c * y.value + e, b * x.value + d * y.value + f))
        if pdfium.FPDFPathSegment_GetClose(segment):
            points.append(points[0])
    if len(points) > 1:
        yield points


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
