import os
import sys

import pytest
from gguf_files import METADATA, build_gguf

from spreadguide.errors import ModelCorrupt, ModelMissing, UnknownModel
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.files import model_path, models_dir, resolve_generator, verify


@pytest.fixture
def stored(tmp_path, make_entry, body):
    """A model of the catalogue that lies in its folder: (entry, folder, path)."""
    entry = make_entry(body)
    path = tmp_path / "models" / entry.file
    path.parent.mkdir()
    path.write_bytes(body)
    return entry, path.parent, path


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is a Linux convention")
def test_the_default_folder_lies_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models_dir() == tmp_path / "spreadguide" / "models"


def test_a_good_file_is_hashed_once(stored):
    entry, folder, path = stored
    steps = []
    first = verify(entry, folder, progress=lambda *step: steps.append(step))
    assert (first.path, first.hashed, first.sha256) == (path, True, entry.sha256)
    assert sum(done for _, _, done in steps) == entry.bytes
    assert {(step, items) for step, items, _ in steps} == {("Checking tiny", entry.bytes)}
    assert verify(entry, folder).hashed is False
    assert verify(entry, folder, rehash=True).hashed is True


def test_a_missing_file_says_how_to_get_it(tmp_path, make_entry, body):
    with pytest.raises(ModelMissing) as caught:
        verify(make_entry(body), tmp_path)
    assert "spreadguide models pull tiny" in caught.value.hint


def test_a_truncated_file_is_refused_even_after_it_was_good(stored, body):
    entry, folder, path = stored
    verify(entry, folder)
    path.write_bytes(body[:-1])
    with pytest.raises(ModelCorrupt, match="319,999") as caught:
        verify(entry, folder)
    assert "spreadguide models pull tiny" in caught.value.hint


def test_changed_bytes_are_noticed_when_the_time_of_change_differs(stored, body):
    entry, folder, path = stored
    verify(entry, folder)
    before = path.stat().st_mtime_ns
    path.write_bytes(b"X" + body[1:])
    os.utime(path, ns=(before + 1, before + 1))
    with pytest.raises(ModelCorrupt, match="SHA-256"):
        verify(entry, folder)
    os.utime(path, ns=(before, before))
    with pytest.raises(ModelCorrupt, match="SHA-256"):  # what failed is no longer remembered as good
        verify(entry, folder)


def test_changed_bytes_under_an_old_date_are_noticed_when_asked_to_hash_again(stored, body):
    entry, folder, path = stored
    verify(entry, folder)
    before = path.stat().st_mtime_ns
    path.write_bytes(b"X" + body[1:])
    os.utime(path, ns=(before, before))
    assert verify(entry, folder).hashed is False
    with pytest.raises(ModelCorrupt, match="SHA-256"):
        verify(entry, folder, rehash=True)


@pytest.mark.parametrize("stamp", ["", "{}", "[1]", '{"sha256": "x"}', "\udcff"])
def test_a_damaged_note_means_hashing_again(stored, stamp):
    entry, folder, _ = stored
    (folder / "tiny.verified.json").write_text(stamp, "utf-8", errors="surrogateescape")
    assert verify(entry, folder).hashed is True


def test_a_note_that_cannot_be_written_does_no_harm(stored):
    entry, folder, _ = stored
    (folder / "tiny.verified.json").mkdir()
    assert verify(entry, folder).hashed is True
    assert verify(entry, folder).hashed is True


@pytest.mark.parametrize("model_id", ["all-minilm-l6-v2", "all-minilm-l6-v2-int8"])
def test_the_installed_embedders_are_found_and_right(tmp_path, model_id):
    entry = load_catalogue().get(model_id)
    assert verify(entry, tmp_path).path.name == entry.file
    assert verify(entry, tmp_path).hashed is False


def test_an_installed_model_is_found_without_running_its_package(tmp_path, monkeypatch, make_entry, body):
    package = tmp_path / "site" / "carried_model"
    package.mkdir(parents=True)
    trace = tmp_path / "was-run"
    (package / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\n", "utf-8")
    (package / "model.bin").write_bytes(body)
    monkeypatch.syspath_prepend(tmp_path / "site")
    source = {"kind": "installed", "package": "carried-model", "version": "1", "member": "carried_model/model.bin"}
    entry = make_entry(body, source)
    assert verify(entry, tmp_path / "models").path == package / "model.bin"
    assert not trace.exists()
    assert "carried_model" not in sys.modules


def test_an_embedder_that_is_not_installed_says_what_to_install(tmp_path, make_entry, body):
    source = {"kind": "installed", "package": "no-such-model", "version": "1", "member": "no_such_model/model.bin"}
    with pytest.raises(ModelMissing, match="no-such-model") as caught:
        model_path(make_entry(body, source), tmp_path)
    assert "pip install" in caught.value.hint
    assert "no-such-model==1" in caught.value.hint


def _catalogue_of(entry):
    shipped = load_catalogue()
    changed = entry.model_copy(update={"default": True})
    return shipped.model_copy(update={"model": (changed, *shipped.model[3:])})


def test_a_generator_is_resolved_by_id(stored):
    entry, folder, path = stored
    found = resolve_generator("tiny", folder, _catalogue_of(entry))
    assert (found.model_id, found.path, found.chat_format, found.context) == ("tiny", path, "chatml", 512)


def test_a_generator_of_the_catalogue_with_wrong_bytes_is_not_resolved(stored, body):
    entry, folder, path = stored
    path.write_bytes(b"X" + body[1:])
    with pytest.raises(ModelCorrupt):
        resolve_generator("tiny", folder, _catalogue_of(entry))


@pytest.mark.parametrize("as_text", [True, False])
def test_any_gguf_file_is_resolved_by_path(tmp_path, as_text):
    path = tmp_path / "mine.gguf"
    path.write_bytes(build_gguf(METADATA))
    found = resolve_generator(str(path) if as_text else path, tmp_path, load_catalogue())
    assert (found.model_id, found.path, found.chat_format, found.context) == ("mine.gguf", path, "chatml", 4096)


def test_a_tilde_means_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "mine.gguf").write_bytes(build_gguf(METADATA))
    assert resolve_generator("~/mine.gguf", tmp_path, load_catalogue()).path == tmp_path / "mine.gguf"


@pytest.mark.parametrize("data", [b"not a model at all", b"GG", build_gguf(METADATA)[:-10]])
def test_a_file_that_is_no_whole_gguf_is_refused(tmp_path, data):
    path = tmp_path / "mine.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelCorrupt, match=r"mine\.gguf"):
        resolve_generator(path, tmp_path, load_catalogue())


@pytest.mark.parametrize("name", ["absent.gguf", "some/folder"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path, name):
    with pytest.raises(ModelMissing, match="no model file"):
        resolve_generator(name, tmp_path, load_catalogue())


def test_only_generators_of_the_catalogue_are_resolved(tmp_path):
    with pytest.raises(UnknownModel, match="cannot write") as caught:
        resolve_generator("all-minilm-l6-v2", tmp_path, load_catalogue())
    assert "smollm2-135m-instruct" in caught.value.hint
    with pytest.raises(UnknownModel, match="gpt-9"):
        resolve_generator("gpt-9", tmp_path, load_catalogue())
