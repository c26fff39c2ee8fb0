"""What the front matter of an evidence brief must hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, get_args

from spreadguide.ingest.catalogue import Audience, Pillar
from spreadguide.shelf.brief import Brief
from spreadguide.shelf.problems import Problem
from spreadguide.types import EvidenceKind

REQUIRED = ("title", "publisher", "licence", "kind", "audience", "pillars", "setting", "limits")
OPTIONAL = ("authors", "published", "year", "url", "commissioner", "edition", "supersedes", "status")
LICENCE = "Apache-2.0"

_WORDS = {
    "kind": tuple(str(kind) for kind in EvidenceKind),
    "licence": (LICENCE,),
    "audience": get_args(Audience),
    "pillars": get_args(Pillar),
}
"""The values that a key may have; of a list, its items."""

_LISTS = ("authors", "audience", "pillars", "supersedes")


def front_problems(brief: Brief) -> Iterator[Problem]:
    """Yield what is wrong with a brief's front matter."""
    for key in REQUIRED:
        if key not in brief.front:
            yield Problem(brief.path, f"The front matter has no {key}.", f"Add a line that begins with {key}:", 1)
    for key, value in brief.front.items():
        what = _wrong(str(key), value)
        if what:
            yield Problem(brief.path, f"In the front matter, {key} {what}.", _FORM, brief.front_line(str(key)))
    yield from _year(brief)


_FORM = "Correct that line of the front matter. README.md in corpus/ describes each key."


def _wrong(key: str, value: Any) -> str:
    """Say what is wrong with one value; empty when nothing is."""
    if key not in (*REQUIRED, *OPTIONAL):
        return f"is not a key of a brief (known: {', '.join((*REQUIRED, *OPTIONAL))})"
    if key in _LISTS:
        return _wrong_list(value, _WORDS.get(key))
    if key == "year":
        return "" if isinstance(value, int) and not isinstance(value, bool) else "must be a number of four digits"
    if not isinstance(value, str) or not value.strip():
        return "must be text" if key != "published" or value is None else "must stand in quotation marks"
    if key in _WORDS and value not in _WORDS[key]:
        return f"must be {_either(_WORDS[key])}"
    if key == "url" and not value.startswith("https://"):
        return "must begin with https://"
    if key == "limits" and (not value.endswith(".") or ". " in value):
        return "must be one sentence that ends with a full stop"
    return ""


def _wrong_list(value: Any, words: Collection[str] | None) -> str:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        return "must be a list, such as [one, two]"
    if words is not None and not set(value) <= set(words):
        return f"may hold only {_either(words)}"
    return "names something twice" if len(set(value)) != len(value) else ""


def _either(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _year(brief: Brief) -> Iterator[Problem]:
    """A year must be that of the date, where there is one."""
    year, published = brief.front.get("year"), brief.front.get("published")
    if year is not None and published is not None and str(year) not in str(published):
        what = f"The year {year} is not the year of the date {published}."
        yield Problem(brief.path, what, "Correct one of the two.", brief.front_line("year"))
