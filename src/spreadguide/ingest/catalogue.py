"""The report catalogue: ``sources.toml`` beside the reports, and the front matter of Markdown files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spreadguide.types import EditionStatus, EvidenceKind

CATALOGUE_NAME = "sources.toml"

FIRST_YEAR, LAST_YEAR = 1000, 2999
"""A year has four digits; what lies outside these is a slip of the hand."""

Audience = Literal["innovator", "adopter team", "system decision-maker"]
"""Who an evidence brief is for."""

Pillar = Literal["Understand", "Engage", "Future-proof"]
"""The parts of adoption that a brief serves, as the NHS Confederation's guide names them."""

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_OWN_SPELLING = {name.casefold(): name for name in ("Understand", "Engage", "Future-proof")}


class Entry(BaseModel):
    """What is known about one report; every field may be missing. Unknown keys are refused.

    The fields mean what they mean in `Metadata`. ``supersedes`` holds paths relative to the corpus folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    title: str | None = None
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    year: int | None = Field(default=None, ge=FIRST_YEAR, le=LAST_YEAR)
    url: str | None = None
    licence: str | None = None
    commissioner: str | None = None
    kind: EvidenceKind | None = None
    setting: str | None = None
    edition: str | None = None
    supersedes: tuple[str, ...] = ()
    audience: tuple[Audience, ...] = ()
    pillars: tuple[Pillar, ...] = ()
    limits: str | None = None
    status: EditionStatus = EditionStatus.CURRENT

    @field_validator("published", "edition", mode="before")
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        """Accept a date, a year or a version number that TOML or YAML has already read as such."""
        numeric = isinstance(value, (int, float, date)) and not isinstance(value, bool)
        return str(value) if numeric else value

    @field_validator("kind", "status", mode="before")
    @classmethod
    def _word_as_ours(cls, value: Any) -> Any:
        """Accept "Case study" and "case-study" for "case study"."""
        return re.sub(r"[\s_-]+", " ", value).strip().lower() if isinstance(value, str) else value

    @field_validator("audience", "pillars", mode="before")
    @classmethod
    def _words_as_ours(cls, value: Any) -> Any:
        """Accept any mix of capital and small letters."""
        if not isinstance(value, (list, tuple)):
            return value
        lowered = [item.strip().casefold() if isinstance(item, str) else item for item in value]
        return tuple(_OWN_SPELLING.get(item, item) if isinstance(item, str) else item for item in lowered)

    @field_validator("authors", "supersedes", "audience", "pillars", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        """Accept one name in place of a list, and an empty value as none; of several validators the last runs first."""
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("supersedes", mode="after")
    @classmethod
    def _paths_inside_the_folder(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Read paths as they stand in the index, and refuse those that could lead out of the folder."""
        paths = [PurePosixPath(name) for name in value]
        for name, path in zip(value, paths, strict=True):
            if not name or path.is_absolute() or ".." in path.parts or "\\" in name:
                raise ValueError("name files by their paths inside the report folder, with forward slashes")
        return tuple(str(path) for path in paths)

    @field_validator(
        "title",
        "publisher",
        "published",
        "url",
        "licence",
        "commissioner",
        "setting",
        "edition",
        "limits",
        mode="after",
    )
    @classmethod
    def _blank_is_missing(cls, value: str | None) -> str | None:
        return value or None

    def over(self, other: Entry) -> Entry:
        """Return this entry with its gaps filled from ``other``; a status counts as a gap where none was given."""
        gaps = {name: value for name, value in other if name != "status" and not getattr(self, name)}
        if "status" in other.model_fields_set and "status" not in self.model_fields_set:
            gaps["status"] = other.status
        return self.model_copy(update=gaps)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries of ``sources.toml`` by path relative to the corpus folder, and what is wrong with the rest.

    ``unreadable`` is true where nothing of the file could be read.
    """

    entries: Mapping[str, Entry]
    warnings: tuple[str, ...] = ()
    unreadable: bool = False


def year_in(text: str) -> int | None:
    """Return the last four-digit year in ``text``, if there is one."""
    found = _YEAR.findall(text)
    return int(found[-1]) if found else None


def read_catalogue(folder: Path) -> Catalogue:
    """Read ``folder/sources.toml``; a missing file is an empty catalogue, a wrong entry is a warning."""
    file = folder / CATALOGUE_NAME
    if not file.is_file():
        return Catalogue({})
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        warning = f"{CATALOGUE_NAME} was ignored: {error}. Correct that line and build the index again."
        return Catalogue({}, (warning,), unreadable=True)
    entries: dict[str, Entry] = {}
    warnings: list[str] = []
    for name, table in tables.items():
        try:
            entries[name] = Entry.model_validate(table)
        except ValidationError as error:
            warnings.append(f'{CATALOGUE_NAME}: the entry for "{name}" was ignored: {reasons(error)}.')
    return Catalogue(entries, tuple(warnings))


def front_matter(text: str) -> tuple[str | None, str]:
    """Return the lines between the ``---`` at the top of a Markdown file, ``None`` without any, and the rest."""
    match = _FRONT_MATTER.match(text)
    return (match.group(1), text[match.end() :]) if match else (None, text)


def split_front_matter(text: str) -> tuple[Entry, str, tuple[str, ...]]:
    """Return the front matter of a Markdown file as an entry, the rest of the text, and warnings.

    Keys that are not ours are left alone, because other tools keep theirs in the same place. A wrong value is
    left out with a warning, and the rest is kept.
    """
    header, body = front_matter(text)
    if header is None:
        return Entry(), text, ()
    try:
        table = yaml.safe_load(header)
        known = {key: value for key, value in table.items() if key in Entry.model_fields} if table else {}
    except (yaml.YAMLError, AttributeError, ValueError, RecursionError):
        warning = "The front matter is not valid YAML and was ignored. Correct the lines between the ---."
        return Entry(), body, (warning,)
    try:
        return Entry.model_validate(known), body, ()
    except ValidationError as error:
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
        kept = Entry.model_validate({key: value for key, value in known.items() if key not in wrong})
        return kept, body, (f"A part of the front matter was ignored: {reasons(error)}.",)


def reasons(error: ValidationError) -> str:
    """Say in plain English what is wrong with an entry."""
    known = ", ".join(Entry.model_fields)
    return "; ".join(
        f'the key "{_place(item["loc"])}" is not known (known: {known})'
        if item["type"] == "extra_forbidden"
        else f'"{_place(item["loc"][:1])}" is wrong ({_reason(item["type"], item.get("ctx", {}), item["msg"])})'
        for item in error.errors()
    )


_REASONS = {
    "string_type": "it must be text, in quotation marks",
    "tuple_type": "it must be a list of texts",
    "int_parsing": "it must be a year with four digits, such as 2018",
    "int_type": "it must be a year with four digits, such as 2018",
    "int_from_float": "it must be a year with four digits, such as 2018",
    "greater_than_equal": "it must be a year with four digits, such as 2018",
    "less_than_equal": "it must be a year with four digits, such as 2018",
    "model_type": "write the keys below it, one a line",
}
"""What the kinds of error that pydantic knows mean for an entry."""


def _reason(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in ("enum", "literal_error"):
        return f"it must be {str(context['expected']).replace(chr(39), '')}"
    if kind == "value_error":
        return str(context["error"])
    return _REASONS.get(kind, message.lower())


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "entry"
