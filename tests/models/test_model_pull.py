"""Fetching over HTTP and from disk. Fetching from packages is tested in test_model_carriers.py."""

import shutil
import subprocess
import threading

import pytest
from filelock import FileLock
from pull_process import interrupt

from spreadguide.errors import ModelCorrupt, ModelFetchFailed
from spreadguide.models import download
from spreadguide.models.catalogue import load_catalogue
from spreadguide.models.download import ATTEMPTS
from spreadguide.models.files import verify
from spreadguide.models.pull import pull


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


def _nothing_in_place(folder):
    return not (folder / "tiny.gguf").exists()


def _part(folder):
    return folder / "tiny.gguf.part"


def test_a_file_is_fetched_checked_and_put_in_place(folder, serve, make_entry, body):
    server = serve(body)
    steps = []
    path = pull(make_entry(body), folder, sources=[server.url], progress=lambda *step: steps.append(step))
    assert path == folder / "tiny.gguf"
    assert path.read_bytes() == body
    assert not _part(folder).exists()
    assert {step for step, _, _ in steps} == {"Fetching tiny", "Checking tiny"}
    assert sum(done for step, _, done in steps if step == "Fetching tiny") == len(body)
    assert all(items == len(body) and done > 0 for _, items, done in steps)
    assert verify(make_entry(body), folder).hashed is False  # the pull itself has just hashed it


def test_a_model_that_is_there_is_not_fetched_again(folder, serve, make_entry, body):
    server = serve(body)
    pull(make_entry(body), folder, sources=[server.url])
    pull(make_entry(body), folder, sources=[server.url])
    assert len(server.requests) == 1


def test_a_damaged_model_is_replaced(folder, serve, make_entry, body):
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"X" + body[1:])
    assert pull(make_entry(body), folder, sources=[serve(body).url]).read_bytes() == body


@pytest.mark.parametrize("name", ["tiny.gguf", "renamed.bin", None])
def test_a_file_or_folder_of_the_owner_will_do(tmp_path, folder, make_entry, body, name):
    own = tmp_path / "stick"
    own.mkdir()
    (own / (name or "tiny.gguf")).write_bytes(body)
    source = own / name if name else own
    assert pull(make_entry(body), folder, sources=[str(source)]).read_bytes() == body
    assert (own / (name or "tiny.gguf")).read_bytes() == body


def test_the_owners_sources_come_first_and_the_catalogues_follow(folder, serve, make_entry, body, tmp_path):
    server = serve(body)
    absent = tmp_path / "absent.gguf"
    other = tmp_path / "other.gguf"
    other.write_bytes(b"X" + body[1:])
    path = pull(make_entry(body), folder, sources=[str(absent), str(other), server.url])
    assert path.read_bytes() == body
    assert server.requests == [None]


def test_a_broken_transfer_is_taken_up_where_it_stopped(folder, serve, make_entry, body):
    server = serve(body, drop_after=100_000)
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_progress_counts_each_byte_once_however_many_sources_are_tried(folder, serve, make_entry, body):
    breaking = serve(body, drop_after=50_000)
    other = serve(body, ranges=False)
    steps = []
    entry = make_entry(body)
    pull(entry, folder, sources=[breaking.url, other.url], progress=lambda *step: steps.append(step))
    assert len(breaking.requests) == ATTEMPTS
    assert sum(done for step, _, done in steps if step == "Fetching tiny") == len(body)


