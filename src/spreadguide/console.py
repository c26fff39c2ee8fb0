"""What the commands show: progress bars and answers as plain text. Messages go to standard error."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from spreadguide.adapters.llama_tuned import Calibration
from spreadguide.text import normalise
from spreadguide.types import Answer, EditionStatus, Hit, Status

_console = Console(stderr=True, highlight=False, soft_wrap=True)

LINE_WIDTH = 100


def say(message: str) -> None:
    """Print a message for the person at the terminal, on standard error."""
    _console.print(plain(message), markup=False)


def plain(text: str) -> str:
    """Return ``text`` as it may be printed: names and reports from elsewhere must not steer the terminal."""
    return normalise(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def counted(number: int, what: str) -> str:
    """Return "1 report" or "2 reports"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


class Bars:
    """Progress bars, one for each step; a plain line for each step where there is no terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=_console,
            disable=not _console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they stand."""
        self._progress.stop()

    def progress(self, step: str, items: int, done: int) -> None:
        """Move the bar of ``step`` on by ``done`` of ``items``."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=items)
            if not _console.is_terminal:
                say(f"{step} …")
        self._progress.update(self._tasks[step], advance=done, total=items)


_STATUS = {
    Status.ANSWERED: "",
    Status.PARTIAL: "The reports answer a part of the question.",
    Status.NOT_COVERED: "",
    Status.DECLINED: "",
}


_ESCAPED = re.compile(r"\\([\\`*_\[\]<>])")
"""A character that Markdown would read, as an answer's text escapes it; a terminal shows it as it is."""


def page_text(page: int | None, label: str | None) -> str:
    """Say on which page of the file a passage stands, and what is printed on that page where it differs."""
    if page is None:
        return ""
    return f"page {page}" if label in (None, str(page)) else f"page {page} (printed {label})"


def answer_text(answer: Answer) -> str:
    """Render an answer for a terminal: text, sources, what is missing, and warnings."""
    blocks = [_STATUS[answer.status], _ESCAPED.sub(r"\1", answer.text)]
    if answer.question.standalone != answer.question.text:
        blocks.insert(0, f"Searched for: {answer.question.standalone}")
    if answer.missing and answer.status is Status.PARTIAL:
        blocks.append(f"What the reports do not say: {answer.missing}")
    if answer.sources:
        blocks.append("Sources:")
        for source in answer.sources:
            about = ", ".join(str(part) for part in (source.publisher, source.year) if part)
            parts = (source.kind, source.setting, source.heading, page_text(source.page, source.page_label))
            place = ", ".join(part for part in parts if part)
            blocks.append(f"[{source.marker}] {source.title} ({about or source.path}). {place}".rstrip(". ") + ".")
            if source.also_in:
                blocks.append(f"    Nearly the same text is also in: {'; '.join(source.also_in)}.")
    if answer.suggestions:
        blocks.append("You could ask:\n" + "\n".join(f"- {suggestion}" for suggestion in answer.suggestions))
    blocks += [f"Note: {warning}" for warning in answer.warnings]
    return plain("\n\n".join(block for block in blocks if block))


def hits_text(hits: Sequence[Hit]) -> str:
    """Render hits for a terminal, best first."""
    if not hits:
        return "No passage was found."
    lines = []
    for place, hit in enumerate(hits, start=1):
        ranks = ", ".join(f"{name} {rank}" for name, rank in hit.ranks.items())
        heading = " › ".join(hit.passage.heading)
        page = page_text(hit.passage.page, hit.passage.page_label)
        superseded = "superseded" if hit.source.metadata.status is EditionStatus.SUPERSEDED else ""
        about = ", ".join(part for part in (page, ranks, superseded) if part)
        lines.append(f"{place}. {hit.source.metadata.title}{f' › {heading}' if heading else ''} ({about})")
        if hit.also_in:
            others = "; ".join(source.metadata.title for source in hit.also_in)
            lines.append(f"   Nearly the same text is also in: {others}.")
        lines.append(textwrap.indent(textwrap.fill(" ".join(hit.passage.text.split()), LINE_WIDTH), "   "))
    return plain("\n".join(lines))


def tuning_text(model_id: str, found: Calibration) -> str:
    """Return what was tried, what was chosen and why, as a table in plain words."""
    lines = [f"{'tried':42} {'time saved':>10} {'when busy':>10}  taken"]
    for trial in found.trials:
        gain, busy = ("" if share is None else f"{share:+.1%}" for share in (trial.gain, trial.busy))
        lines.append(f"{trial.change:42} {gain:>10} {busy:>10}  {'yes' if trial.taken else 'no'}: {trial.why}")
    chosen = ", ".join(f"{name} {value}" for name, value in found.chosen.model_dump().items())
    lines.append(
        f"{model_id} reads {found.prompt_rate:.0f} tokens a second here and writes {found.writing_rate:.1f} "
        f"(measured in {found.seconds:.0f} seconds)."
    )
    return "\n".join([*lines, f"Chosen: {chosen}.", "It is used from the next start of the server on."])
