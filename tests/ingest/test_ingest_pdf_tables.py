"""PDF: ruled tables, row by row."""

from __future__ import annotations

from itertools import pairwise

from ingest_samples import assert_boxed, assert_exact, block_with, cell, lead_in_of, ruled, table_pdf, texts
from reportlab.lib import colors
from reportlab.platypus import PageBreak, Table

from spreadguide.ingest import read_document
from spreadguide.ingest.tables import rows_as_text

FIGURES = [
    ["Region", "Sites", "Uptake by March 2024"],
    ["North", "12", "48%"],
    ["South West", "7", cell("31%, after a late start that was caused by the change of the supplier")],
    ["East", "", "22%"],
]


def test_rows_are_written_with_their_columns() -> None:
    document = read_document(
        table_pdf("The uptake differed.", "Table 2: Uptake by region", ruled(FIGURES, widths=[90, 60, 160]), "After."),
        "a.pdf",
    )
    assert_exact(document)
    assert_boxed(document)
    rows = texts(document, "table_row")
    assert rows == [
        "Region: North; Sites: 12; Uptake by March 2024: 48%",
        "Region: South West; Sites: 7; Uptake by March 2024: 31%, after a late start that was caused by the change of "
        "the supplier",
        "Region: East; Uptake by March 2024: 22%",
    ]
    assert {lead_in_of(document, block_with(document, row)) for row in rows} == {"Table 2: Uptake by region"}
    assert texts(document, "paragraph") == ["The uptake differed.", "Table 2: Uptake by region", "After."]


def test_rows_read_as_those_of_other_formats() -> None:
    plain = [["Term", "Meaning", "Since"], ["ICB", "board", "2022"], ["CCG", "group", "2012"]]
    document = read_document(table_pdf("Terms.", ruled(plain)), "a.pdf")
    assert texts(document, "table_row") == rows_as_text(plain)
    pairs = [["Authored by:", "A hospital trust"], ["Version number:", "2"]]
    document = read_document(table_pdf("Terms.", ruled(pairs, ("FONT", (0, 0), (-1, -1), "Helvetica", 10))), "a.pdf")
    assert texts(document, "table_row") == rows_as_text(pairs, headed=False)


def test_a_cell_of_a_row_can_be_highlighted() -> None:
    document = read_document(table_pdf("The uptake differed.", ruled(FIGURES, widths=[90, 60, 160])), "a.pdf")
    row = block_with(document, "Region: North; Sites: 12; Uptake by March 2024: 48%")
    boxes = {
        document.text[box.span.start : box.span.end]: box
        for box in document.boxes
        if row.span.start <= box.span.start < row.span.end
    }
    assert list(boxes) == ["Region", "North", "Sites", "12", "Uptake by March 2024", "48%"]
    assert boxes["Region"].x0 == boxes["North"].x0
    assert boxes["Region"].bottom < boxes["North"].top
    assert boxes["North"].x1 < boxes["12"].x0 < boxes["12"].x1 < boxes["48%"].x0


def test_spanning_cells_and_headers_of_two_rows() -> None:
    rows = [
        ["Site", "2023", "", "2024", ""],
        ["", "Referred", "Seen", "Referred", "Seen"],
        ["Leeds", "10", "8", "20", "18"],
        ["", "11", "9", "21", "19"],
        ["Hull", "No data", "", "5", "4"],
    ]
    spans = [((0, 0), (0, 1)), ((1, 0), (2, 0)), ((3, 0), (4, 0)), ((0, 2), (0, 3)), ((1, 4), (2, 4))]
    bold = ("FONT", (0, 0), (-1, 1), "Helvetica-Bold", 10)
    document = read_document(
        table_pdf("Numbers.", ruled(rows, bold, *(("SPAN", *span) for span in spans), widths=[70] * 5)), "a.pdf"
    )
    assert texts(document, "table_row") == [
        "Site: Leeds; 2023 – Referred: 10; 2023 – Seen: 8; 2024 – Referred: 20; 2024 – Seen: 18",
        "Site: Leeds; 2023 – Referred: 11; 2023 – Seen: 9; 2024 – Referred: 21; 2024 – Seen: 19",
        "Site: Hull; 2023 – Referred / 2023 – Seen: No data; 2024 – Referred: 5; 2024 – Seen: 4",
    ]


