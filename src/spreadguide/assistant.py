"""The order of steps from a question to a checked answer; every step's logic lives in its own room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

from spreadguide.answering import refusals
from spreadguide.answering.assembly import PartResult, best_quoted, choose, cut_lists, quoted
from spreadguide.answering.claims import Checker, Finding
from spreadguide.answering.gate import Sufficiency
from spreadguide.answering.intent import in_latin_letters, load_intent
from spreadguide.answering.pillars import NOT_OF_YOUR_CASE, Topic, load_adoption
from spreadguide.answering.planning import AnswerSettings, Query, left_out, number, plan, queries
from spreadguide.answering.premise import unsaid
from spreadguide.answering.prompt import build
from spreadguide.answering.rendering import Numbering, render
from spreadguide.answering.scope import OutOfScope, intent_out_of_scope, out_of_scope
from spreadguide.answering.shape import Shape, load_advice, shape_of
from spreadguide.answering.wanted import without_remarks
from spreadguide.answering.writing import Written, write
from spreadguide.errors import GeneratorUnavailable, QuestionError
from spreadguide.protocols import Embedder, Generator, LexicalIndex, PairJudge, PassageStore
from spreadguide.retrieval.followup import also_searched, latest_first, stand_alone
from spreadguide.retrieval.reranking import rerank
from spreadguide.retrieval.search import Retriever, hidden_by
from spreadguide.types import (
    Answer,
    ClaimChecked,
    Draft,
    Event,
    Final,
    Hit,
    Question,
    Queued,
    Retrieved,
    Status,
    SupportLevel,
    Timings,
    Token,
    Trace,
    Turn,
)

MAX_QUESTION_CHARACTERS = 2000
"""Longest question accepted. A longer text is a document, and a document belongs in the corpus."""

QUOTES_ONLY = "This answer is made of quotes from the reports only"


@dataclass(frozen=True, slots=True)
class Library:
    """One opened index, as the assistant uses it."""

    retriever: Retriever
    store: PassageStore
    lexical: LexicalIndex
    fingerprint: str


@dataclass(slots=True)
class _Clock:
    """Milliseconds since the question arrived, and when each step was first reached."""

    now: Callable[[], float]
    started: float
    marks: dict[str, int] = field(default_factory=dict)

    def elapsed(self) -> int:
        return round((self.now() - self.started) * 1000)

    def mark(self, step: str) -> int:
        return self.marks.setdefault(step, self.elapsed())


class Assistant:
    """Answers questions from one library; ``generator`` is ``None`` where only quotes are wanted."""

    def __init__(
        self,
        library: Library,
        embedder: Embedder,
        reader: PairJudge,
        generator: Generator | None,
        settings: AnswerSettings | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._library = library
        self._embedder = embedder
        self._reader = reader
        self._generator = generator
        self._intent = load_intent(embedder.embedder_id)
        self._advice = load_advice(embedder.embedder_id)
        self._adoption = load_adoption(embedder.embedder_id)
        self._settings = settings or AnswerSettings()
        self._now = now
        self._new_id = new_id

    @property
    def library(self) -> Library:
        """The index that answers come from."""
        return self._library

    def search(
        self,
        query: str,
        k: int,
        *,
        history: Sequence[Turn] = (),
        source_ids: Sequence[str] | None = None,
        superseded: bool = False,
    ) -> list[Hit]:
        """Return the ``k`` best passages for ``query``, within ``source_ids`` where given; raises `QuestionError`.

        ``history`` holds earlier turns, oldest first. Where the settings say so, the cross-encoder
        puts the first passages in order.
        With ``superseded``, reports that a later edition replaced are searched, too; answers never rest on them.
        """
        check_question(query)
        asked = query.strip()
        depth = max(k, self._settings.reranked)
        wording = stand_alone(asked, history)
        also = also_searched(asked, history, leaning=wording != asked)
        found = self._retrieved(wording, depth, also, source_ids, superseded=superseded)
        read = latest_first(asked, history)[:MAX_QUESTION_CHARACTERS]
        return rerank(read, found, self._reader, self._settings.reranked)[:k]

    def weigh(self, text: str, *, history: Sequence[Turn] = (), source_ids: Sequence[str] | None = None) -> Sufficiency:
        """Return how well the reports cover a question, without answering it; raises `QuestionError`.

        Of a question in several parts, the verdict is that of the part which is covered best.
        """
        check_question(text)
        question = Question(text.strip(), stand_alone(text.strip(), history))
        asked = self._queries(question, self._shape(question), history)
        found = self._search(asked, source_ids)
        results = self._plan(question, asked, found, self._joined(found))
        best = max(results, key=lambda one: (one.sufficiency.enough, not one.pillar, one.sufficiency.score))
        return best.sufficiency

    def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        role: str | None = None,
        source_ids: Sequence[str] | None = None,
        use_generator: bool = True,
    ) -> Answer:
        """Answer one question and return only the finished answer; see `ask`."""
        events = self.ask(text, history=history, role=role, source_ids=source_ids, use_generator=use_generator)
        return next(event.answer for event in events if isinstance(event, Final))

    def ask(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        role: str | None = None,
        source_ids: Sequence[str] | None = None,
        use_generator: bool = True,
        cancelled: Callable[[], bool] = bool,
    ) -> Iterator[Event]:
        """Answer one question as a sequence of events that ends with `Final`.

        ``history`` holds the earlier turns, oldest first. Raises `QuestionError` for a question that is empty or
        too long. When the generator is away, the answer is made of quotes and says so.
        """
        clock = _Clock(self._now, self._now())
        check_question(text)
        question = Question(text.strip(), stand_alone(text.strip(), history), role)
        if declined := self._out_of_scope(question):
            yield Final(self._declined(question, declined, clock))
            return
        shape = self._shape(question)
        asked = self._queries(question, shape, history)
        own = [query for query in asked if not query.pillar]
        found = self._search(own, source_ids)
        yield Retrieved(tuple(self._joined(found)), clock.mark("retrieve"))
        # The pillars stand last. Nobody has to wait for them to see the first passages.
        found += self._search(asked[len(own) :], source_ids)
        hits = self._joined(found)
        results = self._plan(question, asked, found, hits)
        if not any(result.sufficiency.enough for result in results):
            yield Final(self._not_covered(question, hits, results, clock))
            return
        yield from self._answer(question, hits, results, shape, clock, use_generator=use_generator, cancelled=cancelled)

    def _out_of_scope(self, question: Question) -> OutOfScope | None:
        """Say why the question must be declined: by its wording, or else by its meaning."""
        wordings = list(dict.fromkeys((question.text, question.standalone)))
        if why := next(filter(None, map(out_of_scope, wordings)), None):
            return why
        if self._intent is None or not in_latin_letters(question.text):
            return None
        return intent_out_of_scope(self._intent, self._embedder.embed_queries(wordings))

    def _shape(self, question: Question) -> Shape:
        text = without_remarks(question.text)
        return shape_of(text, self._embedder.embed_queries([text])[0], self._advice)

    def _queries(self, question: Question, shape: Shape, history: Sequence[Turn]) -> list[Query]:
        """Return the parts of the question, each with the earlier turns where there are any."""
        topic = self._topic(question) if shape is Shape.ADVICE else Topic.UNSURE
        asked = queries(question, shape, topic)
        if not history:
            return asked
        leaning = question.standalone != question.text
        return [query if query.pillar else _after_turns(query, history, leaning=leaning) for query in asked]

    def _topic(self, question: Question) -> Topic:
        """Return what a question for advice is about."""
        if self._adoption is None:
            return Topic.UNSURE
        return self._adoption.topic(self._embedder.embed_queries([question.standalone])[0])

    def _search(self, asked: Sequence[Query], source_ids: Sequence[str] | None) -> list[list[Hit]]:
        """Search for each part of the question; return the hits of each."""
        most = self._settings.evidence.passages
        return [self._retrieved(query.wording, most, query.also, source_ids) for query in asked]

    def _retrieved(
        self,
        wording: str,
        k: int,
        also: Sequence[str],
        source_ids: Sequence[str] | None,
        *,
        superseded: bool = False,
    ) -> list[Hit]:
        """Return the hits for a question in one or more wordings, of which no more is read than of a question."""
        first, *others = (text[:MAX_QUESTION_CHARACTERS] for text in (wording, *also))
        search = self._library.retriever.search
        return search(first, k, also=others, source_ids=source_ids, superseded=superseded)

    def _joined(self, found: Sequence[Sequence[Hit]]) -> list[Hit]:
        """Return the hits of all parts, those of the first part first, each passage and its copies once."""
        joined: dict[str, Hit] = {}
        hidden: set[str] = set()
        for hit in (hit for hits in found for hit in hits):
            if hit.passage.passage_id not in hidden:
                joined.setdefault(hit.passage.passage_id, hit)
                hidden |= hidden_by(self._library.store, hit.passage)
        return list(joined.values())

    def _plan(
        self,
        question: Question,
        asked: Sequence[Query],
        found: Sequence[Sequence[Hit]],
        hits: Sequence[Hit],
    ) -> list[PartResult]:
        vectors = self._embedder.embed_queries([query.wording for query in asked])
        parts = list(zip(asked, vectors, found, strict=True))
        library = self._library
        return plan(question, parts, hits, library.store, library.lexical.idf, self._reader, self._settings)

    def _answer(
        self,
        question: Question,
        hits: Sequence[Hit],
        results: list[PartResult],
        shape: Shape,
        clock: _Clock,
        *,
        use_generator: bool,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:
        store = self._library.store
        # Of the evidence, not of the hits: a hit of a later part may be hidden there, as the copy of an earlier one.
        cited = {unit.source.source_id for result in results for unit in result.evidence}
        texts = {source_id: store.document_text(source_id) for source_id in cited}
        numbering = Numbering(store)
        first = next(result for result in results if result.sufficiency.enough)
        for finding in quoted(first, texts, 1):
            yield ClaimChecked(numbering.claim(finding), numbering.sources)
        clock.mark("first_evidence")
        written: list[Finding] = []
        draft: Draft | None = None
        warnings: list[str] = []
        own_words = partial(best_quoted, writes_open=self._settings.writes_open)
        if shape is not Shape.PLAIN or all(own_words(result) for result in results if result.sufficiency.enough):
            # A model would only shorten a list, or dress up a date: the report's own words are the answer. Of several
            # reports or steps a small model tells one.
            use_generator = False
        elif not use_generator or self._generator is None:
            warnings.append(f"{QUOTES_ONLY}, as asked.")
        if use_generator and self._generator is not None:
            try:
                results, evidence = number(results, self._generator.count_tokens)
                checker = Checker(evidence, self._embedder, self._reader)
                prompt = build(question.standalone, evidence)
                for event in write(prompt, self._generator, checker, cancelled):
                    if isinstance(event, str):
                        clock.mark("first_token")
                        yield Token(event)
                    elif isinstance(event, Queued):
                        yield event
                    elif isinstance(event, Written):
                        draft = event.draft
                    else:
                        written.append(event)
                        yield from _told(event, numbering)
            except GeneratorUnavailable as error:
                warnings.append(f"{QUOTES_ONLY}. {error.message}")
        yield Final(self._finished(question, hits, results, shape, written, draft, warnings, texts, clock))

    def _finished(
        self,
        question: Question,
        hits: Sequence[Hit],
        results: Sequence[PartResult],
        shape: Shape,
        written: Sequence[Finding],
        draft: Draft | None,
        warnings: Sequence[str],
        texts: dict[str, str],
        clock: _Clock,
    ) -> Answer:
        shown = choose(results, written, texts, shape)
        numbering = Numbering(self._library.store)
        claims = [numbering.claim(finding) for finding in shown]
        withheld = [numbering.claim(finding) for finding in written if finding.support is SupportLevel.UNSUPPORTED]
        covered = any(result.sufficiency.enough for result in results if not result.pillar)
        missing = refusals.missing_text(results) if covered else None
        general = () if covered else (NOT_OF_YOUR_CASE,)
        # Who asks for advice tells of a place of their own, which no report can know.
        assumed = [] if shape is Shape.ADVICE else unsaid(question.text, hits, self._library.store)
        return Answer(
            answer_id=self._new_id(),
            question=question,
            status=Status.PARTIAL if missing else Status.ANSWERED,
            text=render(claims),
            claims=(*claims, *withheld),
            sources=numbering.sources,
            evidence=tuple(hits),
            missing=missing,
            suggestions=(),
            warnings=(*warnings, *left_out(question, shape), *general, *assumed, *cut_lists(shown)),
            timings=_timings(clock),
            trace=self._trace(draft),
        )

    def _not_covered(
        self, question: Question, hits: Sequence[Hit], results: Sequence[PartResult], clock: _Clock
    ) -> Answer:
        warnings = (refusals.ENGLISH_ONLY,) if refusals.maybe_not_english(question.text) else ()
        text = refusals.not_covered_text(results)
        return self._refusal(question, Status.NOT_COVERED, text, hits, refusals.missing_text(results), warnings, clock)

    def _declined(self, question: Question, why: OutOfScope, clock: _Clock) -> Answer:
        return self._refusal(question, Status.DECLINED, why.value, (), None, (), clock)

    def _refusal(
        self,
        question: Question,
        status: Status,
        text: str,
        hits: Sequence[Hit],
        missing: str | None,
        warnings: tuple[str, ...],
        clock: _Clock,
    ) -> Answer:
        return Answer(
            answer_id=self._new_id(),
            question=question,
            status=status,
            text=text,
            claims=(),
            sources=(),
            evidence=tuple(hits),
            missing=missing,
            suggestions=refusals.suggestions(hits),
            warnings=warnings,
            timings=_timings(clock),
            trace=self._trace(None),
        )

    def _trace(self, draft: Draft | None) -> Trace:
        fingerprint = self._library.fingerprint
        if draft is None or self._generator is None:
            return Trace(None, fingerprint)
        return Trace(
            self._generator.model_id,
            fingerprint,
            draft.prompt_tokens,
            draft.completion_tokens,
            reused_tokens=draft.reused_tokens,
        )


def _told(finding: Finding, numbering: Numbering) -> Iterator[ClaimChecked]:
    """Yield the event of a sentence that holds; nothing for one that is withheld."""
    if finding.support is not SupportLevel.UNSUPPORTED:
        yield ClaimChecked(numbering.claim(finding), numbering.sources)


def _after_turns(query: Query, history: Sequence[Turn], *, leaning: bool) -> Query:
    """Return what is asked after earlier turns; by itself, a question that leans on them finds other subjects."""
    asked = query.part.text
    own = tuple(wording for wording in query.also if wording != asked or not leaning)
    also = (*own, *also_searched(asked, history, leaning=leaning))
    return replace(query, context=latest_first(asked, history), also=also)


def _timings(clock: _Clock) -> Timings:
    marks = clock.marks
    retrieve = marks.get("retrieve", clock.elapsed())
    return Timings(retrieve, marks.get("first_evidence"), marks.get("first_token"), clock.elapsed())


def check_question(text: str) -> None:
    """Raise `QuestionError` when ``text`` is empty or too long to be a question."""
    if not any(character.isalnum() for character in text):
        raise QuestionError("The question is empty.", hint="Type a question, then send it.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question has {len(text):,} characters. The most is {MAX_QUESTION_CHARACTERS:,}.",
            hint="Ask a shorter question. To search a long text, add it to the reports instead.",
        )
