"""The JSON that enters and leaves over HTTP: the shapes that the chat page and other tools rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from spreadguide import types
from spreadguide.retrieval import filters as report_filters

MAX_QUESTION_CHARACTERS = 2000
"""Longest question accepted. A longer text is a document, and a document belongs in the corpus."""

MAX_HISTORY_TURNS = 40
MAX_TURN_CHARACTERS = 20_000

MAX_WORDS = 100
"""Most values in one list of a filter: far more than there are different ones."""


def _encodable(text: str) -> str:
    """JSON can name half a character (a lone surrogate); nothing after this point could write it down again."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("This text holds half a character.") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]
"""Text that can be stored, sent back and read by a model."""


def _in_any_case(words: Iterable[str]) -> BeforeValidator:
    """Accept any mix of capital and small letters for the given words."""
    own = {word.casefold(): word for word in words}

    def spelled(value: Any) -> Any:
        return own.get(value.strip().casefold(), value) if isinstance(value, str) else value

    return BeforeValidator(spelled)


Audience = Annotated[report_filters.Audience, _in_any_case(report_filters.Audience)]
Pillar = Annotated[report_filters.Pillar, _in_any_case(report_filters.Pillar)]
Kind = Annotated[types.EvidenceKind, _in_any_case(types.EvidenceKind)]
Year = Annotated[int, Field(ge=report_filters.FIRST_YEAR, le=report_filters.LAST_YEAR)]


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HistoryTurn(_In):
    """One earlier message of the conversation, oldest first."""

    role: Literal["user", "assistant"]
    content: Annotated[Text, StringConstraints(max_length=MAX_TURN_CHARACTERS)]


class Filters(_In):
    """Narrows the reports that are searched. All that is given must hold; an empty list lets no report through."""

    source_ids: list[Text] | None = Field(None, description="Search only in these sources.", max_length=1000)
    superseded: bool = Field(
        default=False,
        description="Search reports that a later edition replaced, too. Answers never rest on them.",
    )
    audience: list[Audience] | None = Field(
        None, description="Search only in reports for one of these readers.", max_length=MAX_WORDS
    )
    pillars: list[Pillar] | None = Field(
        None, description="Search only in reports that serve one of these parts of adoption.", max_length=MAX_WORDS
    )
    kinds: list[Kind] | None = Field(
        None, description="Search only in reports of one of these kinds of evidence.", max_length=MAX_WORDS
    )
    year_from: Year | None = Field(
        None, description="Search only in reports of this year or later; those without a year are left out."
    )
    year_to: Year | None = Field(
        None, description="Search only in reports of this year or earlier; those without a year are left out."
    )

    def reports(self) -> report_filters.ReportFilter:
        """Return which reports are asked for; raises `QuestionError` when the years are the wrong way round."""
        return report_filters.ReportFilter(
            source_ids=self.source_ids,
            audience=self.audience,
            pillars=self.pillars,
            kinds=self.kinds,
            year_from=self.year_from,
            year_to=self.year_to,
        )


class AskRequest(_In):
    """A question to answer from the reports."""

    question: Text = Field(
        description=f"The question, in plain English; at most {MAX_QUESTION_CHARACTERS:,} characters.",
        examples=["How long does Macmillan fund partner organisations to support adoption?"],
    )
    role: Text | None = Field(
        None, max_length=60, description="Who is asking, such as innovator, adopter team or system decision-maker."
    )
    history: list[HistoryTurn] = Field(default_factory=list, max_length=MAX_HISTORY_TURNS)
    conversation_id: Text | None = Field(None, max_length=64)
    filters: Filters | None = None
    stream: bool = Field(default=False, description="Answer with server-sent events instead of one JSON object.")


class SearchRequest(_In):
    """A search for passages, without an answer."""

    query: Text
    k: int = Field(10, ge=1, le=100, description="Most hits to return.")
    filters: Filters | None = None


class AlsoIn(_Out):
    """Another report that holds nearly the same passage."""

    source_id: str
    path: str
    title: str


