"""The values that flow from a report to a checked answer: frozen, and with no behaviour beyond invariants.

``Document → Passage (with its Units) → Hit → Evidence → Draft → Claim → Answer``

All ``start``/``end`` pairs are character offsets into ``Document.text``, the document's normalised text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` (included) to ``end`` (excluded) of a document's normalised text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span must be non-empty and in order, got {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, list item, table row or metadata line.

    ``level`` is the heading's level (1 is the title) or the list item's depth (1 is outermost), else 0.
    ``list_id`` joins the items of one list (and paragraphs that continue an item); ``lead_in`` is the span of the line
    that introduces that list, or of the caption above a table's rows. ``page`` counts from 1. ``field`` names what a
    metadata line states: one of ``publisher``, ``published``, ``authors``, ``commissioner``, ``source``.
    """

    kind: BlockKind
    span: Span
    level: int = 0
    page: int | None = None
    list_id: int | None = None
    lead_in: Span | None = None
    field: str | None = None


class EvidenceKind(StrEnum):
    """What kind of evidence a report is; a brief that draws on several carries the weakest."""

    TRIAL = "trial"
    EVALUATION = "evaluation"
    REVIEW = "review"
    SURVEY = "survey"
    CASE_STUDY = "case study"
    FRAMEWORK = "framework"
    GUIDANCE = "guidance"
    POLICY = "policy"
    PROGRAMME = "programme"
    NEWS = "news"
    PRESS_RELEASE = "press release"
    OPINION = "opinion"


