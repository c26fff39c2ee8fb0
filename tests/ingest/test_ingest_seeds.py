"""The five real pages, noise included, and the NHS documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ingest_samples import assert_exact, lead_in_of, text_of, texts

from spreadguide.ingest import read_corpus, read_document
from spreadguide.types import Document


@pytest.fixture
def pages(seeds) -> dict[str, Document]:
    corpus = read_corpus(seeds)
    assert corpus.warnings == ()
    return {document.path[:3]: document for document in corpus.documents}


def test_every_page_is_read_exactly(pages: dict[str, Document]) -> None:
    assert sorted(pages) == ["000", "001", "002", "003", "004"]
    for document in pages.values():
        assert_exact(document)
        levels = [block.level for block in document.blocks if block.kind == "heading"]
        assert levels[0] == 1
        assert set(levels[1:]) <= {2}


@pytest.mark.parametrize(
    ("page", "published", "year"),
    [
        ("000", None, None),
        ("001", "March/April 2018", 2018),
        ("002", None, None),
        ("003", "25 September 2018", 2018),
        ("004", "3 August 2023", 2023),
    ],
)
def test_dates(pages: dict[str, Document], page: str, published: str | None, year: int | None) -> None:
    assert pages[page].metadata.published == published
    assert pages[page].metadata.year == year


def test_who_stands_behind_a_page(pages: dict[str, Document]) -> None:
    assert pages["001"].metadata.publisher == "NHE"
    assert pages["001"].metadata.authors == ("Sarah Dew",)
    assert pages["002"].metadata.commissioner == "AHSN Network"
    assert pages["000"].metadata.commissioner is None


def test_the_digest_has_a_heading_for_each_report(pages: dict[str, Document]) -> None:
    headings = texts(pages["000"], "heading")
    assert len(headings) == 6
    assert [heading.split()[0] for heading in headings] == [
        "Successfully", "Adoption", "Growing", "Advancing", "High-impact", "How",
    ]  # fmt: skip
    reference = [block for block in pages["000"].blocks if block.field == "authors"]
    assert len(reference) == 1
    assert "Sheard, L. et al (2017)" in text_of(pages["000"], reference[0])


def test_the_keys_to_success_hang_on_their_item(pages: dict[str, Document]) -> None:
    document = pages["000"]
    inner = [block for block in document.blocks if block.level == 2 and block.kind == "list_item"]
    assert len(inner) == 6
    assert all((lead_in_of(document, block) or "").endswith("The keys to success are:") for block in inner)


def test_the_side_bar_yields_no_block(pages: dict[str, Document]) -> None:
    document = pages["001"]
    assert texts(document)[-1].endswith("capitalising on national and local system priorities.")
    assert texts(document, "heading") == [
        "Scaling innovation: a collective endeavour",
        "The solution",
        "Proven success",
        "Creating the right culture",
        "Proactive innovation adoption",
    ]


FURNITURE_STARTS = {"001": "There are no comments", "003": "Media contact"}
"""The first line of each page's tail: everything below it belongs to other stories, or to the site."""


def furniture(seeds: Path, page: str) -> tuple[str, list[str]]:
    """The article, and the lines below it that are long enough to tell: titles, teasers, names, dates."""
    text = next(seeds.glob(f"{page}*")).read_text(encoding="utf-8")
    article, _, tail = text.partition(FURNITURE_STARTS[page])
    lines = [" ".join(line.split()) for line in tail.split("\n")]
    return article, [line for line in lines if len(line.split()) >= 2 and not line.startswith("?")]


def arranged(article: str, tail: str, order: str) -> str:
    """Put the tail of a page elsewhere, as sites with other layouts do."""
    title, _, rest = article.partition("\n")
    half = rest.index("\n\n", len(rest) // 2)
    return {
        "below": f"{article}\n\n{tail}",
        "above": f"{title}\n\n{tail}\n\n{rest}",
        "between": f"{title}\n{rest[:half]}\n\n{tail}\n\n{rest[half:]}",
        "without blank lines": re.sub(r"\n\s*\n", "\n", f"{article}\n{tail}"),
    }[order]


@pytest.mark.parametrize("page", FURNITURE_STARTS)
def test_no_line_of_a_side_bar_or_teaser_is_in_any_block(seeds, pages: dict[str, Document], page: str) -> None:
    _, lines = furniture(seeds, page)
    assert len(lines) > 15
    found = "\n".join(texts(pages[page]))
    assert [line for line in lines if line in found] == []


@pytest.mark.parametrize("order", ["below", "above", "between", "without blank lines"])
def test_a_side_bar_is_found_by_its_layout_wherever_it_stands(seeds, order: str) -> None:
    article, lines = furniture(seeds, "001")
    side_bar = next(seeds.glob("001*")).read_text(encoding="utf-8").partition("Add your comment")[2]
    document = read_document(arranged(article, side_bar, order).encode(), "a.txt")
    found = "\n".join(texts(document))
    assert [line for line in lines if line in found] == []
    wanted = [" ".join(line.split()) for line in article.split("\n")]
    lost = [line for line in wanted if line and line not in found]
    assert len(lost) == 1
    assert " c. " in lost[0]


def test_people_who_are_quoted_are_kept_in_order(pages: dict[str, Document]) -> None:
    for page, speaker, opening, count in (("003", "Tim Horton", "'", 3), ("002", "Commenting", '"', 3)):
        found = texts(pages[page])
        place = next(n for n, text in enumerate(found) if text.startswith(speaker))
        assert found[place].endswith("said:")
        assert all(text.startswith(opening) for text in found[place + 1 : place + 1 + count])
    assert texts(pages["003"])[-1].endswith("The challenge is to get the solutions working well everywhere.'")


def test_the_pillars_are_one_list_under_their_lead_in(pages: dict[str, Document]) -> None:
    document = pages["004"]
    pillar = next(block for block in document.blocks if text_of(document, block) == "Understand")
    pillars = [block for block in document.blocks if block.list_id == pillar.list_id]
    assert [text_of(document, block) for block in pillars if block.kind == "list_item"] == [
        "Understand", "Engage", "Future-proof",
    ]  # fmt: skip
    assert len(pillars) == 7
    assert {lead_in_of(document, block) for block in pillars} == {lead_in_of(document, pillars[0])}
    assert (lead_in_of(document, pillars[0]) or "").endswith("when adopting a proven innovation:")


def titles(document: Document) -> int:
    return sum(block.kind == "heading" and block.level == 1 for block in document.blocks)


@pytest.mark.slow
def test_the_nhs_documents_are_all_read(nhs_documents) -> None:
    corpus = read_corpus(nhs_documents)
    assert len(corpus.documents) == 10
    assert corpus.warnings == ()
    for document in corpus.documents:
        assert_exact(document)
        assert titles(document) == 1
        assert any(lead_in_of(document, block) for block in document.blocks if block.kind == "list_item")
        assert not any("Page 2 of" in text for text in texts(document))
