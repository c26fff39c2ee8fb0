"""What a document says about itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_samples import text_of

from spreadguide.ingest import read_document
from spreadguide.ingest.evidence_kind import kind_in_title
from spreadguide.ingest.statements import licence_in
from spreadguide.types import EvidenceKind

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


CC = "Creative Commons Attribution"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("This work is licensed under the Creative Commons Attribution 4.0 International License.", "CC BY 4.0"),
        (
            f"Open Access This article is licensed under a {CC} 4.0 International License, which permits use.",
            "CC BY 4.0",
        ),
        ("This is an open access article distributed under the terms of the CC BY-NC 4.0 licence.", "CC BY-NC 4.0"),
        (f"This article is distributed under the terms of the {CC} License (CC BY 4.0).", "CC BY 4.0"),
        (f"This report is made available under a {CC}-NonCommercial-NoDerivatives 4.0 licence.", "CC BY-NC-ND 4.0"),
        ("© Example Trust 2019. This publication is licensed under CC BY-SA 4.0.", "CC BY-SA 4.0"),
        (
            "This publication is licensed under the terms of the Open Government Licence v3.0.",
            "Open Government Licence v3.0",
        ),
        (
            "© Crown copyright. Licensed under the Open Government Licence version 3.",
            "Open Government Licence v3.0",
        ),
        ("Open Government Licence", "Open Government Licence"),
        ("CC BY 4.0", "CC BY 4.0"),
        ("Licence: Creative Commons Attribution", "CC BY"),
        ("The figure is reproduced from Moore. This is an Open Access article under a CC BY 4.0 licence.", None),
        (f"AMSTAR 2 is an open access tool, distributed under the {CC} (CC BY 4.0) licence.", None),
        ("This guide explains what a Creative Commons licence is.", None),
        ("Many publishers now use the Creative Commons Attribution licence.", None),
        (f"This article uses a photo by A. Person, licensed under {CC} 2.0.", None),
        ("The Open Government Licence lets you reuse public sector information.", None),
        ("Contains data licensed under the Open Government Licence v3.0.", None),
    ],
)
def test_the_licence_of_the_document_itself(text: str, licence: str | None) -> None:
    assert licence_in(text) == licence


def test_a_licence_at_the_end_of_a_report_counts() -> None:
    filler = f"{BODY}\n\n" * 20
    text = f"The title\n\n{filler}This report is licensed under a {CC} 4.0 licence.\n"
    assert read_document(text.encode(), "a.txt").metadata.licence == "CC BY 4.0"


@pytest.mark.parametrize(
    ("line", "edition"),
    [
        ("Second edition", "Second edition"),
        ("2nd edition, May 2019", "2nd edition"),
        ("Revised edition (2020)", "Revised edition"),
        ("Version 3.0", "Version 3.0"),
        ("Version number: 3", "Version number: 3"),
        ("v1.2", "v1.2"),
        ("Version 3, 8 February 2023", "Version 3"),
        ("Version 1.6 – Schedule of Changes", None),
        ("Version control", None),
        ("Please consult the latest edition of the British National Formulary.", None),
        ("The UK Injection Recommendations, 5th Edition.", None),
        ("Versions 1 and 2 were withdrawn.", None),
        ("V", None),
    ],
)
def test_the_edition_stands_on_a_line_of_its_own(line: str, edition: str | None) -> None:
    assert front(line).metadata.edition == edition


@pytest.mark.parametrize(
    ("title", "edition"),
    [
        ("Scaling up (second edition)", "second edition"),
        ("A guide to spread: 3rd edition", "3rd edition"),
        ("Handbook - version 2.1", "version 2.1"),
        ("The second edition of everything", None),
        ("Version control at scale", None),
    ],
)
def test_the_edition_in_a_title(title: str, edition: str | None) -> None:
    assert read_document(f"# {title}\n\n{BODY}\n".encode(), "a.md").metadata.edition == edition


def test_an_edition_far_down_is_of_another_work() -> None:
    filler = f"{BODY}\n\n" * 14
    assert read_document(f"The title\n\n{filler}Second edition\n".encode(), "a.txt").metadata.edition is None


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("https://doi.org/10.1136/bmjopen-2016-014558", "https://doi.org/10.1136/bmjopen-2016-014558"),
        ("BMJ Open 2017;7:e014558. doi:10.1136/bmjopen-2016-014558.", "https://doi.org/10.1136/bmjopen-2016-014558"),
        ("DOI: 10.2196/42397", "https://doi.org/10.2196/42397"),
        ("Cite this as: Doe J. A study. doi: 10.1000/182", "https://doi.org/10.1000/182"),
        ("This report is available at https://example.org/reports/7.", "https://example.org/reports/7"),
        ("Full reference: Doe J. Another study. doi:10.1000/182", None),
        ("See doi:10.1000/182 for the methods.", None),
        ("doi:10.1000/182 and doi:10.1000/183", None),
        ("More at https://example.org/reports/7 and elsewhere.", None),
        ("Sample 10.1000/182 was lost.", None),
    ],
)
def test_the_address_of_the_document_itself(line: str, url: str | None) -> None:
    assert front(line).metadata.url == url


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Text messages and weight: a randomised controlled trial", EvidenceKind.TRIAL),
        ("A mobile programme in the UK: the EXAMPLE-SMS randomized clinical trial", EvidenceKind.TRIAL),
        ("Apps for health: a systematic review of randomised controlled trials", EvidenceKind.REVIEW),
        ("Digital health in care homes: scoping review", EvidenceKind.REVIEW),
        ("Messages to support self-care: mixed methods evaluation", EvidenceKind.EVALUATION),
        ("Evaluation of the vanguard programme", EvidenceKind.EVALUATION),
        ("Engaging ward staff: a UK-based qualitative process evaluation", EvidenceKind.EVALUATION),
        ("Rolling out a tablet: case study from Uganda", EvidenceKind.CASE_STUDY),
        ("Alerts and their users: cross-sectional survey study", EvidenceKind.SURVEY),
        ("Commissioning policy: individual funding requests", EvidenceKind.POLICY),
        ("Public health capacity: a new framework", EvidenceKind.FRAMEWORK),
        ("Scaling up: a practical guide", EvidenceKind.GUIDANCE),
        ("Editorial: where next?", EvidenceKind.OPINION),
        ("Apps and weight: protocol for a randomised controlled trial", None),
        ("Apps and weight: secondary analysis of a randomized controlled trial", None),
        ("Economic evaluation reporting standards 2022", None),
        ("An updated guideline for reporting systematic reviews", None),
        ("A nested case-control study of falls", None),
        ("Health Survey for England 2021", None),
        ("Using a framework to plan care", None),
        ("Adherence to NICE guidance in primary care", None),
        ("Beyond the randomised controlled trial", None),
        ("Scaling innovation: a collective endeavour", None),
    ],
)
def test_the_kind_is_read_only_where_the_title_leaves_no_doubt(title: str, kind: EvidenceKind | None) -> None:
    assert kind_in_title(title) is kind


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Press release", EvidenceKind.PRESS_RELEASE),
        ("NICE guideline", EvidenceKind.GUIDANCE),
        ("Systematic review", EvidenceKind.REVIEW),
        ("In a press release the trust said that all went well.", None),
        ("Review", None),
        ("Case study", None),
    ],
)
def test_the_kind_on_a_line_beside_the_title(line: str, kind: EvidenceKind | None) -> None:
    assert front(line).metadata.kind is kind


def test_the_setting_is_never_guessed() -> None:
    assert front("Wards in five hospitals in the UK").metadata.setting is None


SEED_FACTS = {
    "000": ("Successfully Scaling Innovation in the NHS", None, (), None),
    "001": ("Scaling innovation: a collective endeavour", "NHE", ("Sarah Dew",), 2018),
    "002": ("Adoption and spread of innovation in the NHS - A King's Fund report", None, (), None),
    "003": (
        "NHS long-term plan must commit dedicated investment to help the NHS spread innovation more effectively",
        None,
        (),
        2018,
    ),
    "004": ("Scaling innovation within healthcare systems: practical considerations", None, (), 2023),
}


def test_what_the_seed_pages_say_of_themselves_and_nothing_more(seeds: Path) -> None:
    found = {}
    for file in sorted(seeds.glob("*.txt")):
        known = read_document(file.read_bytes(), file.name).metadata
        found[file.name[:3]] = (known.title, known.publisher, known.authors, known.year)
        assert (known.licence, known.edition, known.url, known.kind) == (None, None, None, None)
    assert found == SEED_FACTS


def test_what_two_policies_say_of_themselves(nhs_documents: Path) -> None:
    for start, edition, kind in (
        ("Commissioning_policy", "Version 3", EvidenceKind.POLICY),
        ("Standard_operating", "Version 5", None),
    ):
        file = next(nhs_documents.glob(f"{start}*.pdf"))
        known = read_document(file.read_bytes(), file.name).metadata
        assert (known.edition, known.kind, known.year) == (edition, kind, 2023)
        assert (known.licence, known.url, known.publisher) == (None, None, None)
