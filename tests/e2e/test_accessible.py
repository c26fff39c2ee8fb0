"""WCAG 2.2 AA, as far as a browser can measure it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from conftest import BROWSER, PATIENCE_MS, Visit
from playwright.sync_api import Browser, Page, expect

pytestmark = BROWSER
expect.set_options(timeout=PATIENCE_MS)

LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""

LEAST_TARGET_PX = 24
"""WCAG 2.2, success criterion 2.5.8."""

LOW_CONTRAST = """least => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.body.querySelectorAll('*')].filter(e => e.checkVisibility() &&
    [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && !['SCRIPT', 'STYLE'].includes(e.tagName));
  const low = texts.map(e => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim().slice(0, 60)];
  }).filter(([ratio]) => ratio < least);
  return [texts.length, low];
}"""


def answered(visit: Visit, width: int) -> Page:
    visit.page.set_viewport_size({"width": width, "height": 800})
    page = visit.open()
    visit.ask("How long is the funding?")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    page.get_by_text("Show the quote in the report").first.click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = answered(visit, 1280)
    count, low = page.evaluate(LOW_CONTRAST, LEAST_CONTRAST)
    assert count > 25
    assert low == []
    visit.open("/passage/p1?start=10&end=20")
    assert page.evaluate(LOW_CONTRAST, LEAST_CONTRAST)[1] == []


@pytest.mark.parametrize("path", ["/", "/passage/p1"])
def test_narrow_screens_need_no_sideways_scrolling(visit: Visit, path: str) -> None:
    page = answered(visit, 320)
    if path != "/":
        visit.open(path)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320
    beyond = page.evaluate(
        """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('.sg-vh') &&
        e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_targets_are_large_enough(visit: Visit) -> None:
    page = answered(visit, 390)
    boxes = page.locator("button:visible, summary:visible, a.sg-marker:visible, #sg-role label:visible").evaluate_all(
        "all => all.map(e => [e.getBoundingClientRect().width, e.getBoundingClientRect().height, e.innerText])"
    )
    assert len(boxes) > 10
    assert [box for box in boxes if min(box[0], box[1]) < LEAST_TARGET_PX] == []


def test_language_headings_labels_and_landmarks(visit: Visit) -> None:
    page = answered(visit, 1280)
    assert page.evaluate("document.documentElement.lang") == "en-GB"
    assert page.title() == "SpreadGuide"
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.get_by_role("main").count() == 1
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, a, summary, textarea, input')].filter(e => e.checkVisibility() &&
        !(e.innerText || '').trim() && !e.closest('label') && !e.labels?.length && !e.ariaLabel)
        .map(e => e.outerHTML.slice(0, 90))"""
    )
    assert unnamed == []


def test_a_french_browser_is_told_that_the_page_is_english(browser: Browser, site: str) -> None:
    context = browser.new_context(locale="fr-FR")
    page = Visit(context.new_page(), site).open()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en-GB"
    context.close()


def test_new_parts_of_an_answer_are_announced_politely(visit: Visit) -> None:
    page = answered(visit, 1280)
    for region in ("#sg-current", "#sg-notice", "#sg-top-banner"):
        assert page.locator(region).get_attribute("aria-live") == "polite"
    assert page.locator("#sg-past").get_attribute("aria-live") is None


def test_everything_works_with_the_keyboard_and_focus_is_visible(visit: Visit) -> None:
    page = visit.open()
    page.evaluate("document.body.focus()")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your question")).to_be_focused()
    assert page.get_by_label("Your question").evaluate("e => getComputedStyle(e).outlineWidth") == "3px"
    page.keyboard.type("How long is the funding?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    reached = []
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        reached.append(page.evaluate("(document.activeElement.innerText || '').trim()"))
        if "Source 1" in reached[-1]:
            break
    assert any("Show the quote" in text for text in reached)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    expect(opened.value.locator("mark")).to_be_visible()


def test_people_who_asked_for_less_motion_get_none(visit: Visit) -> None:
    visit.page.emulate_media(reduced_motion="reduce")
    page = visit.open()
    visit.ask("step without motion")
    busy = page.locator(".sg-busy")
    expect(busy).to_be_visible()
    assert busy.evaluate("e => getComputedStyle(e).animationName") == "none"
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
