"""The commands that keep the folder of reports: ``spreadguide corpus list|add|fetch|remove|check``; thin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spreadguide.console import Bars, plain, say
from spreadguide.errors import ConfigError
from spreadguide.settings import MEGABYTE, Settings, ingest_limits, load_settings

if TYPE_CHECKING:
    from spreadguide.fetching.addresses import Permits
    from spreadguide.fetching.fetcher import Fetcher
    from spreadguide.protocols import Progress
    from spreadguide.shelf.adding import Added
    from spreadguide.shelf.listing import Report
    from spreadguide.shelf.problems import Problem

corpus_app = typer.Typer(help="The reports: list, add, fetch, remove and check them.", no_args_is_help=True)

CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Folder of the reports.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

REBUILD = "To bring the answers up to date, run: spreadguide index build"


PARTS = ".fetching"
"""The hidden folder, inside the folder of reports, where what has arrived of a report waits for the rest."""


def web_fetcher(settings: Settings, progress: Progress, permits: Permits | None = None) -> Fetcher:
    """Return what fetches reports; ``permits`` replaces the rule which addresses may be asked."""
    from spreadguide.fetching.addresses import is_public
    from spreadguide.fetching.fetcher import Fetcher, FetchLimits

    limits = FetchLimits(file_bytes=settings.max_file_megabytes * MEGABYTE)
    return Fetcher(settings.corpus_dir / PARTS, limits, progress=progress, permits=permits or is_public)


def own_folder(settings: Settings) -> Path:
    """Return the folder of reports, for a command that changes it.

    Raises `ConfigError` where it would be the one inside the installed package: the next upgrade would undo it.
    """
    if settings.corpus_dir.resolve() == Path(str(files("spreadguide") / "_corpus")).resolve():
        hint = "Make a folder named corpus here, or name yours with --corpus or the setting corpus_dir."
        raise ConfigError("There is no folder of reports of your own yet.", hint=hint)
    return settings.corpus_dir


@corpus_app.command("list")
def corpus_list(corpus: CorpusOption = None, as_json: JsonOption = False) -> None:
    """List the reports, and those that sources.toml names but that are not fetched yet."""
    from spreadguide.shelf.listing import list_reports

    settings = load_settings(corpus_dir=corpus)
    with Bars() as bars:
        found = list_reports(settings.corpus_dir, ingest_limits(settings), bars.progress)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
        return
    reports = found.reports
    for report in reports:
        typer.echo(_report_text(report))
    for warning in found.warnings:
        say(f"Warning: {warning}")
    absent = sum(not report.present for report in reports)
    say(f"{len(reports) - absent} reports in {settings.corpus_dir}, {absent} named there but not fetched yet.")


@corpus_app.command("add")
def corpus_add(
    path_or_url: Annotated[list[str], typer.Argument(help="Files or addresses of reports.")],
    corpus: CorpusOption = None,
    name: Annotated[str | None, typer.Option("--as", help="Name of the report in the folder.")] = None,
    title: Annotated[str | None, typer.Option(help="Title, where the report's own is wrong or missing.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published it.")] = None,
    author: Annotated[list[str] | None, typer.Option(help="Author; repeat for several.")] = None,
    published: Annotated[str | None, typer.Option(help="Date, as the report writes it.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of publication.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the original.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the text, such as CC BY 4.0.")] = None,
    commissioner: Annotated[str | None, typer.Option(help="Who asked for the report.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of evidence, such as evaluation or guidance.")] = None,
    setting: Annotated[str | None, typer.Option(help="Where the evidence comes from.")] = None,
    edition: Annotated[str | None, typer.Option(help="Edition or version.")] = None,
    supersedes: Annotated[list[str] | None, typer.Option(help="Path of a report that this one replaces.")] = None,
    limits: Annotated[str | None, typer.Option(help="What the evidence cannot tell.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add reports to the folder, from files or from the web. Each is read first; what cannot be read is not added."""
    from spreadguide.shelf.adding import Wish, add_reports

    values = {
        "title": title,
        "publisher": publisher,
        "authors": author,
        "published": published,
        "year": year,
        "url": url,
        "licence": licence,
        "commissioner": commissioner,
        "kind": kind,
        "setting": setting,
        "edition": edition,
        "supersedes": supersedes,
        "limits": limits,
    }
    settings = load_settings(corpus_dir=corpus)
    folder = own_folder(settings)

    def add(progress: Progress) -> Iterator[Added]:
        fetch_to = web_fetcher(settings, progress)
        return add_reports(folder, path_or_url, Wish(values, name), limits=ingest_limits(settings), fetch_to=fetch_to)

    _show_each(add, "Not added", as_json=as_json)


