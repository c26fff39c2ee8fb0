"""Building an index: what is embedded again, what a failing build leaves behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from index_samples import WordEmbedder, build, document, reports

from spreadguide.adapters.index_files import IndexFiles, open_index
from spreadguide.errors import EmptyCorpus
from spreadguide.indexing.build import EMBEDDING
from spreadguide.indexing.publish import live_folder

KILLED_BEFORE_PUBLISHING = """
import os, signal, sys
from pathlib import Path
from index_samples import build, document
from spreadguide.adapters.index_files import IndexFiles

class Killed(IndexFiles):
    def write(self, *arguments):
        super().write(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

build(Path(sys.argv[1]), [document("new.md", "New", "Something new was said.")], writer=Killed())
"""


def _folders(index_dir):
    return sorted(path.name for path in index_dir.iterdir() if path.is_dir())


def test_a_first_build_embeds_everything_once_and_says_so(tmp_path):
    embedder, steps = WordEmbedder(), []
    summary = build(tmp_path, embedder=embedder, progress=lambda *step: steps.append(step))
    assert (summary.documents, summary.embedded, summary.reused, summary.removed) == (3, summary.passages, 0, 0)
    assert summary.passages == 5
    assert len(embedder.embedded) == len(set(embedder.embedded))
    assert sum(done for step, _, done in steps if step == EMBEDDING) == len(embedder.embedded)
    assert {items for step, items, _ in steps if step == EMBEDDING} == {len(embedder.embedded)}
    assert live_folder(tmp_path).name == summary.fingerprint


def test_a_second_build_embeds_nothing_and_writes_nothing(tmp_path):
    first = build(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != ".lock"}
    embedder = WordEmbedder()
    second = build(tmp_path, reports()[::-1], embedder=embedder)
    assert embedder.embedded == []
    assert replace(second, seconds=0) == replace(first, seconds=0, embedded=0, reused=first.passages)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != ".lock"} == before


def test_a_new_report_is_the_only_one_embedded(tmp_path):
    first = build(tmp_path)
    embedder = WordEmbedder()
    new = document("new.md", "New", "Pharmacies gave 12 more jabs.")
    second = build(tmp_path, [*reports(), new], embedder=embedder)
    assert embedder.embedded == ["New. Pharmacies gave 12 more jabs."]
    assert (second.embedded, second.reused, second.removed) == (1, first.passages, 0)


def test_vectors_that_are_used_again_are_the_same(tmp_path):
    build(tmp_path / "twice", reports()[:2])
    build(tmp_path / "twice")
    build(tmp_path / "once")
    name = live_folder(tmp_path / "once").name
    for file in ("passages.faiss", "units.npy", "unit_keys.npy", "passage_keys.npy"):
        assert (tmp_path / "twice" / name / file).read_bytes() == (tmp_path / "once" / name / file).read_bytes()


def test_the_same_reports_give_the_same_bytes(tmp_path):
    for place in ("one", "two"):
        build(tmp_path / place)
    manifests = [json.loads((live_folder(tmp_path / place) / "manifest.json").read_text()) for place in ("one", "two")]
    assert manifests[0] == manifests[1]


def test_removed_reports_are_counted_and_gone(tmp_path):
    build(tmp_path)
    embedder = WordEmbedder()
    summary = build(tmp_path, reports()[:1], embedder=embedder)
    assert (summary.documents, summary.removed, summary.embedded, embedder.embedded) == (1, 2, 0, [])
    index = open_index(tmp_path, embedder_id="words@1")
    assert [source.path for source in index.store.sources()] == ["wards.md"]
    index.close()


def test_reports_that_come_back_are_taken_from_the_index_kept_beside(tmp_path):
    first = build(tmp_path)
    build(tmp_path, reports()[:1])
    embedder = WordEmbedder()
    assert build(tmp_path, embedder=embedder).fingerprint == first.fingerprint
    assert live_folder(tmp_path).name == first.fingerprint
    assert embedder.embedded == []


def test_another_embedder_embeds_everything_anew(tmp_path):
    build(tmp_path)
    summary = build(tmp_path, embedder=WordEmbedder("words@2"))
    assert (summary.embedded, summary.reused) == (summary.passages, 0)


@pytest.mark.parametrize("name", ["passages.faiss", "store.sqlite", "manifest.json"])
def test_a_damaged_index_is_built_again_with_a_warning(tmp_path, name):
    first = build(tmp_path)
    file = live_folder(tmp_path) / name
    file.write_bytes(file.read_bytes()[:-9])
    summary = build(tmp_path)
    assert summary.fingerprint == first.fingerprint
    assert name in summary.warnings[0]
    open_index(tmp_path, embedder_id="words@1").close()
    assert _folders(tmp_path) == [first.fingerprint]


def test_ctrl_c_while_embedding_keeps_the_live_index(tmp_path):
    class Interrupted(WordEmbedder):
        def embed_queries(self, texts):
            raise KeyboardInterrupt(len(texts))

    first = build(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, reports()[:1], embedder=Interrupted("words@2"))
    assert live_folder(tmp_path).name == first.fingerprint
    assert _folders(tmp_path) == [first.fingerprint]
    assert build(tmp_path).embedded == 0


def test_a_failure_while_writing_keeps_the_live_index(tmp_path):
    class DiskFull(IndexFiles):
        def write(self, folder, *arguments):
            super().write(folder, *arguments)
            raise KeyboardInterrupt

    first = build(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, reports()[:1], writer=DiskFull())
    assert _folders(tmp_path) == [first.fingerprint]


def test_a_build_killed_before_publishing_leaves_the_live_index(tmp_path):
    first = build(tmp_path)
    command = [sys.executable, "-c", KILLED_BEFORE_PUBLISHING, str(tmp_path)]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    assert len(_folders(tmp_path)) == 2
    index = open_index(tmp_path, embedder_id="words@1")
    assert index.fingerprint == first.fingerprint
    index.close()
    assert build(tmp_path).embedded == 0
    assert _folders(tmp_path) == [first.fingerprint]


def test_no_report_at_all_is_told_plainly(tmp_path):
    for documents in ([], [document("a.md", "Only a title")]):
        with pytest.raises(EmptyCorpus, match="no report") as caught:
            build(tmp_path, documents)
        assert "Add reports" in caught.value.hint


def test_a_report_without_text_is_a_warning_that_names_it_each_time(tmp_path):
    documents = [*reports(), document("bare.md", "Only a title")]
    for _ in range(2):
        summary = build(tmp_path, documents)
        assert summary.warnings == ("bare.md: the report has no text below its headings.",)
        assert summary.documents == 4
