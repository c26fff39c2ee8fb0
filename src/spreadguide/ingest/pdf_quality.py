"""Tells which pages of a PDF hold text that can be used, and says in plain English what became of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from spreadguide.ingest.pdf_page import Page

SCAN_WORDS = 8
"""A page with fewer words, a page number or a stamp, may still be a scan."""

SCAN_PICTURES = 0.5
"""A scan fills at least this share of its page."""

BROKEN_SHARE = 0.1
"""Share of the characters whose letter is not known, or is private to the font, above which quotes would mislead."""

SAMPLE = 60
"""Characters that a page must have to be judged by how often its letters come."""

VOWEL_SHARE = 0.15
LOW_VOWEL_SHARE = 0.28
"""English has about 38 % vowels among its letters. Letters mapped at random have 19 %, and then no word is a common
one; a page of abbreviations may have as few, but below the first share no page of words does."""

_COMMON = frozenset({"a", "and", "for", "in", "is", "of", "or", "the", "to", "with"})

LETTER_SHARE = 0.25
"""Share of letters and digits among the signs of a page, leaders apart; a table of figures is far above it."""

MOJIBAKE_SHARE = 0.05
"""Share of words that show signs of a wrong character set."""

_MOJIBAKE = re.compile("[ÃÂâ][\u0080-\u00bf€™œž˜“”‘’…–—]")
_LEADERS = re.compile(r"[._…·\s-]+")
_BULLETS = "\uf0b7\uf0a7\uf0d8\uf076\uf0fc\uf02d\uf0e0"


class PageState(StrEnum):
    """What a page holds: usable text, nothing at all, a picture of text, letters that cannot be told, or an error."""

    TEXT = "text"
    BLANK = "blank"
    SCAN = "scan"
    BROKEN = "broken"
    DAMAGED = "damaged"


_LEFT_OUT = {
    PageState.SCAN: "without text, only with a picture (perhaps a scan)",
    PageState.BROKEN: "with text that cannot be read, because the file does not say which letters it shows",
}


def state_of(page: Page) -> PageState:
    """Return what ``page`` holds."""
    if page.damaged:
        return PageState.DAMAGED
    if len(page.words) < SCAN_WORDS and page.pictures >= SCAN_PICTURES:
        return PageState.SCAN
    if not page.words:
        return PageState.SCAN if page.pictures > 0 or page.rules else PageState.BLANK
    return PageState.BROKEN if _is_broken(page) else PageState.TEXT


def _is_broken(page: Page) -> bool:
    text = " ".join(word.text for word in page.words)
    private = sum("\ue000" <= sign <= "\uf8ff" and sign not in _BULLETS for sign in text)
    if page.unmapped + private > BROKEN_SHARE * max(1, page.characters):
        return True
    signs = _LEADERS.sub("", text)
    if len(signs) < SAMPLE:
        return False
    letters = [sign for sign in signs.lower() if "a" <= sign <= "z"]
    if len(letters) >= max(SAMPLE, len(signs) / 2):
        return _is_shuffled(letters, page) or _is_garbled(page)
    return sum(sign.isalnum() for sign in signs) < LETTER_SHARE * len(signs) or _is_garbled(page)


def _is_shuffled(letters: Sequence[str], page: Page) -> bool:
    """Whether letters stand for others: too few vowels, and no common word."""
    vowels = sum(sign in "aeiou" for sign in letters) / len(letters)
    if vowels < VOWEL_SHARE:
        return True
    return vowels < LOW_VOWEL_SHARE and not any(word.text.lower() in _COMMON for word in page.words)


def _is_garbled(page: Page) -> bool:
    return sum(bool(_MOJIBAKE.search(word.text)) for word in page.words) > MOJIBAKE_SHARE * len(page.words)


def page_list(numbers: Iterable[int]) -> str:
    """Return page numbers as people write them: "page 3", "pages 1–4 and 7"."""
    ordered = sorted(set(numbers))
    runs: list[list[int]] = [[ordered[0]]]
    for before, number in pairwise(ordered):
        if number == before + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    names = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"page{'s' * (len(ordered) > 1)} {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}"


def page_warnings(
    states: dict[int, PageState], recognised: Sequence[int], *, reader: bool, failed: Sequence[int] = ()
) -> list[str]:
    """Say which pages were not read, or not from their text, and what to do.

    ``recognised`` are the pages that OCR has read, ``failed`` those that it was tried on in vain; ``reader`` says
    whether Tesseract is there.
    """
    found = []
    if recognised:
        found.append(
            f"Text recognition (OCR) was used on {page_list(recognised)}. Compare quotes from there with the page."
        )
    if failed:
        found.append(f"Text recognition (OCR) found nothing on {page_list(failed)}. Look at what is there.")
    left = {number: state for number, state in states.items() if number not in recognised and number not in failed}
    for state, what in _LEFT_OUT.items():
        numbers = [number for number, each in left.items() if each is state]
        if numbers:
            found.append(f"Left out: {page_list(numbers)}, {what}. {_advice(reader=reader)}")
    numbers = [number for number, state in states.items() if state is PageState.DAMAGED]
    if numbers:
        found.append(f"Left out: {page_list(numbers)}, damaged. Open the file in a PDF viewer and save it again.")
    return found


def _advice(*, reader: bool) -> str:
    if reader:
        return "The limit for text recognition was reached: raise the setting ocr_pages."
    return (
        "Install Tesseract (on Debian: apt-get install tesseract-ocr) and read the report again, or use another copy."
    )
