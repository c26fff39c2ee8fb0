"""What is said when a question is not answered: the reason, the nearest topics, and better questions."""

from __future__ import annotations

from collections.abc import Sequence

from spreadguide.answering.assembly import PartResult
from spreadguide.text import STOP_WORDS, terms, words
from spreadguide.types import Hit

NOT_COVERED = "The reports do not cover this question."
ENGLISH_ONLY = "I can only read questions in English. If yours is in another language, please ask it in English."

LEAST_FUNCTION_WORDS = 0.15
"""Share of English function words below which a question may be in another language, or only key words."""

SUGGESTIONS = 3


def not_covered_text(results: Sequence[PartResult]) -> str:
    """Say that the reports do not answer, and why; states no fact of theirs."""
    reasons = dict.fromkeys(result.sufficiency.why for result in results if result.sufficiency.why)
    if not reasons:
        return NOT_COVERED
    return f"{NOT_COVERED} {' '.join(f'{reason[0].upper()}{reason[1:]}.' for reason in reasons)}"


def missing_text(results: Sequence[PartResult]) -> str | None:
    """Name the parts of the question that the reports do not cover; ``None`` when they cover all."""
    lacking = [result for result in results if not result.sufficiency.enough and not result.pillar]
    if not lacking:
        return None
    return " ".join(f"“{result.part.text}”: {result.sufficiency.why}." for result in lacking)


def suggestions(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return questions about the nearest topics that the reports do cover."""
    found: dict[str, None] = {}
    for hit in hits:
        title = hit.source.metadata.title
        topic = hit.passage.heading[-1] if hit.passage.heading else ""
        names_its_subject = bool(set(terms(topic)) & set(terms(title)))
        if topic.endswith("?") and names_its_subject:
            found[topic] = None
        elif names_its_subject:
            found[f"What does “{title}” say about “{topic}”?"] = None
        else:
            # A heading such as "Limits" or "What was found?" says nothing without its report.
            found[f"What are the main points of “{title}”?"] = None
        if len(found) == SUGGESTIONS:
            break
    return tuple(found)


def maybe_not_english(question: str) -> bool:
    """Whether the wording has too few English function words to be an English sentence."""
    found = words(question)
    if not found:
        return False
    return sum(word.text.lower() in STOP_WORDS for word in found) / len(found) < LEAST_FUNCTION_WORDS
