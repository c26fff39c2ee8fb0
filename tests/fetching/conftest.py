"""A site on loopback, and fetchers that may ask it, as only tests may."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import docx
import pptx
import pytest
from fetch_samples import SENTENCE, here, make_pdf
from web_server import Site, serving

from spreadguide.fetching.fetcher import Fetcher, FetchLimits


@pytest.fixture
def serve() -> Iterator[Callable[..., Site]]:
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(serving(*args, **kwargs))


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    return serve()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The empty folder that a fetched file goes into."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / ".fetching"


@pytest.fixture
def fetcher(parts: Path) -> Callable[..., Fetcher]:
    def make(permits=here, progress=None, resolve=None, **limits) -> Fetcher:
        own = {"resolve": resolve} if resolve else {}
        return Fetcher(parts, FetchLimits(**limits), permits=permits, progress=progress, **own)

    return make


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def pdf() -> bytes:
    """A PDF of about 100 kB that no packing shrinks."""
    return make_pdf(SENTENCE)


@pytest.fixture(scope="session")
def word() -> bytes:
    document = docx.Document()
    document.add_heading("Rapid hubs", 0)
    document.add_paragraph(SENTENCE)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="session")
def slides() -> bytes:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Rapid hubs"
    slide.placeholders[1].text = SENTENCE
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="session")
def page() -> bytes:
    return f"<!DOCTYPE html><html><head><title>Rapid hubs</title></head><body><p>{SENTENCE}</p></body></html>".encode()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for reports.example, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command, which makes the certificate, is not here")
    folder = tmp_path_factory.mktemp("tls")
    names = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=reports.example", "-days", "2"]
    command += ["-addext", "subjectAltName=DNS:reports.example", "-out", str(names[0]), "-keyout", str(names[1])]
    subprocess.run(command, check=True, capture_output=True)
    return names
