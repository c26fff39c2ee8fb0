"""Changes ``sources.toml`` and leaves the owner's comments, order and layout as they are."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import tomlkit
from filelock import FileLock, Timeout
from pydantic import ValidationError

from spreadguide.durable import put_in_place
from spreadguide.errors import ConfigError
from spreadguide.ingest.catalogue import CATALOGUE_NAME, Entry, reasons

LOCK_NAME = f".{CATALOGUE_NAME}.lock"

LOCK_SECONDS = 20.0
"""Longest wait for another command that changes the same folder: reading one large PDF takes about that long."""

NEW_FILE_MODE = 0o644

_HEADER = re.compile(r"^[ \t]*\[(?!\[).*\][ \t]*(?:#.*)?$")
_FILLER = re.compile(r"^[ \t]*(?:#.*)?$")


def checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` as they are written to the catalogue; raises `ConfigError` that says which is wrong.

    Values that are ``None`` or empty are left out. Words of fixed lists get our spelling, and lists stay lists.
    """
    given = {key: value for key, value in values.items() if value not in (None, "", (), [])}
    try:
        entry = Entry.model_validate(given)
    except ValidationError as error:
        hint = "Look up the keys and their values in docs/reports.md."
        raise ConfigError(f"The report cannot be described like that: {reasons(error)}.", hint=hint) from error
    plain = entry.model_dump(mode="json")
    return {key: plain[key] for key in given}


class Sheet:
    """The text of one ``sources.toml``; every change is on disk when the method returns."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CATALOGUE_NAME
        self._text = ""
        if self._file.is_file():
            try:
                self._text = self._file.read_bytes().decode("utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{CATALOGUE_NAME} cannot be read: {error}.", hint=_CORRECT) from error
        self._tables()

    @property
    def entries(self) -> dict[str, Any]:
        """The tables as they stand, by path; values are those of TOML."""
        return self._tables()

    def put(self, path: str, values: Mapping[str, Any]) -> None:
        """Set the keys of ``values`` in the entry for ``path``, which is made where there is none.

        Keys that are not named stay as they are. Raises `ConfigError` when a value is wrong or the file cannot be
        written.
        """
        self.put_back(path, checked_values(values))

    def put_back(self, path: str, new: Mapping[str, Any]) -> None:
        """Set keys as `put` does, whatever they are: for an entry that `drop` returned."""
        tables = self._tables()
        old = tables.get(path)
        if old is None:
            texts = iter([self._appended(tomlkit.dumps({path: dict(new)}))])
        elif not isinstance(old, dict):
            raise ConfigError(f'"{path}" in {CATALOGUE_NAME} is not an entry.', hint=_CORRECT)
        else:
            texts = self._changed(path, {k: v for k, v in new.items() if k in old}, new)
        self._write(texts, {**tables, path: {**(old or {}), **new}})

    def drop(self, path: str) -> dict[str, Any] | None:
        """Take out the entry for ``path`` and return it; ``None`` when there is none. Comments stay."""
        tables = self._tables()
        if path not in tables:
            return None
        self._write(self._without(path), {name: table for name, table in tables.items() if name != path})
        entry: dict[str, Any] = tables[path]
        return entry

    def _tables(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{CATALOGUE_NAME} cannot be changed: {error}.", hint=_CORRECT) from error

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"

    def _appended(self, block: str) -> str:
        above = self._text.rstrip()
        joined = f"{above}{self._newline * 2}" if above else ""
        return joined + block.replace("\n", self._newline)

    def _changed(self, path: str, changed: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """Set values in place; put new keys below the last key of the entry, above comments that follow it."""
        document = tomlkit.parse(self._text)
        table: Any = document[path]
        for key, value in changed.items():
            table[key] = value
        fresh = {key: value for key, value in new.items() if key not in changed}
        lines = document.as_string().splitlines(keepends=True)
        if fresh and (found := self._block(path, lines)):
            last = found[1]
            lines[last] = lines[last].rstrip("\r\n") + self._newline
            block = tomlkit.dumps(fresh).replace("\n", self._newline)
            yield "".join([*lines[: last + 1], block, *lines[last + 1 :]])
        for key, value in fresh.items():
            table[key] = value
        yield document.as_string()

    def _without(self, path: str) -> Iterator[str]:
        """Take the lines of an entry out, and one of the two empty lines that are left where it was."""
        lines = self._text.splitlines(keepends=True)
        if found := self._block(path, lines):
            above, below = lines[: found[0]], lines[found[1] + 1 :]
            while below and not below[0].strip() and (not above or not above[-1].strip()):
                below = below[1:]
            yield "".join(above + below)
        document = tomlkit.parse(self._text)
        document.remove(path)
        yield document.as_string()

    def _block(self, path: str, lines: list[str]) -> tuple[int, int] | None:
        """Return the places of an entry's header and last line; comments after it are left out."""
        headers = [place for place, line in enumerate(lines) if _HEADER.match(line.rstrip("\r\n"))]
        for start, end in pairwise([*headers, len(lines)]):
            if _names(lines[start], path):
                last = end - 1
                while last > start and _FILLER.match(lines[last].rstrip("\r\n")):
                    last -= 1
                return start, last
        return None

    def _write(self, texts: Iterator[str], expected: Mapping[str, Any]) -> None:
        """Write the first of ``texts`` that says what it should and nothing else, in one step."""
        text = next((text for text in texts if _means(text, expected)), None)
        if text is None:
            raise ConfigError(f"{CATALOGUE_NAME} could not be changed without harm, and was left as it is.", hint=_HAND)
        try:
            replace_file(self._file, text.encode("utf-8"))
        except OSError as error:
            hint = "Check that you may write in the folder of reports."
            raise ConfigError(f"{CATALOGUE_NAME} cannot be written: {error.strerror}.", hint=hint) from error
        self._text = text


_CORRECT = f"Correct {CATALOGUE_NAME} by hand, then run the command again."
_HAND = f"Make the change by hand in {CATALOGUE_NAME}."


def _means(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def _names(header: str, path: str) -> bool:
    try:
        return list(tomllib.loads(header)) == [path]
    except tomllib.TOMLDecodeError:
        return False


def replace_file(file: Path, data: bytes) -> None:
    """Write ``data`` to ``file`` so that a reader, or a machine that loses power, sees the old file or the new one."""
    target = file.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else NEW_FILE_MODE
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(mode)
        put_in_place(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def editing(folder: Path) -> Iterator[Sheet]:
    """Hold the folder of reports against other commands that change it, and give its catalogue.

    Raises `ConfigError` when there is no such folder, it cannot be written, or another command holds it too long.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no report folder at {folder}.", hint="Create the folder, or name another.")
    lock = FileLock(folder / LOCK_NAME, timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        hint = "Wait until that command is done, then run this one again."
        raise ConfigError(f"Another command is changing the reports in {folder}.", hint=hint) from error
    except OSError as error:
        hint = "Check that you may write there."
        raise ConfigError(f"The folder {folder} cannot be changed: {error.strerror}.", hint=hint) from error
    try:
        yield Sheet(folder)
    finally:
        lock.release()
