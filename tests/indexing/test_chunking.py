"""Passages and units: spans exact, no text lost, headings, lead-ins and speakers kept."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from spreadguide.indexing.chunking import MAX_WORDS, chunk
from spreadguide.ingest import DocumentBuilder
from spreadguide.types import BlockKind, Document, Metadata, Passage, UnitKind

SENTENCE = st.lists(
    st.sampled_from("teams adopt new ideas slowly when leaders help them".split()), min_size=1, max_size=40
).map(lambda found: " ".join(found).capitalize() + ".")
STEP = st.one_of(
    st.tuples(st.just("heading"), st.integers(1, 4), SENTENCE),
    st.tuples(st.just("paragraph"), st.lists(SENTENCE, min_size=1, max_size=12).map(" ".join)),
    st.tuples(st.just("list"), SENTENCE, st.lists(SENTENCE, min_size=1, max_size=12)),
)


def document(steps: list[tuple], title: str = "Title") -> Document:
    builder = DocumentBuilder()
    builder.heading(title, 1)
    for kind, *rest in steps:
        match kind:
            case "heading":
                level, text = rest
                builder.heading(text, level + 1)
            case "paragraph":
                builder.paragraph(rest[0])
            case "list":
                lead, items = rest
                builder.paragraph(f"{lead[:-1]}:")
                for item in items:
                    builder.item(item)
    text, blocks = builder.build()
    return Document("doc", "doc.md", Metadata(title), text, tuple(blocks), "0" * 64)


@given(st.lists(STEP, max_size=12))
def test_spans_are_exact_and_nothing_is_lost(steps: list[tuple]) -> None:
    found = document(steps)
    passages = chunk(found)
    assert all(found.text[passage.start : passage.end] == passage.text for passage in passages)
    assert all(one.end <= other.start for one, other in itertools.pairwise(passages))
    assert len({passage.passage_id for passage in passages}) == len(passages)
    kept = " ".join(passage.text for passage in passages).split()
    blocks = [block for block in found.blocks if block.kind is not BlockKind.HEADING]
    assert kept == " ".join(found.text[block.span.start : block.span.end] for block in blocks).split()
    for passage in passages:
        for unit in passage.units:
            assert passage.start <= unit.span.start < unit.span.end <= passage.end


@given(st.lists(STEP, max_size=12))
def test_a_list_is_never_cut_from_its_lead_in(steps: list[tuple]) -> None:
    found = document(steps)
    for passage in chunk(found):
        first = passage.units[0]
        if first.kind is UnitKind.LIST_ITEM:
            assert passage.lead_in, "a passage that goes on with a list carries the lead-in"
        assert not passage.text.rstrip().endswith(":"), "no passage ends with the line that introduces the next"


def headings(passages: list[Passage]) -> list[tuple[str, ...]]:
    return [passage.heading for passage in passages]


def test_headings_make_a_path_and_the_title_is_left_out() -> None:
    found = document([
        ("heading", 1, "One"), ("paragraph", "A."), ("heading", 2, "Two"), ("paragraph", "B."),
        ("heading", 1, "Three"), ("paragraph", "C."),
    ])  # fmt: skip
    assert headings(chunk(found)) == [("One",), ("One", "Two"), ("Three",)]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "Each team adopts the idea in its own way."
    passages = chunk(document([("paragraph", " ".join([sentence] * 60))]))
    assert len(passages) > 1
    assert all(passage.text.endswith("way.") for passage in passages)
    assert all(len(passage.text.split()) <= MAX_WORDS for passage in passages)


def test_a_quotation_keeps_its_speaker() -> None:
    found = document([
        ("paragraph", "Ann Ward, nurse at the trust, said:"),
        ("paragraph", "“It took time. Staff helped.”"),
        ("paragraph", "The trial ended in May."),
    ])  # fmt: skip
    units = [unit for passage in chunk(found) for unit in passage.units]
    kinds = [unit.kind for unit in units]
    assert kinds == [UnitKind.SENTENCE, UnitKind.QUOTATION, UnitKind.QUOTATION, UnitKind.SENTENCE]
    speaker = units[1].context[0]
    assert found.text[speaker.start : speaker.end] == "Ann Ward, nurse at the trust, said:"


def test_speech_inside_a_paragraph_keeps_its_speaker() -> None:
    found = document([("paragraph", 'Ann Ward said: "It took time. Staff helped." The trial ended.')])
    units = chunk(found)[0].units
    assert [unit.kind for unit in units] == [UnitKind.SENTENCE, UnitKind.QUOTATION, UnitKind.SENTENCE]


def test_items_share_a_list_and_know_their_lead_in() -> None:
    found = document([("list", "The keys are.", ["Time.", "Space."])])
    items = [unit for unit in chunk(found)[0].units if unit.kind is UnitKind.LIST_ITEM]
    assert len({unit.list_id for unit in items}) == 1
    assert {found.text[unit.context[0].start : unit.context[0].end] for unit in items} == {"The keys are:"}
