"""Word files: headings, lists, tables, and hostile archives."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from generated_reports import add_notes, refer_to_note
from ingest_samples import assert_exact, block_with, lead_in_of, text_of, texts, word_bytes

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


def numbered(word: object, *items: tuple[str, int, int]) -> None:
    """Add paragraphs with (text, numbering id, level); 1 and 2 share a pattern, 2 starts again, 3 has bullets."""
    for text, number, level in items:
        made = word.add_paragraph(text)
        properties = made._p.get_or_add_pPr()
        properties.append(
            parse_xml(f"<w:numPr {nsdecls('w')}><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")
        )


def with_numbering() -> object:
    word = docx.Document()

    def levels(kind: str, first: int) -> str:
        return "".join(
            f"<w:lvl w:ilvl='{at}'><w:numFmt w:val='{kind}'/>"
            f"<w:pPr><w:ind w:left='{first + 360 * at}'/></w:pPr></w:lvl>"
            for at in range(3)
        )

    root = word.part.numbering_part.element
    root.clear()
    for number, kind, first in ((1, "decimal", 360), (2, "bullet", 1080)):
        xml = f"<w:abstractNum {nsdecls('w')} w:abstractNumId='{number}'>{levels(kind, first)}</w:abstractNum>"
        root.append(parse_xml(xml))
    restart = "<w:lvlOverride w:ilvl='0'><w:startOverride w:val='1'/></w:lvlOverride>"
    for number, pattern, more in ((1, 1, ""), (2, 1, restart), (3, 2, "")):
        xml = f"<w:num {nsdecls('w')} w:numId='{number}'><w:abstractNumId w:val='{pattern}'/>{more}</w:num>"
        root.append(parse_xml(xml))
    return word


def test_numbering_gives_levels_restarts_and_continued_lists() -> None:
    word = with_numbering()
    word.add_paragraph("The board has:")
    numbered(word, ("a chair", 1, 0), ("members, who are:", 1, 0), ("a nurse", 3, 0), ("a doctor", 3, 0))
    numbered(word, ("a secretary", 1, 0), ("a first duty", 2, 0), ("part of it", 2, 1), ("a second duty", 2, 0))
    document = read_document(word_bytes(word), "a.docx")
    assert [(block.level, text_of(document, block)) for block in document.blocks[1:]] == [
        (1, "a chair"), (1, "members, who are:"), (2, "a nurse"), (2, "a doctor"), (1, "a secretary"),
        (1, "a first duty"), (2, "part of it"), (1, "a second duty"),
    ]  # fmt: skip
    ids = {text_of(document, block): block.list_id for block in document.blocks}
    assert ids["a chair"] == ids["a secretary"] != ids["a first duty"] == ids["a second duty"]
    assert lead_in_of(document, block_with(document, "a doctor")) == "members, who are:"
    assert lead_in_of(document, block_with(document, "part of it")) == "a first duty"


def test_a_paragraph_indented_like_an_item_belongs_to_it() -> None:
    word = with_numbering()
    word.add_paragraph("Two rules:")
    numbered(word, ("Ask first.", 1, 0))
    inside = word.add_paragraph("Night staff too.")
    inside._p.get_or_add_pPr().append(parse_xml(f"<w:ind {nsdecls('w')} w:left='360'/>"))
    numbered(word, ("Then test.", 1, 0))
    word.add_paragraph("That is all.")
    document = read_document(word_bytes(word), "a.docx")
    assert lead_in_of(document, block_with(document, "Night staff too.")) == "Two rules:"
    assert block_with(document, "Ask first.").list_id == block_with(document, "Then test.").list_id
    assert block_with(document, "That is all.").list_id is None


def test_notes_follow_the_paragraph_the_list_or_the_table_that_refers_to_them() -> None:
    word = docx.Document()
    refer_to_note(word.add_paragraph("Of 48 pilots, 31 had stopped."), 1)
    refer_to_note(word.add_paragraph("The causes were:"), 2)
    refer_to_note(word.add_paragraph("no owner", style="List Bullet"), 1, "endnote")
    word.add_paragraph("no money", style="List Bullet")
    table = word.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Leeds", "17 wards"
    refer_to_note(table.cell(0, 1).paragraphs[0], 3)
    word.add_paragraph("The end.")
    add_notes(word, ["Funding ended by 2019.", "As coded by two people.", "May 2018."])
    add_notes(word, ["Smith, 2012."], "endnote")
    assert texts(read_document(word_bytes(word), "a.docx")) == [
        "Of 48 pilots, 31 had stopped.",
        "Note 1: Funding ended by 2019.",
        "The causes were:",
        "no owner",
        "no money",
        "Note 2: As coded by two people.",
        "Endnote 1: Smith, 2012.",
        "Leeds: 17 wards",
        "Note 3: May 2018.",
        "The end.",
    ]


def test_merged_cells_are_said_for_each_row_and_column_they_cover() -> None:
    word = docx.Document()
    word.add_paragraph("Table 1: Wards by year", style="Caption")
    rows = (
        ("Region", "Wards", "", "Note"), ("", "2018", "2019", ""), ("North", "17", "33", "two\nlines"),
        ("", "9", "", ""), ("All figures are estimates", "", "", ""), ("South", "1", "2", ""),
    )  # fmt: skip
    table = word.add_table(rows=len(rows), cols=4)
    for row, values in enumerate(rows):
        for column, text in enumerate(values):
            table.cell(row, column).text = text
    for first, last in (((0, 0), (1, 0)), ((0, 1), (0, 2)), ((2, 0), (3, 0)), ((3, 1), (3, 2)), ((4, 0), (4, 3))):
        table.cell(*first).merge(table.cell(*last))
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    document = read_document(word_bytes(word), "a.docx")
    assert texts(document) == [
        "Table 1: Wards by year",
        "Region: North; Wards – 2018: 17; Wards – 2019: 33; Note: two lines",
        "Region: North; Wards – 2018: 9; Wards – 2019: 9",
        "All figures are estimates",
        "All figures are estimates; Region: South; Wards – 2018: 1; Wards – 2019: 2",
    ]
    assert lead_in_of(document, document.blocks[1]) == "Table 1: Wards by year"


def test_tables_within_tables_and_lists_within_cells() -> None:
    word = docx.Document()
    table = word.add_table(rows=2, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Needs", ""
    cell = table.cell(0, 1)
    cell.paragraphs[0].text = "These:"
    for text in ("time", "money"):
        cell.add_paragraph(text, style="List Bullet")
    table.cell(1, 0).text, table.cell(1, 1).text = "Sites", "See below."
    inner = table.cell(1, 1).add_table(rows=2, cols=2)
    for place, text in zip(inner._cells, ("Trust", "Wards", "Leeds", "17"), strict=True):
        place.text = text
    assert texts(read_document(word_bytes(word), "a.docx")) == [
        "Needs: These: time, money",
        "Sites: See below.",
        "Trust: Leeds; Wards: 17",
    ]


def test_a_text_box_is_read_once_after_the_paragraph_beside_it() -> None:
    word = docx.Document()
    anchor = word.add_paragraph("Beside the box.")
    lines = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in ("Seven sites", "took part."))
    box = f"<w:txbxContent>{lines}</w:txbxContent>"
    names = nsdecls("w", "wp", "a") + (
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        ' xmlns:v="urn:schemas-microsoft-com:vml"'
        ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    )
    choice = f"<mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
    fallback = f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback>"
    both = f"<w:r {names}><mc:AlternateContent>{choice}{fallback}</mc:AlternateContent></w:r>"
    anchor._p.append(parse_xml(both))
    word.add_paragraph("After the box.")
    assert texts(read_document(word_bytes(word), "a.docx")) == [
        "Beside the box.", "Seven sites", "took part.", "After the box.",
    ]  # fmt: skip


def test_the_constitution_keeps_its_clauses_and_their_lists(nhs_documents) -> None:
    path = next(nhs_documents.glob("*.docx"))
    document = read_document(path.read_bytes(), path.name)
    clause = next(
        block for block in document.blocks if "must act in a way that is consistent" in text_of(document, block)
    )
    duties = [block for block in document.blocks if block.lead_in == clause.span]
    assert len(duties) == 7
    assert {block.level for block in duties} == {clause.level + 1}
    after = next(
        block for block in document.blocks if "annual assessment of its performance" in text_of(document, block)
    )
    assert (after.level, after.list_id) == (clause.level, clause.list_id)
    levels = {block.level for block in document.blocks if block.kind == "list_item"}
    assert levels == {1, 2, 3}
