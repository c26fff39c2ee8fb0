"""PDF: columns, running headers and footers, the numbers printed on pages, and where each line stands."""

from __future__ import annotations

import io

import pypdf
import pytest
from ingest_samples import (
    assert_boxed,
    assert_exact,
    block_with,
    lines,
    make_pdf,
    paragraph_lines,
    text_of,
    texts,
)

from spreadguide.ingest import read_document

LEFT = (
    "Teams that spread an innovation report that the first site is never the last one to learn. They found that "
    "the people who had made it work were rarely those who were asked to explain it to others, and that this cost "
    "the second site about a year of work that nobody had planned for or paid for in advance."
)
RIGHT = (
    "Commissioners in turn said that they wanted proof from places like their own before they would move money. "
    "They asked for numbers that were collected after adoption, not during the trial, and for the names of people "
    "who could be telephoned about what went wrong during the first winter of the new service."
)
CLOSING = (
    "Both groups agreed on one thing, which is that an innovation travels with people and not with documents, and "
    "that money for travel and for time is therefore money for spread."
)


def two_columns() -> bytes:
    page = [
        ("What two groups said", 72, 770, "Helvetica-Bold", 20),
        *paragraph_lines(CLOSING, x=72, y=735, width=450),
        *paragraph_lines(LEFT, x=72, y=670, width=210),
        # The second column stands seven points lower, as columns with headings of their own do.
        *paragraph_lines(RIGHT, x=312, y=663, width=210),
        *lines(430, "This line stands below both of the columns and goes across the whole of the page."),
    ]
    return make_pdf([page])


def test_columns_are_read_one_after_the_other() -> None:
    document = read_document(two_columns(), "a.pdf")
    assert_exact(document)
    assert_boxed(document)
    assert texts(document) == [
        "What two groups said",
        CLOSING,
        LEFT,
        RIGHT,
        "This line stands below both of the columns and goes across the whole of the page.",
    ]


def test_columns_end_where_a_line_crosses_them() -> None:
    upper = [*paragraph_lines(LEFT, x=72, y=780, width=210), *paragraph_lines(RIGHT, x=312, y=780, width=210)]
    across = paragraph_lines(CLOSING, x=72, y=560, width=450)
    lower = [*paragraph_lines(RIGHT, x=72, y=480, width=210), *paragraph_lines(LEFT, x=312, y=480, width=210)]
    document = read_document(make_pdf([[*upper, *across, *lower]]), "a.pdf")
    assert texts(document) == [LEFT, RIGHT, CLOSING, RIGHT, LEFT]


def test_terms_beside_their_meanings_are_no_columns() -> None:
    rows = [("HIN", "a health innovation network"), ("ICB", "an integrated care board"), ("IFR", "a funding request")]
    rows += [("MDT", "a team of several professions"), ("SOP", "a standard operating procedure")]
    placed = [
        item
        for place, (term, meaning) in enumerate(rows)
        for item in (
            (term, 72, 700 - 40 * place, "Helvetica", 11),
            (meaning, 200, 700 - 40 * place, "Helvetica", 11),
        )
    ]
    document = read_document(make_pdf([placed]), "a.pdf")
    assert texts(document) == [f"{term} {meaning}" for term, meaning in rows]


def report(pages: int, *, first_label: int = 1) -> bytes:
    def page(number: int) -> list:
        label = str(number - 1 + first_label)
        return [
            ("Spread and scale in practice", 72, 810, "Helvetica", 9),
            (f"Chapter {1 + (number - 1) // 4}: what chapter {1 + (number - 1) // 4} says", 300, 810, "Helvetica", 9),
            *paragraph_lines(f"Page {number} of the file opens here. {LEFT}", x=72, y=700, width=450),
            (f"{label} | Example Health Board", 72, 30, "Helvetica", 9),
        ]

    return make_pdf([page(number) for number in range(1, pages + 1)])


