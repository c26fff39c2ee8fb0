"""A small server that speaks the API's shapes and plays a fixed scene for each question, over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from spreadguide.api.schemas import (
    AnswerOut,
    AskRequest,
    CitationOut,
    CitedSourceOut,
    ClaimEvent,
    ClaimOut,
    HitOut,
    NeighbourOut,
    PassageOut,
    Problem,
    QueuedEvent,
    Readiness,
    RetrievedEvent,
    SourceOut,
    TimingsOut,
    TokenEvent,
    TraceOut,
)

BEFORE = "The charity works with partner organisations in every nation of the country."
QUOTE = "Partners receive funding for up to three years."
TEXT = f"Support is planned with each partner. {QUOTE} A plan for later years is agreed at the start."
AFTER = "Teams meet every quarter to share what they have learned."
SECOND = "Three pillars carry the work: people, process and proof."
PASSAGE_START = len(BEFORE) + 2

HOSTILE = (
    '<script>window.broken=1</script><img src="http://outside.example/x.png" onerror="window.broken=1"> '
    "![pic](http://outside.example/y.png) [click](http://outside.example/z) <a href='javascript:window.broken=1'>go</a>"
)
"""Markup that a document, a person or the model might try."""

GONE_SECONDS = 10

UNCHECKED = "UNCHECKED-DRAFT-WORDS"
"""What the scripted model drafts; it must never be on screen."""


def source_out(**changes: Any) -> SourceOut:
    values: dict[str, Any] = {
        "source_id": "src1",
        "path": "reports/support.md",
        "title": "Supporting adopters",
        "publisher": "Example Trust",
        "authors": [],
        "published": "2018",
        "year": 2018,
        "url": "https://example.org/report",
        "licence": None,
        "commissioner": None,
        "passages": 3,
    }
    return SourceOut(**values | changes)


def passage_out(passage_id: str = "p1", **source: Any) -> PassageOut:
    after = PASSAGE_START + len(TEXT) + 2
    return PassageOut(
        passage_id=passage_id,
        source=source_out(**source),
        heading="Programme › Funding",
        page=4,
        text=TEXT,
        start=PASSAGE_START,
        end=PASSAGE_START + len(TEXT),
        before=NeighbourOut(passage_id="p0", text=BEFORE, start=0, end=len(BEFORE)),
        after=NeighbourOut(passage_id="p2", text=AFTER, start=after, end=after + len(AFTER)),
    )


def hit(title: str = "Supporting adopters", passage_id: str = "p1") -> HitOut:
    return HitOut(
        passage_id=passage_id,
        source_id="src1",
        path="reports/support.md",
        title=title,
        heading="Programme › Funding",
        page=4,
        text=TEXT,
        start=PASSAGE_START,
        end=PASSAGE_START + len(TEXT),
        score=0.9,
        ranks={"dense": 1, "lexical": 1},
    )


def cited(marker: int = 1, **changes: Any) -> CitedSourceOut:
    values: dict[str, Any] = {
        "marker": marker,
        "source_id": "src1",
        "title": "Supporting adopters",
        "publisher": "Example Trust",
        "year": 2018,
        "url": "https://example.org/report",
        "page": 4,
        "heading": "Programme › Funding",
        "passage_id": "p1",
        "path": "reports/support.md",
    }
    return CitedSourceOut(**values | changes)


def citation(marker: int = 1, quote: str = QUOTE, passage_id: str = "p1") -> CitationOut:
    start = PASSAGE_START + max(TEXT.find(quote), 0)
    return CitationOut(marker=marker, passage_id=passage_id, quote=quote, start=start, end=start + len(quote))


def claim(text: str = "Funding lasts up to three years. [1]", support: Any = "supported", **changes: Any) -> ClaimOut:
    values: dict[str, Any] = {"text": text, "support": support, "score": 0.9, "citations": [citation()], "reasons": []}
    return ClaimOut(**values | changes)


def answer(question: str = "How long is the funding?", **changes: Any) -> AnswerOut:
    values: dict[str, Any] = {
        "id": "a1",
        "question": question,
        "standalone_question": question,
        "status": "answered",
        "text": "Funding lasts up to three years. [1]",
        "claims": [claim()],
        "sources": [cited()],
        "evidence": [hit()],
        "missing": None,
        "suggestions": [],
        "warnings": [],
        "timings_ms": TimingsOut(retrieve=5, first_evidence=6, first_token=9, total=12),
        "trace": TraceOut(model="scripted", index_fingerprint="f", prompt_tokens=1, completion_tokens=1),
    }
    return AnswerOut(**values | changes)


def scene(request: AskRequest) -> AnswerOut:
    """Return the final answer that the question's words ask for."""
    question = request.question
    if "electric" in question:
        return answer(
            question,
            status="not_covered",
            text="The reports in the library do not cover this. The nearest topics are below.",
            claims=[],
            sources=[],
            suggestions=["What do the reports say about culture?"],
        )
    if "metformin" in question:
        text = "SpreadGuide does not give advice about treating patients."
        return answer(question, status="declined", text=text, claims=[], sources=[])
    if "hostile" in question:
        return answer(
            question,
            text=f"{HOSTILE} [1]",
            claims=[
                claim(f"{HOSTILE} [1]", citations=[citation(1, QUOTE, "evil")]),
                claim(HOSTILE, "quoted", citations=[citation(1, QUOTE, "evil")]),
            ],
            sources=[cited(title=HOSTILE, publisher=HOSTILE, heading=HOSTILE, passage_id="evil")],
            missing=HOSTILE,
            warnings=[HOSTILE],
            suggestions=[HOSTILE],
        )
    if "long" in question and request.history:
        return answer(question, standalone_question="For how long does Macmillan fund partner organisations?")
    return answer(
        question,
        status="partial",
        claims=[
            claim(),
            claim(QUOTE, "quoted"),
            claim("Withheld sentence that no report supports. [1]", "unsupported"),
        ],
        sources=[cited(), cited(2, title="Three pillars", publisher="Care Institute", year=2020, passage_id="p9")],
        missing="The reports do not say how much money each partner receives.",
        suggestions=["For how long?", "Who are the partners?"],
        warnings=["The writing model was not ready; this answer was put together from quotes."],
    )


