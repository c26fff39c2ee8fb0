"""Advice: who asks, what is searched for under each pillar, and what is shown."""

from __future__ import annotations

import re

import pytest

from spreadguide.answering.assembly import choose
from spreadguide.answering.pillars import (
    NOT_OF_YOUR_CASE,
    STEPS,
    Role,
    Topic,
    load_adoption,
    role_of,
    step_questions,
    subject_of,
)
from spreadguide.answering.planning import queries
from spreadguide.answering.rendering import render
from spreadguide.answering.shape import Shape
from spreadguide.answering.wanted import Wanted
from spreadguide.protocols import Embedder
from spreadguide.types import (
    Citation,
    Claim,
    Evidence,
    Hit,
    Metadata,
    Passage,
    Question,
    Source,
    Span,
    Status,
    SupportLevel,
    UnitKind,
)

PRACTICE = "We are a small GP practice. What should we do first to take up a new service?"


@pytest.mark.parametrize(
    ("text", "given", "role"),
    [
        pytest.param("What should I do first?", None, Role.ADOPTER_TEAM, id="nothing said"),
        pytest.param("Our start-up has a sensor. How do we reach more trusts?", None, Role.INNOVATOR, id="a start-up"),
        pytest.param("I've developed a tool for wards, who should I talk to?", None, Role.INNOVATOR, id="I developed"),
        pytest.param("As a board, how do we help this spread?", None, Role.SYSTEM_DECISION_MAKER, id="a board"),
        pytest.param("How should commissioners pay for it?", None, Role.SYSTEM_DECISION_MAKER, id="commissioners"),
        pytest.param("As a board, how do we help?", "innovator", Role.INNOVATOR, id="what is given counts first"),
        pytest.param("How do we start?", "Adopter team", Role.ADOPTER_TEAM, id="in any case"),
        pytest.param("How do we start?", "ICB commissioning lead", Role.SYSTEM_DECISION_MAKER, id="other words"),
        pytest.param("Our start-up has a sensor.", "clinician", Role.INNOVATOR, id="a role that says nothing here"),
    ],
)
def test_who_asks(text: str, given: str | None, role: Role) -> None:
    assert role_of(Question(text, text, given)) is role


def test_each_pillar_asks_for_steps_of_the_role_with_the_question() -> None:
    asked = step_questions(Question(PRACTICE, PRACTICE, "innovator"))
    assert list(asked) == list(STEPS)
    assert all("an innovator" in wording and wording.endswith(PRACTICE) for wording in asked.values())


def test_a_question_for_advice_about_adoption_is_read_as_one_for_steps() -> None:
    own, *pillars = queries(Question(PRACTICE, PRACTICE), Shape.ADVICE, Topic.ADOPTION)
    assert [query.pillar for query in pillars] == list(STEPS)
    assert own.pillar == ""
    assert own.wording == PRACTICE
    assert own.part.wanted is Wanted.LIST
    assert all(query.also == (PRACTICE,) for query in pillars)


@pytest.mark.parametrize("shape", [Shape.PLAIN, Shape.COMPARISON])
def test_no_pillars_without_a_question_for_advice(shape: Shape) -> None:
    assert not any(query.pillar for query in queries(Question(PRACTICE, PRACTICE), shape, Topic.ADOPTION))


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        (PRACTICE, Topic.ADOPTION),
        ("Our ward wants to copy the falls bundle from next door. How do we go about it?", Topic.ADOPTION),
        ("How can we keep a digital clinic going once the start-up grant ends?", Topic.ADOPTION),
        ("How do I reset the password of my work laptop?", Topic.OTHER),
        ("What dose of amoxicillin should I give a child?", Topic.OTHER),
        ("How should I cook rice for twelve people?", Topic.OTHER),
    ],
)
def test_what_advice_is_about_is_told(embedder: Embedder, question: str, topic: Topic) -> None:
    model = load_adoption(embedder.embedder_id)
    assert model is not None
    assert model.topic(embedder.embed_queries([question])[0]) is topic


def test_with_another_embedder_no_advice_is_about_adoption() -> None:
    assert load_adoption("another@00000000") is None


def test_general_advice_is_given_under_the_pillars_each_step_cited(make_assistant) -> None:
    found = make_assistant(None).answer(PRACTICE)
    assert found.status is Status.ANSWERED
    headings = re.findall(r"^\*\*(.+?)\*\* ((?:\[\d+\])+)$", found.text, re.MULTILINE)
    assert {heading for heading, _ in headings} <= set(STEPS)
    assert len(headings) >= 2
    assert all(line.endswith("]") for line in found.text.splitlines() if line)
    under = [claim for claim in found.claims if claim.section]
    assert under
    assert all(claim.support is SupportLevel.QUOTED and claim.citations for claim in under)
    spans = [(c.passage_id, c.start) for claim in found.claims for c in claim.citations]
    assert len(spans) == len(set(spans))


def hit_of(unit: Evidence) -> Hit:
    return Hit(unit.passage, unit.source, 1.0, {})


def step(text: str, source_id: str) -> Evidence:
    source = Source(source_id, f"{source_id}.md", Metadata("A report"))
    passage = Passage(source_id, source_id, (), None, 0, len(text), text, ())
    return Evidence(
        0, passage, source, UnitKind.SENTENCE, text, "", (), (Span(0, len(text)),), (text,), 0.5, 0.5, 0.5, answers=1.0
    )


def test_the_subject_is_that_of_the_reports_that_come_first() -> None:
    hits = [hit_of(step("Any line.", name)) for name in ("first", "first", "second", "third", "fourth")]
    assert subject_of(hits) == ["first", "second", "third"]
    assert subject_of([]) == []


def test_no_step_of_another_subject_stands_beside_what_answers(make_assistant) -> None:
    question = "We are about to switch on prescribing alerts in our new EPR. How do we keep staff from ignoring them?"
    found = make_assistant(None).answer(question)
    assert found.status is Status.ANSWERED
    assert not any("insulin pumps" in claim.text for claim in found.claims)


@pytest.mark.parametrize("question", ["How should I set up the wifi at home?", "How do I renew my passport?"])
def test_advice_that_the_reports_do_not_give_is_refused(make_assistant, question: str) -> None:
    found = make_assistant(None).answer(question)
    assert found.status is Status.NOT_COVERED
    assert NOT_OF_YOUR_CASE not in found.warnings


def test_a_comparison_is_told_report_by_report(make_assistant) -> None:
    found = make_assistant(None).answer("NASSS vs i-PARIHS: what does each look at?")
    sections = list(dict.fromkeys(claim.section for claim in found.claims))
    assert len(sections) == 2
    assert "NASSS" in sections[0]
    assert "i-PARIHS" in sections[1]
    for section in sections:
        titles = {
            source.title
            for claim in found.claims
            if claim.section == section
            for citation in claim.citations
            for source in found.sources
            if source.marker == citation.marker
        }
        assert len(titles) == 1


def test_a_heading_bears_the_markers_of_what_stands_under_it() -> None:
    def claim(marker: int, section: str) -> Claim:
        text = f"Line {marker}"
        cited = (Citation(marker, "p", text, 0, len(text)),)
        return Claim(text, SupportLevel.QUOTED, 1.0, cited, section=section)

    text = render([claim(1, ""), claim(2, "A [b] *c*"), claim(3, "A [b] *c*")])
    assert text.splitlines()[2] == r"**A \[b\] \*c\*** [2][3]"
    assert text.startswith("Line 1. [1]")


def test_nothing_is_chosen_where_no_part_is_covered() -> None:
    assert choose([], [], {}) == []
