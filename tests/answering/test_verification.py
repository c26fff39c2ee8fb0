"""A sentence is supported only by a line that says it: near misses, single checks, and every sentence by itself."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.answering.verification import Premise, check
from spreadguide.protocols import Embedder
from spreadguide.text import sentences

NEAR_MISSES = Path(__file__).parent / "near_misses.toml"
CORPUS = Path(__file__).parents[2] / "corpus"

CLOSE = 0.9
"""A cosine that stands for "about the same thing", where a single check is tested."""


def share_supported(embedder: Embedder, split: str) -> dict[str, float]:
    """Return the share of sentences found supported, of those that are and of those that are not."""
    counted: Counter[tuple[str, bool]] = Counter()
    for line in tomllib.loads(NEAR_MISSES.read_text("utf-8"))["line"]:
        if line["split"] != split:
            continue
        premise = Premise(line["text"])
        for truth in ("supported", "fabricated"):
            claims = list(line[truth].values())
            meaning, *vectors = embedder.embed_queries([line["text"], *claims])
            for claim, vector in zip(claims, vectors, strict=True):
                counted[truth, check(claim, premise, float(np.dot(meaning, vector))).supported] += 1
    return {t: counted[t, True] / (counted[t, True] + counted[t, False]) for t in ("supported", "fabricated")}


@pytest.mark.parametrize("split", ["tune", "report", "fresh"])
def test_near_misses_are_told_from_paraphrases(embedder: Embedder, split: str) -> None:
    share = share_supported(embedder, split)
    assert share["fabricated"] <= 0.02
    assert (share["supported"] + 1 - share["fabricated"]) / 2 >= 0.94


def test_no_line_is_in_two_splits() -> None:
    lines = tomllib.loads(NEAR_MISSES.read_text("utf-8"))["line"]
    texts = [line["text"] for line in lines]
    assert len(texts) == len(set(texts))
    assert {line["split"] for line in lines} == {"tune", "report", "fresh"}


FUNDING = "Macmillan offers funding for up to three years to its partner organisations."
CASES = {
    "a number": (FUNDING, "Macmillan offers funding for up to two years.", "number"),
    "a unit": (FUNDING, "Macmillan offers funding for up to three months.", "number"),
    "a bound": (FUNDING, "Macmillan offers funding for at least three years.", "number"),
    "a bound dropped": (FUNDING, "Macmillan offers funding for three years.", "number"),
    "a number of something else": ("The 40 sites saw 90 visitors.", "The 90 sites saw visitors.", "number"),
    "one end of a range": ("Courses last 2-4 days.", "Courses last 4 days.", "number"),
    "a rate": ("The licence costs £900 a month.", "The licence costs £900 a year.", "number"),
    "a rate dropped": ("The licence costs £900 a month.", "The licence costs £900.", "number"),
    "percentage points": ("Uptake rose by 6 percentage points.", "Uptake rose by 6%.", "number"),
    "a name": (FUNDING, "The Barnardo Trust offers funding for up to three years.", "name"),
    "an abbreviation": ("The Quality Improvement Board met in York.", "The QIC met in York.", "name"),
    "a month": ("The hub opened in June 2020.", "The hub opened in July 2020.", "date"),
    "a date of another fact": ("The hub opened in June and moved in July.", "The hub opened in July.", "mixes"),
    "a number of another fact": ("Ten sites joined, and four of them left.", "Ten sites left.", "mixes"),
    "a not dropped": ("The tool did not save time.", "The tool saved time.", "not"),
    "a not added": ("The tool saved time.", "The tool did not save time.", "not"),
    "a not moved": ("The plan covers rent but not wages.", "The plan covers wages but not rent.", "'not'"),
    "a not made wider": ("No large site withdrew.", "No site withdrew.", "'not'"),
    "most made all": ("Most sites stayed.", "All sites stayed.", "'all'"),
    "only dropped": ("Only two wards replied.", "Two wards replied.", "'only'"),
    "every made wider": ("Every rural clinic joined.", "Every clinic joined.", "share"),
    "may dropped": ("The app may save time.", "The app saves time.", "'may'"),
    "will invented": ("The app saves time.", "The app will save time.", "'will'"),
    "an aim told as a deed": ("The team aims to open two hubs.", "The team opened two hubs.", "'aims'"),
    "an attempt told as a deed": ("The team struggled to open the hub.", "The team opened the hub.", "'struggled'"),
    "a belief told as a fact": ("Staff believe that the app saves time.", "The app saves time.", "'believe'"),
    "a view told as a fact": ("The app saves time, says Ann Lee.", "The app saves time.", "view"),
    "a rank": ("Ann Lee is deputy chair of the board.", "Ann Lee is chair of the board.", "share"),
    "a comparison made absolute": ("Staff were more hopeful than before.", "Staff were hopeful.", "share"),
    "two sides of than": ("Nurses, rather than porters, ran it.", "Porters, rather than nurses, ran it.", "than"),
    "an end of another statement": ("Ann runs the hub and Jo the lab.", "Ann runs the lab.", "joins"),
    "a narrowing dropped": ("Clinics that met weekly cut waits.", "Clinics cut waits.", "which"),
    "a condition dropped": ("Sites are paid if they report.", "Sites are paid.", "condition"),
    "before and after": ("Staff met before the launch.", "Staff met after the launch.", "'after'"),
    "by and to": ("Costs fell by £40.", "Costs fell to £40.", "'in'|'to'"),
    "a cause": ("Uptake rose when staff met.", "Uptake rose because staff met.", "'because'"),
    "sides changed": ("Nurses trained porters.", "Porters trained nurses.", "places"),
    "sides changed in the passive": ("Nurses trained porters.", "Nurses were trained by porters.", "places"),
    "a subject of another fact": (
        "Nurses ran the clinic, and porters fixed the lift.",
        "Nurses fixed the lift.",
        "joins",
    ),
    "a subject from inside": ("The kit is free for schools.", "Schools are free.", "places"),
    "a new word": ("The board considered a merger.", "The board agreed a merger.", "'agreed'"),
    "a new item": ("The kit has forms and posters.", "The kit has forms, films and posters.", "'films'"),
}


@pytest.mark.parametrize(("text", "claim", "reason"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_what_was_changed_is_named(text: str, claim: str, reason: str) -> None:
    verdict = check(claim, Premise(text), CLOSE)
    assert not verdict.supported
    assert re.search(reason, " / ".join(verdict.reasons))


TRUE = {
    "a clause dropped": (FUNDING, "Macmillan offers funding for up to three years."),
    "digits": (FUNDING, "Macmillan offers funding for up to 3 years to its partner organisations."),
    "the passive": ("Nurses trained porters.", "Porters were trained by nurses."),
    "the active": ("Porters were trained by nurses.", "Nurses trained porters."),
    "an adjunct moved": ("Uptake rose after the launch.", "After the launch, uptake rose."),
    "an abbreviation": ("The Quality Improvement Board met in York.", "The QIB met in York."),
    "the second of two verbs": ("The hub opened in June and moved in July.", "The hub moved in July."),
    "no for not": ("The trial found no clear benefit.", "The trial did not find a clear benefit."),
    "says moved": ("The app saves time, says Ann Lee.", "Ann Lee says that the app saves time."),
    "the document's own voice": ("The app saves time, the report says.", "The app saves time."),
    "an irregular verb": ("The guide was written by patients.", "Patients wrote the guide."),
    "another spelling": ("The team organised visits.", "The team organized visits."),
}


@pytest.mark.parametrize(("text", "claim"), [pytest.param(*case, id=name) for name, case in TRUE.items()])
def test_a_plain_paraphrase_is_supported(text: str, claim: str) -> None:
    assert check(claim, Premise(text), CLOSE).reasons == ()


def test_a_view_may_go_unsaid_when_the_document_is_by_its_holder() -> None:
    text, claim = "The app saves time, says Ann Lee.", "The app saves time."
    assert check(claim, Premise(text, names="Apps on wards. Ann Lee"), CLOSE).supported


def test_title_and_heading_may_lend_a_name_and_a_year_but_no_other_number() -> None:
    premise = Premise("It took place on 33 wards.", names="The PRASE trial: 17 lessons, 2017")
    assert check("The PRASE trial of 2017 took place on 33 wards.", premise, CLOSE).supported
    assert not check("The PRASE trial took place on 17 wards.", premise, CLOSE).supported


def test_far_in_meaning_is_withheld_unless_it_repeats_the_line() -> None:
    premise = Premise("Nurses share the booking tool with clinics.", names="Wessex trials")
    assert not check("In the Wessex trials nurses share the booking tool.", premise, 0.2).supported
    assert check("Nurses share the booking tool.", premise, 0.2).supported


def corpus_sentences() -> list[str]:
    """Return every sentence of the shipped briefs that is no heading, list item, reference or lead-in of a list."""
    found: list[str] = []
    for path in sorted(CORPUS.glob("*.md")):
        body = path.read_text("utf-8").split("---\n", 2)[-1].split("## Sources")[0]
        lines = [line for line in body.splitlines() if line and line[0] not in "#-" and not line.startswith("Source:")]
        found += [line[span.start : span.end] for line in lines for span in sentences(line)]
    return [sentence for sentence in found if not sentence.endswith(":")]


def test_every_sentence_of_the_briefs_is_supported_by_itself_and_not_by_its_neighbours() -> None:
    found = corpus_sentences()
    assert len(found) > 200
    premises = {text: Premise(text) for text in found}
    assert [text for text in found if not check(text, premises[text], 1.0).supported] == []
    pairs = [(one, other) for i, one in enumerate(found) for other in found[i + 1 : i + 4] if one != other]
    assert [pair for pair in pairs if check(pair[0], premises[pair[1]], 1.0).supported] == []


@given(st.integers(2, 10**6))
def test_no_other_number_passes(value: int) -> None:
    claim = f"Macmillan offers funding for up to {value:,} years to its partner organisations."
    assert check(claim, Premise(FUNDING), CLOSE).supported == (value == 3)


PIECES = st.sampled_from([*"the a not by and , . : — of to if all one half 3 £5 2% 2019 May AHSNs were that".split()])
TEXT = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map(" ".join))


@given(TEXT, TEXT)
def test_any_text_gets_a_verdict(claim: str, text: str) -> None:
    verdict = check(claim, Premise(text), 0.5)
    assert 0 <= verdict.score <= 1
    assert verdict.supported == (verdict.reasons == ())
