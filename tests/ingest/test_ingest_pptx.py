"""Slides: titles, bullets, tables, charts, notes, order on the page, and files that are not what they claim."""

from __future__ import annotations

import io
import zipfile

import pytest
from ingest_samples import assert_exact, block_with, lead_in_of, text_of, texts, word_bytes
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.util import Inches

from spreadguide.errors import UnreadableDocument
from spreadguide.indexing.chunking import chunk
from spreadguide.ingest import IngestLimits, read_document
from spreadguide.types import Document

TITLE, BULLETS, COMPARISON, TITLE_ONLY, BLANK = 0, 1, 4, 5, 6


class Deck:
    """A presentation made with python-pptx's own template."""

    def __init__(self) -> None:
        self.file = Presentation()

    def slide(self, layout: int, title: str = "") -> object:
        made = self.file.slides.add_slide(self.file.slide_layouts[layout])
        if title:
            made.shapes.title.text = title
        return made

    def bytes(self) -> bytes:
        return word_bytes(self.file)

    def read(self) -> Document:
        document = read_document(self.bytes(), "a.pptx")
        assert_exact(document)
        return document


def bullets(frame: object, *lines: tuple[str, int]) -> None:
    for place, (text, level) in enumerate(lines):
        part = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        part.text, part.level = text, level


def box(shapes: object, text: str, x: float, y: float, width: float = 3, height: float = 0.5) -> object:
    made = shapes.add_textbox(Inches(x), Inches(y), Inches(width), Inches(height))
    made.text_frame.text = text
    return made


def shape(document: Document) -> list[tuple[str, int, int | None, str]]:
    return [(block.kind.value, block.level, block.page, text_of(document, block)) for block in document.blocks]


def test_titles_bullets_and_notes() -> None:
    deck = Deck()
    first = deck.slide(TITLE, "Spreading a good idea")
    first.placeholders[1].text = "Leeds, 2021"
    second = deck.slide(BULLETS, "What it takes")
    bullets(
        second.placeholders[1].text_frame,
        ("Three things are needed:", 0), ("Time", 0), ("a year at least", 1), ("Money", 0), ("People", 0),
    )  # fmt: skip
    second.notes_slide.notes_text_frame.text = "Say that the year is a mean.\nThe range was 3 to 30 months."
    document = deck.read()
    assert shape(document) == [
        ("heading", 1, 1, "Spreading a good idea"),
        ("paragraph", 0, 1, "Leeds, 2021"),
        ("heading", 2, 2, "What it takes"),
        ("paragraph", 0, 2, "Three things are needed:"),
        ("list_item", 1, 2, "Time"),
        ("list_item", 2, 2, "a year at least"),
        ("list_item", 1, 2, "Money"),
        ("list_item", 1, 2, "People"),
        ("heading", 3, 2, "Notes"),
        ("paragraph", 0, 2, "Say that the year is a mean."),
        ("paragraph", 0, 2, "The range was 3 to 30 months."),
    ]
    assert lead_in_of(document, block_with(document, "People")) == "Three things are needed:"
    assert lead_in_of(document, block_with(document, "a year at least")) == "Time"
    assert chunk(document)[-1].heading == ("What it takes", "Notes")
    assert document.metadata.title == "Spreading a good idea"


