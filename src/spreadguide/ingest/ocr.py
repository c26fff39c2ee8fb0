"""Reads pictures of pages with Tesseract, an optional program, where it is installed."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from spreadguide.ingest.pdf_page import Word
from spreadguide.text import normalise, squeeze

PROGRAM = "tesseract"

DOTS = 300
"""Dots per inch; Tesseract's manual advises 300 at least."""

LEAST_CONFIDENCE = 30.0
"""Per cent; words below are mostly specks, lines and logos."""

SIZE_SHARE = 0.9
"""Size of the type as a share of the height of its line, from the top of a capital to the foot of a "g"."""

TALL = 1.5
"""Lines so many times as high as the page's usual one are set in larger type."""

_WORD_LEVEL, _LINE_LEVEL = "5", "4"


def find_program() -> str | None:
    """Return the path of Tesseract, or None where it is not installed."""
    return shutil.which(PROGRAM)


def recognise(program: str, picture: bytes, width: float, height: float, seconds: float) -> list[Word] | None:
    """Return the words in ``picture`` (a PGM file) of a page of ``width`` by ``height`` points.

    Returns ``None`` when Tesseract fails or takes longer than ``seconds``.
    """
    command = [program, "stdin", "stdout", "--dpi", str(DOTS), "--psm", "3", "-l", "eng", "tsv"]
    try:
        done = subprocess.run(  # noqa: S603 - no argument comes from the file
            command,
            input=picture,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # two threads take longer than one on small machines
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return _words(done.stdout.decode("utf-8", "replace"), width, height) if done.returncode == 0 else None


def _words(table: str, width: float, height: float) -> list[Word]:
    """Return the words in Tesseract's table; its first row is the whole page, in dots."""
    rows = list(csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows:
        return []
    across, down = width / max(1, int(rows[0]["width"])), height / max(1, int(rows[0]["height"]))
    lines: dict[tuple[str, str, str], list[dict[str, str]]] = defaultdict(list)
    heights: dict[tuple[str, str, str], float] = {}
    for row in rows:
        key = (row["block_num"], row["par_num"], row["line_num"])
        if row["level"] == _LINE_LEVEL:
            heights[key] = int(row["height"]) * down
        elif row["level"] == _WORD_LEVEL and float(row["conf"]) >= LEAST_CONFIDENCE and row["text"].strip():
            lines[key].append(row)
    usual = median(heights[key] for key in lines) if lines else 0.0
    return [
        _word(row, lines[key], across, down, heights[key] if heights[key] > TALL * usual else usual)
        for key in lines
        for row in lines[key]
    ]


def _word(row: dict[str, str], line: Sequence[dict[str, str]], across: float, down: float, height: float) -> Word:
    left, top = int(row["left"]) * across, int(row["top"]) * down
    right, bottom = left + int(row["width"]) * across, top + int(row["height"]) * down
    base = median(int(each["top"]) + int(each["height"]) for each in line) * down
    text = squeeze(normalise(row["text"]))
    size = round(SIZE_SHARE * height, 1)
    return Word(text, round(left, 1), round(top, 1), round(right, 1), round(bottom, 1), round(base, 1), size, False, "")
