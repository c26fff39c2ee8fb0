"""Answer → safe HTML. Pure functions: every piece of text goes through `spreadguide_ui.markup.safe`.

A result is a list of blocks, each on one line; the page replaces only the blocks that changed, so a block that stays
the same keeps its place, its opened details and its focus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from spreadguide.api.schemas import (
    AnswerOut,
    CitedSourceOut,
    ClaimOut,
    HitOut,
    PassageOut,
    Problem,
    QueuedEvent,
    Readiness,
)
from spreadguide_ui.markup import Span, highlighted, passage_href, prose, safe

LOOKING = "Looking in the reports…"
DRAFTING = "A draft is being written. A sentence appears here once it has been checked."
STOPPED = "You stopped this answer."
MINUTES_FROM = 90
"""Seconds from which a wait is told in minutes."""

BANNERS = {
    "loading": "The writing model is still loading. Until then, answers are word-for-word quotes from the reports.",
    "missing": "There is no writing model on this machine. Answers are word-for-word quotes from the reports.",
    "crashed": "The writing model has stopped. Answers are word-for-word quotes from the reports.",
    "off": "The writing model is switched off. Answers are word-for-word quotes from the reports.",
}
"""What to say at the top of the page for each state of the generator in which only quotes can be given."""

STATUS_TITLES = {"not_covered": "The reports do not cover this", "declined": "Not something this guide can answer"}

Passages = Mapping[str, PassageOut]


def joined(blocks: Iterable[str]) -> str:
    """Join blocks for the page's Markdown component: a blank line ends a block of HTML."""
    return "\n\n".join(blocks)


def question_block(question: str) -> str:
    """Render what the person asked, as the heading of its turn."""
    return f'<h2 class="sg-question"><span class="sg-vh">You asked: </span>{safe(question)}</h2>'


def looking_block() -> str:
    """Render the first line of progress."""
    return f'<div class="sg-status"><span class="sg-busy"></span>{safe(LOOKING)}</div>'


def writing_block(hits: Sequence[HitOut], *, writing: bool) -> str:
    """Render the second step of progress: what was found. ``writing`` is true once the model has begun."""
    titles = list(dict.fromkeys(hit.title for hit in hits))
    reports = "1 report" if len(titles) == 1 else f"{len(titles)} reports"
    found = f"Found passages in {reports}. Writing and checking…" if titles else "Checking what the reports say…"
    items = "".join(f"<li>{safe(title)}</li>" for title in titles)
    listing = f"<ul>{items}</ul>" if items else ""
    progress = f'<span class="sg-writing">{safe(DRAFTING)}</span>' if writing else ""
    return f'<div class="sg-status"><span class="sg-busy"></span>{safe(found)}{progress}{listing}</div>'


def queued_block(queued: QueuedEvent) -> str:
    """Render the wait for the model: one short line, which a screen reader hears whenever it changes."""
    text = f"You are number {queued.place} in the queue. About {wait_text(queued.expected_seconds)}."
    return f'<div class="sg-status"><span class="sg-busy"></span>{safe(text)}</div>'


def wait_text(seconds: float) -> str:
    """Say how long a wait is, in whole seconds or, when it is long, in whole minutes; never less than a second."""
    if seconds >= MINUTES_FROM:
        return f"{round(seconds / 60)} minutes"
    whole = max(1, round(seconds))
    return "1 second" if whole == 1 else f"{whole} seconds"


def claim_block(claim: ClaimOut, sources: Iterable[CitedSourceOut]) -> str:
    """Render one checked claim with its markers as links; a withheld claim renders as nothing."""
    if claim.support == "unsupported":
        return ""
    if claim.support == "quoted":
        return quote_block([claim], sources)
    body = _body(claim, sources)
    sign = '<span class="sg-checked">Checked against the report</span>'
    return f'<div class="sg-claim sg-supported">{body}{sign}</div>'


def quote_block(claims: Sequence[ClaimOut], sources: Iterable[CitedSourceOut]) -> str:
    """Render verbatim claims that follow each other as one quote: a lead-in, then its items as a list."""
    sources = list(sources)
    parts: list[str] = []
    for is_item, group in groupby(claims, lambda claim: claim.layout == "item"):
        bodies = [_body(claim, sources) for claim in group]
        parts += [f"<ul>{''.join(f'<li>{body}</li>' for body in bodies)}</ul>"] if is_item else bodies
    return (
        '<figure class="sg-claim sg-quote"><figcaption>From the report:</figcaption>'
        f"<blockquote>{''.join(parts)}</blockquote></figure>"
    )