@dataclass
class Script:
    """What a test steers and what the server saw."""

    readiness: Readiness = field(
        default_factory=lambda: Readiness(ready=True, index="ready", generator="ready", detail="Ready.")
    )
    requests: list[AskRequest] = field(default_factory=list)
    go_on: dict[str, asyncio.Event] = field(default_factory=dict)
    gone: dict[str, threading.Event] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None

    def gate(self, name: str) -> asyncio.Event:
        """The event that lets a waiting scene go on past the step ``name``."""
        return self.go_on.setdefault(name, asyncio.Event())

    def left(self, question: str) -> threading.Event:
        """The event that says that the client of a question has gone before its answer was finished."""
        return self.gone.setdefault(question, threading.Event())

    def wait_gone(self, question: str) -> bool:
        """Wait until the client of a question has gone; false when it has not gone in time."""
        return self.left(question).wait(GONE_SECONDS)

    def release(self, name: str) -> None:
        """Let a waiting scene go on; callable from the test's thread."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.gate(name).set)


def scripted_api(script: Script) -> FastAPI:
    """Build the server. Questions with the word "step" wait at each step until the test calls `Script.release`."""
    app = FastAPI()

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        status = 200 if script.readiness.ready else 503
        return JSONResponse(script.readiness.model_dump(), status_code=status)

    @app.get("/v1/passages/{passage_id}")
    def passage(passage_id: str) -> Any:
        if passage_id == "evil":
            return passage_out("evil", title=HOSTILE, publisher=HOSTILE, url="javascript:alert(1)")
        if passage_id != "p1":
            problem = Problem(title="Not found", status=404, detail=f"No passage has the id {passage_id}.")
            return JSONResponse(problem.model_dump(), status_code=404, media_type="application/problem+json")
        return passage_out()

    @app.post("/v1/ask")
    async def ask(request: AskRequest) -> Any:
        script.requests.append(request)
        script.loop = asyncio.get_running_loop()
        if "refused" in request.question:
            problem = Problem(title="Busy", status=503, detail="The queue is full.", hint="Wait a minute.")
            return JSONResponse(problem.model_dump(), status_code=503, media_type="application/problem+json")
        return StreamingResponse(_events(script, request), media_type="text/event-stream")

    return app


async def _events(script: Script, request: AskRequest) -> AsyncIterator[str]:
    question = request.question
    try:
        await _pause(script, question, "start")
        hits = [hit(), hit("Three pillars", "p9"), hit()]
        yield _sse("retrieved", RetrievedEvent(hits=hits, milliseconds=4))
        await _pause(script, question, "retrieved")
        if "crash" in question:
            yield _sse(
                "error", Problem(title="x", status=500, detail="The model ran out of memory.", hint="Ask again.")
            )
            return
        if "queue" in question:
            for place, seconds in ((2, 15.4), (1, 0.2)):
                yield _sse("queued", QueuedEvent(place=place, expected_seconds=seconds))
                await _pause(script, question, f"place {place}")
        yield ": keep-alive\n\n"
        yield _sse("token", TokenEvent(text=UNCHECKED))
        await _pause(script, question, "token")
        if "unfinished" in question:
            return
        final = scene(request)
        for checked in final.claims:
            yield _sse("claim", ClaimEvent(claim=checked, sources=final.sources))
        await _pause(script, question, "claim")
        yield _sse("final", final)
    except asyncio.CancelledError:
        script.left(question).set()
        raise


async def _pause(script: Script, question: str, name: str) -> None:
    if "step" in question:
        await script.gate(name).wait()
        script.gate(name).clear()


def _sse(name: str, data: BaseModel) -> str:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"
