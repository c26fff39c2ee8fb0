"""What a document says about itself."""

from __future__ import annotations

import pytest
from ingest_samples import text_of

from spreadguide.ingest import read_document

BODY = "The wards that took part were given a support team for two years, and they paid it back with results."


def front(line: str) -> object:
    return read_document(f"The title\n\n{line}\n\n{BODY}\n\n{BODY}\n".encode(), "a.txt")


@pytest.mark.parametrize(
    ("line", "published", "year"),
    [
        ("3 August 2023", "3 August 2023", 2023),
        ("25 September 2018", "25 September 2018", 2018),
        ("Tuesday 25th September 2018", "Tuesday 25th September 2018", 2018),
        ("Published: 2017", "2017", 2017),
        ("March/April 2018", "March/April 2018", 2018),
        ("Published on 2021-05-01", "2021-05-01", 2021),
        ("Source: NHE March/April 2018", "March/April 2018", 2018),
        ("Version 3, 8 February 2023", "8 February 2023", 2023),
    ],
)
def test_dates(line: str, published: str, year: int) -> None:
    document = front(line)
    assert document.metadata.published == published
    assert document.metadata.year == year
    block = document.blocks[1]
    assert block.kind == "metadata"
    assert block.field in ("published", "source")
    assert published in text_of(document, block)


@pytest.mark.parametrize(
    ("line", "field", "name", "value"),
    [
        ("Source: NHE March/April 2018", "source", "publisher", "NHE"),
        ("Published by the Health Foundation", "publisher", "publisher", "the Health Foundation"),
        ("By Jane Smith and Dr Omar Khan", "authors", "authors", ("Jane Smith", "Dr Omar Khan")),
        ("Commissioned by the AHSN Network", "commissioner", "commissioner", "the AHSN Network"),
    ],
)
def test_lines_that_state_one_thing(line: str, field: str, name: str, value: object) -> None:
    document = front(line)
    assert document.blocks[1].field == field
    assert getattr(document.metadata, name) == value


def test_a_commissioner_named_in_the_opening_sentence() -> None:
    document = front(
        "A new report, published today and commissioned on behalf of the AHSN Network, charts eight paths."
    )
    assert document.metadata.commissioner == "AHSN Network"
    assert document.blocks[1].kind == "paragraph"


def test_the_author_named_under_the_title() -> None:
    document = front("Why is it hard? Sarah Example, a project lead at the Hub, explores what needs to change.")
    assert document.metadata.authors == ("Sarah Example",)


def test_what_is_said_of_other_works_is_not_said_of_the_document() -> None:
    filler = f"{BODY}\n\n" * 14
    reference = "Full reference: Doe, J. et al (2012) A study of wards. BMJ Open."
    document = read_document(f"The title\n\n{filler}1 May 2011\n\n{reference}\n".encode(), "a.txt")
    assert document.metadata.year is None
    assert document.metadata.authors == ()
    assert document.blocks[-1].field == "authors"
    assert document.blocks[-2].kind == "paragraph"


@pytest.mark.parametrize(
    "line", ["By working together, teams can win.", "In May 2011 the trust opened.", "Source code is shared."]
)
def test_sentences_are_not_metadata(line: str) -> None:
    document = front(line)
    assert document.blocks[1].kind == "paragraph"
    assert document.metadata.year is None
