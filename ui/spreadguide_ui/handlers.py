"""What happens when the person asks, stops or starts again: HTTP events in, views of the page out. No Gradio here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from spreadguide.api.schemas import (
    MAX_QUESTION_CHARACTERS,
    AnswerOut,
    AskRequest,
    CitedSourceOut,
    ClaimEvent,
    ClaimOut,
    HitOut,
    PassageOut,
    QueuedEvent,
    RetrievedEvent,
)
from spreadguide_ui import render
from spreadguide_ui.client import ApiClient, ApiProblem, Event
from spreadguide_ui.conversation import Conversation

EXAMPLES = (
    "How long does Macmillan fund partner organisations to support adoption?",
    "What are the core pillars when adopting a proven innovation?",
    "How many people benefited from what the AHSNs spread?",
    "What did the Against the Odds report find?",
)
"""Questions that the shipped library covers, offered before the first question."""

TRY_ONE = "Try one of these questions"
ASK_NEXT = "You could ask next"
EMPTY_QUESTION = "Type a question first, then choose Ask."
STILL_WORKING = "The last question is still being answered. Wait for it, or choose Stop."
LONG_QUESTION = f"The question is too long. Keep it to {MAX_QUESTION_CHARACTERS:,} characters."


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message beside the question box; the rest of the page stays as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class View:
    """The parts of the page that change. ``past`` and ``current`` are blocks of safe HTML, joined.

    ``question`` is what stands in the question box, or ``None`` to leave what the person has typed since.
    """

    conversation: Conversation
    past: str
    current: str
    working: bool
    question: str | None = None
    offer: str = TRY_ONE
    questions: tuple[str, ...] = EXAMPLES


@dataclass(slots=True)
class Progress:
    """What has been received of the answer in progress. Unchecked words are counted as progress, never kept."""

    question: str
    hits: Sequence[HitOut] | None = None
    claims: list[ClaimOut] = field(default_factory=list)
    sources: Sequence[CitedSourceOut] = ()
    queued: QueuedEvent | None = None
    writing: bool = False

    def take(self, event: Event) -> bool:
        """Take in an event; return whether the page looks different now."""
        if isinstance(event, RetrievedEvent):
            self.hits = event.hits
            return True
        if isinstance(event, ClaimEvent):
            self.claims.append(event.claim)
            self.sources = event.sources
            return event.claim.support != "unsupported"
        if isinstance(event, QueuedEvent):
            self.queued = event
            return True
        changed = not self.writing
        self.queued = None
        self.writing = True
        return changed

    def blocks(self) -> list[str]:
        """Render the turn as it stands."""
        if self.hits is None:
            status = render.looking_block()
        elif self.queued is not None:
            status = render.queued_block(self.queued)
        else:
            status = render.writing_block(self.hits, writing=self.writing)
        claims = render.claim_blocks(self.claims, self.sources)
        return [render.question_block(self.question), *claims, status]


def opening() -> View:
    """Return the page of a new conversation."""
    return View(conversation=Conversation(), past="", current="", working=False, question="")


def stopped(conversation: Conversation, past: str, current: str) -> View:
    """Return the page after Stop: nothing that was not finished stays on it."""
    if conversation.pending is None:
        return View(conversation=conversation, past=past, current=current, working=False)
    blocks = [render.question_block(conversation.pending), render.stopped_block()]
    return View(conversation=conversation.given_up(), past=past, current=render.joined(blocks), working=False)


async def asked(
    client: ApiClient, question: str, role: str, conversation: Conversation, past: str, current: str
) -> AsyncGenerator[View | Notice, None]:
    """Ask the API; yield the page at each step, the finished answer last.

    Cancelling the task or closing the generator closes the HTTP stream, and so stops the work behind it.
    """
    question = question.strip()
    reason = _not_now(question, conversation)
    if reason:
        yield Notice(reason)
        return
    request = AskRequest(
        question=question, role=role or None, history=conversation.history, conversation_id=None, stream=True
    )
    past = render.joined(part for part in (past, current) if part)
    progress = Progress(question)
    view = View(
        conversation=conversation.asking(question),
        past=past,
        current=render.joined(progress.blocks()),
        working=True,
        question="",
        questions=(),
    )
    yield view
    view = replace(view, question=None)
    try:
        async with aclosing(client.ask(request)) as events:
            async for event in events:
                if isinstance(event, AnswerOut):
                    yield await _finished(client, event, conversation, past)
                elif progress.take(event):
                    yield replace(view, current=render.joined(progress.blocks()))
    except ApiProblem as error:
        blocks = [render.question_block(question), render.problem_block(error.problem)]
        yield View(conversation=conversation, past=past, current=render.joined(blocks), working=False)


def _not_now(question: str, conversation: Conversation) -> str:
    """Return why the question cannot be asked now, or an empty string."""
    if conversation.pending is not None:
        return STILL_WORKING
    if not question:
        return EMPTY_QUESTION
    return LONG_QUESTION if len(question) > MAX_QUESTION_CHARACTERS else ""


async def _finished(client: ApiClient, answer: AnswerOut, conversation: Conversation, past: str) -> View:
    passages = await _fetch_passages(client, answer)
    current = render.joined(render.answer_blocks(answer, passages))
    view = View(conversation=conversation.answered(answer), past=past, current=current, working=False)
    suggestions = tuple(suggestion for suggestion in answer.suggestions if suggestion.strip())[: len(EXAMPLES)]
    return replace(view, offer=ASK_NEXT, questions=suggestions) if suggestions else view


async def _fetch_passages(client: ApiClient, answer: AnswerOut) -> dict[str, PassageOut]:
    """Fetch the passages behind the sources. One that cannot be fetched is left out: its bare quote is shown."""
    ids = list(dict.fromkeys(source.passage_id for source in answer.sources))
    found = await asyncio.gather(*(_passage_or_none(client, passage_id) for passage_id in ids))
    return {passage_id: passage for passage_id, passage in zip(ids, found, strict=True) if passage is not None}


async def _passage_or_none(client: ApiClient, passage_id: str) -> PassageOut | None:
    try:
        return await client.passage(passage_id)
    except ApiProblem:
        return None


async def banner(client: ApiClient) -> str:
    """Return the line at the top of the page: nothing when the generator is ready."""
    try:
        return render.banner_block(await client.readiness())
    except ApiProblem as error:
        return render.problem_block(error.problem)
