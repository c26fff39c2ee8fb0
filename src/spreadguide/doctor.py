"""``spreadguide doctor``: one line for everything a support desk would ask about, and what to do where it is wrong."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psutil

from spreadguide import __version__
from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.adapters.llama_settings import GeneratorStatus, engine_dir
from spreadguide.adapters.llama_tuned import kept_calibration
from spreadguide.building import make_embedder
from spreadguide.errors import ModelError, SpreadGuideError
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import resolve_generator, verify
from spreadguide.settings import Settings
from spreadguide.wiring import endpoint_settings, model_folder, open_library

NEEDED_DISK_BYTES = 2_000_000_000
"""Room for the default model while it is joined, and an index."""

NEEDED_MEMORY_BYTES = 2_500_000_000
"""Memory of the server with the default 1.5B model."""

PORT_SECONDS = 2.0
"""How long a server on the port may take to answer."""

ENDPOINT_SECONDS = 10.0
"""How long an endpoint may take to say that it is there."""

MAY_READ = "Check that you may read and write there."

HEALTHY = '{"status":"alive"}'
"""What SpreadGuide answers at /healthz."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``cure`` says what to do where it is not good."""

    good: bool
    what: str
    cure: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one failing check never stops the others."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _versions,
        _corpus,
        _index,
        _embedder,
        _query_embedder,
        _engine,
        _generator,
        _tuning,
        _memory,
        _disk,
        _port,
    )
    return [_run(check, settings) for check in checks]


def _run(check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except SpreadGuideError as error:
        return Finding(False, error.message, error.hint)
    except OSError as error:
        return Finding(False, f"{error.filename or 'A file'} cannot be read: {error.strerror or error}.", MAY_READ)


def _versions(_settings: Settings) -> Finding:
    return Finding(True, f"SpreadGuide {__version__}, Python {platform.python_version()}, {platform.platform()}")


def _corpus(settings: Settings) -> Finding:
    if not settings.corpus_dir.is_dir():
        return Finding(False, f"There is no folder of reports at {settings.corpus_dir}.", "Create it and add reports.")
    files = sum(path.is_file() for path in settings.corpus_dir.rglob("*"))
    return Finding(files > 0, f"Reports folder {settings.corpus_dir}: {files} files", "Add reports to this folder.")


def _index(settings: Settings) -> Finding:
    index, _ = open_library(settings, make_embedder(settings))
    holds = f"{index.counts.documents} reports, {index.counts.passages} passages"
    index.close()
    if index.approximation and index.approximation.kept:
        holds += f"; search by meaning finds {index.approximation.recall:.1%} of the nearest (measured at its build)"
    return Finding(True, f"Index {index.fingerprint} in {settings.index_dir}: {holds}")


def _embedder(settings: Settings) -> Finding:
    return Finding(True, f"Embedder {make_embedder(settings).embedder_id}")


def _query_embedder(settings: Settings) -> Finding:
    catalogue = load_catalogue()
    kinds = [entry for entry in catalogue.model if entry.kind != "generator"]
    for entry in kinds:
        verify(entry, model_folder(settings))
    return Finding(True, f"Embedding files verified: {', '.join(entry.id for entry in kinds)}")


def _engine(settings: Settings) -> Finding:
    if settings.use_generator and settings.endpoint:
        return Finding(True, "llama.cpp is not needed: an endpoint writes the answers")
    there = importlib.util.find_spec("llama_cpp") is not None
    cure = "Run `make run` in a checkout, or pip install 'spreadguide[llama]'. Until then, answers are quotes."
    return Finding(
        there or not settings.use_generator, f"llama.cpp is {'installed' if there else 'not installed'}", cure
    )


def _generator(settings: Settings) -> Finding:
    if not settings.use_generator:
        return Finding(True, "The generator is switched off; answers are quotes")
    if settings.endpoint:
        return _endpoint(settings)
    model = resolve_generator(settings.model, model_folder(settings), load_catalogue())
    return Finding(True, f"Generator {model.model_id}: {model.path}, checked")


def _tuning(settings: Settings) -> Finding:
    if not settings.use_generator or settings.endpoint:
        return Finding(True, "There is nothing to tune: no model runs on this machine")
    try:
        model = resolve_generator(settings.model, model_folder(settings), load_catalogue())
    except ModelError:
        return Finding(True, "The model was not tuned to this machine: it is not here, as said above")
    found = kept_calibration(engine_dir(), model.path)
    if found is None:
        return Finding(True, "The model was not tuned to this machine; `spreadguide tune` does it in two minutes")
    taken = "; ".join(trial.change for trial in found.trials if trial.taken) or "the defaults are best"
    rates = f"{found.prompt_rate:.0f} tokens a second read, {found.writing_rate:.1f} written"
    return Finding(True, f"The model was tuned to this machine: {taken} ({rates} at that time)")


def _endpoint(settings: Settings) -> Finding:
    where = endpoint_settings(settings)
    generator = EndpointGenerator(where)
    generator.start()
    try:
        generator.wait(ENDPOINT_SECONDS)
        state = generator.state
    finally:
        generator.close()
    key = "a key is set" if where.key else "no key is set"
    line = (
        f"Questions and evidence go to {where.base.scheme}://{where.base.netloc.decode()}, model {where.model}; {key}"
    )
    if state.status is GeneratorStatus.READY:
        return Finding(True, line)
    return Finding(False, f"{line}. {state.reason}", state.hint)


def _memory(settings: Settings) -> Finding:
    free = psutil.virtual_memory().available
    if not settings.use_generator or settings.endpoint:
        return Finding(True, f"{free / 1e9:.1f} GB of memory are free")
    cure = "Close other programs, or choose a smaller model."
    return Finding(free > NEEDED_MEMORY_BYTES, f"{free / 1e9:.1f} GB of memory are free (2.5 GB needed)", cure)


def _disk(settings: Settings) -> Finding:
    folder = model_folder(settings)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(free > NEEDED_DISK_BYTES, f"{free / 1e9:.0f} GB of disk are free (2 GB needed)", "Free some disk.")


def _port(settings: Settings) -> Finding:
    host, port = settings.host, settings.port
    try:
        socket.create_connection((host, port), timeout=PORT_SECONDS).close()
    except ConnectionRefusedError:
        return Finding(True, f"Port {port} is free")
    except OSError as error:
        cure = "Choose an address of this machine with --host, such as 127.0.0.1."
        return Finding(False, f"The address {host}, port {port}, cannot be used: {error.strerror or error}.", cure)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if _is_ours(url):
        return Finding(True, f"SpreadGuide is running on {url}")
    return Finding(False, f"Port {port} is in use by another program.", "Choose another port with --port.")


def _is_ours(url: str) -> bool:
    """Whether the server at ``url`` answers as SpreadGuide does."""
    try:
        return httpx.get(f"{url}/healthz", timeout=PORT_SECONDS, trust_env=False).text == HEALTHY
    except httpx.HTTPError:
        return False
