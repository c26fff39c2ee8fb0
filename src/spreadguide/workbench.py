"""Lends assistants to the evaluation: on reports or texts of a set, with the settings that answer users."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from platformdirs import user_cache_path

from spreadguide.adapters.index_files import IndexFiles
from spreadguide.adapters.served_generator import ServedGenerator
from spreadguide.assistant import Assistant
from spreadguide.building import make_embedder
from spreadguide.evaluation.run import Workbench
from spreadguide.indexing.build import build_index
from spreadguide.protocols import Embedder, PairJudge, Progress, ReportFile
from spreadguide.settings import Settings, ingest_limits
from spreadguide.wiring import answer_settings, make_generator, make_reader, open_library

RERANKED = 20
"""Passages that the cross-encoder reads where a measurement asks for it."""

GENERATOR_WAIT_SECONDS = 300.0
"""Longest wait for the model to load: reading a large file from a slow disk takes minutes."""


def evaluation_dir(settings: Settings) -> Path:
    """Return the folder of indexes made for sets and of kept runs: the setting's, or one in the user's cache."""
    return settings.evaluation_dir or user_cache_path("spreadguide", appauthor=False) / "evaluation"


def shipped_briefs() -> Path:
    """Return the folder of the briefs that come with SpreadGuide, installed or in a checkout."""
    installed = Path(str(files("spreadguide") / "_corpus"))
    return installed if installed.is_dir() else Path(__file__).resolve().parents[2] / "corpus"


class Bench(Workbench):
    """The real workbench. Indexes are kept, so that a second run embeds nothing."""

    def __init__(self, settings: Settings, progress: Progress, *, rerank: bool = False) -> None:
        """Nothing is loaded before it is needed. With ``rerank``, the cross-encoder reads what a search finds."""
        self._settings = settings
        self._progress = progress
        self._indexes = evaluation_dir(settings) / "indexes"
        self._embedder = make_embedder(settings)
        self._reader = make_reader()
        self._answering = replace(answer_settings(settings), reranked=RERANKED if rerank else 0)

    @property
    def embedder(self) -> Embedder:
        """The embedder that the settings name."""
        return self._embedder

    @property
    def reader(self) -> PairJudge:
        """The cross-encoder."""
        return self._reader

    @contextmanager
    def on_reports(self, folder: Path | None, name: str) -> Iterator[Assistant]:
        """Lend an assistant on the reports in ``folder``, or on the shipped briefs; raises `EmptyCorpus`.

        Where the settings want a generator, it is loaded and waited for. Raises `GeneratorUnavailable` when it is not
        there: a run without the model must not pass for one with it.
        """
        from spreadguide.ingest import scan_corpus

        folder = folder or shipped_briefs()
        found = scan_corpus(folder, limits=ingest_limits(self._settings))
        generator = make_generator(self._settings)
        if generator is not None:
            generator.start()
        try:
            if generator is not None:
                generator.wait(GENERATOR_WAIT_SECONDS)
                generator.count_tokens(["ready?"])
            with self._lent(found.files, found.warnings, self._place(name, str(folder.resolve())), generator) as lent:
                yield lent
        finally:
            if generator is not None:
                generator.close()

    @contextmanager
    def on_texts(self, texts: Sequence[ReportFile], name: str) -> Iterator[Assistant]:
        """Lend an assistant on ``texts``; it only searches and judges, and has no generator."""
        with self._lent(texts, (), self._place(name, "texts"), None) as lent:
            yield lent

    @contextmanager
    def _lent(
        self, reports: Sequence[ReportFile], warnings: Sequence[str], place: Path, generator: ServedGenerator | None
    ) -> Iterator[Assistant]:
        build_index(
            reports,
            warnings=warnings,
            embedder=self._embedder,
            writer=IndexFiles(),
            index_dir=place,
            progress=self._progress,
        )
        index, library = open_library(self._settings.model_copy(update={"index_dir": place}), self._embedder)
        try:
            yield Assistant(library, self._embedder, self._reader, generator, self._answering)
        finally:
            index.close()

    def _place(self, name: str, origin: str) -> Path:
        """Return the folder of one set's index; reports of one set's name in different folders have their own."""
        return self._indexes / f"{name}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}"
