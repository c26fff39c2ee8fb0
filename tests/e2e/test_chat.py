"""A person at the chat page: asks, watches, checks a quote, goes on asking, stops."""

from __future__ import annotations

import pytest
from conftest import BROWSER, PATIENCE_MS, Visit
from playwright.sync_api import expect
from scripted_api import BEFORE, QUOTE, UNCHECKED, Script

from spreadguide.api.schemas import Readiness
from spreadguide_ui.chat import ROLES
from spreadguide_ui.handlers import EMPTY_QUESTION, EXAMPLES, STILL_WORKING

pytestmark = BROWSER
expect.set_options(timeout=PATIENCE_MS)


def test_an_answer_appears_step_by_step_and_no_unchecked_word_is_ever_shown(visit: Visit, script: Script) -> None:
    page = visit.open()
    page.evaluate(
        """word => { new MutationObserver(() => { if (document.body.innerText.includes(word)) window.leaked = true; })
        .observe(document.body, {childList: true, subtree: true, characterData: true}); }""",
        UNCHECKED,
    )
    visit.ask("step: how long is the funding?")
    answer = page.locator("#sg-current")
    expect(answer.get_by_role("heading", name="You asked: step: how long is the funding?")).to_be_visible()
    expect(answer).to_contain_text("Looking in the reports…")
    script.release("start")
    expect(answer).to_contain_text("Found passages in 2 reports. Writing and checking…")
    expect(answer.get_by_role("listitem")).to_have_text(["Supporting adopters", "Three pillars"])
    script.release("retrieved")
    expect(answer.locator(".sg-writing")).to_be_visible()
    script.release("token")
    expect(answer).to_contain_text("Funding lasts up to three years.")
    expect(answer.locator(".sg-status")).to_be_visible()
    script.release("claim")
    expect(answer.get_by_role("heading", name="Sources")).to_be_visible()
    expect(answer.locator(".sg-status")).to_have_count(0)
    assert not page.evaluate("window.leaked")


def test_a_wait_in_the_queue_is_shown_and_heard_until_text_comes(visit: Visit, script: Script) -> None:
    page = visit.open()
    visit.ask("step in a queue: how long is the funding?")
    answer = page.locator("#sg-current")
    script.release("start")
    expect(answer).to_contain_text("Found passages in 2 reports.")
    script.release("retrieved")
    expect(answer.locator(".sg-status")).to_have_text("You are number 2 in the queue. About 15 seconds.")
    expect(answer).to_have_attribute("aria-live", "polite")
    script.release("place 2")
    expect(answer.locator(".sg-status")).to_have_text("You are number 1 in the queue. About 1 second.")
    script.release("place 1")
    expect(answer.locator(".sg-writing")).to_be_visible()
    expect(answer).not_to_contain_text("in the queue")
    script.release("token")
    script.release("claim")
    expect(answer.get_by_role("heading", name="Sources")).to_be_visible()


def test_a_finished_answer_shows_quotes_gaps_warnings_and_sources(visit: Visit) -> None:
    page = visit.open()
    visit.ask("How long is the funding?")
    answer = page.locator("#sg-current")
    expect(answer.get_by_text("Checked against the report")).to_be_visible()
    expect(answer.locator(".sg-quote")).to_contain_text("From the report:")
    expect(answer.get_by_role("heading", name="What the reports do not say")).to_be_visible()
    expect(answer).to_contain_text("The writing model was not ready; this answer was put together from quotes.")
    expect(answer).not_to_contain_text("Withheld sentence")
    expect(answer).to_contain_text("Example Trust · 2018 · page 4 · Programme › Funding")
    expect(answer.locator("mark").first).to_be_hidden()
    answer.get_by_text("Show the quote in the report").first.click()
    expect(answer.locator("mark").first).to_have_text(QUOTE)
    expect(answer.get_by_text(BEFORE)).to_be_visible()


def test_a_marker_opens_the_exact_quote_and_the_conversation_stays(visit: Visit) -> None:
    page = visit.open()
    visit.ask("How long is the funding?")
    marker = page.get_by_role("link", name="Source 1: Supporting adopters").first
    with page.context.expect_page() as opened:
        marker.click()
    passage = opened.value
    expect(passage.get_by_role("heading", level=1)).to_have_text("Supporting adopters")
    expect(passage.locator("mark")).to_have_text(QUOTE)
    expect(passage.locator("mark")).to_be_in_viewport()
    assert passage.evaluate("window.opener") is None
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    passage.get_by_role("link", name="SpreadGuide").click()
    expect(passage.get_by_label("Your question")).to_be_visible()


def test_a_new_turn_comes_into_view(visit: Visit) -> None:
    page = visit.open()
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    page.get_by_label("Your question").scroll_into_view_if_needed()
    visit.ask("What about electric cars?")
    expect(page.get_by_role("heading", name="The reports do not cover this")).to_be_in_viewport()
    heading = page.get_by_role("heading", name="What about electric cars?")
    assert heading.evaluate("e => e.getBoundingClientRect().bottom <= innerHeight")