def claim_blocks(claims: Sequence[ClaimOut], sources: Iterable[CitedSourceOut]) -> list[str]:
    """Render checked claims in order, under their headings; quotes that belong together share one frame."""
    sources = list(sources)
    shown = [claim for claim in claims if claim.support != "unsupported"]
    blocks: list[str] = []
    for section, group in groupby(shown, lambda claim: claim.section):
        blocks += [f'<h3 class="sg-section">{safe(section)}</h3>'] if section else []
        blocks += _framed(list(group), sources)
    return blocks


def _framed(claims: Sequence[ClaimOut], sources: Sequence[CitedSourceOut]) -> list[str]:
    blocks: list[str] = []
    quoted: list[ClaimOut] = []
    for claim in (*claims, None):
        goes_on = claim is not None and claim.support == "quoted" and (not quoted or claim.layout == "item")
        if quoted and not goes_on:
            blocks.append(quote_block(quoted, sources))
            quoted = []
        if claim is not None and claim.support == "quoted":
            quoted.append(claim)
        elif claim is not None and (block := claim_block(claim, sources)):
            blocks.append(block)
    return blocks


def _body(claim: ClaimOut, sources: Iterable[CitedSourceOut]) -> str:
    links = _links(claim, {source.marker: source for source in sources})
    cited = "".join(links[marker] for marker in sorted(links) if f"[{marker}]" not in claim.text)
    return _with_tail(prose(claim.text, links.get), cited)


def answer_blocks(answer: AnswerOut, passages: Passages) -> list[str]:
    """Render a finished answer. ``passages`` holds what could be fetched of the passages behind its sources."""
    blocks = [question_block(answer.question)]
    if _differs(answer.standalone_question, answer.question):
        blocks.append(f'<p class="sg-note">Searched for: {safe(answer.standalone_question)}</p>')
    claims = claim_blocks(answer.claims, answer.sources)
    blocks += claims or [_plain_answer(answer)]
    blocks += [f'<p class="sg-note sg-warning">{safe(warning)}</p>' for warning in answer.warnings]
    if answer.missing and answer.status == "partial":
        title = "What the reports do not say"
        blocks.append(f'<div class="sg-box"><h3>{title}</h3><p>{safe(answer.missing)}</p></div>')
    if claims and answer.sources:
        blocks += ['<h3 class="sg-sources">Sources</h3>', *_source_blocks(answer, passages)]
    return blocks


def problem_block(problem: Problem) -> str:
    """Render an error: what went wrong and what to do next."""
    hint = f"<p>{safe(problem.hint)}</p>" if problem.hint else ""
    return f'<div class="sg-box sg-problem"><h3>This did not work</h3><p>{safe(problem.detail)}</p>{hint}</div>'


def stopped_block() -> str:
    """Render the end of an answer that the person stopped."""
    return f'<p class="sg-note">{safe(STOPPED)} Nothing unchecked was kept.</p>'


def banner_block(readiness: Readiness) -> str:
    """Render the line at the top of the page: nothing when the generator is ready."""
    if readiness.index == "missing":
        text = f"Questions cannot be answered yet. {readiness.detail}"
    else:
        text = BANNERS.get(readiness.generator, "")
    return f'<p class="sg-banner">{safe(text)}</p>' if text else ""


def citation_spans(answer: AnswerOut, marker: int, passage_id: str) -> list[Span]:
    """Return the pieces of a passage that the shown claims cite under ``marker``, in order."""
    spans = {
        (citation.start, citation.end)
        for claim in answer.claims
        if claim.support != "unsupported"
        for citation in claim.citations
        if citation.marker == marker and citation.passage_id == passage_id
    }
    return sorted(spans)


def _links(claim: ClaimOut, sources: Mapping[int, CitedSourceOut]) -> dict[int, str]:
    """Return the link for each marker that the claim cites and that has an entry among the sources."""
    links = {}
    for marker in sorted({citation.marker for citation in claim.citations} & sources.keys()):
        cited = [citation for citation in claim.citations if citation.marker == marker]
        passage_id = cited[0].passage_id
        spans = [(citation.start, citation.end) for citation in cited if citation.passage_id == passage_id]
        href = passage_href(passage_id, spans)
        links[marker] = (
            f'<a class="sg-marker" href="{href}" target="_blank" rel="noopener">[{marker}]'
            f'<span class="sg-vh"> Source {marker}: {safe(sources[marker].title)} (opens a new tab)</span></a>'
        )
    return links


