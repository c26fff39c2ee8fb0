"""Building an index: what is embedded again, what a failing build leaves behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from index_samples import ReadReport, WordEmbedder, build, document, reports

from spreadguide.adapters.index_draft import FileDraft
from spreadguide.adapters.index_files import IndexFiles, open_index
from spreadguide.errors import EmptyCorpus, IndexingError, ModelMissing, UnreadableDocument
from spreadguide.indexing.build import EMBEDDING
from spreadguide.indexing.publish import live_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from index_samples import build, reports, document
from spreadguide.adapters.index_draft import FileDraft
from spreadguide.adapters.index_files import IndexFiles

class Killed(FileDraft):
    def {step}(self, *arguments):
        super().{step}(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

class Writer(IndexFiles):
    def begin(self, folder, *, embedder, previous, leftovers):
        return Killed(folder, embedder, previous, leftovers)

build(Path(sys.argv[1]), [*reports(), document("new.md", "New", "Something new was said.")], writer=Writer())
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
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if not path.name.startswith(".lock")}
    embedder = WordEmbedder()
    second = build(tmp_path, reports()[::-1], embedder=embedder)
    assert embedder.embedded == []
    assert replace(second, seconds=0) == replace(first, seconds=0, embedded=0, reused=first.passages)
    assert {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if not path.name.startswith(".lock")
    } == before


def test_the_model_is_loaded_beside_the_reading_when_there_is_something_to_read(tmp_path):
    first, second = WordEmbedder(), WordEmbedder()
    build(tmp_path, embedder=first)
    build(tmp_path, embedder=second)
    assert (first.prepared, second.prepared) == (1, 0)


def test_a_model_that_cannot_be_loaded_fails_the_build_and_keeps_the_live_index(tmp_path):
    class Missing(WordEmbedder):
        def prepare(self):
            raise ModelMissing("The model is not there.")

        def embed_documents(self, *_args, **_options):
            self.prepare()

    live = build(tmp_path, reports()[:1])
    with pytest.raises(ModelMissing):
        build(tmp_path, embedder=Missing())
    assert live_folder(tmp_path).name == live.fingerprint


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
    for file in ("passages.faiss", "units.f16", "unit_keys.bin", "passage_keys.bin", "terms.i32", "sketches.u32"):
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


def test_a_removed_report_leaves_no_trace_on_the_disk(tmp_path):
    build(tmp_path)
    build(tmp_path, reports()[:1])
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"wards took part" in everything
    for gone in (b"charity", b"partner organis", b"monitoring", b"funding.md"):
        assert gone not in everything


def test_a_renamed_report_embeds_nothing(tmp_path):
    build(tmp_path)
    first, *rest = reports()
    moved = replace(first, path="elsewhere/wards-2.md", source_id="elsewhere-wards-2")
    embedder = WordEmbedder()
    summary = build(tmp_path, [moved, *rest], embedder=embedder)
    assert embedder.embedded == []
    assert (summary.embedded, summary.removed) == (0, 0)
    index = open_index(tmp_path, embedder_id="words@1")
    assert {source.path for source in index.store.sources()} == {"elsewhere/wards-2.md", "funding.md", "reach.txt"}
    index.close()


@pytest.mark.parametrize("order", [1, -1])
def test_an_updated_index_answers_as_one_built_anew(tmp_path, order):
    """Every file but the manifest's list is the same, whatever was there before."""
    changed = document("funding.md", "Helping others adopt a service", "# Money", "The charity gave £5.")
    last = [reports()[0], changed, document("zoo.md", "New", "Something new was said.")]
    build(tmp_path / "twice", reports()[::order])
    build(tmp_path / "twice", last)
    build(tmp_path / "once", last)
    name = live_folder(tmp_path / "once").name
    once, twice = (
        {
            path.relative_to(tmp_path / place).as_posix(): path.read_bytes()
            for path in (tmp_path / place / name).rglob("*")
            if path.is_file() and path.suffix not in (".sqlite", ".json")
        }
        for place in ("once", "twice")
    )
    assert once == twice
    rows = [
        sqlite3.connect(tmp_path / place / name / "store.sqlite").execute("SELECT * FROM passages").fetchall()
        for place in ("once", "twice")
    ]
    assert rows[0] == rows[1]


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