def test_a_server_that_falls_silent_is_given_up(folder, serve, make_entry, body, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    silent = serve(body, drop_after=0, stall=threading.Event())
    assert pull(make_entry(body), folder, sources=[silent.url, serve(body).url]).read_bytes() == body
    assert silent.requests == [None]


def test_a_later_run_carries_on_where_an_earlier_one_gave_up(folder, serve, make_entry, body):
    server = serve(body, drop_after=50_000)
    with pytest.raises(ModelFetchFailed, match="connection broke 4 times") as caught:
        pull(make_entry(body), folder, sources=[server.url])
    assert "what has arrived is kept" in caught.value.hint
    assert _nothing_in_place(folder)
    assert _part(folder).read_bytes() == body[: ATTEMPTS * 50_000]
    server.drop_after = None
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests[-1] == "bytes=200000-"


def test_a_server_that_cannot_resume_sends_the_whole_file_again(folder, serve, make_entry, body):
    folder.mkdir()
    _part(folder).write_bytes(body[:1000])
    server = serve(body, ranges=False)
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == ["bytes=1000-"]


def test_wrong_first_bytes_of_an_earlier_run_are_fetched_anew(folder, serve, make_entry, body):
    folder.mkdir()
    _part(folder).write_bytes(b"X" * 1000)
    server = serve(body)
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == ["bytes=1000-", None]


def test_a_part_file_that_is_whole_or_too_long_is_no_obstacle(folder, serve, make_entry, body):
    server = serve(body)
    folder.mkdir()
    _part(folder).write_bytes(body)
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == []
    (folder / "tiny.gguf").unlink()
    _part(folder).write_bytes(body + b"more")
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == [None]


def test_wrong_bytes_are_thrown_away_and_named(folder, serve, make_entry, body):
    server = serve(b"X" + body[1:])
    with pytest.raises(ModelCorrupt, match="not the model's") as caught:
        pull(make_entry(body), folder, sources=[server.url])
    assert caught.value.hint
    assert _nothing_in_place(folder)
    assert not _part(folder).exists()


def test_no_more_bytes_are_stored_than_the_model_has(folder, serve, make_entry, body):
    with pytest.raises(ModelCorrupt, match="more bytes than the model has"):
        pull(make_entry(body[:-1]), folder, sources=[serve(body, declares_length=False).url])
    assert _nothing_in_place(folder)
    assert not _part(folder).exists()


@pytest.mark.parametrize("offered", [b"<html>Please log in</html>", b"a" * 400_000])
def test_a_file_of_another_size_is_not_even_begun(folder, serve, make_entry, body, offered):
    folder.mkdir()
    _part(folder).write_bytes(body[:10])
    with pytest.raises(ModelCorrupt, match="another file"):
        pull(make_entry(body), folder, sources=[serve(offered).url])
    assert _part(folder).read_bytes() == body[:10]


def test_a_file_shorter_than_what_is_there_is_not_begun(folder, serve, make_entry, body):
    folder.mkdir()
    _part(folder).write_bytes(body[:1000])
    with pytest.raises(ModelCorrupt, match="shorter than the model"):
        pull(make_entry(body), folder, sources=[serve(b"short").url])
    assert _part(folder).read_bytes() == body[:1000]


def test_a_file_that_ends_early_without_notice_is_kept_for_later(folder, serve, make_entry, body):
    server = serve(body, declares_length=False, drop_after=1000)
    with pytest.raises(ModelFetchFailed, match="ended after 1,000 bytes"):
        pull(make_entry(body), folder, sources=[server.url])
    assert _part(folder).read_bytes() == body[:1000]


def test_when_all_fail_each_source_is_named_with_its_reason(folder, serve, make_entry, body, tmp_path):
    url = serve(body, status=404).url
    secret = url.replace("://", "://user:secret@") + "?token=secret"
    with pytest.raises(ModelFetchFailed) as caught:
        pull(
            make_entry(body),
            folder,
            sources=[str(tmp_path / "absent"), secret, "ftp://example.org/m", "http://host:port/m"],
        )
    said = caught.value.message
    assert f"{tmp_path / 'absent'}: there is no such file" in said
    assert "/tiny.gguf: the server does not have the file (status 404)" in said
    assert "must begin with https" in said
    assert "the address is not valid" in said
    assert "the model hub (https://127.0.0.1/tiny.gguf): the server cannot be reached" in said
    assert "secret" not in said


def test_an_address_that_makes_no_sense_is_a_failed_source_like_any_other(folder, make_entry, body):
    with pytest.raises(ModelFetchFailed, match="an address that is not valid: "):
        pull(make_entry(body), folder, sources=["http://[bad"])


def test_a_redirect_over_an_unprotected_connection_is_not_followed(folder, serve, make_entry, body):
    goal = serve(body)
    with pytest.raises(ModelFetchFailed, match="unprotected connection"):
        pull(make_entry(body), folder, sources=[serve(b"", location=goal.url).url])
    assert goal.requests == []


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that this process trusts: (certificate file, key file)."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command, which makes the certificate, is not here")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    return files


