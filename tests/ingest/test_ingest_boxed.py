"""Boxes stay with their words through joining, cutting and building."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spreadguide.ingest.boxed import Boxed, cut, join, together
from spreadguide.ingest.builder import DocumentBuilder, Piece, PieceBox
from spreadguide.ingest.joining import join_lines, vocabulary
from spreadguide.types import BlockKind

WORDS = st.text(alphabet="abcdeABCDE12.,-", min_size=1, max_size=8)
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=6)


def boxed_line(text: str, number: int) -> Boxed:
    return Boxed(text, (PieceBox(0, len(text), 1, 10, 20 * number, 90, 20 * number + 12),))


def as_boxed(lines: list[str]) -> Boxed:
    return join([boxed_line(text, number) for number, text in enumerate(lines)], vocabulary(lines))


@given(LINES)
def test_each_line_of_a_paragraph_keeps_its_box(lines: list[str]) -> None:
    joined = as_boxed(lines)
    assert joined.text == join_lines(lines, vocabulary(lines))
    assert len(joined.boxes) == len(lines)
    end = 0
    for box, line in zip(joined.boxes, lines, strict=True):
        assert not joined.text[end : box.start].strip()
        assert joined.text[box.start : box.end] in (line, line[:-1])
        end = box.end
    assert end == len(joined.text)


@given(LINES, st.integers(0, 12))
def test_cutting_moves_the_boxes(lines: list[str], start: int) -> None:
    whole = as_boxed(lines)
    part = cut(whole, start)
    assert part.text == whole.text[start:]
    pieces = [part.text[box.start : box.end] for box in part.boxes]
    assert "".join(pieces).replace(" ", "") == part.text.replace(" ", "")


@given(st.lists(st.tuples(LINES, st.sampled_from(list(BlockKind))), min_size=1, max_size=6))
def test_spans_of_boxes_are_exact_in_the_document(found: list[tuple[list[str], BlockKind]]) -> None:
    builder = DocumentBuilder()
    expected = []
    for lines, kind in found:
        boxed = together(as_boxed(lines), " · ", as_boxed(lines))
        builder.add(Piece(kind, boxed.text, level=1, page=1, boxes=boxed.boxes))
        expected += [boxed.text[box.start : box.end] for box in boxed.boxes]
    text, _ = builder.build()
    boxes = builder.boxes()
    assert [text[box.span.start : box.span.end] for box in boxes] == expected
    assert [box.span.start for box in boxes] == sorted(box.span.start for box in boxes)


def test_boxes_that_no_longer_fit_are_dropped() -> None:
    builder = DocumentBuilder()
    builder.add(Piece(BlockKind.PARAGRAPH, "two  spaces", boxes=(PieceBox(0, 11, 1, 0, 0, 9, 9),)))
    builder.add(Piece(BlockKind.PARAGRAPH, "short", boxes=(PieceBox(0, 11, 1, 0, 0, 9, 9),)))
    assert builder.boxes() == ()


def test_compounds_keep_their_hyphen() -> None:
    lines = ["It was seen in non-", "diabetic patients who self-", "monitor, and in the imple-", "mentation team."]
    assert join_lines(lines, vocabulary(lines)) == (
        "It was seen in non-diabetic patients who self-monitor, and in the implementation team."
    )


def test_the_caption_of_a_table_leads_its_rows() -> None:
    builder = DocumentBuilder()
    builder.paragraph("Costs were as follows:")
    builder.row("Item: a")
    builder.row("Item: b")
    builder.paragraph("Nothing leads to the next table.")
    builder.add(Piece(BlockKind.TABLE_ROW, "Item: c", starts_list=True))
    builder.add(Piece(BlockKind.PARAGRAPH, "Staff", caption=True))
    builder.row("Item: d")
    builder.add(Piece(BlockKind.TABLE_ROW, "Item: e", starts_list=True))
    text, blocks = builder.build()
    leads = [text[block.lead_in.start : block.lead_in.end] if block.lead_in else None for block in blocks]
    assert leads == [None, "Costs were as follows:", "Costs were as follows:", None, None, None, "Staff", None]
    assert "Item: d\n\nItem: e" in text