class EditionStatus(StrEnum):
    """Whether a report stands, or a later edition took its place: then it can be searched, but is not answered from."""

    CURRENT = "current"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the catalogue, the front matter or the document itself says about a document.

    ``published`` keeps the date as written; ``year`` is the four-digit year of publication. ``edition`` is the
    report's own name for this version of it, and ``supersedes`` the paths of the reports it takes the place of.
    ``setting`` says where the evidence comes from, ``limits`` what it cannot tell; ``audience`` and ``pillars`` say
    who an evidence brief is for and which part of adoption it serves. ``named`` is false where the title is only
    made of the file's name.
    """

    title: str
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    year: int | None = None
    url: str | None = None
    licence: str | None = None
    commissioner: str | None = None
    kind: EvidenceKind | None = None
    setting: str | None = None
    edition: str | None = None
    status: EditionStatus = EditionStatus.CURRENT
    supersedes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    pillars: tuple[str, ...] = ()
    limits: str | None = None
    named: bool = True


@dataclass(frozen=True, slots=True)
class PageInfo:
    """One page of a document: its number from 1, the label printed on it, its size in points (1/72 inch)."""

    number: int
    label: str | None
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class LineBox:
    """Where a run of the text stands on its page, so that a quote can be highlighted there.

    ``x0`` and ``x1`` are points from the page's left edge, ``top`` and ``bottom`` points from its upper edge.
    """

    span: Span
    page: int
    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Document:
    """One report, read and normalised.

    ``path`` is the file's name relative to the corpus folder, with forward slashes. ``sha256`` is of the file's
    bytes. ``blocks`` are in reading order and do not overlap. ``pages`` and ``boxes`` (in the order of their spans)
    are empty for formats without pages. ``complete`` is false where a time limit cut the reading short: on a quieter
    machine the same file gives more.
    """

    source_id: str
    path: str
    metadata: Metadata
    text: str
    blocks: tuple[Block, ...]
    sha256: str
    warnings: tuple[str, ...] = ()
    pages: tuple[PageInfo, ...] = ()
    boxes: tuple[LineBox, ...] = ()
    complete: bool = True


class UnitKind(StrEnum):
    """What an evidence unit is."""

    SENTENCE = "sentence"
    LIST_ITEM = "list_item"
    QUOTATION = "quotation"
    TABLE_ROW = "table_row"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that can be cited: a sentence, a list item, a quotation, a table row or a metadata line.

    ``context`` holds the spans that give the unit its meaning (a list's lead-in, a quotation's "X said:"), in
    reading order; ``list_id`` joins the items of one list; ``field`` is set on metadata units (see `Block`).
    """

    kind: UnitKind
    span: Span
    context: tuple[Span, ...] = ()
    list_id: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of blocks that is retrieved as one.

    ``document.text[p.start:p.end] == p.text``, always. ``passage_id`` is a content hash. ``heading`` is the path
    of headings above the passage, outermost first, the document's title left out. ``lead_in`` is the text of the
    line that introduces the list which the passage continues, when that line stands in an earlier passage.
    ``page_label`` is what is printed on the page as its number, where that is known.
    """

    passage_id: str
    source_id: str
    heading: tuple[str, ...]
    page: int | None
    start: int
    end: int
    text: str
    units: tuple[Unit, ...]
    lead_in: str | None = None
    page_label: str | None = None

    def __post_init__(self) -> None:
        if self.end - self.start != len(self.text):
            raise ValueError("a passage's span must be as long as its text")


@dataclass(frozen=True, slots=True)
class Source:
    """A document as the reader of an answer sees it, without its text."""

    source_id: str
    path: str
    metadata: Metadata
    passages: int = 0

    def headline(self, passage: Passage) -> str:
        """Return the document's title, unless it was made of the file's name, and the last heading above a passage."""
        title = f"{self.metadata.title}." if self.metadata.named else ""
        return f"{title} {passage.heading[-1] if passage.heading else ''}".strip()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question: its fused score and its rank (from 1) in each retriever that found it.

    ``also_in`` lists other reports that hold nearly the same passage: one text, not agreement between sources.
    """

    passage: Passage
    source: Source
    score: float
    ranks: Mapping[str, int]
    also_in: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One unit offered as an answer's basis.

    ``marker`` is the number the generator cites it by. ``text`` is verbatim; ``context`` is the wording that the
    unit depends on (lead-in, speaker), which stands at ``context_spans``. ``spans`` are the pieces to quote: the unit
    itself or, for a whole list, each item; ``pieces`` are their texts, which ``text`` joins. ``dense`` is the cosine
    of question and unit; ``coverage`` the share (0–1, weighted by inverse document frequency) of the question's words
    found in the unit with its context; ``answers`` the log-odds, by the cross-encoder, that the unit answers the
    question, where it was asked; ``score`` the mix of what is known.
    """

    marker: int
    passage: Passage
    source: Source
    kind: UnitKind
    text: str
    context: str
    context_spans: tuple[Span, ...]
    spans: tuple[Span, ...]
    pieces: tuple[str, ...]
    dense: float
    coverage: float
    score: float
    list_id: int | None = None
    field: str | None = None
    answers: float | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the generator reads: ``system`` and ``examples`` never change, ``user`` does.

    ``examples`` are pairs of user and assistant messages. Fixed text comes first so that the generator can keep
    its state between questions.
    """

    system: str
    examples: tuple[tuple[str, str], ...]
    user: str


class FinishReason(StrEnum):
    """Why the generator stopped."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the generator wrote, unchecked.

    Of the ``prompt_tokens`` the model need not read ``reused_tokens``: it still knew them from the prompt before.
    All three counts are 0 where a generator elsewhere did not tell them.
    """

    text: str
    finish: FinishReason
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Queued:
    """Event: the question waits for the generator, as number ``place`` (from 1, the next) of those that wait.

    ``expected_seconds`` is about how long it will, as the answers before took.
    """

    place: int
    expected_seconds: float


class SupportLevel(StrEnum):
    """How a claim stands to the passage it cites; ``quoted`` means verbatim from it."""

    SUPPORTED = "supported"
    QUOTED = "quoted"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim piece of a passage; ``start:end`` index into the document's normalised text."""

    marker: int
    passage_id: str
    quote: str
    start: int
    end: int


