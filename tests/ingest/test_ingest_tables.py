"""Rows of tables as text: header rows, merged cells, sections, and tables built to grow."""

from __future__ import annotations

import pytest

from spreadguide.ingest.tables import Cell, cell_text, cells_as_text, looks_headed, row_pieces, rows_as_text


def plain(*rows: tuple[str, ...]) -> list[list[Cell]]:
    return [[Cell(text) for text in row] for row in rows]


def test_names_stand_before_values_and_blanks_are_left_out() -> None:
    assert rows_as_text([["Trust:", "Wards", ""], ["Leeds", "", "seen"]]) == ["Trust: Leeds; seen"]
    assert rows_as_text([["AHSN", "A network"]], headed=True) == ["AHSN: A network"]
    assert rows_as_text([["a", "b", "c"]], headed=False) == ["a; b; c"]
    assert rows_as_text([["", ""], [" "]]) == []


def test_a_header_of_two_rows_and_a_label_that_reaches_down() -> None:
    rows = [["Region", "Wards", "Wards"], ["", "2018", "2019"], ["North", "17", "33"], ["", "9", "8"]]
    assert rows_as_text(rows, header_rows=2, fill_down=True) == [
        "Region: North; Wards – 2018: 17; Wards – 2019: 33",
        "Region: North; Wards – 2018: 9; Wards – 2019: 8",
    ]


def test_merged_cells_are_said_wherever_they_reach() -> None:
    rows = [
        [Cell("Trust", rows=2), Cell("Wards", columns=2)],
        [Cell("2018"), Cell("2019")],
        [Cell("Leeds", rows=2), Cell("17"), Cell("18")],
        [Cell("9", columns=2)],
    ]
    assert cells_as_text(rows, header_rows=2) == [
        "Trust: Leeds; Wards – 2018: 17; Wards – 2019: 18",
        "Trust: Leeds; Wards – 2018: 9; Wards – 2019: 9",
    ]


def test_a_line_across_the_table_names_the_rows_below_unless_it_is_a_sentence() -> None:
    head, row = plain(("Trust", "Wards"), ("York", "3"))
    assert cells_as_text([head, [Cell("Acute", columns=2)], row], header_rows=1) == [
        "Acute",
        "Acute; Trust: York; Wards: 3",
    ]
    note = [Cell("Figures are rounded.", columns=2)]
    assert cells_as_text([head, note, row], header_rows=1) == ["Figures are rounded.", "Trust: York; Wards: 3"]


def test_a_table_of_header_rows_only_is_still_read() -> None:
    assert cells_as_text(plain(("Trust", "Wards")), header_rows=1) == ["Trust: Wards"]


@pytest.mark.parametrize(
    "rows",
    [
        [[Cell("x" * 500, columns=1000, rows=60_000)], *([Cell("y")] for _ in range(2000))],
        [[Cell("n" * 5000), Cell("m" * 5000)], *([Cell("1"), Cell("2")] for _ in range(2000))],
    ],
    ids=["merged", "names"],
)
def test_a_table_cannot_grow_without_bounds(rows: list[list[Cell]]) -> None:
    lines = cells_as_text(rows, header_rows=1)
    own = sum(len(cell.text) for row in rows for cell in row)
    assert own <= sum(map(len, lines)) < 2 * own


@pytest.mark.parametrize(
    ("rows", "headed"),
    [
        ([["Region", "Wards"], ["North", "17"], ["South", "£1,200"]], True),
        ([["Region", "Share"], ["North", "17%"], ["South", ""]], True),
        ([["Region", "Lead"], ["North", "Ann"], ["South", "Bo"]], False),
        ([["2018", "17"], ["2019", "33"]], False),
        ([["Region", ""], ["North", "17"]], False),
        ([["Region", "Wards"]], False),
    ],
)
def test_a_header_is_known_by_the_figures_below_it(rows: list[list[str]], headed: bool) -> None:
    assert looks_headed(rows) is headed


def test_list_items_in_a_cell_are_parted() -> None:
    assert (
        cell_text([("Needs:", False), ("time", True), ("money.", True), ("people", True)])
        == "Needs: time, money. people"
    )


def test_the_first_row_starts_a_table_and_a_caption_leads_to_it() -> None:
    caption, first, second = row_pieces(["a: 1", "a: 2"], "Table 1")
    assert (caption.caption, first.starts_list, second.starts_list) == (True, True, False)
    assert row_pieces([], "Table 1") == []
