"""Plain text: encodings, wrapped lines, lists, headings, and page furniture."""

from __future__ import annotations

import random
import time

import pytest
from ingest_samples import assert_exact, block_with, lead_in_of, texts

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import read_document

LONG = "The wards that took part were given a support team for two years, and they paid it back with results. "


def read(text: str) -> object:
    document = read_document(text.encode(), "a.txt")
    assert_exact(document)
    return document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_read_alike(encoding: str) -> None:
    text = "Café culture\n\nThe naïve plan cost £330 million, and the façade hid it well. Zoë agreed.\n"
    document = read_document(text.encode(encoding), "a.txt")
    assert texts(document) == ["Café culture", text.split("\n")[2]]


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 20,
        random.Random(1).randbytes(5000),  # noqa: S311 - noise, not a secret
        b"\x7fELF\x02\x01\x01" + b"\0" * 50,
        b"\x01\x02\x03" * 99,
    ],
    ids=["all bytes", "random", "program", "control characters"],
)
def test_a_binary_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="not a text file") as caught:
        read_document(data, "a.txt")
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"  \n\n ", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"empty|no text"):
        read_document(data, "a.txt")


def test_wrapped_lines_are_joined_and_cut_words_mended() -> None:
    document = read(
        "A report about wards\n\n"
        "The teams that took part in the trial said that the imple-\n"
        "mentation of the intervention needed more time than any-\n"
        "one had planned for, and decision-makers agreed. The\n"
        "second year went better for the well-known decision-\n"
        "makers.\n\n"
        "- The first point is so long that it has to go on in the\n"
        "  next line.\n"
        "- The second is not.\n"
    )
    assert texts(document)[1].startswith("The teams that took part in the trial said that the implementation of")
    assert "anyone had" in texts(document)[1]
    assert texts(document)[1].endswith("well-known decision-makers.")
    assert texts(document, "list_item") == [
        "The first point is so long that it has to go on in the next line.",
        "The second is not.",
    ]


def test_numbered_titles_are_one_list_and_their_paragraphs_belong_to_it() -> None:
    document = read(
        "A guide\n\nThere are two pillars:\n\n1. Understand\n\nLearn what is needed.\n\nAsk the staff.\n\n"
        "2. Engage\n\nTalk to everyone early.\n\nThe roles\n\nInnovators develop things.\n"
    )
    assert texts(document, "list_item") == ["Understand", "Engage"]
    inside = [block for block in document.blocks if block.list_id == 0]
    assert len(inside) == 5
    assert {lead_in_of(document, block) for block in inside} == {"There are two pillars:"}
    assert block_with(document, "Innovators develop things.").list_id is None
    assert texts(document, "heading") == ["A guide", "The roles"]


def test_numbered_sections_of_a_report_are_headings() -> None:
    body = (LONG + "\n\n") * 5
    document = read(f"A report\n\n{LONG}\n\n1. Introduction\n\n{body}2. Methods\n\n{body}3. Results\n\n{body}")
    assert texts(document, "heading") == ["A report", "1. Introduction", "2. Methods", "3. Results"]


def test_bullets_across_blank_lines_are_one_list_and_indents_are_levels() -> None:
    document = read(
        "T\n\nIt found:\n\n  • one\n\n\n  • two, namely:\n    • two a\n    • two b\n  • three\n\nAfter that it ended.\n"
    )
    assert [(block.level, block.list_id) for block in document.blocks if block.kind == "list_item"] == [
        (1, 0), (1, 0), (2, 1), (2, 1), (1, 0),
    ]  # fmt: skip
    assert lead_in_of(document, block_with(document, "two a")) == "two, namely:"
    assert lead_in_of(document, block_with(document, "three")) == "It found:"


@pytest.mark.parametrize(
    "line",
    [
        "By Jane Smith",
        "3 August 2023",
        "Image source: a library",
        "Two hands c. someone",
        "An app for wards | NHS England",
        "It ended well.",
        "www.example.org",
        "Further detail can be found at the library",
    ],
)
def test_lines_that_are_no_headings(line: str) -> None:
    document = read(f"The title\n\n{LONG}\n\n{line}\n\n{LONG}")
    assert texts(document, "heading") == ["The title"]


def test_an_address_is_not_a_row_of_headings() -> None:
    document = read(f"The title\n\n{LONG}\n\nThe Hub\n\nOne Road\n\nLeeds\n\n{LONG}")
    assert texts(document, "heading") == ["The title", "Leeds"]


TAIL = """There are no comments. Why not be the first?

Add your comment

latest healthcare news

A new ward opens

19/09/2019A new ward opens

A trust has opened a new ward in the town in which... more >
A second story of the day

18/09/2019A second story of the day

It has been another busy day for... more >
"""


def test_a_tail_of_teasers_leaves_no_block() -> None:
    document = read(f"The title\n\n{LONG}\n\n{LONG}\n\n{TAIL}")
    assert texts(document) == ["The title", LONG.strip(), LONG.strip()]