def test_a_hub_may_redirect_to_another_protected_address(folder, serve, make_entry, body, certificate):
    goal = serve(body, tls=certificate)
    hub = serve(b"", tls=certificate, location=goal.url)
    folder.mkdir()
    _part(folder).write_bytes(body[:1000])
    entry = make_entry(body, {"kind": "hub", "url": hub.url})
    assert pull(entry, folder).read_bytes() == body
    assert goal.requests == ["bytes=1000-"]


def test_a_hub_may_neither_leave_protection_nor_redirect_for_ever(folder, serve, make_entry, body, certificate):
    plain = serve(body)
    leaving = serve(b"", tls=certificate, location=plain.url)
    circle = serve(b"", tls=certificate)
    circle.location = circle.url
    with pytest.raises(ModelFetchFailed) as caught:
        pull(make_entry(body), folder, sources=[leaving.url, circle.url])
    assert "unprotected connection" in caught.value.message
    assert "more than 5 times" in caught.value.message
    assert plain.requests == []


def test_a_server_with_an_untrusted_certificate_is_refused(folder, serve, make_entry, body, certificate, monkeypatch):
    server = serve(body, tls=certificate)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ModelFetchFailed, match=r"(?i)certificate"):
        pull(make_entry(body), folder, sources=[server.url])


def test_two_pulls_of_one_model_do_not_mix(folder, serve, make_entry, body):
    server = serve(body)
    folder.mkdir()
    with FileLock(folder / "tiny.gguf.lock"), pytest.raises(ModelFetchFailed, match="another run"):
        pull(make_entry(body), folder, sources=[server.url])
    assert server.requests == []
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body


def test_a_model_larger_than_the_disk_is_refused_before_anything_is_fetched(folder, serve, make_entry, body):
    server = serve(body)
    with pytest.raises(ModelFetchFailed, match="not enough room") as caught:
        pull(make_entry(body, bytes=10**17), folder, sources=[server.url])
    assert caught.value.hint
    assert server.requests == []


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path, make_entry, body):
    (tmp_path / "file").write_text("in the way", "utf-8")
    with pytest.raises(ModelFetchFailed, match="cannot be stored"):
        pull(make_entry(body), tmp_path / "file" / "models")


def test_wrong_proxy_settings_are_a_clear_error(folder, make_entry, body, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ModelFetchFailed, match="proxy"):
        pull(make_entry(body), folder)


def test_an_installed_model_needs_no_fetching(folder):
    entry = load_catalogue().get("all-minilm-l6-v2-int8")
    assert pull(entry, folder).name == "model.onnx"


def test_a_model_that_pip_should_have_installed_is_not_fetched_elsewhere(folder, make_entry, body):
    source = {"kind": "installed", "package": "no-such-model", "version": "1", "member": "no_such_model/model.bin"}
    with pytest.raises(ModelFetchFailed, match="not installed") as caught:
        pull(make_entry(body, source), folder)
    assert "no-such-model==1" in caught.value.hint


def test_ctrl_c_leaves_what_has_arrived_and_no_half_model(folder, serve, make_entry, body, start_pull):
    server = serve(body, drop_after=200_000, stall=threading.Event())
    process = start_pull(make_entry(body), folder, server.url)
    assert process.stdout.readline().startswith("Fetching tiny")
    assert "KeyboardInterrupt" in interrupt(process)
    assert _nothing_in_place(folder)
    kept = _part(folder).read_bytes()
    assert body.startswith(kept)
    assert kept
    server.stall = server.drop_after = None
    assert pull(make_entry(body), folder, sources=[server.url]).read_bytes() == body
    assert server.requests == [None, f"bytes={len(kept)}-"]
