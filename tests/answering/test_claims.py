"""A draft's sentence against its lines: what the wording decides is not read, and the line that holds it is cited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from spreadguide.answering.citations import DraftSentence
from spreadguide.answering.claims import Checker, Finding
from spreadguide.protocols import Embedder, PairJudge, Scores
from spreadguide.types import Evidence, Metadata, Passage, Source, Span, SupportLevel, UnitKind

LINES = (
    "Macmillan offers funding for up to three years to its partner organisations.",
    "Partner organisations said that nurses were hard to find.",
    "In 2018 the programme reached 4,200 people in 12 towns.",
)


class CountingJudge:
    """Passes on to the real cross-encoder, and keeps the evidence that it was given."""

    def __init__(self, reader: PairJudge) -> None:
        self._reader = reader
        self.judge_id = reader.judge_id
        self.read: list[str] = []

    def answers(self, question: str, passages: Sequence[str]) -> Scores:
        return self._reader.answers(question, passages)

    def supports(self, claim: str, evidence: Sequence[str]) -> Scores:
        self.read += evidence
        return self._reader.supports(claim, evidence)


def line(marker: int, text: str) -> Evidence:
    source = Source("report", "report.md", Metadata("Supporting adopters"))
    passage = Passage(f"p{marker}", "report", ("Funding",), None, 0, len(text), text, ())
    span = Span(0, len(text))
    return Evidence(marker, passage, source, UnitKind.SENTENCE, text, "", (), (span,), (text,), 0.5, 0.5, 0.5)


@pytest.fixture
def judge(reader: PairJudge) -> CountingJudge:
    return CountingJudge(reader)


@pytest.fixture
def check(judge: CountingJudge, embedder: Embedder) -> Callable[..., Finding]:
    checker = Checker([line(number, text) for number, text in enumerate(LINES, start=1)], embedder, judge)

    def run(text: str, *markers: int) -> Finding:
        found = checker.check(DraftSentence(text, markers))
        assert found is not None
        return found

    return run


def cited(found: Finding) -> list[int]:
    return [unit.marker for unit in found.evidence]


def test_a_line_said_again_needs_no_reading(check, judge) -> None:
    found = check("Macmillan offers funding for up to three years.", 1)
    assert (found.support, found.score, cited(found)) == (SupportLevel.SUPPORTED, 1.0, [1])
    assert judge.read == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Macmillan offers funding for up to five years to its partner organisations.", "five"),
        ("Macmillan does not offer funding for up to three years.", "not"),
        ("Marie Curie offers funding for up to three years.", "Curie"),
        ("In 2019 the programme reached 4,200 people in 12 towns.", "2019"),
    ],
)
def test_a_wrong_number_name_or_not_is_withheld_without_reading(check, judge, text: str, reason: str) -> None:
    found = check(text, 1)
    assert found.support is SupportLevel.UNSUPPORTED
    assert any(reason in said for said in found.reasons)
    assert judge.read == []


def test_the_citation_moves_to_the_line_that_says_it(check) -> None:
    found = check("The programme reached 4,200 people in 12 towns in 2018.", 1)
    assert (found.support, cited(found)) == (SupportLevel.SUPPORTED, [3])


def test_only_lines_that_other_words_might_rest_on_are_read(check, judge) -> None:
    check("The scheme got to 4,200 people across a dozen places.", 3)
    assert not [text for text in judge.read if LINES[0] in text or LINES[1] in text]
    check("Recruiting nursing staff was a struggle for them.", 2)
    assert [text for text in judge.read if LINES[1] in text]


def test_the_line_that_comes_nearest_tells_why_a_sentence_is_withheld(check) -> None:
    found = check("In 2018 the programme reached 4,300 people in 12 towns.", 2)
    assert (found.support, cited(found)) == (SupportLevel.UNSUPPORTED, [3])
    assert any("4,300" in reason for reason in found.reasons)


def test_a_sentence_that_repeats_another_is_left_out(embedder, judge) -> None:
    checker = Checker([line(1, LINES[0])], embedder, judge)
    sentence = DraftSentence("Macmillan offers funding for up to three years.", (1,))
    assert checker.check(sentence) is not None
    assert checker.check(sentence) is None
