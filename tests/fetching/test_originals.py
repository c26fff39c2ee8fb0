"""Fetching what ``sources.toml`` names, and adding addresses: only what can be read comes into the folder."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas
from web_server import Page

from spreadguide.errors import ConfigError
from spreadguide.fetching.exchange import checked_url
from spreadguide.fetching.kinds import kind_of_ending
from spreadguide.ingest import IngestLimits, read_catalogue
from spreadguide.shelf.adding import Wish, add_reports
from spreadguide.shelf.originals import fetch_reports

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture
def parts(folder):
    return folder / ".fetching"


def name_in_catalogue(folder, **urls):
    lines = "# kept by hand\n\n" + "\n".join(
        f'["{path}"]   # note\ntitle =  "Named by hand"\nurl = "{url}"\n' for path, url in urls.items()
    )
    (folder / "sources.toml").write_text(lines)
    return lines


def visible(folder):
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and "/." not in f"/{file.relative_to(folder)}"
    )


def litter(folder):
    return [
        file.name
        for file in folder.rglob("*")
        if file.suffix in (".part", ".json") or file.name.startswith(".incoming-")
    ]


def test_originals_come_to_their_paths_and_the_catalogue_stays_as_it_is(folder, site, fetcher, pdf, page, word):
    site.pages |= {"/a": Page(page), "/b": Page(pdf), "/c": Page(word)}
    paths = {"originals/a.html": f"{site.url}/a", "b.pdf": f"{site.url}/b", "deep/er/c.docx": f"{site.url}/c"}
    text = name_in_catalogue(folder, **paths)
    results = list(fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher()))
    assert [(r.given, r.path, r.problem, r.title) for r in results] == [(p, p, None, "Named by hand") for p in paths]
    assert visible(folder) == sorted(["sources.toml", *paths])
    assert (folder / "b.pdf").read_bytes() == pdf
    assert (folder / "sources.toml").read_text() == text
    assert litter(folder) == []
    assert list(fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher())) == []
    assert len(site.requests) == 3


def test_each_has_its_own_result(folder, site, fetcher, page, pdf):
    site.pages |= {"/login": Page(page), "/good": Page(pdf)}
    name_in_catalogue(
        folder, **{"gone.pdf": f"{site.url}/gone", "login.pdf": f"{site.url}/login", "good.pdf": f"{site.url}/good"}
    )
    gone, login, good = fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher())
    assert "has no document" in gone.problem
    assert "gave a web page, not a PDF" in login.problem
    assert good.problem is None
    assert visible(folder) == ["good.pdf", "sources.toml"]


def test_only_those_that_are_named_are_fetched(folder, site, fetcher, pdf, page):
    site.pages |= {"/a": Page(page), "/b": Page(pdf)}
    name_in_catalogue(folder, **{"x/a.html": f"{site.url}/a", "x/b.pdf": f"{site.url}/b"})
    fetch = partial(fetch_reports, limits=IngestLimits(), fetch_as=fetcher())
    assert [result.path for result in fetch(folder, ["x-b", "x/b.pdf"])] == ["x/b.pdf"]
    with pytest.raises(ConfigError, match="No report x-b waits to be fetched"):
        fetch(folder, ["x-a", "x-b"])
    assert visible(folder) == ["sources.toml", "x/b.pdf"]


@pytest.mark.parametrize(
    "path", ["../evil.pdf", "a/../../evil.pdf", ".hidden/evil.pdf", "linked/evil.pdf", "evil.exe", "evil"]
)
def test_no_entry_leads_out_of_the_folder(folder, site, fetcher, pdf, path, tmp_path):
    (tmp_path / "outside").mkdir()
    (folder / "linked").symlink_to(tmp_path / "outside")
    site.pages["/evil.pdf"] = Page(pdf)
    name_in_catalogue(folder, **{path: f"{site.url}/evil.pdf"})
    (result,) = fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher())
    assert result.problem
    assert list(tmp_path.rglob("evil*")) == []
    assert site.requests == []


def test_what_the_reader_cannot_read_does_not_come_in(folder, site, fetcher):
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.rect(10, 10, 100, 100)
    canvas.save()
    site.pages["/scan.pdf"] = Page(stream.getvalue())
    name_in_catalogue(folder, **{"scan.pdf": f"{site.url}/scan.pdf"})
    (result,) = fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher())
    assert "no text" in result.problem
    (added,) = add_reports(folder, [f"{site.url}/scan.pdf"], Wish({}), limits=IngestLimits(), fetch_to=fetcher())
    assert "no text" in added.problem
    assert visible(folder) == ["sources.toml"]
    assert litter(folder) == []


def test_the_same_bytes_do_not_come_in_twice(folder, site, fetcher, pdf):
    (folder / "mine.pdf").write_bytes(pdf)
    site.pages["/b"] = Page(pdf)
    name_in_catalogue(folder, **{"b.pdf": f"{site.url}/b"})
    (result,) = fetch_reports(folder, limits=IngestLimits(), fetch_as=fetcher())
    assert "already, as mine.pdf" in result.problem


def test_an_address_is_added_with_its_entry(folder, site, fetcher, page):
    site.pages["/start"] = Page(status=302, headers={"Location": "/long-read/"})
    site.pages["/long-read/"] = Page(page)
    (result,) = add_reports(
        folder, [f"{site.url}/start"], Wish({"publisher": "Example"}), limits=IngestLimits(), fetch_to=fetcher()
    )
    assert (result.path, result.title, result.problem) == ("long-read.html", "Rapid hubs", None)
    entry = read_catalogue(folder).entries["long-read.html"]
    assert (entry.url, entry.publisher) == (f"{site.url}/start", "Example")
    assert litter(folder) == []


def test_every_original_of_the_shipped_catalogue_can_be_asked_for():
    entries = {path: entry for path, entry in read_catalogue(CORPUS).entries.items() if entry.url}
    assert [path for path in entries if kind_of_ending(Path(path).suffix) is None] == []
    assert {checked_url(entry.url).scheme for entry in entries.values()} <= {"https"}
