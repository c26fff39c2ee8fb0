"""The commands that measure: ``spreadguide eval SET``, ``eval compare A B``, ``eval convert NAME FROM TO``; thin."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from spreadguide.console import Bars, plain, say
from spreadguide.errors import EvaluationError
from spreadguide.settings import Settings, load_settings

RAW_PAGES = "raw_pages"
SHIPPED = ("golden", "tuning", "near_misses", RAW_PAGES)
"""Names of the sets that come with SpreadGuide: questions on the shipped briefs; more of them, on which settings are
chosen; claims on the briefs, half of them with one thing changed; questions on five public web pages, of which everyone
needs a copy of their own."""


class _SetOrCommand(TyperGroup):
    """Lets ``spreadguide eval SET`` stand for ``spreadguide eval run SET``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take a first word that is no command for the name of a set."""
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


eval_app = typer.Typer(
    cls=_SetOrCommand,
    no_args_is_help=True,
    help="Measure: `spreadguide eval SET` measures a set, by name or by folder; `compare` shows what changed.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@eval_app.command("run")
def eval_run(
    name: Annotated[str, typer.Argument(metavar="SET", help=f"{', '.join(SHIPPED)}, or a folder with a set.")],
    as_json: JsonOption = False,
    reports: Annotated[Path | None, typer.Option(help="Folder of reports that questions are answered from.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Look at the first N rows only.")] = None,
    split: Annotated[str | None, typer.Option(help="tune or report: one part of a set of questions.")] = None,
    rerank: Annotated[bool, typer.Option("--rerank", help="Let the cross-encoder rank passages again.")] = False,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Answer with quotes only, without a model.")] = False,
    model: Annotated[str | None, typer.Option(help="Model id, or path to a GGUF file.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder in which the run is kept.")] = None,
) -> None:
    """Measure one set; the run is kept as a file, with each row."""
    from spreadguide.evaluation.measures import MEASURES, measure_questions
    from spreadguide.evaluation.run import as_json as run_json
    from spreadguide.evaluation.run import keep
    from spreadguide.evaluation.sets import SetKind, open_set
    from spreadguide.workbench import Bench, evaluation_dir

    found = open_set(Path(str(files("spreadguide.evaluation") / name)) if name in SHIPPED else Path(name))
    if reports is not None and found.kind is not SetKind.QUESTIONS:
        raise EvaluationError("--reports is for sets of questions.", hint="Leave --reports out.")
    if reports is None and name == RAW_PAGES:
        hint = "Name the folder of your copies with --reports. docs/evaluation.md says which pages they are."
        raise EvaluationError(
            "The questions of raw_pages are about pages that do not come with SpreadGuide.", hint=hint
        )
    settings = load_settings(model=model, use_generator=False if no_llm else None)
    with Bars() as bars:
        bench = Bench(settings, bars.progress, rerank=rerank)
        if found.kind is SetKind.QUESTIONS:
            measured = measure_questions(
                found, bench, limit, bars.progress, split=split, reports=reports, use_generator=settings.use_generator
            )
        else:
            measured = MEASURES[found.kind](found, bench, limit, bars.progress)
    about = {
        "commit": _commit(),
        "limit": limit,
        "split": split,
        "rerank": rerank,
        "settings": _told(settings, measured.model),
    }
    run = run_json(measured, found, about)
    place = keep(run, runs or evaluation_dir(settings) / "runs")
    if as_json:
        typer.echo(json.dumps({key: value for key, value in run.items() if key != "rows"}, ensure_ascii=False))
    else:
        typer.echo(plain(_summary(run)))
    say(f"The run is kept in {place}")


@eval_app.command("compare")
def eval_compare(before: Path, after: Path, as_json: JsonOption = False) -> None:
    """Compare two kept runs on one set, row by row."""
    from dataclasses import asdict

    from spreadguide.evaluation.run import compare, read

    differences = compare(read(before), read(after))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in differences]))
        return
    for one in differences:
        bounds = f"{one.bounds[0]:+.4f} to {one.bounds[1]:+.4f}" if one.bounds else "no interval"
        typer.echo(
            f"{one.name:20} {one.before:8.4f} → {one.after:.4f}  {one.change:+.4f} (95%: {bounds}; {one.rows} rows)"
        )


@eval_app.command("card")
def eval_card(
    runs: Annotated[list[Path], typer.Argument(help="Kept runs.")],
    out: Annotated[Path, typer.Option("--out", help="Markdown file to write.")],
) -> None:
    """Write the quality card of some kept runs."""
    from spreadguide.evaluation.card import card
    from spreadguide.evaluation.run import read

    text = card([read(path) for path in runs])
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror}."
        raise EvaluationError(message, hint="Name another file with --out.") from error
    typer.echo(f"The card is in {out}.")


@eval_app.command("convert")
def eval_convert(
    name: Annotated[str, typer.Argument(help="Public set, such as scifact.")],
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder with your copy of the set.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="New folder for what is written.")],
) -> None:
    """Bring your copy of a public set into the form that can be measured."""
    from spreadguide.evaluation.converters import convert

    convert(name, source, target)
    typer.echo(f"Done. To measure it, run: spreadguide eval {target}")


def _commit() -> str | None:
    """Return the commit of the checkout that this program runs from, marked where files were changed since."""
    git = shutil.which("git")
    here = Path(__file__).resolve().parent
    if git is None or not (here.parents[1] / ".git").exists():
        return None
    asked = [git, "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    result = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - no input is in it
    return result.stdout.strip() or None


def _told(settings: Settings, model: str | None) -> dict[str, Any]:
    """Return the settings that decide what is measured, and the model's SHA-256 where the catalogue has it."""
    from spreadguide.models.catalogue import load_catalogue

    named = {"use_generator", "model", "open_questions", "embedder", "threads", "context"}
    told = settings.model_dump(mode="json", include=named)
    told["model_sha256"] = next((entry.sha256 for entry in load_catalogue().model if entry.id == model), None)
    return told


_ABOUT = {"n", "version"}


def _summary(run: Mapping[str, Any]) -> str:
    """Return a table of the metrics with their intervals, then the kinds of question where there are any."""
    lines = [f"{run['set']}: {run['kind']}, {run['n']} rows, model {run['model'] or 'none'}"]
    for name, value in run.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in _ABOUT | {"limit"}:
            bounds = run.get(f"{name}_ci")
            lines.append(f"{name:24} {value:9.4f}" + (f"   {bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else ""))
    for kind, one in run.get("by_kind", {}).items():
        told = f"right {one['right']:.2f}, refused {one['refused']:.2f}, key facts {one['facts']}"
        lines.append(f"  {kind:16} {one['n']:4}  {told}")
    return "\n".join(lines)