def test_a_table_is_written_out_with_its_merged_cells() -> None:
    deck = Deck()
    slide = deck.slide(TITLE_ONLY, "Results")
    table = slide.shapes.add_table(4, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, values in enumerate(
        (("Trust", "Wards", ""), ("", "2018", "2019"), ("Leeds", "17", "33"), ("York", "9", ""))
    ):
        for column, text in enumerate(values):
            table.cell(row, column).text = text
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(3, 1).merge(table.cell(3, 2))
    assert texts(deck.read(), "table_row") == [
        "Trust: Leeds; Wards – 2018: 17; Wards – 2019: 33",
        "Trust: York; Wards – 2018: 9; Wards – 2019: 9",
    ]


def test_a_chart_is_the_table_it_is_made_of() -> None:
    deck = Deck()
    data = CategoryChartData()
    data.categories = ["2018", "2019"]
    data.add_series("Sites", (7, 11000))
    data.add_series("Share", (0.25, None))
    slide = deck.slide(TITLE_ONLY, "Growth")
    place = (Inches(1), Inches(2), Inches(6), Inches(4))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sites by year"
    assert texts(deck.read())[1:] == ["Sites by year", "2018; Sites: 7; Share: 0.25", "2019; Sites: 11,000"]


def test_columns_are_read_one_after_the_other_and_labels_with_their_text() -> None:
    deck = Deck()
    compared = deck.slide(COMPARISON, "Then and now")
    for place, text in ((1, "Then"), (2, "It was slow."), (3, "Now"), (4, "It is fast.")):
        compared.placeholders[place].text = text
    labelled = deck.slide(TITLE_ONLY, "Roles")
    for row, (label, text) in enumerate((("Innovator", "Makes it."), ("Adopter", "Uses it."), ("Funder", "Pays."))):
        box(labelled.shapes, text, 3, 2 + row, width=5)
        box(labelled.shapes, label, 1, 2 + row, width=1.5)
    mixed = deck.slide(TITLE_ONLY, "Mixed")
    box(mixed.shapes, "Second column", 5, 3)
    box(mixed.shapes, "and its end", 5, 4)
    box(mixed.shapes, "First column", 1, 3)
    box(mixed.shapes, "with more", 1, 4.2)
    box(mixed.shapes, "Across the slide", 1, 2, width=8)
    found = texts(deck.read(), "paragraph")
    assert found == [
        "Then", "It was slow.", "Now", "It is fast.",
        "Innovator", "Makes it.", "Adopter", "Uses it.", "Funder", "Pays.",
        "Across the slide", "First column", "with more", "Second column", "and its end",
    ]  # fmt: skip


def test_grouped_shapes_stand_where_the_group_stands() -> None:
    deck = Deck()
    slide = deck.slide(TITLE_ONLY, "Groups")
    box(slide.shapes, "Last", 1, 5)
    group = slide.shapes.add_group_shape()
    box(group.shapes, "Second", 1, 3)
    inner = group.shapes.add_group_shape()
    box(inner.shapes, "First", 1, 2)
    assert texts(deck.read(), "paragraph") == ["First", "Second", "Last"]
    group.top = Inches(6)
    assert texts(deck.read(), "paragraph") == ["Last", "First", "Second"]


def test_shapes_in_a_compatibility_wrapper_are_read_once() -> None:
    deck = Deck()
    slide = deck.slide(TITLE_ONLY, "Wrapped")
    elements = [box(slide.shapes, text, 1, 2)._element for text in ("Newer words", "Older words")]
    tree = slide.shapes._spTree
    names = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    wrapper = tree.makeelement(f"{names}AlternateContent", {})
    tree.append(wrapper)
    for name, element in zip(("Choice", "Fallback"), elements, strict=True):
        part = wrapper.makeelement(f"{names}{name}", {})
        part.append(element)
        wrapper.append(part)
    assert texts(deck.read()) == ["Wrapped", "Newer words"]


def test_a_diagram_is_read_as_a_list() -> None:
    deck = Deck()
    slide = deck.slide(TITLE_ONLY, "Steps")
    diagram = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    points = "".join(
        f"<d:pt><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>" for text in ("Understand", "Engage")
    )
    blob = f'<d:dataModel xmlns:d="{diagram}" xmlns:a="{drawing}"><d:ptLst>{points}</d:ptLst></d:dataModel>'.encode()
    content_type = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    part = Part(PackURI("/ppt/diagrams/data1.xml"), content_type, slide.part.package, blob)
    link = slide.part.relate_to(part, RELATIONSHIP_TYPE.DIAGRAM_DATA)
    data = CategoryChartData()
    data.categories = ["x"]
    data.add_series("y", (1,))
    frame = slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(2), Inches(2), Inches(2), data)
    graphic = frame._element.graphic.graphicData
    graphic.set("uri", diagram)
    for child in list(graphic):
        graphic.remove(child)
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    graphic.append(graphic.makeelement(f"{{{diagram}}}relIds", {f"{{{relations}}}dm": link}))
    document = deck.read()
    assert texts(document, "list_item") == ["Understand", "Engage"]
    assert lead_in_of(document, block_with(document, "Engage")) == "Steps"


