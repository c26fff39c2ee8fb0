"""The command line: thin calls into the package, plain words, and exit codes that scripts can trust.

0 means done, 1 that something is wrong (the message says what to do), 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from spreadguide import __version__
from spreadguide.console import Bars, answer_text, counted, hits_text, plain, say, tuning_text
from spreadguide.corpus_cli import corpus_app
from spreadguide.errors import ConfigError, QuestionError, SpreadGuideError
from spreadguide.eval_cli import eval_app
from spreadguide.retrieval.filters import FIRST_YEAR, LAST_YEAR, Audience, Pillar, ReportFilter, matching
from spreadguide.settings import Settings, load_settings
from spreadguide.types import EvidenceKind, Turn

app = typer.Typer(
    help="Cited answers from your own reports on adopting and spreading innovation in health care.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
index_app = typer.Typer(help="The index of the reports.", no_args_is_help=True)
models_app = typer.Typer(help="The model files.", no_args_is_help=True)
app.add_typer(index_app, name="index")
app.add_typer(models_app, name="models")
app.add_typer(corpus_app, name="corpus")
app.add_typer(eval_app, name="eval")

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index.")]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Folder of the reports.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Model id, or path to a GGUF file.")]
NoLlmOption = Annotated[bool, typer.Option("--no-llm", help="Answer with quotes only, without a model.")]
AudienceOption = Annotated[
    list[Audience] | None, typer.Option(case_sensitive=False, help="Only reports for this reader; may be repeated.")
]
PillarOption = Annotated[
    list[Pillar] | None, typer.Option(case_sensitive=False, help="Only reports on this pillar; may be repeated.")
]
KindOption = Annotated[
    list[EvidenceKind] | None,
    typer.Option(case_sensitive=False, help="Only reports of this kind of evidence; may be repeated."),
]
YearFromOption = Annotated[
    int | None, typer.Option(min=FIRST_YEAR, max=LAST_YEAR, help="Only reports of this year or later.")
]
YearToOption = Annotated[
    int | None, typer.Option(min=FIRST_YEAR, max=LAST_YEAR, help="Only reports of this year or earlier.")
]

MODEL_WAIT_SECONDS = 300.0
"""Longest wait of `ask` for the model to load: reading a large file from a slow disk takes minutes."""


BUSY_PERCENT = 20
"""From this share of the processors' time on, `tune` says that other programs may spoil what it finds."""

BUSY_LOOK_SECONDS = 1.0

STOPPED = 130
"""Exit code after Ctrl-C, by custom."""


def main() -> None:
    """Run the command line; our own errors become two plain lines and exit code 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 still gets an answer
    try:
        app()
    except SpreadGuideError as error:
        say(f"Error: {error.message}")
        if error.hint:
            say(f"What to do: {error.hint}")
        raise SystemExit(1) from error
    except (KeyboardInterrupt, SystemExit) as ending:
        if not isinstance(ending, KeyboardInterrupt) and ending.code != STOPPED:
            raise
        say("Stopped. Nothing was lost: to go on, run the same command again.")
        raise SystemExit(STOPPED) from None


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"SpreadGuide {__version__}")
        raise typer.Exit


@index_app.command("build")
def index_build(corpus: CorpusOption = None, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Build the index, or bring it up to date with the reports."""
    from spreadguide.building import build

    settings = load_settings(corpus_dir=corpus, index_dir=index)
    if not as_json:
        say(f"Reading the reports in {settings.corpus_dir} …")
    with Bars() as bars:
        summary = build(settings, bars.progress)
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False))
        return
    for warning in summary.warnings:
        say(f"Warning: {warning}")
    typer.echo(
        f"The index is ready: {counted(summary.documents, 'report')}, {counted(summary.passages, 'passage')} "
        f"({summary.embedded} new, {summary.reused} kept), {counted(summary.removed, 'report')} removed, "
        f"{summary.seconds:.1f} seconds. Fingerprint {summary.fingerprint}."
    )


