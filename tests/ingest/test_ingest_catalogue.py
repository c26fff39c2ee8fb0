"""sources.toml, front matter, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_samples import assert_exact, text_of, texts

from spreadguide.editions import Editions, find_editions
from spreadguide.errors import IngestError
from spreadguide.ingest import Entry, read_catalogue, read_corpus, read_document
from spreadguide.types import EditionStatus, EvidenceKind

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
        ('["b.txt"]\ntitle = "B"\n', 'describes "b.txt", but there is no such report'),
        ('["a.txt"]\nyear = 20188\n', '"year" is wrong (it must be a year with four digits'),
        ('["a.txt"]\ntitle = 5\n', '"title" is wrong (it must be text'),
        ('["a.txt"]\nkind = "rumour"\n', '"kind" is wrong (it must be trial, evaluation, review'),
        ('["a.txt"]\nstatus = "old"\n', '"status" is wrong (it must be current or superseded'),
        ('["a.txt"]\naudience = ["patients"]\n', '"audience" is wrong (it must be innovator, adopter team or'),
        ('["a.txt"]\npillars = 3\n', '"pillars" is wrong (it must be a list'),
        ('["a.txt"]\nsupersedes = "../b.txt"\n', '"supersedes" is wrong (name files by their paths inside'),
        ('["a.txt"]\nsupersedes = ["c:\\\\b.txt"]\n', '"supersedes" is wrong (name files by their paths inside'),
        ('"a.txt" = "A"\n', "write the keys below it"),
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


FULL = Entry(
    kind="case study",
    setting="Five wards",
    edition="Second edition",
    supersedes=("old/a.txt",),
    audience=("innovator", "adopter team"),
    pillars=("Engage",),
    limits="One place only.",
    status="superseded",
)


@pytest.mark.parametrize(
    "text",
    [
        'kind = "case study"\nsetting = "Five wards"\nedition = "Second edition"\nsupersedes = ["old/a.txt"]\n'
        'audience = ["innovator", "adopter team"]\npillars = ["Engage"]\nlimits = "One place only."\n'
        'status = "superseded"\n',
        'kind = "Case-Study"\nsetting = " Five wards "\nedition = "Second edition"\nsupersedes = "./old//a.txt"\n'
        'audience = ["Innovator", "ADOPTER TEAM"]\npillars = "engage"\nlimits = "One place only."\n'
        'status = "Superseded"\n',
    ],
)
def test_every_key_is_read_in_any_reasonable_spelling(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.toml").write_text(f'["a.txt"]\n{text}')
    catalogue = read_catalogue(tmp_path)
    assert catalogue.warnings == ()
    assert catalogue.entries["a.txt"] == FULL


def test_numbers_for_dates_and_editions_are_read_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('["a.txt"]\npublished = 2021\nedition = 3.1\n')
    entry = read_catalogue(tmp_path).entries["a.txt"]
    assert (entry.published, entry.edition) == ("2021", "3.1")


def test_front_matter_has_the_same_keys_and_all_reach_the_document() -> None:
    front = (
        b"---\ntitle: A\nkind: Case study\nsetting: Five wards\nedition: Second edition\nsupersedes: old/a.txt\n"
        b"audience: [innovator, adopter team]\npillars: [Engage]\nlimits: One place only.\nstatus: superseded\n"
        b"---\n\nText.\n"
    )
    document = read_document(front, "a.md")
    known = document.metadata
    assert document.warnings == ()
    for key in ("kind", "setting", "edition", "supersedes", "audience", "pillars", "limits", "status"):
        assert getattr(known, key) == getattr(FULL, key), key
    assert read_document(b"Text.\n", "a.md", FULL).metadata.kind is EvidenceKind.CASE_STUDY


def test_a_wrong_value_in_front_matter_leaves_the_rest() -> None:
    text = b"---\ntitle: A title\nkind: rumour\naudience: [innovator, patients]\nyear: 2020\n---\n\nText.\n"
    document = read_document(text, "a.md")
    assert (document.metadata.title, document.metadata.year) == ("A title", 2020)
    assert (document.metadata.kind, document.metadata.audience) == (None, ())
    (warning,) = document.warnings
    assert '"kind" is wrong' in warning
    assert '"audience" is wrong' in warning


def test_the_status_of_the_catalogue_wins_only_where_it_is_given() -> None:
    front = b"---\nstatus: superseded\n---\n\nText.\n"
    assert read_document(front, "a.md", Entry(title="A")).metadata.status is EditionStatus.SUPERSEDED
    assert read_document(front, "a.md", Entry(status="current")).metadata.status is EditionStatus.CURRENT
    assert read_document(b"Text.\n", "a.md").metadata.status is EditionStatus.CURRENT


@pytest.mark.parametrize(
    ("data", "name", "named"),
    [
        (b"# A title\n\nText.\n", "report_v2.md", True),
        (b"Text without any title stands here, and then it ends.\n", "report_v2.md", False),
        (b"---\ntitle: A title\n---\n\nText.\n", "report_v2.md", True),
    ],
)
def test_a_title_made_of_the_file_name_is_marked(data: bytes, name: str, named: bool) -> None:
    known = read_document(data, name).metadata
    assert known.named is named
    assert known.title == ("A title" if named else "report v2")


def test_newer_editions_supersede_older_ones() -> None:
    found = find_editions({"3.md": ["2.md"], "2.md": ["1.md", "1b.md"], "1.md": [], "1b.md": [], "x.md": []})
    assert found == Editions(frozenset({"2.md", "1.md", "1b.md"}))


@pytest.mark.parametrize(
    ("supersedes", "superseded", "warning"),
    [
        ({"a.md": ["a.md"]}, set(), "a.md says that it supersedes itself"),
        ({"a.md": ["gone.md"]}, set(), 'a.md supersedes "gone.md", but there is no such report'),
        ({"a.md": ["b.md"], "b.md": ["a.md"]}, set(), "supersede each other: a.md, b.md"),
        (
            {"a.md": ["b.md"], "b.md": ["c.md"], "c.md": ["a.md", "d.md"], "d.md": []},
            {"d.md"},
            "supersede each other: a.md, b.md, c.md",
        ),
        ({"new.md": ["a.md"], "a.md": ["b.md"], "b.md": ["a.md"]}, {"a.md"}, "supersede each other: a.md, b.md"),
    ],
)
def test_editions_that_cannot_be_are_warnings(supersedes, superseded, warning) -> None:
    found = find_editions(supersedes)
    assert found.superseded == superseded
    assert len(found.warnings) == 1
    assert warning in found.warnings[0]


def test_two_rings_are_two_warnings() -> None:
    found = find_editions({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"], "e": ["f", "a"], "f": []})
    assert found.superseded == {"f", "a"}
    assert len(found.warnings) == 2


def test_a_long_line_of_editions_is_settled_at_once() -> None:
    count = 20_000
    line = {str(number): [str(number - 1)] if number else [] for number in range(count)}
    assert len(find_editions(line).superseded) == count - 1


def test_a_catalogue_that_makes_no_sense_stops_the_build(tmp_path: Path) -> None:
    """Reports would lose their publishers, and superseded ones would be answered from again."""
    (tmp_path / "a.txt").write_text("A title\n\nA sentence stands here.\n")
    (tmp_path / "sources.toml").write_text('["a.txt"\n')
    with pytest.raises(IngestError, match=r"sources\.toml cannot be read") as caught:
        read_corpus(tmp_path)
    assert "line 1" in caught.value.hint
    assert "Correct that line" in caught.value.hint
