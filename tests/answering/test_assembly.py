"""What is shown for a question: whole lists, both parts, quotes where nothing better was written."""

from __future__ import annotations

import re
from dataclasses import replace

from scripted_generator import ScriptedGenerator

from spreadguide.answering.assembly import (
    LONG_LIST,
    MORE,
    TOLD_EACH,
    PartResult,
    _once,
    _one_of_a_list,
    choose,
    cut_lists,
)
from spreadguide.answering.claims import Finding, quotes
from spreadguide.answering.gate import Sufficiency
from spreadguide.answering.wanted import Part, Wanted
from spreadguide.types import (
    Answer,
    ClaimChecked,
    Evidence,
    Final,
    Metadata,
    Passage,
    Retrieved,
    Source,
    Span,
    Status,
    SupportLevel,
    Token,
    Turn,
    UnitKind,
)


def exact(found: Answer, library) -> None:
    """Every citation is a slice of its document, and inside the passage that it names."""
    assert found.claims
    for claim in found.claims:
        for citation in claim.citations:
            passage = library.store.passage(citation.passage_id)
            text = library.store.document_text(passage.source_id)
            assert text[citation.start : citation.end] == citation.quote
            assert passage.start <= citation.start < citation.end <= passage.end
            if claim.support is SupportLevel.QUOTED:
                assert claim.text == citation.quote
    assert {citation.marker for claim in found.claims for citation in claim.citations} == {
        source.marker for source in found.sources
    }


def test_a_list_is_given_whole_and_without_a_model(make_assistant, library) -> None:
    generator = ScriptedGenerator("The pillars are Understand and Engage [1].")
    found = make_assistant(generator).answer("What are the core pillars when adopting a proven innovation?")
    assert all(pillar in found.text for pillar in ("Understand", "Engage", "Future-proof"))
    assert not generator.prompts
    exact(found, library)


def test_quotes_only_says_so_and_is_verbatim(make_assistant, library) -> None:
    found = make_assistant(None).answer("How many people benefited from what the AHSNs spread?")
    assert "6 million" in found.text
    assert all(claim.support is SupportLevel.QUOTED for claim in found.claims)
    assert any("quotes" in warning for warning in found.warnings)
    assert found.trace.model is None
    exact(found, library)


def test_both_parts_of_a_question_are_answered(make_assistant, library) -> None:
    found = make_assistant(None).answer("How many wards took part in the PRASE trial, and how did they engage?")
    assert found.status is Status.ANSWERED
    assert "33 wards" in found.text
    assert re.search("partial|different|divergent|differed", found.text)
    exact(found, library)


def test_a_part_that_is_not_covered_is_named(make_assistant, library) -> None:
    found = make_assistant(None).answer(
        "How long does Macmillan fund partners, and how much does Macmillan pay in pounds?"
    )
    assert found.status is Status.PARTIAL
    assert "three years" in found.text
    assert found.missing is not None
    assert "pounds" in found.missing
    exact(found, library)


def test_every_sentence_of_the_text_ends_with_markers(make_assistant) -> None:
    written = "Macmillan offers funding for up to three years to its partner organisations [1]."
    found = make_assistant(ScriptedGenerator(written)).answer("How long does Macmillan fund partner organisations?")
    lines = [line for line in found.text.splitlines() if line.strip()]
    assert lines
    assert all(re.search(r"(\[\d+\])+$", line) for line in lines)


def test_a_follow_up_is_answered_from_what_came_before(make_assistant) -> None:
    history = [Turn("user", "How does Macmillan support organisations that adopt?"), Turn("assistant", "With funding.")]
    found = make_assistant(None).answer("For how long?", history=history)
    assert "up to three years" in found.text
    assert "Macmillan" in found.question.standalone
    assert found.question.text == "For how long?"


def test_who_when_and_by_whom_come_from_the_document_itself(make_assistant, library) -> None:
    found = make_assistant(None).answer("When was the NHS Confederation guide to the three pillars published?")
    assert "3 August 2023" in found.text
    exact(found, library)