class HitOut(_Out):
    """A passage found. ``start`` and ``end`` index into the document's normalised text."""

    passage_id: str
    source_id: str
    path: str
    title: str
    heading: str
    page: int | None
    text: str
    start: int
    end: int
    score: float
    ranks: dict[str, int]
    page_label: str | None = Field(None, description="The page number as it is printed on the page, where known.")
    status: Literal["current", "superseded"] = "current"
    also_in: list[AlsoIn] = Field(
        default_factory=list, description="Other reports with nearly the same passage: one text, not agreement."
    )


class SearchResponse(_Out):
    """The passages found, best first."""

    hits: list[HitOut]


class CitationOut(_Out):
    """A verbatim piece of a passage that a claim rests on."""

    marker: int
    passage_id: str
    quote: str
    start: int
    end: int


class ClaimOut(_Out):
    """One sentence of the answer. ``unsupported`` ones were withheld and are never in the answer's text."""

    text: str
    support: Literal["supported", "quoted", "unsupported"]
    score: float
    citations: list[CitationOut]
    reasons: list[str]
    layout: Literal["sentence", "quote", "lead", "item"] = Field(
        default="sentence", description="How it is set: a lead introduces the items that follow it."
    )
    section: str = Field(
        default="",
        description="The heading it stands under: a pillar of advice, or a report in a comparison; "
        "empty where the answer has no headings.",
    )


class CitedSourceOut(_Out):
    """What a marker such as [1] stands for."""

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
    page_label: str | None = Field(None, description="The page number as it is printed on the page, where known.")
    kind: str | None = Field(None, description="The kind of evidence, such as trial or case study.")
    setting: str | None = Field(None, description="Where the evidence comes from.")
    also_in: list[str] = Field(
        default_factory=list, description="Titles of other reports with nearly the same passage."
    )


class TimingsOut(_Out):
    """Milliseconds since the question arrived."""

    retrieve: int
    first_evidence: int | None
    first_token: int | None
    total: int


class TraceOut(_Out):
    """What produced the answer; ``model`` is null when only quotes were used."""

    model: str | None
    index_fingerprint: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool = Field(
        default=False, description="Whether the same was asked before, and this is the answer of that time."
    )
    reused_tokens: int = Field(
        default=0,
        description="How many of the prompt's tokens the model still knew from the prompt before and need not read "
        "again; 0 where a model elsewhere does not tell.",
    )


class AnswerOut(_Out):
    """A checked answer. With status ``not_covered`` or ``declined``, ``claims`` is empty."""

    id: str
    question: str
    standalone_question: str
    status: Literal["answered", "partial", "not_covered", "declined"]
    text: str
    claims: list[ClaimOut]
    sources: list[CitedSourceOut]
    evidence: list[HitOut]
    missing: str | None
    suggestions: list[str]
    warnings: list[str]
    timings_ms: TimingsOut
    trace: TraceOut


class RetrievedEvent(_Out):
    """Server-sent event ``retrieved``: the passages found, before anything is written."""

    hits: list[HitOut]
    milliseconds: int


class QueuedEvent(_Out):
    """Server-sent event ``queued``: the model writes for others first."""

    place: int = Field(description="Which of those that wait it is; 1 is the next.")
    expected_seconds: float = Field(description="About how long it will wait, as the answers before took.")


class TokenEvent(_Out):
    """Server-sent event ``token``: a piece of the unchecked draft. Show it as progress, never as an answer."""

    text: str


class ClaimEvent(_Out):
    """Server-sent event ``claim``: one checked sentence, with the sources that its markers stand for."""

    claim: ClaimOut
    sources: list[CitedSourceOut]


class SourceOut(_Out):
    """One report of the catalogue."""

    source_id: str
    path: str
    title: str
    publisher: str | None
    authors: list[str]
    published: str | None
    year: int | None
    url: str | None
    licence: str | None
    commissioner: str | None
    kind: str | None = None
    setting: str | None = None
    edition: str | None = None
    status: Literal["current", "superseded"] = "current"
    supersedes: list[str] = Field(default_factory=list, description="Paths of the reports that this one replaces.")
    audience: list[str] = Field(default_factory=list, description="Whom an evidence brief is for.")
    pillars: list[str] = Field(default_factory=list, description="Which part of adoption an evidence brief serves.")
    limits: str | None = Field(None, description="What the evidence cannot tell.")
    passages: int


