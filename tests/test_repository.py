"""What holds for the repository as a whole: links, addresses, leftovers and the version."""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from test_architecture import PACKAGE, TABLE

import spreadguide

REPOSITORY = Path(__file__).parents[1]

_LINK = re.compile(
    r"!?\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]\n]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE
)
_CODE = re.compile(r"^(```|~~~).*?^\1\s*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_ABSOLUTE = re.compile(r"(?<![\w.:/~<\\-])/(?:home|root|work|tmp)(?:/|\b)")
_REGISTRY = re.compile(
    r"py"
    r"pi\.(?:org|python\.org)|python"
    r"hosted\.org|download\.py"
    r"torch\.org|registry\.npm"
    r"js\.org"
    r"|conda\.ana"
    r"conda\.org|crates"
    r"\.io",
    re.IGNORECASE,
)
_LEFTOVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")


@cache
def _kept_files() -> tuple[Path, ...]:
    """Return every file that is tracked by git, or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, so nothing says which files belong to the repository")
    return tuple(path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file())


def _texts() -> dict[Path, str]:
    found = {}
    for path in _kept_files():
        data = path.read_bytes()
        if b"\0" not in data:
            found[path] = data.decode("utf-8")
    return found


def _lines_with(pattern: re.Pattern[str], texts: dict[Path, str]) -> list[str]:
    return [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def _anchors(markdown: str) -> set[str]:
    """Return the anchors of the headings, made as the common code hosts make them."""
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", title).lower() for title in _HEADING.findall(markdown)]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(path: Path, markdown: str) -> list[str]:
    """Return the relative links of a Markdown file that lead nowhere."""
    broken = []
    for match in _LINK.finditer(_CODE.sub("", markdown)):
        link = match[1] or match[2]
        if _ELSEWHERE.match(link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file) if file else path
        if file.startswith("/") or (file and not target.exists()):
            broken.append(f"{path.name}: {link}")
        elif anchor and target.suffix == ".md":
            text = markdown if target == path else target.read_text(encoding="utf-8")
            if anchor not in _anchors(text):
                broken.append(f"{path.name}: {link}")
    return broken


def test_every_relative_link_leads_somewhere():
    documents = {path: text for path, text in _texts().items() if path.suffix == ".md"}
    assert documents
    assert [link for path, text in documents.items() for link in broken_links(path, text)] == []


def test_a_link_to_nowhere_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# Some `code` here\n")
    page = tmp_path / "page.md"
    text = (
        "[good](there.md) [also](there.md#some-code-here) [out](https://example.org/x) [mail](mailto:a@example.org)\n"
        "`[code](not-a-link.md)`\n\n```\n[code](nor-this.md)\n```\n[self](#a-title)\n\n# A title\n"
        "[bad](gone.md) ![bad](gone.png) [bad](there.md#gone) [bad](#gone) [bad](/there.md)\n\n[bad]: gone-too.md\n"
    )
    found = [link.removeprefix("page.md: ") for link in broken_links(page, text)]
    assert found == ["gone.md", "gone.png", "there.md#gone", "#gone", "/there.md", "gone-too.md"]


def test_no_file_names_a_place_of_one_machine():
    assert _lines_with(_ABSOLUTE, _texts()) == []


@pytest.mark.parametrize("place", ["home/a/x", "root", "work/main", "tmp/x"])
@pytest.mark.parametrize("before", ["", "cd ", '"', "=", "(", "file "])
def test_a_place_of_one_machine_is_found(place, before):
    assert _ABSOLUTE.search(f"{before}/{place}")


@pytest.mark.parametrize("text", ["https://example.org/work/", "team/home", "and/tmp", "~/work"])
def test_other_slashes_are_let_through(text):
    assert not _ABSOLUTE.search(text)


def test_no_file_names_the_host_of_a_package_registry():
    assert _lines_with(_REGISTRY, _texts()) == []


def test_no_task_is_left_in_the_code():
    code = {path: text for path, text in _texts().items() if path.is_relative_to(REPOSITORY / "src")}
    assert code
    assert _lines_with(_LEFTOVER, code) == []


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"__init__", "__main__"}))
def test_every_module_of_the_table_can_be_imported(name):
    assert importlib.import_module(f"{PACKAGE}.{name}").__doc__


def test_the_changelog_has_the_version():
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[?{re.escape(spreadguide.__version__)}\b", changelog, re.MULTILINE)


def test_the_package_takes_its_version_from_the_code():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/spreadguide/__init__.py"
