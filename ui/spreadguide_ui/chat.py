"""The chat page in Gradio: which controls there are and which handler each of them calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr

from spreadguide.api.schemas import MAX_QUESTION_CHARACTERS
from spreadguide_ui import handlers
from spreadguide_ui.client import ApiClient
from spreadguide_ui.conversation import Conversation
from spreadguide_ui.handlers import EXAMPLES, Notice, View
from spreadguide_ui.presence import Presence, until

ROLES = [
    ("No role", ""),
    ("Innovator", "innovator"),
    ("Adopter team", "adopter team"),
    ("System decision-maker", "system decision-maker"),
]
"""Label and value of each role that a person can choose."""

FOOTER = (
    '<p class="sg-footer">SpreadGuide answers only from the reports in its library. Check local policy before you act. '
    "It does not give advice about an individual patient.</p>"
)

HEADER = (
    '<div class="sg-header"><h1>SpreadGuide</h1><p>Ask about adopting and spreading innovation in health and care. '
    "Each answer comes from the reports in the library, with the exact quote it rests on.</p></div>"
)

MOST_AT_ONCE = 32
"""Answers in progress that the page passes on at the same time; the API has its own queue behind it."""

BANNER_SECONDS = 10
"""How often an open page looks whether the writing model has become ready."""

FIXED_PARTS = 8
"""Controls in `Parts.outputs` before the questions on offer."""

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""For every event: no entry in Gradio's own API, and no overlay over text that somebody reads."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The controls of the page."""

    banner: gr.Markdown
    conversation: gr.JSON
    past: gr.Markdown
    current: gr.Markdown
    question: gr.Textbox
    notice: gr.Markdown
    role: gr.Radio
    ask: gr.Button
    stop: gr.Button
    restart: gr.Button
    offer: gr.Markdown
    offers: tuple[gr.Button, ...]

    def outputs(self) -> list[Any]:
        """List the controls that `updates` fills, in its order."""
        text = [self.question, self.conversation, self.past, self.current]
        return [*text, self.ask, self.stop, self.restart, self.offer, *self.offers, self.notice]


def build_chat(client: ApiClient, presence: Presence) -> gr.Blocks:
    """Return the chat page that asks ``client`` and gives up what nobody waits for any more."""
    page: gr.Blocks = gr.Blocks(title="SpreadGuide", analytics_enabled=False)
    with page:
        parts = _draw()
        _connect(page, parts, client, presence)
    page.queue(api_open=False, default_concurrency_limit=MOST_AT_ONCE)
    return page


def updates(view: View | Notice) -> list[Any]:
    """Turn a view into one update for each control in `Parts.outputs`, in the same order."""
    if isinstance(view, Notice):
        return [*(gr.skip() for _ in range(FIXED_PARTS + len(EXAMPLES))), _notice_html(view.text)]
    shown = view.questions[: len(EXAMPLES)]
    hidden = len(EXAMPLES) - len(shown)
    return [
        gr.skip() if view.question is None else view.question,
        view.conversation.model_dump(mode="json"),
        view.past,
        view.current,
        gr.update(interactive=not view.working),
        gr.update(interactive=view.working),
        gr.update(interactive=not view.working),
        _offer_html(view.offer) if shown else "",
        *(gr.update(value=question, visible=True) for question in shown),
        *(gr.update(visible=False) for _ in range(hidden)),
        gr.skip() if view.working and view.question is None else "",
    ]


def _draw() -> Parts:
    _html(HEADER, "sg-head")
    banner = _html("", "sg-top-banner")
    conversation = gr.JSON(Conversation().model_dump(mode="json"), visible=False)
    past, current = _html("", "sg-past"), _html("", "sg-current")
    with gr.Group(elem_id="sg-form"):
        question = gr.Textbox(
            label="Your question",
            lines=1,
            max_lines=6,
            max_length=MAX_QUESTION_CHARACTERS,
            elem_id="sg-question",
        )
        notice = _html("", "sg-notice")
        role = gr.Radio(ROLES, value="", label="Your role (optional)", elem_id="sg-role")
        with gr.Row(elem_id="sg-buttons"):
            ask = gr.Button("Ask", variant="primary", elem_id="sg-ask", min_width=120)
            stop = gr.Button("Stop", interactive=False, elem_id="sg-stop", min_width=120)
            restart = gr.Button("New conversation", elem_id="sg-restart", min_width=120)
    offer = _html(_offer_html(handlers.TRY_ONE), "sg-offer")
    with gr.Column(elem_id="sg-offers"):
        offers = tuple(gr.Button(text, elem_classes="sg-offer") for text in EXAMPLES)
    _html(FOOTER, "sg-foot")
    return Parts(banner, conversation, past, current, question, notice, role, ask, stop, restart, offer, offers)


def _html(value: str, elem_id: str) -> gr.Markdown:
    """Return a place for our own safe HTML. Gradio's sanitiser reads it too, as a second guard."""
    return gr.Markdown(value, elem_id=elem_id, sanitize_html=True, latex_delimiters=[])


def _connect(page: gr.Blocks, parts: Parts, client: ApiClient, presence: Presence) -> None:
    outputs = parts.outputs()
    memory = [parts.role, parts.conversation, parts.past, parts.current]
    # Open pages with an answer in progress: the page itself knows of it only after a while.
    busy: set[str] = set()

    async def on_ask(
        question: str, role: str, conversation: Any, past: str, current: str, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        page_id = request.session_hash or ""
        if page_id in busy:
            yield updates(Notice(handlers.STILL_WORKING))
            return
        busy.add(page_id)
        try:
            views = handlers.asked(client, question, role, Conversation.read(conversation), past or "", current or "")
            with presence.watch(page_id) as gone:
                async with aclosing(until(gone, views)) as present:
                    async for view in present:
                        yield updates(view)
        finally:
            busy.discard(page_id)

    def on_stop(conversation: Any, past: str, current: str) -> list[Any]:
        return updates(handlers.stopped(Conversation.read(conversation), past or "", current or ""))

    async def on_look() -> str:
        return await handlers.banner(client)

    typed = [parts.ask.click, parts.question.submit]
    # "multiple": else Gradio drops a question that is sent too early, and the page cannot say why nothing happens.
    asking = [gr.on(typed, on_ask, [parts.question, *memory], outputs, trigger_mode="multiple", **PRIVATE)]
    asking += [offer.click(on_ask, [offer, *memory], outputs, **PRIVATE) for offer in parts.offers]
    parts.stop.click(on_stop, [parts.conversation, parts.past, parts.current], outputs, cancels=asking, **PRIVATE)
    parts.restart.click(lambda: updates(handlers.opening()), None, outputs, **PRIVATE)
    page.load(on_look, None, parts.banner, **PRIVATE)
    gr.Timer(BANNER_SECONDS).tick(on_look, None, parts.banner, **PRIVATE)


def _notice_html(text: str) -> str:
    return f'<p class="sg-notice" >{text}</p>' if text else ""


def _offer_html(text: str) -> str:
    return f'<h2 class="sg-offer-title">{text}</h2>'