def test_ctrl_c_while_embedding_keeps_the_live_index_and_what_was_embedded(tmp_path, monkeypatch):
    class Interrupted(WordEmbedder):
        def embed_queries(self, texts):
            if len(self.embedded) > 2:
                raise KeyboardInterrupt
            return super().embed_queries(texts)

    monkeypatch.setattr("spreadguide.indexing.build.BATCH", 2)
    first = build(tmp_path, reports()[:1])
    stopped, after = Interrupted(), WordEmbedder()
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, embedder=stopped)
    assert live_folder(tmp_path).name == first.fingerprint
    build(tmp_path, embedder=after)
    kept = stopped.embedded[:2]
    assert kept
    assert not set(kept) & set(after.embedded)
    assert _folders(tmp_path) == [live_folder(tmp_path).name]


def test_vectors_that_a_power_cut_left_half_written_are_made_again(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        _killed_after(tmp_path, "fill")
    (leftover,) = tmp_path.glob("building-*")
    for name in ("units.f16", "passages.f32"):
        content = (leftover / name).read_bytes()
        (leftover / name).write_bytes(content[:8] + bytes(len(content) - 8))
    embedder = WordEmbedder()
    build(tmp_path, embedder=embedder)
    build(tmp_path / "anew")
    name = live_folder(tmp_path).name
    assert (tmp_path / name / "units.f16").read_bytes() == (tmp_path / "anew" / name / "units.f16").read_bytes()


def test_a_failure_while_writing_keeps_the_live_index(tmp_path):
    class DiskFull(FileDraft):
        def finish(self, superseded):
            super().finish(superseded)
            raise OSError(28, "No space left on device")

    class Writer(IndexFiles):
        def begin(self, folder, *, embedder, previous, leftovers):
            return DiskFull(folder, embedder, previous, leftovers)

    first = build(tmp_path)
    with pytest.raises(IndexingError, match="No space left"):
        build(tmp_path, reports()[:1], writer=Writer())
    assert _folders(tmp_path) == [first.fingerprint]


def _killed_after(index_dir, step):
    command = [sys.executable, "-c", KILLED.format(step=step), str(index_dir)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, env=environment, capture_output=True)


@pytest.mark.parametrize("step", ["add", "fill", "finish"])
def test_a_build_killed_before_publishing_leaves_the_live_index(tmp_path, step):
    first = build(tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _killed_after(tmp_path, step)
    assert caught.value.returncode == -signal.SIGKILL
    assert _folders(tmp_path) == sorted([first.fingerprint, "building-1"])
    index = open_index(tmp_path, embedder_id="words@1")
    assert index.fingerprint == first.fingerprint
    index.close()
    assert build(tmp_path).embedded == 0
    assert _folders(tmp_path) == [first.fingerprint]


@pytest.mark.parametrize("rename", range(3))
def test_a_build_killed_while_publishing_leaves_a_whole_index(tmp_path, rename):
    """Killed right after each rename, with a report that cannot be read, so that no build has nothing to do."""
    build(tmp_path, reports()[:1])
    script = f"""
import os, signal, sys
from pathlib import Path
from index_samples import build

class Counted(type(Path())):
    renames = 0

def counting(rename):
    def renamed(self, target):
        done = rename(self, target)
        Counted.renames += 1
        if Counted.renames == {rename} + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return renamed

Path.rename, Path.replace = counting(Path.rename), counting(Path.replace)
build(Path(sys.argv[1]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env=environment)
    assert killed.returncode in (-signal.SIGKILL, 0)
    index = open_index(tmp_path, embedder_id="words@1")
    assert index.counts.documents in (1, 3)
    index.close()
    embedder = WordEmbedder()
    assert build(tmp_path, embedder=embedder).documents == 3
    assert _folders(tmp_path) == [live_folder(tmp_path).name]


def test_a_build_killed_at_its_end_keeps_what_it_embedded(tmp_path):
    """A new report, so that its text has been embedded by nobody but the build that was killed."""
    new = document("new.md", "New", "Something new was said.")
    build(tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        _killed_after(tmp_path, "finish")
    embedder = WordEmbedder()
    build(tmp_path, [*reports(), new], embedder=embedder)
    assert embedder.embedded == []


def test_a_new_folder_may_bear_the_name_of_a_leftover_that_was_discarded(tmp_path):
    (tmp_path / "building-1").mkdir()
    (tmp_path / "building-1" / "units.f16").write_bytes(b"x" * 20_000)
    (tmp_path / "building-2").mkdir()
    summary = build(tmp_path)
    assert _folders(tmp_path) == [summary.fingerprint]


def test_an_index_that_nothing_points_to_yet_is_of_use(tmp_path):
    """A build that was killed between the move of its folder and the switch of CURRENT."""
    build(tmp_path)
    (tmp_path / "CURRENT").unlink()
    embedder = WordEmbedder()
    build(tmp_path, [*reports(), document("new.md", "New", "Something new was said.")], embedder=embedder)
    assert embedder.embedded == ["New. Something new was said."]


def test_the_live_index_is_not_replaced_by_its_like(tmp_path):
    class Broken(ReadReport):
        def read(self):
            raise UnreadableDocument("bad.pdf is damaged.", hint="Save it again.")

    files = [*(ReadReport(report) for report in reports()), Broken(document("bad.pdf", "Bad", "No."))]
    build(tmp_path, files=files)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*") if not path.name.startswith(".lock")}
    build(tmp_path, files=files)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*") if not path.name.startswith(".lock")} == before


def test_what_a_time_limit_cut_short_is_read_again(tmp_path):
    short = replace(reports()[0], complete=False)
    first = build(tmp_path, [short, *reports()[1:]])
    again = build(tmp_path, [short, *reports()[1:]])
    assert again.fingerprint == first.fingerprint
    whole = document("wards.md", "Safety on hospital wards", "Thirty-three wards took part.", "All of it was read.")
    last = build(tmp_path, [replace(whole, sha256=short.sha256, metadata=short.metadata), *reports()[1:]])
    index = open_index(tmp_path, embedder_id="words@1")
    assert "All of it was read." in index.store.document_text("wards-md")
    assert last.fingerprint != first.fingerprint
    index.close()


def test_a_report_that_cannot_be_read_is_tried_again_each_time(tmp_path):
    class Broken(ReadReport):
        def read(self):
            raise UnreadableDocument("bad.pdf is damaged.", hint="Save it again.")

    bad = Broken(document("bad.pdf", "Bad", "It was mended."))
    files = [ReadReport(report) for report in reports()]
    both = [*files, bad]
    summaries = [build(tmp_path, files=both) for _ in range(2)]
    assert [summary.warnings for summary in summaries] == [("bad.pdf is damaged. Save it again.",)] * 2
    assert summaries[0].fingerprint == summaries[1].fingerprint
    mended = build(tmp_path, files=[*files, ReadReport(bad.document)])
    assert (mended.documents, mended.embedded, mended.warnings) == (4, 1, ())


def test_a_later_edition_takes_the_place_of_the_report_it_names(tmp_path):
    old, *rest = reports()
    new = document("new.md", "Safety on hospital wards, second edition", "Forty wards took part.")
    new = replace(new, metadata=replace(new.metadata, supersedes=("wards.md", "nowhere.md")))
    summary = build(tmp_path, [old, *rest, new])
    assert summary.warnings == (
        'new.md supersedes "nowhere.md", but there is no such report. Correct the path, or leave it out.',
    )
    index = open_index(tmp_path, embedder_id="words@1")
    assert {source.path: source.metadata.status.value for source in index.store.sources()} == {
        "wards.md": "superseded",
        "funding.md": "current",
        "reach.txt": "current",
        "new.md": "current",
    }
    index.close()
    build(tmp_path, [old, *rest])
    index = open_index(tmp_path, embedder_id="words@1")
    assert {source.metadata.status.value for source in index.store.sources()} == {"current"}
    index.close()


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
