"""sources.toml, front matter, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_samples import assert_exact, text_of, texts

from spreadguide.ingest import Entry, read_catalogue, read_corpus, read_document

FRONT = b"""---
title: A guide to spread
publisher: NHS Confederation
authors: Jane Smith
published: 2023-08-03
url: https://example.org/guide
pillars: [Engage]
---

Reports of pilots are plentiful.
"""


def test_front_matter_becomes_title_and_quotable_lines() -> None:
    document = read_document(FRONT, "guide.md")
    assert_exact(document)
    assert document.metadata.publisher == "NHS Confederation"
    assert document.metadata.authors == ("Jane Smith",)
    assert document.metadata.year == 2023
    assert [(block.field, text_of(document, block)) for block in document.blocks] == [
        (None, "A guide to spread"),
        ("publisher", "Publisher: NHS Confederation"),
        ("authors", "Authors: Jane Smith"),
        ("published", "Published: 2023-08-03"),
        ("source", "Source: https://example.org/guide"),
        (None, "Reports of pilots are plentiful."),
    ]
    assert document.blocks[0].level == 1


def test_the_catalogue_wins_over_front_matter_and_that_over_the_text() -> None:
    body = b"---\npublisher: Front\n---\n\n# Title in the text\n\n3 August 2023\n\nPublisher: Text\n\nMore.\n"
    document = read_document(body, "a.md", Entry(title="From the catalogue", year=2020))
    assert document.metadata.title == "From the catalogue"
    assert document.metadata.publisher == "Front"
    assert document.metadata.published == "3 August 2023"
    assert document.metadata.year == 2020
    assert texts(document)[0] == "Title in the text"


def test_a_fact_the_text_states_is_not_stated_again() -> None:
    document = read_document(b"Title\n\nPublisher: The Hub\n\nA sentence.\n", "a.txt", Entry(publisher="The Hub"))
    assert texts(document).count("Publisher: The Hub") == 1


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ('["a.txt"]\npublsher = "X"\n', 'the key "publsher" is not known'),
        ('["a.txt"]\nyear = "soon"\n', '"year" is wrong'),
        ('["a.txt"\n', "sources.toml was ignored"),
        ('["b.txt"]\ntitle = "B"\n', 'describes "b.txt", but there is no such report'),
        ('["a.txt"]\nstatus = "superseded"\n', "superseded"),
    ],
)
def test_a_wrong_entry_is_a_warning(tmp_path: Path, toml: str, reason: str) -> None:
    (tmp_path / "a.txt").write_text("Title\n\nA sentence stands here.\n")
    (tmp_path / "sources.toml").write_text(toml)
    corpus = read_corpus(tmp_path)
    assert len(corpus.documents) == 1
    assert any(reason in warning for warning in corpus.warnings)


def test_entries_are_found_by_path(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("Title\n\nA sentence stands here.\n")
    (tmp_path / "sources.toml").write_text('["sub/a.txt"]\npublisher = "The Hub"\npublished = 2021-05-01\n')
    document = read_corpus(tmp_path).documents[0]
    assert document.metadata.publisher == "The Hub"
    assert document.metadata.year == 2021
    assert "Publisher: The Hub" in texts(document, "metadata")


def test_no_catalogue_is_no_problem(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path).entries == {}


def test_broken_front_matter_is_a_warning_and_the_text_is_kept() -> None:
    document = read_document(b"---\ntitle: [\n---\n\nThe text is kept.\n", "a.md")
    assert texts(document) == ["The text is kept."]
    assert "front matter" in document.warnings[0]
