"""What is embedded for passages and units."""

from dataclasses import replace

from index_samples import document, reports

from spreadguide.indexing.chunking import chunk
from spreadguide.indexing.embedded_text import embedded_texts, passage_text, text_key, unit_text
from spreadguide.types import BlockKind, Passage, Span, Unit, UnitKind


def _passage(report, start, end, *units, lead_in=None):
    text = report.text[start:end]
    return Passage("p", report.source_id, ("Money",), None, start, end, text, units, lead_in)


def test_a_passage_is_read_with_title_headings_and_lead_in_on_one_line():
    report = document("a.md", "Helping others", "one\ntwo")
    passage = _passage(report, 16, 23, lead_in="Adopters get:")
    assert passage_text("Helping others", passage) == "Helping others. Money. Adopters get: one two"


def test_a_unit_is_read_with_title_headings_and_its_context():
    report = document("a.md", "T", "Adopters also get:", "- a named  adviser")
    start = report.text.index("a named")
    lead = Span(3, 3 + len("Adopters also get:"))
    unit = Unit(UnitKind.LIST_ITEM, Span(start, len(report.text)), (lead,), 1)
    text = unit_text("T", _passage(report, 3, len(report.text), unit), unit, report.text)
    assert text == "T. Money. Adopters also get: a named adviser"


def test_texts_stand_in_the_order_of_passages_and_units():
    documents = reports()
    passages = [passage for report in documents for passage in chunk(report)]
    of_passages, of_units = embedded_texts(documents, passages)
    assert len(of_passages) == len(passages)
    assert len(of_units) == sum(len(passage.units) for passage in passages)
    assert "Thirty-three wards" in of_passages[0]
    assert of_units[0].endswith("Thirty-three wards took part in the trial.")


def test_what_is_never_ranked_is_not_embedded():
    """What a document says of itself, and lists of other texts; the passages that hold them are, all the same."""
    report = document(
        "a.md", "Helping others", "# Money", "The grant ran out.", "# References", "A. Writer, Grants, 2020."
    )
    stated = replace(report.blocks[2], kind=BlockKind.METADATA, field="source")
    report = replace(report, blocks=(*report.blocks[:2], stated, *report.blocks[3:]))
    of_passages, of_units = embedded_texts([report], chunk(report))
    assert of_units == ["", ""]
    assert all(of_passages)


def test_other_text_has_another_key():
    assert len(text_key("a")) == 64
    assert text_key("a") != text_key("b")
