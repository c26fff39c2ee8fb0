"""Word files: headings, lists, tables, and hostile archives."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from ingest_samples import assert_exact, block_with, lead_in_of, text_of, word_bytes

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import IngestLimits, read_document


def sample() -> bytes:
    word = docx.Document()
    word.add_heading("Scaling up", 0)
    word.add_heading("Pillars", 1)
    word.add_paragraph("There are three:")
    word.add_paragraph("Understand", style="List Bullet")
    word.add_paragraph("Engage, that is:", style="List Bullet")
    word.add_paragraph("staff", style="List Bullet 2")
    word.add_paragraph("Future-proof", style="List Bullet")
    word.add_paragraph("First", style="List Number")
    inserted = word.add_paragraph("Kept ")
    inserted._p.append(parse_xml(f"<w:ins {nsdecls('w')}><w:r><w:t>and added</w:t></w:r></w:ins>"))
    inserted._p.append(parse_xml(f"<w:del {nsdecls('w')}><w:r><w:delText>and gone</w:delText></w:r></w:del>"))
    table = word.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Trust", "Wards", "Leeds", "17"), strict=True):
        cell.text = text
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True
    terms = word.add_table(rows=2, cols=2)
    for cell, text in zip(terms._cells, ("AHSN", "A network", "STP", "A partnership"), strict=True):
        cell.text = text
    return word_bytes(word)


def test_structure_is_kept() -> None:
    document = read_document(sample(), "a.docx")
    assert_exact(document)
    assert [(block.kind.value, block.level, text_of(document, block)) for block in document.blocks] == [
        ("heading", 1, "Scaling up"),
        ("heading", 2, "Pillars"),
        ("paragraph", 0, "There are three:"),
        ("list_item", 1, "Understand"),
        ("list_item", 1, "Engage, that is:"),
        ("list_item", 2, "staff"),
        ("list_item", 1, "Future-proof"),
        ("list_item", 1, "First"),
        ("paragraph", 0, "Kept and added"),
        ("table_row", 0, "Trust: Leeds; Wards: 17"),
        ("table_row", 0, "AHSN: A network"),
        ("table_row", 0, "STP: A partnership"),
    ]
    assert lead_in_of(document, block_with(document, "Future-proof")) == "There are three:"
    assert lead_in_of(document, block_with(document, "staff")) == "Engage, that is:"
    assert block_with(document, "First").list_id != block_with(document, "Understand").list_id


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 30_000_000)
    assert len(buffer.getvalue()) < 100_000
    with pytest.raises(UnreadableDocument, match="unpacks to 29 MB") as caught:
        read_document(buffer.getvalue(), "a.docx", limits=IngestLimits(docx_bytes=10_000_000))
    assert "docx_bytes" in caught.value.hint


def test_external_entities_are_not_followed(tmp_path: object) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    source, target = io.BytesIO(sample()), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "word/document.xml":
                entity = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'.encode()
                head, mark, rest = data.partition(b"<w:document")
                data = head + entity + mark + rest.replace(b"Understand", b"&x;Understand")
            new.writestr(part, data)
    try:
        text = read_document(target.getvalue(), "a.docx").text
    except UnreadableDocument:
        text = ""
    assert "secret" not in text


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04 not an archive", b"plain words", sample()[:2000], sample()[:-200]],
    ids=["mark only", "text", "head", "cut"],
)
def test_damage_is_said_plainly(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="damaged") as caught:
        read_document(data, "a.docx")
    assert caught.value.hint


def test_a_password_is_recognised() -> None:
    with pytest.raises(UnreadableDocument, match="password"):
        read_document(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.docx")


def test_another_archive_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(UnreadableDocument, match="damaged, or not a Word file"):
        read_document(buffer.getvalue(), "a.docx")