class Layout(StrEnum):
    """How a claim is set: a sentence, a quote of its own, or a line (or speaker) with the items it introduces."""

    SENTENCE = "sentence"
    QUOTE = "quote"
    LEAD = "lead"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, with its citations and the outcome of checking it.

    ``score`` is 0–1. ``reasons`` say, for a claim that was withheld, what did not hold. ``section`` is the heading
    that it stands under: a pillar of advice, or one side of a comparison; empty where the answer has no headings.
    """

    text: str
    support: SupportLevel
    score: float
    citations: tuple[Citation, ...] = ()
    reasons: tuple[str, ...] = ()
    layout: Layout = Layout.SENTENCE
    section: str = ""


@dataclass(frozen=True, slots=True)
class CitedSource:
    """One numbered entry under an answer: the passage behind a marker and the document it stands in.

    ``also_in`` gives the titles of other reports that hold nearly the same passage.
    """

    marker: int
    source_id: str
    title: str
    publisher: str | None
    year: int | None
    url: str | None
    page: int | None
    heading: str
    passage_id: str
    path: str
    page_label: str | None = None
    kind: EvidenceKind | None = None
    setting: str | None = None
    also_in: tuple[str, ...] = ()


class Status(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    NOT_COVERED = "not_covered"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the question arrived; ``None`` where a step was not reached."""

    retrieve: int
    first_evidence: int | None
    first_token: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What produced an answer, for whoever must reproduce it. ``model`` is ``None`` for quotes only.

    ``cached`` is true for an answer that was worked out for an earlier question and is given again; the tokens are
    those of that time. Tokens are as in `Draft`, and 0 where no model wrote.
    """

    model: str | None
    index_fingerprint: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: bool = False
    reused_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation; ``role`` is ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: ``text`` as typed, ``standalone`` with what earlier turns add, ``role`` of the asker."""

    text: str
    standalone: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: built once, at the end, and never patched.

    ``claims`` also lists what was written and withheld (support ``unsupported``); ``text`` never holds those.
    With status ``not_covered`` or ``declined``, ``claims`` is empty and ``text`` states no fact.
    """

    answer_id: str
    question: Question
    status: Status
    text: str
    claims: tuple[Claim, ...]
    sources: tuple[CitedSource, ...]
    evidence: tuple[Hit, ...]
    missing: str | None
    suggestions: tuple[str, ...]
    warnings: tuple[str, ...]
    timings: Timings
    trace: Trace


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages found, before anything is written."""

    hits: tuple[Hit, ...]
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Token:
    """Event: a piece of the draft, unchecked; shown as progress only."""

    text: str


@dataclass(frozen=True, slots=True)
class ClaimChecked:
    """Event: one claim of the answer, checked and supported or quoted."""

    claim: Claim
    sources: tuple[CitedSource, ...]


@dataclass(frozen=True, slots=True)
class Final:
    """Event: the finished answer. It wins over everything sent before it."""

    answer: Answer


Event = Retrieved | Queued | Token | ClaimChecked | Final


DenseKind = Literal["auto", "exact", "ivf"]
"""How search by meaning is to be made: as the size asks for, by comparing every vector, or by lists of vectors."""


@dataclass(frozen=True, slots=True)
class Approximation:
    """What was measured of a search by meaning that does not compare every vector, when the index was built.

    ``recipe`` names how it was made. ``probed`` of its ``lists`` are looked through for a question. ``recall`` is the
    share of the 10 nearest passages that ``sample`` queries found, on average, and ``p95_ms`` their 95th percentile in
    milliseconds. Where it was not ``kept``, recall was too low and the index compares every vector.
    """

    recipe: str
    kept: bool
    lists: int
    probed: int
    recall: float
    sample: int
    p95_ms: float


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What an index build did; counts are of documents or passages, ``seconds`` of wall-clock time."""

    documents: int
    passages: int
    embedded: int
    reused: int
    removed: int
    seconds: float
    fingerprint: str
    warnings: tuple[str, ...] = field(default=())