@app.command()
def ask(
    question: str,
    role: Annotated[str | None, typer.Option(help="Who is asking, such as innovator or adopter team.")] = None,
    as_json: JsonOption = False,
    no_llm: NoLlmOption = False,
    index: IndexOption = None,
    model: ModelOption = None,
    history: Annotated[Path | None, typer.Option(help="JSON list of earlier messages.")] = None,
    audience: AudienceOption = None,
    pillar: PillarOption = None,
    kind: KindOption = None,
    year_from: YearFromOption = None,
    year_to: YearToOption = None,
) -> None:
    """Ask one question and print the checked answer."""
    from spreadguide.assistant import check_question

    check_question(_readable(question))
    turns = _read_history(history)
    wanted = ReportFilter(audience=audience, pillars=pillar, kinds=kind, year_from=year_from, year_to=year_to)
    from spreadguide.wiring import Services

    services = Services(_settings(index, model, no_llm=no_llm))
    try:
        if services.generator is not None:
            say("Loading the model …")
            services.generator.wait(MODEL_WAIT_SECONDS)
        with services.lease() as assistant:
            source_ids = matching(assistant.library.store.sources, wanted)
            answer = assistant.answer(question, history=turns, role=role, source_ids=source_ids)
    finally:
        services.close()
    if as_json:
        from spreadguide.api.schemas import answer_out

        typer.echo(answer_out(answer).model_dump_json(indent=1))
    else:
        typer.echo(answer_text(answer))


@app.command()
def search(
    query: str,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Most passages to print.")] = 10,
    as_json: JsonOption = False,
    index: IndexOption = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Search reports that a later edition replaced, too.")
    ] = False,
    audience: AudienceOption = None,
    pillar: PillarOption = None,
    kind: KindOption = None,
    year_from: YearFromOption = None,
    year_to: YearToOption = None,
) -> None:
    """Find passages, without an answer."""
    from spreadguide.wiring import Services

    wanted = ReportFilter(audience=audience, pillars=pillar, kinds=kind, year_from=year_from, year_to=year_to)
    services = Services(_settings(index, None, no_llm=True))
    try:
        with services.lease() as assistant:
            source_ids = matching(assistant.library.store.sources, wanted)
            hits = assistant.search(_readable(query), k, source_ids=source_ids, superseded=superseded)
    finally:
        services.close()
    if as_json:
        from spreadguide.api.schemas import SearchResponse, hit_out

        typer.echo(SearchResponse(hits=[hit_out(hit) for hit in hits]).model_dump_json(indent=1))
    else:
        typer.echo(hits_text(hits))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    index: IndexOption = None,
    model: ModelOption = None,
    no_llm: NoLlmOption = False,
) -> None:
    """Serve the chat and the API."""
    from spreadguide.server import run

    run(_settings(index, model, no_llm=no_llm, host=host, port=port))


@app.command()
def doctor(index: IndexOption = None, model: ModelOption = None) -> None:
    """Check everything a support desk would ask about."""
    from spreadguide.doctor import examine

    findings = examine(_settings(index, model))
    for finding in findings:
        typer.echo(plain(f"{'ok  ' if finding.good else 'LOOK'}  {finding.what}"))
        if not finding.good and finding.cure:
            typer.echo(plain(f"      What to do: {finding.cure}"))
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@app.command()
def tune(
    model: ModelOption = None,
    as_json: JsonOption = False,
    forget: Annotated[bool, typer.Option("--forget", help="Forget what was chosen; nothing is measured.")] = False,
) -> None:
    """Measure how the model runs best on this machine, which takes about two minutes, and keep what was found."""
    import os

    import psutil

    from spreadguide.adapters.llama_calibration import TrialProcess, calibrate, changes
    from spreadguide.adapters.llama_settings import engine_dir
    from spreadguide.adapters.llama_tuned import forget_calibration, keep_calibration, start_settings
    from spreadguide.models.catalogue import load_catalogue
    from spreadguide.models.files import resolve_generator
    from spreadguide.wiring import model_folder

    settings = _settings(None, model)
    found = resolve_generator(settings.model, model_folder(settings), load_catalogue())
    if forget:
        there = forget_calibration(engine_dir(), found.path)
        answer = "What was chosen is forgotten." if there else "Nothing was kept."
        typer.echo(json.dumps({"forgotten": there}) if as_json else f"{found.model_id}: {answer}")
        return
    say("Measuring …")
    if (busy := psutil.cpu_percent(BUSY_LOOK_SECONDS)) > BUSY_PERCENT:
        say(f"Other programs take {busy:.0f}% of this machine. What is found may be wrong: close them, and try again.")
    trial = TrialProcess(found.path, settings.context)
    try:
        tried = list(changes(start_settings(), os.cpu_count() or 1))
        calibration = calibrate(trial.measure, tried, lambda name: say(f"  trying: {name}"))
    finally:
        trial.close()
    keep_calibration(engine_dir(), found.path, calibration)
    if as_json:
        typer.echo(json.dumps({"model": found.model_id, **calibration.model_dump()}))
    else:
        typer.echo(tuning_text(found.model_id, calibration))


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """List the models of the catalogue, and which are on this machine."""
    from spreadguide.models.catalogue import load_catalogue
    from spreadguide.models.files import is_present
    from spreadguide.wiring import model_folder

    folder = model_folder(load_settings())
    rows = [(entry, is_present(entry, folder)) for entry in load_catalogue().model]
    if as_json:
        typer.echo(json.dumps([{**_described(entry), "present": present} for entry, present in rows], indent=1))
        return
    for entry, present in rows:
        state = "here" if present else "not pulled"
        typer.echo(f"{entry.id:32} {entry.kind:15} {entry.bytes / 1e6:7.0f} MB  {entry.licence:12} {state}")
        typer.echo(f"    {entry.note}")


