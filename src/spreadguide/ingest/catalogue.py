"""The report catalogue: ``sources.toml`` beside the reports, and the front matter of Markdown files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

CATALOGUE_NAME = "sources.toml"

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


class Entry(BaseModel):
    """What is known about one report; every field may be missing. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    title: str | None = None
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    year: int | None = None
    url: str | None = None
    licence: str | None = None
    commissioner: str | None = None
    status: Literal["current", "superseded"] = "current"

    @field_validator("authors", mode="before")
    @classmethod
    def _one_author(cls, value: Any) -> Any:
        """Accept one name in place of a list."""
        return (value,) if isinstance(value, str) else value

    @field_validator("published", mode="before")
    @classmethod
    def _date_as_text(cls, value: Any) -> Any:
        """Accept a date or a year that TOML or YAML has already read as such."""
        return str(value) if isinstance(value, (int, date)) else value

    @field_validator("title", "publisher", "published", "url", "licence", "commissioner", mode="after")
    @classmethod
    def _blank_is_missing(cls, value: str | None) -> str | None:
        return value or None

    def over(self, other: Entry) -> Entry:
        """Return this entry with its gaps filled from ``other``; the status is this entry's."""
        gaps = {name: value for name, value in other if name != "status" and not getattr(self, name)}
        return self.model_copy(update=gaps)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries of ``sources.toml`` by path relative to the corpus folder, and what is wrong with the rest."""

    entries: Mapping[str, Entry]
    warnings: tuple[str, ...] = ()


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
        return Catalogue({}, (f"{CATALOGUE_NAME} was ignored: {error}. Correct that line and build the index again.",))
    entries: dict[str, Entry] = {}
    warnings: list[str] = []
    for name, table in tables.items():
        try:
            entries[name] = Entry.model_validate(table)
        except ValidationError as error:
            warnings.append(f'{CATALOGUE_NAME}: the entry for "{name}" was ignored: {_reasons(error)}.')
    return Catalogue(entries, tuple(warnings))


def split_front_matter(text: str) -> tuple[Entry, str, tuple[str, ...]]:
    """Return the front matter of a Markdown file as an entry, the rest of the text, and warnings.

    Keys that are not ours are left alone, because other tools keep theirs in the same place.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return Entry(), text, ()
    body = text[match.end() :]
    try:
        table = yaml.safe_load(match.group(1))
        known = {key: value for key, value in table.items() if key in Entry.model_fields} if table else {}
        return Entry.model_validate(known), body, ()
    except (yaml.YAMLError, AttributeError):
        return (
            Entry(),
            body,
            ("The front matter is not valid YAML and was ignored. Correct the lines between the ---.",),
        )
    except ValidationError as error:
        return Entry(), body, (f"The front matter was ignored: {_reasons(error)}.",)


def _reasons(error: ValidationError) -> str:
    """Say in plain English what is wrong with an entry."""
    known = ", ".join(Entry.model_fields)
    return "; ".join(
        f'the key "{_place(item["loc"])}" is not known (known: {known})'
        if item["type"] == "extra_forbidden"
        else f'"{_place(item["loc"])}" is wrong ({item["msg"].lower()})'
        for item in error.errors()
    )


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "entry"