def test_a_slide_without_a_title_is_not_read_under_the_one_before() -> None:
    deck = Deck()
    deck.slide(TITLE_ONLY, "Costs")
    box(deck.slide(BLANK).shapes, "Seven sites took part.", 1, 1)
    deck.slide(BLANK)
    document = deck.read()
    assert texts(document) == ["Costs", "Slide 2", "Seven sites took part."]
    assert chunk(document)[0].heading == ("Slide 2",)
    assert chunk(document)[0].page == 2


def test_hidden_slides_are_left_out_and_named() -> None:
    deck = Deck()
    for title in ("One", "Two", "Three"):
        box(deck.slide(TITLE_ONLY, title).shapes, f"Words of {title}.", 1, 2)
    for place in (1, 2):
        deck.file.slides[place].element.set("show", "0")
    document = deck.read()
    assert texts(document) == ["One", "Words of One."]
    assert document.warnings == ("Slides 2, 3 are hidden and not read. Show them in PowerPoint to have them read.",)


def test_footers_dates_and_running_lines_are_dropped() -> None:
    deck = Deck()
    for number in range(4):
        slide = deck.slide(TITLE_ONLY, f"Title {number}")
        box(slide.shapes, f"Body of slide {number}.", 1, 2)
        box(slide.shapes, "@TheNetwork #spread", 1, 7)
        for source in deck.file.slide_layouts[TITLE_ONLY].placeholders:
            if source.placeholder_format.idx in (10, 11, 12):
                element = slide.shapes.clone_placeholder(source)
                del element
        for shape_ in slide.placeholders:
            if shape_.placeholder_format.idx in (10, 11, 12):
                shape_.text_frame.text = "12 May 2021"
    found = texts(deck.read())
    assert found == [text for n in range(4) for text in (f"Title {n}", f"Body of slide {n}.")]


def test_bullets_that_a_text_box_sets_itself_are_a_list() -> None:
    deck = Deck()
    slide = deck.slide(TITLE_ONLY, "Free text")
    frame = box(slide.shapes, "It needs:", 1, 2).text_frame
    for text in ("Time", "Money"):
        part = frame.add_paragraph()
        part.text = text
        part._p.get_or_add_pPr().insert(
            0, part._p.makeelement("{http://schemas.openxmlformats.org/drawingml/2006/main}buChar", {"char": "•"})
        )
    document = deck.read()
    assert texts(document, "list_item") == ["Time", "Money"]
    assert lead_in_of(document, block_with(document, "Money")) == "It needs:"


@pytest.mark.parametrize("data", [b"PK\x03\x04 not an archive", b"plain words", Deck().bytes()[:2000]])
def test_damage_is_said_plainly(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="damaged, or not a PowerPoint file") as caught:
        read_document(data, "a.pptx")
    assert caught.value.hint


def test_a_password_is_recognised() -> None:
    with pytest.raises(UnreadableDocument, match="protected by a password, or is an old PowerPoint"):
        read_document(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.pptx")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ppt/presentation.xml", b"0" * 30_000_000)
    with pytest.raises(UnreadableDocument, match="unpacks to 29 MB"):
        read_document(buffer.getvalue(), "a.pptx", limits=IngestLimits(docx_bytes=10_000_000))


def test_a_word_file_by_another_name_is_refused() -> None:
    import docx

    with pytest.raises(UnreadableDocument, match="not a PowerPoint file"):
        read_document(word_bytes(docx.Document()), "a.pptx")


def test_a_deck_without_words_is_refused() -> None:
    deck = Deck()
    deck.slide(BLANK)
    with pytest.raises(UnreadableDocument, match="holds no text"):
        deck.read()


def test_external_entities_are_not_followed(tmp_path: object) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    deck = Deck()
    deck.slide(TITLE_ONLY, "Plain title")
    source, target = io.BytesIO(deck.bytes()), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "ppt/slides/slide1.xml":
                head, mark, rest = data.partition(b"<p:sld ")
                entity = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'.encode()
                data = head + entity + mark + rest.replace(b"Plain title", b"Plain &x; title")
            new.writestr(part, data)
    try:
        text = read_document(target.getvalue(), "a.pptx").text
    except UnreadableDocument:
        text = ""
    assert "secret" not in text