def test_a_table_over_pages_keeps_its_columns() -> None:
    rows = [["Code", "Site", "Patients"], *([f"C{n}", f"Hospital {n}", str(3 * n)] for n in range(1, 81))]
    for repeat in (0, 1):
        document = read_document(table_pdf("Sites:", ruled(rows, repeatRows=repeat)), "a.pdf")
        expected = [f"Code: C{n}; Site: Hospital {n}; Patients: {3 * n}" for n in range(1, 81)]
        assert texts(document, "table_row") == expected
        pages = [block.page for block in document.blocks if block.kind == "table_row"]
        assert pages[0] == 1
        assert pages[-1] > 1
        assert all(later - earlier in (0, 1) for earlier, later in pairwise(pages))
        assert {lead_in_of(document, block) for block in document.blocks if block.kind == "table_row"} == {"Sites:"}


def test_another_table_on_the_next_page_has_its_own_columns() -> None:
    second = [["Site", "Cost per year in pounds"], ["Leeds", "4,000"]]
    document = read_document(
        table_pdf("One.", ruled(FIGURES, widths=[90, 60, 160]), PageBreak(), ruled(second)), "a.pdf"
    )
    assert texts(document, "table_row")[-1] == "Site: Leeds; Cost per year in pounds: 4,000"


def test_titles_within_a_table_lead_its_rows() -> None:
    rows = [["Item", "Pounds"], ["Staff", ""], ["Nurse", "100"], ["Things", ""], ["Scales", "7"]]
    spans = (("SPAN", (0, 1), (1, 1)), ("SPAN", (0, 3), (1, 3)))
    document = read_document(table_pdf("Costs.", ruled(rows, *spans, widths=[120, 80])), "a.pdf")
    nurse, scales = block_with(document, "Item: Nurse; Pounds: 100"), block_with(document, "Item: Scales; Pounds: 7")
    assert (lead_in_of(document, nurse), lead_in_of(document, scales)) == ("Staff", "Things")


LONG = [
    "Stop the medicine when the patient is unwell, eats or drinks little, or goes to hospital for an operation, and "
    "check the blood ketones then, even where the sugar is in its normal range.",
    "Tell every patient about the signs of acidosis before the first dose, and write in the record that this was done "
    "and who did it, so that the next shift can see it.",
]


def test_text_set_in_a_table_stays_readable() -> None:
    rows = [
        ["Issue", "With diabetes", "Without"],
        ["Acidosis", [cell(text) for text in LONG], "Not a risk"],
        ["Kidneys", cell("Check once a year."), "Same"],
    ]
    document = read_document(table_pdf("Advice.", ruled(rows, widths=[70, 260, 80])), "a.pdf")
    assert_boxed(document)
    assert [(block.kind.value, text) for block, text in zip(document.blocks, texts(document), strict=True)][1:] == [
        ("table_row", "Issue: Acidosis; Without: Not a risk"),
        ("paragraph", "Acidosis – With diabetes:"),
        ("list_item", LONG[0]),
        ("list_item", LONG[1]),
        ("table_row", "Issue: Kidneys; With diabetes: Check once a year.; Without: Same"),
    ]
    assert lead_in_of(document, block_with(document, LONG[1])) == "Acidosis – With diabetes:"


def test_a_frame_around_text_is_no_table() -> None:
    document = read_document(table_pdf("Before.", ruled([[cell(LONG[0])], [cell(LONG[1])]], widths=[400])), "a.pdf")
    assert texts(document, "table_row") == []
    assert texts(document) == ["Before.", *LONG]


def test_a_table_without_upright_lines() -> None:
    rows = [
        ["Region", "Sites", "Share"],
        ["North", "12", "48%"],
        ["South West", "7", "31%"],
        ["East and the\nislands", "3", "22%"],
        ["Wales", "4", "19%"],
    ]
    style = [("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 10), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    level = [("LINEABOVE", (0, 0), (-1, 1), 0.5, colors.black), ("LINEBELOW", (0, -1), (-1, -1), 0.5, colors.black)]
    for lines in ([], level):
        table = Table(rows, colWidths=[120, 80, 80], style=[*style, *lines])
        document = read_document(table_pdf("The share of all sites differed:", table, "After the table."), "a.pdf")
        assert_boxed(document)
        assert texts(document) == [
            "The share of all sites differed:",
            "Region: North; Sites: 12; Share: 48%",
            "Region: South West; Sites: 7; Share: 31%",
            "Region: East and the islands; Sites: 3; Share: 22%",
            "Region: Wales; Sites: 4; Share: 19%",
            "After the table.",
        ]