def test_suggestions_lead_on_and_the_history_goes_along(visit: Visit, script: Script) -> None:
    page = visit.open()
    page.get_by_role("button", name=EXAMPLES[0]).click()
    expect(page.get_by_role("heading", name="You could ask next")).to_be_visible()
    page.get_by_role("button", name="For how long?").click()
    expect(page.get_by_text("Searched for: For how long does Macmillan fund partner organisations?")).to_be_visible()
    assert [turn.content for turn in script.requests[-1].history] == [EXAMPLES[0], "Funding lasts up to three years."]
    expect(page.get_by_role("heading", level=2, name="You asked:")).to_have_count(2)
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("heading", level=2, name="You asked:")).to_have_count(0)
    expect(page.get_by_role("heading", name="Try one of these questions")).to_be_visible()
    visit.ask("How long is it?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    assert script.requests[-1].history == []


def test_nothing_of_a_conversation_is_stored_in_the_browser(visit: Visit) -> None:
    page = visit.open()
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "funding" not in stored
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    page.reload()
    page.get_by_label("Your question").wait_for()
    expect(page.get_by_role("heading", name="Sources")).to_have_count(0)


@pytest.mark.parametrize(("label", "sent"), [(label, value or None) for label, value in ROLES])
def test_the_chosen_role_is_sent(visit: Visit, script: Script, label: str, sent: str | None) -> None:
    page = visit.open()
    page.get_by_role("radio", name=label).check()
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    assert script.requests[-1].role == sent


def test_stop_ends_the_work_and_leaves_the_page_ready(visit: Visit, script: Script) -> None:
    page = visit.open()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    visit.ask("step to be stopped")
    expect(page.get_by_text("Looking in the reports…")).to_be_visible()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    assert script.wait_gone("step to be stopped")
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    assert script.requests[-1].history == []


def test_closing_the_tab_ends_the_work(visit: Visit, script: Script) -> None:
    page = visit.open()
    visit.ask("step in a tab that is closed")
    expect(page.get_by_text("Looking in the reports…")).to_be_visible()
    page.close()
    assert script.wait_gone("step in a tab that is closed")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What about electric cars?", "The reports do not cover this"),
        ("What dose of metformin?", "Not something this guide can answer"),
        ("refused", "The queue is full."),
        ("crash", "The model ran out of memory."),
        ("unfinished", "The answer stopped before it was finished."),
    ],
)
def test_what_cannot_be_answered_is_said_plainly(visit: Visit, question: str, words: str) -> None:
    page = visit.open()
    visit.ask(question)
    expect(page.locator("#sg-current")).to_contain_text(words)
    expect(page.locator("#sg-current")).not_to_contain_text("Traceback")
    expect(page.get_by_role("heading", name="Sources")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()


def test_an_empty_question_gets_a_hint(visit: Visit, script: Script) -> None:
    page = visit.open()
    before = len(script.requests)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text(EMPTY_QUESTION)).to_be_visible()
    assert len(script.requests) == before


def test_a_question_sent_too_early_stays_in_the_box_and_the_page_says_why(visit: Visit, script: Script) -> None:
    page = visit.open()
    before = len(script.requests)
    visit.ask("step: how long is the funding?")
    answer, box = page.locator("#sg-current"), page.get_by_label("Your question")
    expect(answer).to_contain_text("Looking in the reports…")
    box.fill("And who decides?")
    box.press("Enter")
    expect(page.get_by_text(STILL_WORKING)).to_be_visible()
    script.release("start")
    expect(answer).to_contain_text("Found passages in 2 reports.")
    expect(page.get_by_text(STILL_WORKING)).to_be_visible()
    for step in ("retrieved", "token", "claim"):
        script.release(step)
    expect(answer.get_by_role("heading", name="Sources")).to_be_visible()
    expect(page.get_by_text(STILL_WORKING)).to_have_count(0)
    expect(box).to_have_value("And who decides?")
    assert len(script.requests) == before + 1
    box.press("Enter")
    box.press("Enter")
    expect(answer.get_by_role("heading", name="You asked: And who decides?")).to_be_visible()
    expect(answer.get_by_role("heading", name="Sources")).to_be_visible()
    assert len(script.requests) == before + 2


def test_hostile_text_does_nothing(visit: Visit) -> None:
    page = visit.open()
    visit.ask("hostile <img src=x onerror='window.broken=1'>")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    page.get_by_text("Show the quote in the report").first.click()
    expect(page.locator("#sg-current").get_by_text("<script>window.broken=1</script>").first).to_be_visible()
    assert page.evaluate("window.broken") is None
    assert page.locator("#sg-current img, #sg-current script, #sg-current iframe").count() == 0
    links = page.locator("#sg-current a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links
    assert all(link.startswith("/passage/evil") for link in links)
    with page.context.expect_page() as opened:
        page.locator("#sg-current a").last.click()
    passage = opened.value
    expect(passage.get_by_role("heading", level=1)).to_contain_text("<script>")
    assert passage.evaluate("window.broken") is None
    assert passage.locator("a[href^='javascript'], img, script").count() == 0


def test_the_page_says_when_only_quotes_are_given(visit: Visit, script: Script) -> None:
    ready = script.readiness
    script.readiness = Readiness(ready=True, index="ready", generator="loading", detail="Loading.")
    try:
        page = visit.open()
        expect(page.get_by_text("The writing model is still loading.")).to_be_visible()
        script.readiness = ready
        expect(page.get_by_text("The writing model is still loading.")).to_have_count(0, timeout=60_000)
    finally:
        script.readiness = ready