def test_events_come_in_order_and_final_is_last(make_assistant) -> None:
    written = "Macmillan offers funding for up to three years to its partner organisations [1]."
    events = list(make_assistant(ScriptedGenerator(written)).ask("How long does Macmillan fund partners?"))
    assert isinstance(events[0], Retrieved)
    assert isinstance(events[1], ClaimChecked), "a quote is on screen before anything is written"
    assert any(isinstance(event, Token) for event in events)
    assert isinstance(events[-1], Final)
    assert sum(isinstance(event, Final) for event in events) == 1


def test_cancelling_stops_the_writing(make_assistant) -> None:
    generator = ScriptedGenerator("Teams adopt ideas " * 200)
    events = make_assistant(generator).ask(
        "How long does Macmillan fund partners?", cancelled=lambda: generator.written >= 5
    )
    assert isinstance(list(events)[-1], Final)
    assert generator.written <= 6


def test_what_a_model_leaves_out_of_an_open_question_is_quoted_below_it(make_assistant, library) -> None:
    question = "How did wards engage with the PRASE intervention?"
    quotes = make_assistant(None).answer(question)
    line = next(claim.text for claim in quotes.claims if claim.text[-1:] == ".")
    found = make_assistant(ScriptedGenerator(f"{line} [1]")).answer(question)
    assert found.text.startswith(line) or line in found.text
    assert {claim.text for claim in quotes.claims} <= {claim.text for claim in found.claims}
    exact(found, library)


def test_one_item_of_a_list_is_not_told_as_if_it_were_all() -> None:
    finding = list_item("They need these strengths: culture.")
    assert _one_of_a_list(finding)
    assert not _one_of_a_list(replace(finding, text="Culture is one of these strengths."))
    assert not _one_of_a_list(replace(finding, evidence=(replace(finding.evidence[0], list_id=None),)))


def whole_list(name: str, items: int) -> tuple[Evidence, str]:
    """A list with the lead-in that others have, too, and the text of its document."""
    lead, lines = "This includes:", [f"thing {number} of {name if number else 'all'}" for number in range(items)]
    text = "\n".join([lead, *lines])
    starts = [text.index(line, len(lead)) for line in lines]
    spans = tuple(Span(start, start + len(line)) for start, line in zip(starts, lines, strict=True))
    passage = Passage(name, name, (), None, 0, len(text), text, ())
    source = Source(name, f"{name}.md", Metadata(name))
    unit = Evidence(
        1, passage, source, UnitKind.LIST_ITEM, "; ".join(lines), lead, (Span(0, len(lead)),), spans, tuple(lines),
        0.5, 0.5, 0.5, list_id=1,
    )  # fmt: skip
    return unit, text


def line(text: str, source_id: str, score: float, field: str | None = None) -> Evidence:
    """One line of a report, as evidence."""
    passage = Passage(source_id, source_id, (), None, 0, len(text), text, ())
    kind = UnitKind.SENTENCE if field is None else UnitKind.METADATA
    return Evidence(
        0, passage, Source(source_id, f"{source_id}.md", Metadata(source_id)), kind, text, "", (),
        (Span(len(text), 2 * len(text)),), (text,), 0.5, 0.5, score, field=field,
    )  # fmt: skip


def told(part: Part, *units: Evidence, enough: bool = True) -> list[tuple[str, str]]:
    texts: dict[str, str] = {}
    placed = []
    for unit in units:
        source_id, start = unit.source.source_id, len(texts.get(unit.source.source_id, ""))
        texts[source_id] = texts.get(source_id, "") + unit.text
        placed.append(replace(unit, spans=(Span(start, start + len(unit.text)),)))
    result = PartResult(part, tuple(placed), Sufficiency(enough, 0.9))
    return [(finding.text, finding.section) for finding in choose([result], [], texts)]


def test_more_of_the_first_report_stands_below_the_answer_under_its_own_heading() -> None:
    best, other = line("Wards met weekly.", "prase", 1.0), line("Money was short.", "kings-fund", 0.8)
    more, far = line("Nurses led the meetings.", "prase", 0.5), line("Rain fell.", "prase", 0.3)
    assert told(Part("How did wards engage?", Wanted.ANY), best, other, more, far) == [
        ("Wards met weekly.", ""),
        ("Nurses led the meetings.", MORE),
    ]
    assert told(Part("How did wards engage?", Wanted.ANY), best, more, enough=False) == []


