"""sources.toml is changed without harm to what the owner wrote by hand."""

from __future__ import annotations

import multiprocessing
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf_samples import SOURCES

from spreadguide.errors import ConfigError
from spreadguide.shelf import sheet as sheet_module
from spreadguide.shelf.sheet import editing


def text_of(folder: Path) -> str:
    return (folder / "sources.toml").read_bytes().decode()


def test_a_change_keeps_comments_order_and_layout(folder: Path) -> None:
    before = text_of(folder)
    with editing(folder) as sheet:
        sheet.put("new.md", {"title": "The newest guide", "year": 2024, "supersedes": ["old/guide.txt"]})
    expected = before.replace('"The new guide"', '"The newest guide"').replace(
        '"B. Reader",\n]\n', '"B. Reader",\n]\nyear = 2024\nsupersedes = ["old/guide.txt"]\n'
    )
    assert text_of(folder) == expected


def test_a_new_entry_goes_to_the_end(folder: Path) -> None:
    before = text_of(folder)
    with editing(folder) as sheet:
        sheet.put('2024/it\'s "new".pdf', {"kind": "Case-Study", "publisher": "", "url": None})
    assert text_of(folder).startswith(before.rstrip())
    assert tomllib.loads(text_of(folder))['2024/it\'s "new".pdf'] == {"kind": "case study"}


def test_the_first_entry_makes_the_file(tmp_path: Path) -> None:
    with editing(tmp_path) as sheet:
        sheet.put("a.md", {"title": "A"})
    assert text_of(tmp_path) == '["a.md"]\ntitle = "A"\n'
    assert stat.S_IMODE((tmp_path / "sources.toml").stat().st_mode) == 0o644


def test_a_removed_entry_leaves_the_comments(folder: Path) -> None:
    with editing(folder) as sheet:
        entry = sheet.drop("new.md")
        assert sheet.drop("new.md") is None
    assert entry == {"title": "The new guide", "authors": ["A. Writer", "B. Reader"]}
    above, _, below = SOURCES.partition('["new.md"]')
    assert text_of(folder) == above + below[below.index("# --- Older") :]


@pytest.mark.parametrize("text", ['"a.md" = { title = "A" }\n', '["a.md"]\ntitle = """\n["b.md"]\n"""\n\n["b.md"]\n'])
def test_entries_written_in_other_ways_can_be_changed_and_removed(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.toml").write_text(text)
    rest = {name: table for name, table in tomllib.loads(text).items() if name != "a.md"}
    with editing(tmp_path) as sheet:
        sheet.put("a.md", {"year": 2020})
        assert sheet.entries["a.md"]["year"] == 2020
        sheet.drop("a.md")
    assert tomllib.loads(text_of(tmp_path)) == rest


def test_line_ends_of_another_system_are_kept(folder: Path) -> None:
    (folder / "sources.toml").write_bytes(text_of(folder).replace("\n", "\r\n").encode())
    with editing(folder) as sheet:
        sheet.put("new.md", {"year": 2024})
        sheet.put("more.md", {"year": 2024})
    assert "\n" not in text_of(folder).replace("\r\n", "")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kind": "rumour"}, '"kind" is wrong (it must be trial, evaluation'),
        ({"year": 20188}, '"year" is wrong (it must be a year with four digits'),
        ({"supersedes": ["../secret.md"]}, "inside the report folder"),
        ({"stars": 5}, 'the key "stars" is not known'),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(folder: Path, values: dict[str, object], reason: str) -> None:
    before = text_of(folder)
    with editing(folder) as sheet, pytest.raises(ConfigError) as caught:
        sheet.put("new.md", values)
    assert reason in caught.value.message
    assert text_of(folder) == before


def test_a_broken_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('["a.md"\n')
    with pytest.raises(ConfigError, match="cannot be changed"), editing(tmp_path):
        pass
    assert text_of(tmp_path) == '["a.md"\n'


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = text_of(folder)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sheet_module.os, "fsync", full)
    with editing(folder) as sheet, pytest.raises(ConfigError, match="No space left"):
        sheet.put("new.md", {"year": 2024})
    assert text_of(folder) == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".sources.toml.")] == [".sources.toml.lock"]


def test_another_command_that_holds_the_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_module, "LOCK_SECONDS", 0.05)
    with editing(folder), pytest.raises(ConfigError, match="Another command"), editing(folder):
        pass


def put_many(folder: Path, worker: int) -> None:
    for number in range(10):
        with editing(folder) as sheet:
            sheet.put(f"{worker}-{number}.md", {"title": f"Report {number} of {worker}"})


def test_two_commands_at_once_lose_nothing(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=put_many, args=(folder, worker)) for worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(tomllib.loads(text_of(folder))) == 2 + 20


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
FIELDS = st.dictionaries(st.sampled_from(["title", "publisher", "limits"]), NAMES.filter(str.strip), max_size=3)


@settings(max_examples=40, deadline=None)
@given(entries=st.dictionaries(NAMES, FIELDS, max_size=5), dropped=st.integers(0, 4), more=FIELDS)
def test_any_names_and_texts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    entries: dict[str, dict[str, str]],
    dropped: int,
    more: dict[str, str],
) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected: dict[str, dict[str, str]] = {}
    with editing(folder) as sheet:
        for name, values in entries.items():
            sheet.put(name, values)
            expected[name] = {key: value.strip() for key, value in values.items()}
        for name in list(entries)[dropped:][:1]:
            sheet.put(name, more)
            expected[name] |= {key: value.strip() for key, value in more.items()}
            assert sheet.entries == expected
            assert sheet.drop(name) == expected.pop(name)
        assert sheet.entries == expected
