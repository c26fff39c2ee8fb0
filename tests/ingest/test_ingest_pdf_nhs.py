"""PDF: nine documents of NHS bodies, as they were published."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from ingest_samples import assert_boxed, assert_exact, lead_in_of, text_of, texts

from spreadguide.ingest import read_document
from spreadguide.types import Document

FOLDER = Path(__file__).parents[2].parent / "shared" / "corpora" / "nhs_documents"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the NHS documents are not beside this repository")

CKD = "202310_Dapagliflozin_for_Chronic_kidney_disease_prescribing_support_document_1.pdf"
HEART = "202407_Dapagliflozin_and_empagliflozin_for_heart_failure_Prescribing_Support_Document_v3.pdf"
TIRZEPATIDE = "27062024_Tirzepatide_for_type_2_diabetes_prescribing_support_document_002.pdf"
GLUCOSE = "Blood_glucose_and_ketone_self_monitoring_guidance.pdf"
POLICY = "Commissioning_policy_individual_funding_requests_v3.pdf"
UPDATE = "Prescribing_Update_Nov_2022_Diabetes_Monitoring_Technology_.pdf"
NEEDLES = "Prescribing_of_Insulin_Needles.pdf"
SOP = "Standard_operating_procedures_individual_funding_requests_February_2023.pdf"
NICE = "type_2_diabetes_in_adults_management_pdf_1837338615493.pdf"

PAGES = {CKD: 6, HEART: 6, TIRZEPATIDE: 7, GLUCOSE: 7, POLICY: 29, UPDATE: 3, NEEDLES: 4, SOP: 67, NICE: 58}
"""Counted in a PDF viewer."""

WITHOUT_TEXT = {POLICY: {2}, UPDATE: {3}, SOP: {2}, NICE: {3}}
"""Tables of contents, which are left out on purpose, and one blank page."""


@cache
def document(name: str) -> Document:
    return read_document((FOLDER / name).read_bytes(), name)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_read(name: str) -> None:
    read = document(name)
    assert_exact(read)
    assert_boxed(read, carried=["Experimental and Unproven treatment"])
    assert read.warnings == ()
    assert [page.number for page in read.pages] == list(range(1, PAGES[name] + 1))
    # A paragraph that runs over a page has its boxes on both.
    seen = {block.page for block in read.blocks} | {box.page for box in read.boxes}
    assert set(range(1, PAGES[name] + 1)) - seen == WITHOUT_TEXT.get(name, set())


RUNNING = re.compile(
    r"Page \d+ of \d+|© NICE \d{4}|notice-of-rights|management \(NG28\)|\d \| (?:individual|Standard)|^\d+$",
    re.IGNORECASE,
)
"""What stands at the top and foot of the pages; none of it comes in the text of these documents."""


@pytest.mark.parametrize("name", PAGES)
def test_no_running_line_is_left(name: str) -> None:
    assert [text for text in texts(document(name)) if RUNNING.search(text)] == []


ROWS = [
    (
        NEEDLES,
        2,
        "Formulary choice: 1st; Insulin Pen Needle: Insupen Original; Price as per DT November 2024: £2.49; "
        "4mm/32g: Yes; 5mm/31g: Yes; 6mm/31g: Yes",
    ),
    (
        NEEDLES,
        3,
        "Formulary choice: 2nd; Insulin Pen Needle: GlucoRx Safety Pen; Price as per the Drug Tariff November "
        "2024: £12.95; Size: 5mm/30g",
    ),
    (GLUCOSE, 2, "Insulin type and treatment: Basal Bolus; Testing frequency: Minimum four times a day"),
    (
        GLUCOSE,
        5,
        "Medication: SU and meglitinides; Group 1 (Car and Motorcycle): Regularly at times relevant to driving "
        "and clinical factors; Group 2 (lorries and buses): At least twice per day and at times relevant to driving",
    ),
    (GLUCOSE, 6, "Category: Amber; Ketone Level: 0.6-1.5mmol/L; Action: Risk of developing DKA: Re-test in 2 hours."),
    (
        CKD,
        5,
        "Issue: Renal function; Concomitant Diabetes: Early eGFR reduction up to 20% is common and acceptable. This "
        "alone should not be a reason to stop treatment.; No Concomitant Diabetes: Same as diabetes",
    ),
    (CKD, 6, "Ratification Process: Review date:; Details: October 2026"),
    (
        HEART,
        6,
        "Issue: 7. Urinary tract infection; Concomitant Diabetes: No increased incidence of UTI.; "
        "No Concomitant Diabetes: Same as diabetes",
    ),
    (
        TIRZEPATIDE,
        6,
        "Issue: Acute pancreatitis; Management: Patients and their carers should be told how to recognise "
        "signs and symptoms of acute pancreatitis and advised to seek immediate medical attention if symptoms develop. "
        "If acute pancreatitis diagnosed, stop tirzepatide immediately and do not restart.",
    ),
    (SOP, 22, "1b) Name of clinician who will undertake the intervention: Click here to enter text."),
]


@pytest.mark.parametrize(("name", "page", "row"), ROWS)
def test_facts_in_tables_stand_with_row_and_column(name: str, page: int, row: str) -> None:
    read = document(name)
    assert [block.page for block in read.blocks if block.kind == "table_row" and text_of(read, block) == row] == [page]


def test_text_in_a_table_stands_under_its_row_and_column() -> None:
    read = document(CKD)
    block = next(block for block in read.blocks if "reduce dose by 50%" in text_of(read, block))
    assert (block.kind, block.page) == ("list_item", 5)
    assert lead_in_of(read, block) == "Glycaemic control – Concomitant Diabetes:"


QUOTES = [
    (CKD, 1, "1", "people have an estimated glomerular filtration rate (eGFR) of 25ml/min/1.73 m2 to 75 ml/min/1.73m2"),
    (CKD, 4, "4", "There are no criteria for stopping dapagliflozin based on eGFR."),
    (HEART, 3, "3", "Empagliflozin 10 mg and 25mg tablets."),
    (HEART, 6, "6", "No increased incidence of UTI."),
    (TIRZEPATIDE, 2, "2", "Initially 2.5mg once weekly for 4 weeks, then increased to 5 mg once weekly"),
    (TIRZEPATIDE, 5, "5", "The time between two doses of tirzepatide must be at least 3 days."),
    (GLUCOSE, 3, "3", "Twice a day - 50 strips a month"),
    (GLUCOSE, 4, "4", "it takes up to 45 minutes for the brain to recover fully"),
    (NEEDLES, 1, "1", "Pen needles are available in a complete range of sizes from 4mm to 12mm."),
    (NEEDLES, 2, "2", "Patients with insulin doses above 50 units may require insulin needles of 6mm."),
    (UPDATE, 2, None, "Prescribe THREE sensors every 30 days."),
    (POLICY, 16, "15", "the treatment does not have marketing approval from the relevant government body"),
    (POLICY, 24, "23", "avoid “rule of rescue”"),
    (SOP, 5, "4", "is a maximum period of 30 working days from the date of the receipt of an IFR form"),
    (
        SOP,
        11,
        "10",
        "communicated by NHS England within 12 working days of the date of receipt of a completed IFR form",
    ),
    (SOP, 18, "17", "The IFR review panel will normally be convened within 10 working days"),
    (SOP, 45, "44", "The Panel will be quorate if three of the core members, plus the Chair, are present."),
    (SOP, 65, "64", "All three panel members must be present for the IFR review panel to be quorate."),
    (NICE, 8, "8", "Do not offer antiplatelet therapy (aspirin or clopidogrel) to adults with type 2 diabetes"),
    (NICE, 30, "30", "refer them immediately to the local eye screening service"),
]
"""Looked up by hand in the pages as a viewer shows them: place in the file, number printed on the page, words."""


@pytest.mark.parametrize(("name", "page", "label", "quote"), QUOTES)
def test_quotes_stand_on_their_page(name: str, page: int, label: str | None, quote: str) -> None:
    read = document(name)
    start = read.text.index(quote)
    boxes = [box for box in read.boxes if box.span.start < start + len(quote) and box.span.end > start]
    assert {box.page for box in boxes} == {page}
    assert next(each.label for each in read.pages if each.number == page) == label
    words = " ".join(read.text[box.span.start : box.span.end] for box in boxes)
    assert quote in words
