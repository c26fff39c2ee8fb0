"""When writing stops, and what is then known of it; the generator is scripted, the checks are the real ones."""

from __future__ import annotations

import re

import pytest
from scripted_generator import ScriptedGenerator

from spreadguide.answering.writing import MAX_CHARACTERS, MAX_LEFTOVER, MAX_SUPPORTED, MAX_WITHHELD_IN_A_ROW
from spreadguide.errors import GeneratorUnavailable
from spreadguide.types import Answer, FinishReason, Prompt, SupportLevel

OPEN = "How did wards engage with the PRASE intervention?"
FUNDING = "How long does Macmillan fund partner organisations to support adoption?"
WITHHELD = [f"In {year} Macmillan paid {year} pounds to each of its partners [1]." for year in range(1901, 1921)]


def every_line(prompt: Prompt) -> str:
    """Say every line of the evidence, with its marker behind it, and then some more."""
    lines = re.findall(r"^\[(\d+)\] \(.*?\) (.+)$", prompt.user, re.MULTILINE)
    return " ".join(f"{text.rstrip('.')} [{number}]." for number, text in lines * 3)


def check_counts(found: Answer, generator: ScriptedGenerator) -> None:
    """The trace tells the counts of a draft that was stopped before its end."""
    prompt = generator.prompts[0]
    assert generator.finished == [FinishReason.CANCELLED]
    fixed = sum(generator.count_tokens([prompt.system, *sum(prompt.examples, ())]))
    asked = generator.count_tokens([prompt.user])[0]
    assert (found.trace.prompt_tokens, found.trace.reused_tokens) == (fixed + asked, fixed)
    assert found.trace.completion_tokens == generator.written * 4 // 3 > 0


def test_an_open_question_is_answered_in_the_reports_words_unless_the_model_is_to_write_it(make_assistant) -> None:
    generator = ScriptedGenerator(every_line)
    found = make_assistant(generator).answer(OPEN)
    assert generator.prompts == []
    assert {claim.support for claim in found.claims} == {SupportLevel.QUOTED}
    assert (found.trace.model, found.warnings) == (None, ())
    make_assistant(generator, writes_open=True).answer(OPEN)
    assert len(generator.prompts) == 1


def test_a_question_with_an_open_part_and_one_for_a_number_is_written(make_assistant) -> None:
    generator = ScriptedGenerator(every_line)
    make_assistant(generator).answer(f"{FUNDING} And what does the money pay for?")
    assert len(generator.prompts) == 1


def test_it_stops_after_enough_supported_sentences_and_knows_the_tokens(make_assistant) -> None:
    generator = ScriptedGenerator(every_line)
    found = make_assistant(generator, writes_open=True).answer(OPEN)
    supported = [claim for claim in found.claims if claim.support is SupportLevel.SUPPORTED]
    assert len(supported) >= MAX_SUPPORTED
    check_counts(found, generator)


def test_it_stops_after_a_row_of_sentences_that_do_not_hold_and_knows_the_tokens(make_assistant) -> None:
    generator = ScriptedGenerator(" ".join(WITHHELD))
    found = make_assistant(generator).answer(FUNDING)
    assert len([claim for claim in found.claims if claim.support is SupportLevel.UNSUPPORTED]) == MAX_WITHHELD_IN_A_ROW
    check_counts(found, generator)


class _Tireless(ScriptedGenerator):
    """Writes beyond every number of tokens that it is asked for."""

    def generate(self, prompt, *, max_tokens, stop=(), cancelled=bool):
        del max_tokens
        yield from super().generate(prompt, max_tokens=10**9, stop=stop, cancelled=cancelled)


class _Deaf(_Tireless):
    """Does not stop when it is told to."""

    def generate(self, prompt, *, max_tokens, stop=(), cancelled=bool):
        del cancelled
        yield from super().generate(prompt, max_tokens=max_tokens, stop=stop)


def test_it_stops_at_a_text_that_is_too_long_and_knows_the_tokens(make_assistant) -> None:
    generator = _Tireless("word " * 20_000)
    check_counts(make_assistant(generator).answer(FUNDING), generator)
    assert generator.written * len("word ") <= MAX_CHARACTERS + len("word ") * 2


class _Leaving(ScriptedGenerator):
    """Goes away in the moment in which it is told to stop."""

    def generate(self, prompt, *, max_tokens, stop=(), cancelled=bool):
        for piece in super().generate(prompt, max_tokens=max_tokens, stop=stop, cancelled=cancelled):
            if cancelled():
                raise GeneratorUnavailable("The model went away.", hint="Ask again.")
            yield piece


def test_a_generator_that_goes_away_when_there_is_enough_spoils_nothing(make_assistant) -> None:
    found = make_assistant(_Leaving(every_line), writes_open=True).answer(OPEN)
    supported = [claim for claim in found.claims if claim.support is SupportLevel.SUPPORTED]
    assert len(supported) >= MAX_SUPPORTED
    assert found.trace.model == "scripted"
    assert not found.warnings


@pytest.mark.parametrize("text", ["word " * 20_000, " ".join(WITHHELD * 100)])
def test_a_generator_that_does_not_obey_is_cut_off(make_assistant, text: str) -> None:
    generator = _Deaf(text)
    found = make_assistant(generator).answer(FUNDING)
    assert "up to three years" in found.text
    assert len("".join(re.findall(r"\s*\S+", text)[: generator.written])) <= MAX_CHARACTERS + MAX_LEFTOVER + 20
    assert (found.trace.model, found.trace.completion_tokens) == ("scripted", 0)