def test_teasers_without_any_notice_are_found_by_their_layout() -> None:
    tail = TAIL.partition("latest")[2]
    document = read(f"The title\n\n{LONG}\n\n{LONG}\n\nlatest{tail}")
    assert texts(document) == ["The title", LONG.strip(), LONG.strip()]


def test_a_report_that_goes_on_after_a_comment_form_is_kept() -> None:
    document = read(f"The title\n\n{LONG}\n\nAdd your comment\n\n" + f"{LONG}\n\n" * 5)
    assert texts(document, "paragraph").count(LONG.strip()) == 6


def test_a_paragraph_that_trails_off_is_kept() -> None:
    document = read(f"The title\n\n{LONG}\n\nAnd then there was the question of money...\n\n{LONG}\n\n{LONG}")
    assert "And then there was the question of money..." in texts(document)


def test_a_press_contact_is_dropped_and_the_notes_after_it_stay() -> None:
    document = read(
        f"The title\n\n{LONG}\n\nMedia contact\n\nPeter Example\nManager\n020 7000 4000\n\nNotes to editors\n\n{LONG}"
    )
    assert texts(document) == ["The title", LONG.strip(), "Notes to editors", LONG.strip()]


def test_five_megabytes_are_read_in_reasonable_memory_and_whole() -> None:
    paragraph = LONG * 20
    data = ("The title\n\n" + f"{paragraph}\n\n" * 2500).encode()
    document = read_document(data, "a.txt")
    assert len(document.blocks) == 2501


@pytest.mark.parametrize(
    "text",
    [
        "A long line, " * 100_000,
        "word\n" * 200_000,
        "1. a\n\n" * 50_000,
        "A title\n\n" + "More of it...\n\n" * 30_000 + f"{LONG}\n\n{LONG}",
        "> " * 300_000,
        "a" * 1_000_000 + "-\nb",
    ],
    ids=["one line", "one paragraph", "ones", "teasers", "quotes", "one word"],
)
def test_no_text_takes_more_than_linear_time(text: str) -> None:
    started = time.process_time()
    read_document(text.encode(), "a.txt")
    assert time.process_time() - started < 15


MENU = """Skip to content

Our work

About us

News

Events

Funding

Improvement

Jobs

Contact

Search

Home

Blogs

Press

Log in

Basket

Reports

A trial on eleven wards

What the teams did

By Jane Smith

"""


def test_menus_above_a_page_are_dropped_and_its_names_stay() -> None:
    document = read(f"{MENU}{LONG}\n\n{LONG}")
    assert [text for text in texts(document) if text != LONG.strip()] == [
        "Reports", "A trial on eleven wards", "What the teams did", "By Jane Smith",
    ]  # fmt: skip


def test_a_short_title_page_and_a_list_of_names_stay() -> None:
    names = [f"Name Number{chr(97 + at)}" for at in range(9)]
    document = read("A report\n\n" + "\n\n".join(names) + f"\n\n{LONG}")
    assert texts(document) == ["A report", *names, LONG.strip()]


@pytest.mark.parametrize(
    "line",
    ["Most popular", "Related tags:", "More stories like this one", "View comments", "Comments powered by Example",
     "Follow us on Example", "Recent posts", "© 2019 The Hub. All rights reserved."],
)  # fmt: skip
def test_a_line_that_only_sites_have_ends_the_page(line: str) -> None:
    document = read(f"The title\n\n{LONG}\n\n{LONG}\n\n{line}\n\nA new ward opens\n\nTwelve jobs in town\n")
    assert texts(document) == ["The title", LONG.strip(), LONG.strip()]


@pytest.mark.parametrize(
    "line",
    ["Most popular of all was the second tool", "Related work", "Recent evidence", "More stories were told at night",
     "Comments", "Privacy notice", "Terms of reference"],
)  # fmt: skip
def test_headings_that_sound_like_a_site_stay(line: str) -> None:
    document = read(f"The title\n\n{LONG}\n\n{LONG}\n\n{line}\n\n{LONG}")
    assert texts(document) == ["The title", LONG.strip(), LONG.strip(), line, LONG.strip()]


def test_a_table_set_out_line_by_line_and_a_closing_list_stay() -> None:
    cells = "\n\n".join(("Trust", "Wards", "Leeds", "17", "York", "33"))
    document = read(f"The title\n\n{LONG}\n\n{cells}\n\n{LONG}\n\nIt needs:\n\n• time\n• money\n")
    assert all(text in texts(document) for text in ("Leeds", "17", "York", "33", "time", "money"))


def test_a_press_contact_on_one_line_is_dropped() -> None:
    document = read(f"The title\n\n{LONG}\n\nMedia contact\n\nPeter Example, Manager, 020 7000 4000\n\n{LONG}")
    assert texts(document) == ["The title", LONG.strip(), LONG.strip()]