class SourcesResponse(_Out):
    """The catalogue, ordered by title."""

    sources: list[SourceOut]


class NeighbourOut(_Out):
    """A passage beside another one."""

    passage_id: str
    text: str
    start: int
    end: int


class BoxOut(_Out):
    """Where the characters ``start`` to ``end`` of the document's text stand on a page.

    ``x0`` and ``x1`` are points (1/72 inch) from the left edge, ``top`` and ``bottom`` from the upper edge.
    """

    start: int
    end: int
    page: int
    x0: float
    top: float
    x1: float
    bottom: float


class PageOut(_Out):
    """One page that a passage stands on: its number from 1, its printed label, its size in points."""

    number: int
    label: str | None
    width: float
    height: float


class PassageOut(_Out):
    """A passage in its place: ``before`` and ``after`` are its neighbours in the same document."""

    passage_id: str
    source: SourceOut
    heading: str
    page: int | None
    text: str
    start: int
    end: int
    before: NeighbourOut | None
    after: NeighbourOut | None
    page_label: str | None = None
    also_in: list[AlsoIn] = Field(default_factory=list)
    pages: list[PageOut] = Field(default_factory=list, description="The pages that the passage stands on.")
    boxes: list[BoxOut] = Field(default_factory=list, description="Where its lines stand, to highlight a quote there.")


class Readiness(_Out):
    """Whether questions can be answered, and how."""

    ready: bool
    index: Literal["ready", "missing"]
    generator: Literal["ready", "loading", "missing", "crashed", "off"]
    detail: str


class Problem(_Out):
    """An error, as RFC 9457 problem details; ``hint`` says what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str = ""


HEADING_SEPARATOR = " › "


def hit_out(hit: types.Hit) -> HitOut:
    """Render a hit."""
    passage, source = hit.passage, hit.source
    return HitOut(
        passage_id=passage.passage_id,
        source_id=source.source_id,
        path=source.path,
        title=source.metadata.title,
        heading=HEADING_SEPARATOR.join(passage.heading),
        page=passage.page,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        score=hit.score,
        ranks=dict(hit.ranks),
        page_label=passage.page_label,
        status=source.metadata.status.value,
        also_in=[also_in_out(other) for other in hit.also_in],
    )


def also_in_out(source: types.Source) -> AlsoIn:
    """Render a report that holds nearly the same passage."""
    return AlsoIn(source_id=source.source_id, path=source.path, title=source.metadata.title)


def box_out(box: types.LineBox) -> BoxOut:
    """Render the place of a line on its page."""
    span = box.span
    return BoxOut(start=span.start, end=span.end, page=box.page, x0=box.x0, top=box.top, x1=box.x1, bottom=box.bottom)


def claim_out(claim: types.Claim) -> ClaimOut:
    """Render a claim."""
    return ClaimOut.model_validate(claim)


def answer_out(answer: types.Answer) -> AnswerOut:
    """Render an answer."""
    return AnswerOut(
        id=answer.answer_id,
        question=answer.question.text,
        standalone_question=answer.question.standalone,
        status=answer.status.value,
        text=answer.text,
        claims=[claim_out(claim) for claim in answer.claims],
        sources=[CitedSourceOut.model_validate(source) for source in answer.sources],
        evidence=[hit_out(hit) for hit in answer.evidence],
        missing=answer.missing,
        suggestions=list(answer.suggestions),
        warnings=list(answer.warnings),
        timings_ms=TimingsOut.model_validate(answer.timings),
        trace=TraceOut.model_validate(answer.trace),
    )


def source_out(source: types.Source) -> SourceOut:
    """Render a catalogue entry."""
    metadata = source.metadata
    return SourceOut(
        source_id=source.source_id,
        path=source.path,
        title=metadata.title,
        publisher=metadata.publisher,
        authors=list(metadata.authors),
        published=metadata.published,
        year=metadata.year,
        url=metadata.url,
        licence=metadata.licence,
        commissioner=metadata.commissioner,
        kind=metadata.kind,
        setting=metadata.setting,
        edition=metadata.edition,
        status=metadata.status.value,
        supersedes=list(metadata.supersedes),
        audience=list(metadata.audience),
        pillars=list(metadata.pillars),
        limits=metadata.limits,
        passages=source.passages,
    )