def test_five_units_are_told_at_most() -> None:
    units = [line(f"Thing {number} was done by somebody.", "prase", 1 - number / 20) for number in range(8)]
    found = told(Part("How did wards engage?", Wanted.ANY), *units)
    assert [section for _, section in found] == ["", "", "", MORE, MORE]
    assert [text for text, _ in found] == [unit.text for unit in units[:TOLD_EACH]]


def test_a_line_without_the_number_asked_for_stands_below_the_one_that_has_it() -> None:
    part = Part("How many wards took part?", Wanted.NUMBER, ("ward",))
    wordy, number = line("Wards took part gladly.", "prase", 1.0), line("There were 33 wards.", "prase", 0.9)
    assert told(part, wordy, number) == [("There were 33 wards.", ""), ("Wards took part gladly.", MORE)]


def test_a_line_that_introduced_a_list_is_not_told_again_below_it() -> None:
    """The paragraph before a list is one quote; its sentences are units of their own."""
    opening, rest = "Money was short.", " The study names these barriers:"
    text = f"{opening}{rest}\nStaff were few."
    passage = Passage("prase", "prase", (), None, 0, len(text), text, ())
    lead, item = Span(0, len(opening + rest)), Span(len(opening + rest) + 1, len(text))
    first = replace(
        line(text[item.start :], "prase", 1.0), passage=passage, spans=(item,), context=opening + rest,
        context_spans=(lead,), list_id=1,
    )  # fmt: skip
    again = replace(line(opening, "prase", 0.9), passage=passage, spans=(Span(0, len(opening)),))
    result = PartResult(Part("What got in the way?", Wanted.LIST), (first, again), Sufficiency(True, 0.9))
    found = choose([result], [], {"prase": text})
    assert [finding.text for finding in found] == [opening + rest, "Staff were few."]


def test_nothing_more_stands_below_what_a_report_says_of_itself() -> None:
    part = Part("Who wrote it?", Wanted.PERSON, field="authors")
    [(text, section)] = told(part, line("A. Writer", "prase", 1.0, "authors"), line("Wards met weekly.", "prase", 0.9))
    assert "A. Writer" in text
    assert section == ""


def test_each_list_keeps_its_own_lead_in_and_items() -> None:
    found = [finding for name in ("a", "b") for finding in quotes(*whole_list(name, 2))]
    assert [finding.text for finding in _once([*found, *found])] == [
        "This includes:", "thing 0 of all", "thing 1 of a", "This includes:", "thing 0 of all", "thing 1 of b",
    ]  # fmt: skip


def test_a_list_that_is_cut_says_so() -> None:
    unit, text = whole_list("a", LONG_LIST + 3)
    lead, *items = quotes(unit, text)
    assert cut_lists([lead, *items]) == []
    assert cut_lists([lead, *items[:LONG_LIST]]) == [
        f"Of a list of {LONG_LIST + 3} items, the first {LONG_LIST} are shown. Open the source for the others."
    ]


def list_item(written: str) -> Finding:
    """A sentence that was written from one item of a list."""
    source = Source("r", "r.md", Metadata("A report"))
    item, lead = Span(27, 36), Span(0, 26)
    passage = Passage("p", "r", (), None, 0, 36, "They need these strengths:\n- culture", ())
    unit = Evidence(
        1, passage, source, UnitKind.LIST_ITEM, "culture", "They need these strengths:", (lead,), (item,), ("culture",),
        0.5, 0.5, 0.5, list_id=1,
    )  # fmt: skip
    return Finding(written, SupportLevel.SUPPORTED, 1.0, (unit,), (item,))


def test_markdown_in_a_report_is_escaped() -> None:
    from spreadguide.answering.rendering import render
    from spreadguide.types import Citation, Claim

    text = "See ![x](http://evil.example) and <b>this</b> [now]"
    claim = Claim(text, SupportLevel.QUOTED, 1.0, (Citation(1, "p", text, 0, len(text)),))
    rendered = render([claim])
    assert "![x]" not in rendered
    assert "<b>" not in rendered.replace("\\<b\\>", "")
    assert rendered.endswith("[1]")


def test_not_covered_offers_near_topics_and_states_nothing(make_assistant) -> None:
    found = make_assistant(None).answer("What do the reports say about electric vehicle charging?")
    assert found.status is Status.NOT_COVERED
    assert found.claims == ()
    assert found.sources == ()
    assert found.suggestions
    assert found.evidence