def _described(entry: Any) -> dict[str, Any]:
    found: dict[str, Any] = entry.model_dump(include={"id", "kind", "file", "bytes", "sha256", "licence", "note"})
    return found


@models_app.command("pull")
def models_pull(
    model_id: Annotated[str | None, typer.Argument(help="Model id; the default generator when left out.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="A path or address of your own to try first.")] = None,
) -> None:
    """Bring a model's file to this machine; it is checked by SHA-256 before it is used."""
    from spreadguide.models.catalogue import load_catalogue
    from spreadguide.models.pull import pull
    from spreadguide.wiring import model_folder

    settings = load_settings()
    catalogue = load_catalogue()
    entry = catalogue.get(model_id or settings.model)
    say(f"Bringing {entry.id} ({entry.bytes / 1e6:.0f} MB, {entry.licence}) …")
    with Bars() as bars:
        path = pull(entry, model_folder(settings), sources=source or (), progress=bars.progress)
    typer.echo(f"{entry.id} is in place and its SHA-256 is right: {path}")


@models_app.command("verify")
def models_verify(
    model_id: Annotated[str | None, typer.Argument(help="Model id; every model on this machine when left out.")] = None,
) -> None:
    """Hash the model files on this machine again and compare them with the catalogue."""
    from spreadguide.models.catalogue import load_catalogue
    from spreadguide.models.files import is_present, verify
    from spreadguide.wiring import model_folder

    folder = model_folder(load_settings())
    catalogue = load_catalogue()
    wanted = [catalogue.get(model_id)] if model_id else [e for e in catalogue.model if is_present(e, folder)]
    if not wanted:
        say("No model of the catalogue is on this machine. To bring one here, run: spreadguide models pull")
    failed = False
    for entry in wanted:
        try:
            with Bars() as bars:
                verify(entry, folder, rehash=True, progress=bars.progress)
            typer.echo(f"{entry.id}: right")
        except SpreadGuideError as error:
            failed = True
            typer.echo(f"{entry.id}: {error.message} {error.hint}")
    if failed:
        raise typer.Exit(1)


def _settings(index: Path | None, model: str | None, *, no_llm: bool = False, **options: Any) -> Settings:
    return load_settings(index_dir=index, model=model, use_generator=False if no_llm else None, **options)


def _readable(question: str) -> str:
    """Return the question, or raise `QuestionError` where the terminal sent bytes that are no text."""
    try:
        question.encode("utf-8")
    except UnicodeEncodeError as error:
        hint = "Type it again, in a terminal that is set to UTF-8."
        raise QuestionError("The question holds characters that cannot be read.", hint=hint) from error
    return question


def _read_history(path: Path | None) -> list[Turn]:
    """Read a JSON list of ``{"role", "content"}`` messages; raises `ConfigError` when it is none."""
    from spreadguide.api.schemas import HistoryTurn

    if path is None:
        return []
    try:
        found = TypeAdapter(list[HistoryTurn]).validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"The history in {path} cannot be read: {error.strerror}.", hint=_HISTORY) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f" {part}" for part in first["loc"])
        raise ConfigError(f"The history in {path} is wrong:{place} {first['msg']}.", hint=_HISTORY) from error
    return [Turn(turn.role, turn.content) for turn in found]


_HISTORY = 'Name a file with a JSON list such as [{"role": "user", "content": "…"}]. A role is user or assistant.'
