"""The folders that can be measured: which kind each is, and their rows, checked.

| kind | files |
|---|---|
| retrieval | ``corpus.jsonl``, ``queries.jsonl``, ``qrels.tsv`` |
| claims | ``claims.jsonl`` |
| answerable | ``pairs.jsonl`` |
| questions | ``questions.jsonl``, and ``corpus/`` with the reports |

Every file may be compressed with gzip (``.gz``). A row may hold more than is listed here; what is not known is passed
over.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spreadguide.errors import EvaluationError
from spreadguide.types import Status, Turn

FORM = "docs/evaluation.md shows the form of each file."


class SetKind(StrEnum):
    """What a set measures."""

    RETRIEVAL = "retrieval"
    CLAIMS = "claims"
    ANSWERABLE = "answerable"
    QUESTIONS = "questions"


FILES = {
    SetKind.RETRIEVAL: ("corpus.jsonl", "queries.jsonl", "qrels.tsv"),
    SetKind.CLAIMS: ("claims.jsonl",),
    SetKind.ANSWERABLE: ("pairs.jsonl",),
    SetKind.QUESTIONS: ("questions.jsonl",),
}
"""The files that a folder of each kind must hold."""


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class TurnRow(_Row):
    """One earlier message."""

    role: str = Field(pattern="^(user|assistant)$")
    content: str


class TextRow(_Row):
    """One text of a retrieval set."""

    id: str = Field(validation_alias=AliasChoices("_id", "id"))
    title: Annotated[str, BeforeValidator(lambda title: title or "")] = ""
    text: str


class QueryRow(_Row):
    """One question of a retrieval set, with the turns before it."""

    id: str = Field(validation_alias=AliasChoices("_id", "id"))
    text: str = Field(min_length=1)
    history: tuple[TurnRow, ...] = ()


class ClaimRow(_Row):
    """One claim, the sentences it is to be checked against, and whether they support it."""

    id: str
    claim: str = Field(min_length=1)
    evidence: tuple[str, ...]
    supported: bool


class PairRow(_Row):
    """One question and one passage, and whether the passage answers it."""

    id: str
    question: str = Field(min_length=1)
    passage: str = Field(min_length=1)
    answerable: bool


class QuestionRow(_Row):
    """One question to answer, and what a right answer holds.

    ``need`` are the key facts, each a regular expression; ``never`` are expressions that a right answer does not hold.
    ``sources`` are beginnings of the paths of reports that may be cited (all may, where there are none), and
    ``min_sources`` how many different ones must be. Where the reports do not cover a question, only ``status`` and
    ``never`` count. ``split`` is ``tune`` or ``report``: what a setting was chosen on, and what is reported.
    """

    id: str
    kind: str = "question"
    question: str = Field(min_length=1)
    history: tuple[TurnRow, ...] = ()
    role: str | None = None
    status: Status
    need: tuple[Pattern, ...] = ()
    never: tuple[Pattern, ...] = ()
    sources: tuple[str, ...] = ()
    min_sources: int = Field(0, ge=0)
    split: str = "report"

    @property
    def covered(self) -> bool:
        """Whether the reports hold an answer."""
        return self.status in {Status.ANSWERED, Status.PARTIAL}


def turns(history: tuple[TurnRow, ...]) -> list[Turn]:
    """Return rows of a history as the assistant takes them."""
    return [Turn(turn.role, turn.content) for turn in history]


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A folder to measure on."""

    folder: Path
    kind: SetKind

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name


def open_set(folder: Path) -> EvaluationSet:
    """Recognise the kind of ``folder`` by its files; raises `EvaluationError` when it is none, or more than one."""
    if not folder.is_dir():
        raise EvaluationError(f"There is no folder {folder}.", hint="Name a folder with an evaluation set. " + FORM)
    found = [kind for kind, names in FILES.items() if all(_there(folder, name) is not None for name in names)]
    if len(found) == 1:
        return EvaluationSet(folder, found[0])
    if found:
        message = f"{folder} holds the files of more than one kind of set: {', '.join(found)}."
        raise EvaluationError(message, hint="Put each set into a folder of its own.")
    wanted = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in FILES.items())
    raise EvaluationError(f"{folder} is no evaluation set.", hint=f"A set holds these files. {wanted}. {FORM}")


RowType = TypeVar("RowType", bound=_Row)


def rows(folder: Path, name: str, form: type[RowType]) -> list[RowType]:
    """Read a file of one JSON object per line; raises `EvaluationError` that names the line, also for a second id."""
    found: list[RowType] = []
    seen: set[str] = set()
    for number, line in enumerate(_lines(folder, name), start=1):
        if not line.strip():
            continue
        try:
            row = form.model_validate_json(line)
        except ValidationError as error:
            raise EvaluationError(f"{name}, line {number}: {_fault(error)}.", hint=FORM) from error
        identity = str(getattr(row, "id", number))
        if identity in seen:
            raise EvaluationError(f"{name}, line {number}: the id {identity} is there twice.", hint=FORM)
        seen.add(identity)
        found.append(row)
    if not found:
        raise EvaluationError(f"{name} in {folder} holds no row.", hint=FORM)
    return found


def judgements(folder: Path) -> dict[str, dict[str, int]]:
    """Read ``qrels.tsv``: for each query the grade of each text; raises `EvaluationError`."""
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(folder, "qrels.tsv"), start=1):
        if number == 1 or not line.strip():
            continue
        try:
            query, text, grade = judgement(line)
        except ValueError as error:
            message = f"qrels.tsv, line {number}: it must hold a query, a text and a number, parted by tabs."
            raise EvaluationError(message, hint=FORM) from error
        found.setdefault(query, {})[text] = grade
    return found


def judgement(line: str) -> tuple[str, str, int]:
    """Return query, text and grade of one line of ``qrels.tsv``; raises `ValueError`."""
    query, text, grade, *_ = line.rstrip("\r\n").split("\t")
    number = float(grade)
    if not number.is_integer():
        raise ValueError(f"{grade} is not a whole number")
    return query, text, int(number)


def _fault(error: ValidationError) -> str:
    """Say what is wrong with a row, and in which field."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "it is not one JSON object"
    return " ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))


def _there(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _lines(folder: Path, name: str) -> Iterator[str]:
    path = _there(folder, name)
    if path is None:
        raise EvaluationError(f"There is no {name} in {folder}.", hint=FORM)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from error
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path} cannot be read: {error}."
        raise EvaluationError(message, hint="Check who may read the file, or fetch it again.") from error
    yield from io.StringIO(text)
