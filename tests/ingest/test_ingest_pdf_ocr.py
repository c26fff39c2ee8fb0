"""PDF: pages without text that can be used, said page by page, and read by OCR where Tesseract is installed."""

from __future__ import annotations

import io
import shutil

import pypdf
import pypdfium2
import pytest
from ingest_samples import assert_boxed, lines, make_pdf, paragraph_lines, texts
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import IngestLimits, read_document

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="Tesseract is not installed (Debian package tesseract-ocr)"
)

SCANNED = "The pilot ran in seven hospitals and ended in the spring of 2019 because nobody had paid for the nurses."


def scan(*pages: str | None, spoken: str = "This page has letters, and can be read as it is.") -> bytes:
    """A PDF with a page for each text, as a picture; None is a page of real text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for page in pages:
        if page is None:
            canvas.setFont("Helvetica", 12)
            canvas.drawString(72, 700, spoken)
        else:
            drawn = make_pdf([paragraph_lines(page, x=72, y=700, width=400, size=12)])
            picture = pypdfium2.PdfDocument(drawn)[0].render(scale=150 / 72).to_pil()
            canvas.drawImage(ImageReader(picture), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def shuffled() -> bytes:
    """A PDF whose second page shows letters that are mapped to others: what is seen is not what the file says."""
    writer = pypdf.PdfWriter(
        clone_from=io.BytesIO(
            make_pdf(
                [
                    lines(700, "The first page can be read."),
                    paragraph_lines(SCANNED, x=72, y=700, width=400, size=12),
                ]
            )
        )
    )
    for page in list(writer.pages)[1:]:
        font = pypdf.generic.DictionaryObject(page["/Resources"]["/Font"]["/F1"].get_object())
        lower, consonants = "abcdefghijklmnopqrstuvwxyz", "bcdfghjklmnpqrstvwxzbcdfgh"
        rows = "".join(f"<{ord(a):02x}> <{ord(b):04x}>\n" for a, b in zip(lower, consonants, strict=True))
        table = pypdf.generic.DecodedStreamObject()
        table.set_data(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
            f"1 begincodespacerange <00> <ff> endcodespacerange\n26 beginbfchar\n{rows}endbfchar\n"
            "endcmap CMapName currentdict /CMap defineresource pop end end".encode()
        )
        font[pypdf.generic.NameObject("/ToUnicode")] = writer._add_object(table)
        fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): writer._add_object(font)})
        page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
            {pypdf.generic.NameObject("/Font"): fonts}
        )
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_pages_without_text_are_named_when_ocr_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    document = read_document(scan(SCANNED, None, SCANNED, SCANNED), "a.pdf")
    assert texts(document) == ["This page has letters, and can be read as it is."]
    (warning,) = document.warnings
    assert warning.startswith("Left out: pages 1 and 3–4, without text, only with a picture (perhaps a scan).")
    assert "tesseract-ocr" in warning
    assert [page.number for page in document.pages] == [1, 2, 3, 4]


def test_a_file_of_scans_cannot_be_read_without_ocr(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableDocument, match="holds no text") as caught:
        read_document(scan(SCANNED), "a.pdf")
    assert "tesseract-ocr" in caught.value.hint


def test_a_page_of_wrong_letters_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    document = read_document(shuffled(), "a.pdf")
    assert texts(document) == ["The first page can be read."]
    assert document.warnings[0].startswith("Left out: page 2, with text that cannot be read")


def test_a_blank_page_is_no_warning() -> None:
    document = read_document(make_pdf([lines(700, "One page of text."), []]), "a.pdf")
    assert document.warnings == ()
    assert len(document.pages) == 2


@needs_tesseract
@pytest.mark.parametrize("data", [scan(None, SCANNED), shuffled()], ids=["scan", "wrong letters"])
def test_ocr_reads_what_the_page_shows(data: bytes) -> None:
    document = read_document(data, "a.pdf")
    assert texts(document)[1] == SCANNED
    assert document.blocks[1].page == 2
    assert_boxed(document)
    first = next(box for box in document.boxes if box.page == 2)
    assert first.x0 == pytest.approx(72, abs=3)
    assert first.bottom == pytest.approx(842 - 700 + 3, abs=4)
    (warning,) = document.warnings
    assert warning == "Text recognition (OCR) was used on page 2. Compare quotes from there with the page."


@needs_tesseract
def test_the_number_of_pages_for_ocr_is_bounded() -> None:
    document = read_document(scan(SCANNED, SCANNED, None), "a.pdf", limits=IngestLimits(ocr_pages=1))
    assert {block.page for block in document.blocks} == {1, 3}
    assert any("Left out: page 2, without text" in warning and "ocr_pages" in warning for warning in document.warnings)


@needs_tesseract
def test_ocr_that_takes_too_long_is_given_up() -> None:
    document = read_document(scan(SCANNED, None), "a.pdf", limits=IngestLimits(ocr_seconds=0.01))
    assert {block.page for block in document.blocks} == {2}
    assert "found nothing on page 1" in document.warnings[0]
