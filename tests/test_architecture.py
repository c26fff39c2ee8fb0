"""The layer table of docs/architecture.md holds: whoever imports upward or sideways is named here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src"
PACKAGE = "spreadguide"
CHAT = "spreadguide_ui"
SHARED_WITH_CHAT = "spreadguide.api.schemas"
ENGINES = {"torch", "sentence_transformers", "onnxruntime", "faiss", "bm25s", "llama_cpp", "sqlite3"}
"""What only adapters/ may import."""

_ROW = re.compile(r"^\| (\d+) \| `([\w/.]+)` \|", re.MULTILINE)
_LOADERS = {"import_module", "__import__"}


def layer_table(text: str) -> dict[str, int]:
    """Read the layer of each module; the package's own file is called ``__init__``."""
    return {name.removesuffix(".py").rstrip("/"): int(layer) for layer, name in _ROW.findall(text)}


TABLE = layer_table((REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Import:
    """One dotted name that a file imports; ``where`` is the file and line."""

    name: str
    where: str


def imports(source: str, path: Path) -> Iterator[Import]:
    """Yield every module that ``source`` imports, wherever in the file; ``path`` is relative to the source root."""
    here = [*path.with_suffix("").parts]
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(here[: len(here) - node.level]) if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            names = [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call):
            names = [_loaded(node, here)] if _is_loader(node) else []
        for name in names:
            yield Import(name, f"{path}:{node.lineno}")


def _is_loader(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return name in _LOADERS


def _loaded(call: ast.Call, here: list[str]) -> str:
    """Return the module that a call of ``import_module`` names; one that is worked out at run time hides the edge."""
    argument = call.args[0] if call.args else None
    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
        return "worked out at run time"
    name = argument.value
    dots = len(name) - len(name.lstrip("."))
    return ".".join([*here[: len(here) - dots], name.lstrip(".")]) if dots else name


def _module(name: str, table: Mapping[str, int]) -> str:
    """Return the row of the table that the dotted name of our package belongs to."""
    parts = name.split(".")
    first = parts[1] if len(parts) > 1 else "__init__"
    # `from spreadguide import __version__` names something in the package's own file.
    return first if first in table or len(parts) > 2 else "__init__"


def broken(source: str, path: Path, table: Mapping[str, int] = TABLE) -> list[str]:
    """Return what in ``source``, the file at ``path`` below the source root, breaks the rules."""
    own = path.with_suffix("").parts[1]
    if own not in table:
        return [f"{path} is in no row of the table"]
    return [problem for found in imports(source, path) for problem in _problems(found, own, table)]


def _problems(found: Import, own: str, table: Mapping[str, int]) -> Iterator[str]:
    top = found.name.split(".")[0]
    if " " in found.name:
        yield f"{found.where} imports a module whose name is {found.name}"
    if top in ENGINES and own != "adapters":
        yield f"{found.where} imports {top}, which only adapters/ may"
    if top == CHAT and own != "server":
        yield f"{found.where} imports {CHAT}, which only server.py may"
    if top != PACKAGE:
        return
    other = _module(found.name, table)
    if other == own:
        return
    if other not in table:
        yield f"{found.where} imports {other}, which is in no row of the table"
    elif table[other] >= table[own]:
        yield f"{found.where} ({own}, layer {table[own]}) imports {other} (layer {table[other]})"


def broken_in_chat(source: str, path: Path) -> list[str]:
    """Return what of our package a file of the chat page imports beyond the shapes it may share."""
    ours = [found for found in imports(source, path) if found.name.split(".")[0] == PACKAGE]
    return [
        f"{found.where} imports {found.name}"
        for found in ours
        if not f"{found.name}.".startswith(f"{SHARED_WITH_CHAT}.")
    ]


def _files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


def test_every_import_points_to_a_lower_layer():
    problems = [
        problem
        for file in _files(SOURCE / PACKAGE)
        for problem in broken(file.read_text(encoding="utf-8"), file.relative_to(SOURCE))
    ]
    assert problems == []


def test_the_chat_page_imports_only_the_shapes():
    root = REPOSITORY / "ui"
    files = _files(root / CHAT)
    problems = [p for file in files for p in broken_in_chat(file.read_text(encoding="utf-8"), file.relative_to(root))]
    assert files
    assert problems == []


def test_the_table_names_exactly_the_modules_there_are():
    folders = {path.parent.name for path in (SOURCE / PACKAGE).glob("*/__init__.py")}
    modules = {path.stem for path in (SOURCE / PACKAGE).glob("*.py")}
    loose = [path for path in _files(SOURCE / PACKAGE) if not (path.parent / "__init__.py").exists()]
    assert loose == []
    assert set(TABLE) == folders | modules


IN_INGEST = Path(PACKAGE) / "ingest" / "planted.py"


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("import spreadguide.wiring", "wiring (layer 6)"),
        ("from spreadguide.assistant import Assistant", "assistant (layer 4)"),
        ("from spreadguide import settings", "settings (layer 4)"),
        ("from spreadguide.answering.gate import judge", "answering (layer 2)"),
        ("def late():\n    from spreadguide.api import app", "api (layer 7)"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from spreadguide import cli", "cli (layer 9)"),
        ("from ..adapters import minilm", "adapters (layer 3)"),
        ("from .. import retrieval", "retrieval (layer 2)"),
        ("from ...spreadguide import server", "server (layer 8)"),
        ("import importlib\nimportlib.import_module('spreadguide.console')", "console (layer 7)"),
        ("from importlib import import_module\nimport_module('..doctor', __package__)", "doctor (layer 7)"),
        ("__import__('spreadguide.wiring')", "wiring (layer 6)"),
        ("import importlib\nimportlib.import_module(f'spreadguide.{1}')", "worked out at run time"),
        ("import spreadguide.cellar.wine", "cellar, which is in no row"),
        ("import torch", "torch, which only adapters/ may"),
        ("from faiss import IndexFlatIP", "faiss, which only adapters/ may"),
        ("def late():\n    import sqlite3", "sqlite3, which only adapters/ may"),
        ("import llama_cpp.llama_chat_format", "llama_cpp, which only adapters/ may"),
        ("import spreadguide_ui", "which only server.py may"),
    ],
)
def test_a_planted_import_is_found(snippet, expected):
    problems = broken(snippet, IN_INGEST)
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize(
    "snippet",
    [
        "import json, spreadguide.errors",
        "from spreadguide import __version__",
        "from spreadguide.ingest.pdf import read",
        "from .pdf import read",
        "from ..types import Span",
        "# import torch\nNAME = 'import faiss'",
        "def import_modules(name): ...\nimport_modules('spreadguide.cli')",
    ],
)
def test_a_permitted_import_is_let_through(snippet):
    assert broken(snippet, IN_INGEST) == []


def test_a_file_in_no_row_is_found():
    assert broken("", Path(PACKAGE) / "utils.py") == [f"{Path(PACKAGE, 'utils.py')} is in no row of the table"]


@pytest.mark.parametrize(
    "snippet",
    ["from spreadguide import types", "import spreadguide.api.app", "from spreadguide.api import ask"],
)
def test_a_planted_import_in_the_chat_page_is_found(snippet):
    assert len(broken_in_chat(snippet, Path(CHAT, "chat.py"))) == 1


@pytest.mark.parametrize(
    "snippet", ["from spreadguide.api.schemas import AnswerOut", "from spreadguide.api import schemas"]
)
def test_the_shapes_may_be_imported_by_the_chat_page(snippet):
    assert broken_in_chat(snippet, Path(CHAT, "chat.py")) == []
