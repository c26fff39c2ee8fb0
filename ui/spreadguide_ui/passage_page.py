"""The page of one passage: where a citation's marker leads. Plain HTML of our own, without any script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from spreadguide.api.schemas import PassageOut, Problem
from spreadguide_ui.client import ApiClient, ApiProblem
from spreadguide_ui.guard import ASSETS, PLAIN_POLICY
from spreadguide_ui.markup import QUOTE_ANCHOR, Span, safe
from spreadguide_ui.render import context_pieces, page_text

OFFSET = re.compile(r"\d{1,10}")
"""A character offset in an address; longer numbers are nonsense."""


def passage_router(client: ApiClient) -> APIRouter:
    """Return the route ``/passage/{passage_id}?start=&end=``; ``start`` and ``end`` may be repeated in pairs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/passage/{passage_id}", response_class=HTMLResponse)
    async def passage(request: Request, passage_id: str) -> HTMLResponse:
        try:
            found = await client.passage(passage_id)
        except ApiProblem as error:
            return _response(problem_html(error.problem), error.problem.status)
        query = request.query_params
        return _response(passage_html(found, parse_spans(query.getlist("start"), query.getlist("end"))), HTTPStatus.OK)

    return router


def parse_spans(starts: Sequence[str], ends: Sequence[str]) -> list[Span]:
    """Read pairs of offsets from an address; what is not a proper span is left out."""
    pairs = zip(starts, ends, strict=False)
    spans = [(int(start), int(end)) for start, end in pairs if OFFSET.fullmatch(start) and OFFSET.fullmatch(end)]
    return [(start, end) for start, end in spans if start < end]


def passage_html(passage: PassageOut, spans: Sequence[Span]) -> str:
    """Render the page of a passage with its neighbours, the quote marked."""
    source = passage.source
    facts = [
        ("Publisher", source.publisher),
        ("Year", str(source.year) if source.year else None),
        ("Section", passage.heading),
        ("Page", (page_text(passage.page, passage.page_label) or "").removeprefix("page ")),
        ("Kind of evidence", source.kind),
        ("Setting", source.setting),
        ("What it cannot tell", source.limits),
        ("Edition", source.edition),
        ("Status", "Replaced by a later edition" if source.status == "superseded" else None),
        ("Nearly the same text is also in", "; ".join(other.title for other in passage.also_in)),
        ("File", source.path),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{safe(value)}</dd></div>" for name, value in facts if value)
    original = ""
    if source.url and is_web_address(source.url):
        address = safe(source.url)
        original = (
            f'<p><a href="{address}" rel="noopener noreferrer" target="_blank">Original document'
            f' <span class="sg-vh">(leaves this site, opens a new tab)</span></a>'
            f' <span class="sg-address">{address}</span></p>'
        )
    context = "".join(context_pieces(passage, spans))
    anchored = context.replace("<mark>", f'<mark id="{QUOTE_ANCHOR}">', 1)
    marked = '<p class="sg-note">The words that the answer rests on are marked.</p>' if anchored != context else ""
    body = (
        f'<h1>{safe(source.title)}</h1><dl class="sg-facts">{rows}</dl>'
        f'<h2>The passage, with the text around it</h2>{marked}<article class="sg-context">{anchored}</article>'
        f"{original}"
        '<p class="sg-note">If you came from an answer, your conversation is still open in the other tab.</p>'
    )
    return _page(source.title, body)


def problem_html(problem: Problem) -> str:
    """Render the page for a passage that cannot be shown."""
    missing = problem.status == HTTPStatus.NOT_FOUND
    title = "This passage is not in the library" if missing else "This passage cannot be shown"
    hint = problem.hint or "The reports may have changed since the answer was given. Ask the question again."
    return _page(title, f"<h1>{title}</h1><p>{safe(problem.detail)}</p><p>{safe(hint)}</p>")


def is_web_address(url: str) -> bool:
    """Tell whether ``url`` is an http or https address with a host, and so safe to link to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{safe(title)} – SpreadGuide</title>"
        f'<link rel="stylesheet" href="{ASSETS}/style.css">'
        f'<link rel="icon" type="image/svg+xml" href="{ASSETS}/icon.svg"></head><body class="sg-page">'
        '<header class="sg-top"><a href="/">SpreadGuide: ask a question</a></header>'
        f"<main>{body}</main></body></html>"
    )


def _response(html: str, status: int) -> HTMLResponse:
    return HTMLResponse(html, status_code=status, headers={"Content-Security-Policy": PLAIN_POLICY})