def _with_tail(body: str, tail: str) -> str:
    """Put ``tail`` at the end of the last paragraph or list item of ``body``."""
    for ending in ("</p>", "</li></ul>"):
        if body.endswith(ending):
            return f"{body.removesuffix(ending)} {tail}{ending}" if tail else body
    return f"<p>{tail}</p>" if tail else body


def _plain_answer(answer: AnswerOut) -> str:
    """Render an answer that has no claim to show: the server's own sentence, without links."""
    title = STATUS_TITLES.get(answer.status)
    heading = f"<h3>{safe(title)}</h3>" if title else ""
    return f'<div class="sg-box sg-{safe(answer.status)}">{heading}{prose(answer.text, lambda _: None)}</div>'


def _source_blocks(answer: AnswerOut, passages: Passages) -> list[str]:
    return [_source_block(answer, source, passages.get(source.passage_id)) for source in answer.sources]


def _source_block(answer: AnswerOut, source: CitedSourceOut, passage: PassageOut | None) -> str:
    spans = citation_spans(answer, source.marker, source.passage_id)
    href = passage_href(source.passage_id, spans)
    page = page_text(source.page, source.page_label)
    facts = [source.publisher, str(source.year) if source.year else None, page, source.heading]
    line = " · ".join(safe(fact) for fact in facts if fact)
    about = evidence_text(source.kind, source.setting)
    extra = f'<p class="sg-source-facts">{safe(about)}</p>' if about else ""
    if source.also_in:
        extra += f'<p class="sg-source-facts">{safe(also_in_text(source.also_in))}</p>'
    pieces = context_pieces(passage, spans) if passage else _quotes(answer, source)
    return (
        f'<div class="sg-source"><p class="sg-source-title"><span class="sg-number">[{source.marker}]</span> '
        f'{safe(source.title)}</p><p class="sg-source-facts">{line}</p>{extra}'
        f'<details><summary>Show the quote in the report<span class="sg-vh"> for source {source.marker}</span>'
        f'</summary><div class="sg-context">{"".join(pieces)}</div>'
        f'<p><a class="sg-open" href="{href}" target="_blank" rel="noopener">Open this passage on its own page'
        f'<span class="sg-vh"> (source {source.marker}, opens a new tab)</span></a></p></details></div>'
    )


def context_pieces(passage: PassageOut, spans: Sequence[Span]) -> list[str]:
    """Render a passage between its neighbours, with ``spans`` marked, as paragraphs."""
    pieces = []
    for part, name in ((passage.before, "sg-beside"), (passage, "sg-passage"), (passage.after, "sg-beside")):
        if part is not None:
            pieces.append(f'<p class="{name}">{highlighted(part.text, part.start, spans)}</p>')
    return pieces


def _quotes(answer: AnswerOut, source: CitedSourceOut) -> list[str]:
    """Render the bare quotes, for a passage whose context could not be fetched."""
    quotes = {
        citation.quote: None
        for claim in answer.claims
        if claim.support != "unsupported"
        for citation in claim.citations
        if citation.marker == source.marker
    }
    return [f'<p class="sg-passage"><mark>{safe(quote)}</mark></p>' for quote in quotes]


def page_text(page: int | None, label: str | None) -> str | None:
    """Say on which page of the file a passage stands, and what is printed on that page where it differs."""
    if page is None:
        return None
    return f"page {page}" if label in (None, str(page)) else f"page {page} (printed {label})"


def evidence_text(kind: str | None, setting: str | None) -> str:
    """Say what kind of evidence a report is and where it comes from."""
    named = f"Kind of evidence: {kind}" if kind else ""
    placed = f"Setting: {setting}" if setting else ""
    return ". ".join(part.rstrip(".") for part in (named, placed) if part)


def also_in_text(titles: Sequence[str]) -> str:
    """Say which other reports hold nearly the same passage."""
    return f"Nearly the same text is also in: {'; '.join(titles)}. It counts as one source."


def _differs(one: str, other: str) -> bool:
    return bool(one.strip()) and one.strip().casefold() != other.strip().casefold()
