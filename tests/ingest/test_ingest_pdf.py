"""PDF: layout to structure, and what hostile or broken files do."""

from __future__ import annotations

import io

import pypdf
import pytest
from ingest_samples import assert_exact, block_with, lead_in_of, lines, make_pdf, text_of, texts

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import IngestLimits, read_document


def sample() -> bytes:
    def furniture(number: int) -> list:
        return [
            ("The Spread Report", 72, 800, "Helvetica", 9),
            (f"Page {number} of 3", 500, 30, "Helvetica", 9),
        ]

    first = [
        ("Scaling innovation", 72, 740, "Helvetica", 24),
        *lines(
            700,
            "The teams that took part in the trial said that the imple-",
            "mentation of the intervention needed more time than they",
            "had planned for. The next paragraph starts further down.",
        ),
        ("What helps", 72, 620, "Helvetica-Bold", 15),
        *lines(596, "Three things help the adopters of an innovation, namely:"),
        ("•", 80, 574, "Helvetica", 11),
        ("time and space to make it fit their own setting, which no", 95, 574, "Helvetica", 11),
        ("tariff can buy", 95, 560, "Helvetica", 11),
        ("•", 80, 546, "Helvetica", 11),
        ("money", 95, 546, "Helvetica", 11),
        ("•", 110, 532, "Helvetica", 11),
        ("from a fund", 125, 532, "Helvetica", 11),
        ("•", 80, 518, "Helvetica", 11),
        ("people", 95, 518, "Helvetica", 11),
        *lines(480, "This sentence runs over the end of the page because it is"),
    ]
    second = [
        *lines(740, "too long for what is left of it."),
        ("In short", 72, 690, "Helvetica-Bold", 11),
        *lines(668, "It takes time. It takes money as well, and the people who", "know how to use both."),
    ]
    third = lines(740, "The last page says that the trial ended in the year 2017.")
    return make_pdf([[*page, *furniture(n)] for n, page in enumerate((first, second, third), start=1)])


def test_structure_is_kept() -> None:
    document = read_document(sample(), "a.pdf")
    assert_exact(document)
    assert [(block.kind.value, block.level, block.page, text_of(document, block)) for block in document.blocks] == [
        ("heading", 1, 1, "Scaling innovation"),
        (
            "paragraph",
            0,
            1,
            "The teams that took part in the trial said that the implementation of the intervention needed more time "
            "than they had planned for. The next paragraph starts further down.",
        ),
        ("heading", 2, 1, "What helps"),
        ("paragraph", 0, 1, "Three things help the adopters of an innovation, namely:"),
        ("list_item", 1, 1, "time and space to make it fit their own setting, which no tariff can buy"),
        ("list_item", 1, 1, "money"),
        ("list_item", 2, 1, "from a fund"),
        ("list_item", 1, 1, "people"),
        (
            "paragraph",
            0,
            1,
            "This sentence runs over the end of the page because it is too long for what is left of it.",
        ),
        ("heading", 4, 2, "In short"),
        ("paragraph", 0, 2, "It takes time. It takes money as well, and the people who know how to use both."),
        ("paragraph", 0, 3, "The last page says that the trial ended in the year 2017."),
    ]
    assert (
        lead_in_of(document, block_with(document, "people"))
        == "Three things help the adopters of an innovation, namely:"
    )
    assert lead_in_of(document, block_with(document, "from a fund")) == "money"
    assert document.metadata.title == "Scaling innovation"


def encrypted(password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(sample()))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")  # noqa: S106
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_password_is_said_plainly() -> None:
    with pytest.raises(UnreadableDocument, match=r"a\.pdf is protected by a password") as caught:
        read_document(encrypted("secret"), "a.pdf")
    assert "without the password" in caught.value.hint


def test_a_file_that_anyone_may_open_is_read() -> None:
    assert read_document(encrypted(""), "a.pdf").metadata.title == "Scaling innovation"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (b"no PDF at all", "damaged"),
        (sample()[:400], "damaged|no text"),
        (make_pdf([[]]), "holds no text"),
    ],
    ids=["zero bytes", "head only", "text", "cut", "no text"],
)
def test_broken_files_are_said_plainly(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableDocument, match=message) as caught:
        read_document(data, "a.pdf")
    assert caught.value.hint


def test_a_page_limit_is_a_warning() -> None:
    document = read_document(sample(), "a.pdf", limits=IngestLimits(pdf_pages=1))
    assert {block.page for block in document.blocks} == {1}
    assert "Only the first 1 pages were read" in document.warnings[0]
    assert "pdf_pages" in document.warnings[0]


def test_a_file_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(UnreadableDocument, match=r"within 0\.01 seconds") as caught:
        read_document(sample(), "a.pdf", limits=IngestLimits(pdf_seconds=0.01))
    assert "pdf_seconds" in caught.value.hint


def test_a_file_that_takes_too_much_memory_is_given_up() -> None:
    # A stream that unpacks to 400 MB, in a file of half a megabyte.
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(sample()))
    stream = pypdf.generic.DecodedStreamObject()
    stream.set_data(b"% " + b" " * 400_000_000)
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    buffer = io.BytesIO()
    writer.write(buffer)
    assert len(buffer.getvalue()) < 1_000_000
    with pytest.raises(UnreadableDocument, match=r"memory|damaged") as caught:
        read_document(buffer.getvalue(), "a.pdf", limits=IngestLimits(pdf_memory_bytes=300_000_000))
    assert caught.value.hint


def test_the_worker_runs_no_code_from_the_current_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert "In short" in texts(read_document(sample(), "a.pdf"), "heading")