def test_running_lines_are_dropped_and_their_number_kept() -> None:
    document = read_document(report(8, first_label=3), "a.pdf")
    assert_boxed(document)
    assert texts(document) == [f"Page {number} of the file opens here. {LEFT}" for number in range(1, 9)]
    assert [(page.number, page.label) for page in document.pages] == [(n, str(n + 2)) for n in range(1, 9)]
    assert {(round(page.width), round(page.height)) for page in document.pages} == {(595, 842)}


def test_roman_numbers_before_arabic_ones() -> None:
    marks = ["i", "ii", "iii", "1", "2", "3"]
    pages = [
        [*paragraph_lines(f"{mark.upper()} opens. {LEFT}", x=72, y=700, width=450), (mark, 290, 30, "Helvetica", 9)]
        for mark in marks
    ]
    document = read_document(make_pdf(pages), "a.pdf")
    assert [page.label for page in document.pages] == marks
    assert [text.split()[0] for text in texts(document)] == [mark.upper() for mark in marks]


def test_labels_of_the_file_are_used_where_no_number_is_printed() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf([lines(700, f"Page text {n}.") for n in range(4)])))
    writer.set_page_label(0, 1, style="/r")
    writer.set_page_label(2, 3, style="/D", prefix="A-", start=7)
    buffer = io.BytesIO()
    writer.write(buffer)
    document = read_document(buffer.getvalue(), "a.pdf")
    assert [page.label for page in document.pages] == ["i", "ii", "A-7", "A-8"]


def test_a_lone_number_near_the_edge_is_kept_when_it_counts_no_pages() -> None:
    pages = [
        [*lines(700, f"Sentence number {n} of the report."), (value, 72, 40, "Helvetica", 11)]
        for n, value in enumerate(["1948", "12", "7"])
    ]
    document = read_document(make_pdf(pages), "a.pdf")
    assert {"1948", "12", "7"} <= set(texts(document))


def test_boxes_point_at_the_lines() -> None:
    document = read_document(
        make_pdf([lines(700, "The teams asked for more time than the imple-", "mentation plan had given to them.")]),
        "a.pdf",
    )
    assert document.text == "The teams asked for more time than the implementation plan had given to them."
    first, second = document.boxes
    assert document.text[first.span.start : first.span.end] == "The teams asked for more time than the imple"
    assert document.text[second.span.start : second.span.end] == "mentation plan had given to them."
    for box, baseline in ((first, 842 - 700), (second, 842 - 686)):
        assert box.page == 1
        assert box.x0 == pytest.approx(72, abs=1)
        assert box.top == pytest.approx(baseline - 10, abs=3)
        assert box.bottom == pytest.approx(baseline + 2, abs=3)


def test_boxes_follow_a_paragraph_over_the_page() -> None:
    pages = [lines(72, "This sentence runs over the end of the page and is too"), lines(770, "long for it.")]
    document = read_document(make_pdf(pages), "a.pdf")
    assert_boxed(document)
    assert [box.page for box in document.boxes] == [1, 2]
    assert document.blocks[0].page == 1


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_boxes_are_where_the_page_shows_them(turn: int) -> None:
    straight = read_document(make_pdf([lines(700, "One line of text.")]), "a.pdf")
    reader = pypdf.PdfReader(io.BytesIO(make_pdf([lines(700, "One line of text.")])))
    writer = pypdf.PdfWriter()
    writer.add_page(reader.pages[0].rotate(turn))
    buffer = io.BytesIO()
    writer.write(buffer)
    document = read_document(buffer.getvalue(), "a.pdf")
    before, after, page = straight.boxes[0], document.boxes[0], document.pages[0]
    assert document.text == "One line of text."
    expected = {
        90: (page.width - before.bottom, before.x0),
        180: (page.width - before.x1, page.height - before.bottom),
        270: (before.top, page.height - before.x1),
    }
    assert (after.x0, after.top) == pytest.approx(expected[turn], abs=1)


def test_a_title_and_its_size_make_headings() -> None:
    document = read_document(two_columns(), "a.pdf")
    heading = block_with(document, "What two groups said")
    assert (heading.kind, heading.level, text_of(document, heading)) == ("heading", 1, document.metadata.title)