@corpus_app.command("fetch")
def corpus_fetch(
    report: Annotated[list[str] | None, typer.Argument(help="Ids or paths; all that are not here if left out.")] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the reports that sources.toml names with their addresses and that are not in the folder yet."""
    from spreadguide.shelf.originals import fetch_reports

    settings = load_settings(corpus_dir=corpus)
    folder = own_folder(settings)

    def fetch(progress: Progress) -> Iterator[Added]:
        fetch_as = web_fetcher(settings, progress)
        return fetch_reports(folder, report or (), limits=ingest_limits(settings), fetch_as=fetch_as)

    if not _show_each(fetch, "Not fetched", as_json=as_json):
        say("Nothing waits to be fetched.")


@corpus_app.command("remove")
def corpus_remove(
    report: Annotated[str, typer.Argument(help="Id or path of the report, as the list shows it.")],
    corpus: CorpusOption = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the file; by default it is kept aside.")] = False,
) -> None:
    """Take a report out of the folder, with its entry in sources.toml."""
    from spreadguide.shelf.removing import remove_report

    settings = load_settings(corpus_dir=corpus)
    folder = own_folder(settings)
    removed = remove_report(folder, report, ingest_limits(settings), delete=delete)
    where = f"It is kept as {folder / removed.kept_as}." if removed.kept_as else "Its file is gone."
    typer.echo(plain(f"{removed.path} was removed. {where}"))
    for older in removed.supersedes:
        say(f"Note: it superseded {older}, which counts as current again unless another report supersedes it.")
    say(f"Answers cite it until the next build. {REBUILD}")


@corpus_app.command("check")
def corpus_check(
    corpus: CorpusOption = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of source texts; briefs must share no ten words in a row with them."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the catalogue, every report and the form of the evidence briefs; exit code 1 when something is wrong."""
    from spreadguide.shelf.checking import check_corpus

    settings = load_settings(corpus_dir=corpus)
    with Bars() as bars:
        found = check_corpus(
            settings.corpus_dir, ingest_limits(settings), against=against or (), progress=bars.progress
        )
    problems = [problem for problem in found if not problem.note]
    notes = [problem for problem in found if problem.note]
    if as_json:
        typer.echo(json.dumps({"problems": _as_json(problems), "notes": _as_json(notes)}, ensure_ascii=False, indent=1))
    else:
        for problem in found:
            typer.echo(_problem_text(problem))
        typer.echo(f"{len(problems)} problems, {len(notes)} notes." if found else "Nothing is wrong.")
    if problems:
        raise typer.Exit(1)


def _report_text(report: Report) -> str:
    parts = (report.publisher, report.year, report.kind, report.edition, report.licence, report.status)
    about = ", ".join(str(part) for part in parts if part)
    state = "" if report.present else "  not fetched yet"
    lines = [f"{report.path}  (id {report.source_id}){state}", f"    {report.title}", f"    {about}"]
    lines += [f"    LOOK  {problem}" for problem in report.problems]
    return "\n".join(plain(line) for line in lines)


def _show_each(bring: Callable[[Progress], Iterator[Added]], failed: str, *, as_json: bool) -> int:
    """Bring reports in, say what became of each, also after Ctrl-C, and return how many there were.

    Exits with code 1 when one of them did not come in.
    """
    done: list[Added] = []
    try:
        with Bars() as bars:
            for result in bring(bars.progress):
                done.append(result)  # noqa: PERF402 - what is done must be known when the next one is interrupted
    except KeyboardInterrupt:
        _say_all(done, failed, as_json=as_json)
        raise
    _say_all(done, failed, as_json=as_json)
    if any(result.problem for result in done):
        raise typer.Exit(1)
    return len(done)


def _say_all(done: list[Added], failed: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"reports": [asdict(result) for result in done]}, ensure_ascii=False, indent=1))
        return
    for result in done:
        _say_added(result, failed)
    if any(not result.problem for result in done):
        say(REBUILD)


def _say_added(result: Added, failed: str) -> None:
    """Print what became of one report."""
    if result.problem:
        about = "" if result.given in result.problem else f"{result.given}: "
        say(f"{failed}: {about}{result.problem}")
        say(f"What to do: {result.hint}")
        return
    verb = "Added" if result.copied else "Described"
    typer.echo(plain(f"{verb}: {result.path} ({result.title})"))
    for warning in result.warnings:
        say(f"Warning: {result.path}: {warning}")


def _problem_text(problem: Problem) -> str:
    where = f"{problem.place}: " if problem.place else ""
    lines = [f"{'note' if problem.note else 'LOOK'}  {where}{problem.what}"]
    lines += [f"      What to do: {problem.cure}"] if problem.cure else []
    return "\n".join(plain(line) for line in lines)


def _as_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    keys = ("path", "line", "what", "cure")
    return [{key: getattr(problem, key) for key in keys} for problem in problems]
