"""The builder: exact spans, lists with their lead-ins, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ingest_samples import assert_exact

from spreadguide.ingest import DocumentBuilder, Piece
from spreadguide.text import normalise, squeeze
from spreadguide.types import BlockKind, Document, Metadata

PIECES = st.lists(
    st.builds(
        Piece,
        kind=st.sampled_from(BlockKind),
        text=st.text(max_size=40),
        level=st.integers(0, 4),
        page=st.none() | st.integers(1, 9),
        starts_list=st.booleans(),
        continues=st.booleans(),
    ),
    max_size=25,
)


def built(builder: DocumentBuilder) -> Document:
    text, blocks = builder.build()
    return Document("id", "a.txt", Metadata("A"), text, blocks, "0")


@given(PIECES)
def test_spans_are_exact_and_nothing_is_lost(pieces: list[Piece]) -> None:
    builder = DocumentBuilder()
    for piece in pieces:
        builder.add(piece)
    document = built(builder)
    assert_exact(document)
    wanted = [squeeze(normalise(piece.text.encode("utf-8", "replace").decode())) for piece in pieces]
    found = [document.text[block.span.start : block.span.end] for block in document.blocks]
    assert found == [text for text in wanted if text]
    document.text.encode("utf-8")


@given(PIECES)
def test_lead_ins_are_earlier_blocks_and_shared_by_a_list(pieces: list[Piece]) -> None:
    builder = DocumentBuilder()
    for piece in pieces:
        builder.add(piece)
    _, blocks = builder.build()
    starts = {block.span: place for place, block in enumerate(blocks)}
    lead_ins: dict[int, object] = {}
    for place, block in enumerate(blocks):
        if block.kind is BlockKind.LIST_ITEM:
            assert block.list_id is not None
            assert block.level >= 1
        if block.lead_in:
            assert starts[block.lead_in] < place
        if block.list_id is not None:
            assert lead_ins.setdefault(block.list_id, block.lead_in) == block.lead_in


def test_a_list_keeps_its_lead_in_and_its_sub_list() -> None:
    builder = DocumentBuilder()
    builder.heading("Spread", 1)
    builder.paragraph("Three things help:")
    builder.item("time")
    builder.item("The keys are:")
    builder.item("trust", 2)
    builder.item("data", 2)
    builder.item("money")
    builder.paragraph("Money is scarce.", continues=True)
    builder.item("staff")
    document = built(builder)
    assert document.text == (
        "Spread\n\nThree things help:\n\ntime\nThe keys are:\ntrust\ndata\nmoney\n\nMoney is scarce.\n\nstaff"
    )
    outer = [block for block in document.blocks if block.list_id == 0]
    inner = [block for block in document.blocks if block.list_id == 1]
    assert [block.level for block in inner] == [2, 2]
    assert len(outer) == 5
    assert {document.text[b.lead_in.start : b.lead_in.end] for b in outer if b.lead_in} == {"Three things help:"}
    assert {document.text[b.lead_in.start : b.lead_in.end] for b in inner if b.lead_in} == {"The keys are:"}


def test_a_heading_introduces_a_list_and_a_plain_paragraph_does_not() -> None:
    builder = DocumentBuilder()
    builder.heading("Barriers")
    builder.item("time")
    builder.paragraph("That is all.")
    builder.item("money")
    _, blocks = builder.build()
    assert blocks[1].lead_in == blocks[0].span
    assert blocks[3].lead_in is None
    assert blocks[1].list_id != blocks[3].list_id


def test_two_lists_in_a_row_stay_two() -> None:
    builder = DocumentBuilder()
    builder.item("a", starts_list=True)
    builder.item("b")
    builder.item("c", starts_list=True)
    text, blocks = builder.build()
    assert [block.list_id for block in blocks] == [0, 0, 1]
    assert text == "a\nb\n\nc"
