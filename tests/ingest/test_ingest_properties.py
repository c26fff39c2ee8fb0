"""For any report, in any format: nothing lost, nothing twice, everything where it belongs, all spans exact."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from generated_reports import (
    Item,
    Listing,
    Paragraph,
    Report,
    Speech,
    Table,
    as_html,
    as_markdown,
    as_plain,
    as_slides,
    as_word,
    reports,
)
from hypothesis import HealthCheck, given, settings
from ingest_samples import assert_exact, text_of

from spreadguide.indexing.chunking import chunk
from spreadguide.ingest import read_document
from spreadguide.types import BlockKind, Document, Passage, Unit, UnitKind

EXAMPLES = 25

FORMATS = {"a.md": as_markdown, "a.html": as_html, "a.txt": as_plain, "a.docx": as_word, "a.pptx": as_slides}

_WORD = re.compile(r"\bq(?:[aeiou][bdfgklmnprtvz]){3}\b", re.IGNORECASE)


def words(text: str) -> list[str]:
    return [match.group().lower() for match in _WORD.finditer(text)]


def in_order(report: Report, name: str) -> Iterator[str]:
    """Yield every word but the names of columns, in the order in which the format has them."""
    yield from words(report.title)
    late: list[str] = []
    for section in report.sections:
        yield from words(section.heading)
        for part in section.parts:
            match part:
                case Paragraph(text, note):
                    yield from words(text)
                    if name in ("a.html", "a.pptx"):
                        late += words(note)
                    else:
                        yield from words(note)
                case Listing(lead, items, _):
                    yield from words(lead)
                    yield from (word for item in flat(items) for word in words(item.text))
                case Speech(speaker, text):
                    yield from words(speaker + text)
                case Table(_, rows):
                    yield from (word for row in rows for cell in row for word in words(cell))
        if name == "a.pptx":
            yield from late
            late = []
    yield from late


def flat(items: list[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from flat(item.inner)


def column_names(report: Report) -> set[str]:
    tables = [part for section in report.sections for part in section.parts if isinstance(part, Table)]
    return {word for table in tables for name in table.names for word in words(name)}


@pytest.mark.parametrize("name", FORMATS)
def test_any_report_is_read_whole_and_in_order(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(reports())
    def check(report: Report) -> None:
        document = read_document(FORMATS[name](report), name)
        assert_exact(document)
        assert document.warnings == ()
        names = column_names(report)
        found = words(document.text)
        assert [word for word in found if word not in names] == list(in_order(report, name))
        assert "furnished" not in document.text.lower()
        if name != "a.txt":
            assert names <= set(found)
            check_tables(report, document)
        passages = chunk(document)
        check_spans(document, passages)
        check_lists(report, document, passages)
        check_headings(report, passages, name)

    check()


def check_spans(document: Document, passages: list[Passage]) -> None:
    end = 0
    for passage in passages:
        assert end <= passage.start
        end = passage.end
        assert document.text[passage.start : passage.end] == passage.text
        inside = passage.start
        for unit in passage.units:
            assert inside <= unit.span.start < unit.span.end <= passage.end
            inside = unit.span.end
            assert all(0 <= context.start < context.end <= len(document.text) for context in unit.context)
    covered = {word for passage in passages for word in words(passage.text)}
    headings = {
        word for block in document.blocks if block.kind is BlockKind.HEADING for word in words(text_of(document, block))
    }
    assert covered | headings == set(words(document.text))


def units_by_text(document: Document, passages: list[Passage]) -> dict[str, Unit]:
    return {document.text[unit.span.start : unit.span.end]: unit for passage in passages for unit in passage.units}


def check_lists(report: Report, document: Document, passages: list[Passage]) -> None:
    """Each item is a unit of its own that carries the line above its list, or the item above its sub-list."""
    units = units_by_text(document, passages)

    def check(items: list[Item], lead: str) -> None:
        for item in items:
            unit = units[item.text]
            assert unit.kind is UnitKind.LIST_ITEM
            assert [document.text[span.start : span.end] for span in unit.context] == [lead]
            check(item.inner, item.text)

    for section in report.sections:
        for part in section.parts:
            if isinstance(part, Listing):
                check(part.items, part.lead)
                assert len({units[item.text].list_id for item in part.items}) == 1
            if isinstance(part, Speech):
                said = units[part.text]
                assert said.kind is UnitKind.QUOTATION
                assert [document.text[span.start : span.end] for span in said.context] == [part.speaker]


def check_tables(report: Report, document: Document) -> None:
    rows = {text_of(document, block) for block in document.blocks if block.kind is BlockKind.TABLE_ROW}
    for section in report.sections:
        for table in section.parts:
            if isinstance(table, Table):
                for row in table.rows:
                    line = "; ".join(f"{name}: {cell}" for name, cell in zip(table.names, row, strict=True))
                    assert line in rows


def check_headings(report: Report, passages: list[Passage], name: str) -> None:
    """Each passage stands under the headings that its words stand under; text and slides have one level only."""
    flat_headings = name in ("a.txt", "a.pptx")
    for path, section in report.paths():
        expected = (section.heading,) if flat_headings else path
        for part in section.parts:
            if isinstance(part, Paragraph):
                first = words(part.text)[0]
                passage = next(passage for passage in passages if first in words(passage.text))
                assert passage.heading == expected
    if name == "a.pptx":
        slides = {section.heading: number for number, section in enumerate(report.sections, 2)}
        assert all(passage.page == slides[passage.heading[0]] for passage in passages)
