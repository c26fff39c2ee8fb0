"""The other commands: models, doctor, serve, settings and usage."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading

import httpx
import pytest
from commands import PATIENCE_SECONDS, command, environment, run, run_badly, run_process
from small_corpus import HOW_LONG

from spreadguide import __version__
from spreadguide.models.catalogue import load_catalogue


def test_version_help_and_wrong_usage(tmp_path):
    assert run_process("--version", cwd=tmp_path).stdout == f"SpreadGuide {__version__}\n"
    shown = run("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for name in ("ask", "search", "serve", "doctor", "index", "models"):
        assert f" {name} " in shown.stdout
    assert run_process("no-such-command", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask"], "question"),
        (["search", "wards", "-k", "0"], "-k"),
        (["search", "wards", "-k", "many"], "-k"),
        (["serve", "--port", "high"], "--port"),
        (["ask", "wards?", "--surprise"], "--surprise"),
    ],
)
def test_a_wrong_option_is_named(tmp_path, arguments, named):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr


def test_the_models_of_the_catalogue(tmp_path):
    shown = run("models", "list", cwd=tmp_path, models_dir=tmp_path)
    listed = json.loads(run_process("models", "list", "--json", cwd=tmp_path, models_dir=tmp_path).stdout)
    catalogue = load_catalogue()
    assert [row["id"] for row in listed] == [entry.id for entry in catalogue.model]
    for entry, row in zip(catalogue.model, listed, strict=True):
        assert f"{entry.id} " in shown.stdout
        assert row["sha256"] == entry.sha256
        assert row["present"] is (entry.kind != "generator")
    assert "not pulled" in shown.stdout


def test_models_are_verified_again(tmp_path):
    right = run("models", "verify", cwd=tmp_path, models_dir=tmp_path)
    assert right.returncode == 0
    here = [entry for entry in load_catalogue().model if entry.kind != "generator"]
    assert right.stdout.splitlines() == [f"{entry.id}: right" for entry in here]
    entry = next(entry for entry in load_catalogue().model if entry.kind == "generator")
    missing = run("models", "verify", entry.id, cwd=tmp_path, models_dir=tmp_path)
    assert missing.returncode == 1
    assert f"{entry.id}: The model {entry.id} is not on this machine" in missing.stdout
    (tmp_path / entry.file).write_bytes(b"GGUF")
    truncated = run_process("models", "verify", cwd=tmp_path, models_dir=tmp_path)
    assert truncated.returncode == 1
    assert "is damaged" in truncated.stdout
    assert f"spreadguide models pull {entry.id}" in truncated.stdout


@pytest.mark.parametrize(
    "asked", [["models", "verify", "gpt"], ["models", "pull", "gpt"], ["ask", "wards?", "--model", "gpt"]]
)
def test_an_unknown_model_is_refused_with_those_there_are(built, asked):
    said = run_badly(*asked, cwd=built.corpus, index_dir=built.index)
    assert "gpt" in said
    assert load_catalogue().model[0].id in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("port = ", "spreadguide.toml"),
        ("port = 80000", "port"),
        ('port = "high"', "port"),
        ("surprise = 1", "surprise"),
        (b"host = '\xff'", "spreadguide.toml"),
    ],
)
def test_a_wrong_settings_file_is_named(tmp_path, text, problem):
    (tmp_path / "spreadguide.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    said = run_badly("search", "wards", cwd=tmp_path)
    assert problem in said


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path):
    (tmp_path / "spreadguide.toml").write_text('index_dir = "from-file"\n')
    assert "in from-file yet" in run_badly("search", "wards", cwd=tmp_path)
    assert "in from-environment yet" in run_badly(
        "search", "wards", cwd=tmp_path, process=True, index_dir="from-environment"
    )
    said = run_badly("search", "wards", "--index", "from-option", cwd=tmp_path, index_dir="from-environment")
    assert "in from-option yet" in said
    assert "in from-file yet" in run_badly("search", "wards", cwd=tmp_path, index_dir="")


def test_a_wrong_environment_variable_is_named(tmp_path):
    assert "port" in run_badly("search", "wards", cwd=tmp_path, port="high")


def test_a_leading_tilde_in_a_setting_is_the_users_own_folder(tmp_path):
    (tmp_path / "spreadguide.toml").write_text('index_dir = "~/my-index"\n')
    said = run_badly("search", "wards", cwd=tmp_path)
    assert "~" not in said
    assert "my-index" in said


def test_the_doctor_says_what_is_right_and_what_to_do(built, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_process(
            "doctor", cwd=tmp_path, index_dir=built.index, corpus_dir=built.corpus, models_dir=tmp_path, port=port
        )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"ok    SpreadGuide {__version__}" in lines[0]
    assert f"ok    Reports folder {built.corpus}: 3 files" in lines
    assert any(line.startswith(f"ok    Index {built.printed['fingerprint']}") for line in lines)
    model = next(place for place, line in enumerate(lines) if "is not on this machine" in line)
    assert lines[model].startswith("LOOK  ")
    assert "spreadguide models pull" in lines[model + 1]
    assert f"LOOK  Port {port} is in use by another program." in lines
    for place, line in enumerate(lines):
        if line.startswith("LOOK"):
            assert lines[place + 1].startswith("      What to do: "), line


def test_the_doctor_goes_on_where_everything_is_missing(tmp_path):
    done = run(
        "doctor", cwd=tmp_path, index_dir="no", corpus_dir="no", embedder="no", model="no.gguf", host="no.invalid"
    )
    assert done.returncode == 1
    assert len([line for line in done.stdout.splitlines() if line.startswith("LOOK")]) >= 5
    assert "There is no folder of reports at no." in done.stdout
    assert "The address no.invalid" in done.stdout


def test_a_port_in_use(built):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        asked = ("serve", "--port", str(port), "--no-llm", "--index", built.index)
        said = run_badly(*asked, cwd=built.corpus, process=True)
    assert f"Port {port} on 127.0.0.1 cannot be used: Address already in use." in said
    assert "--port" in said


def test_an_address_of_another_machine(built):
    asked = ("serve", "--host", "192.0.2.1", "--port", "8000", "--index", built.index)
    said = run_badly(*asked, cwd=built.corpus, process=True)
    assert "192.0.2.1" in said
    assert "--host" in said


def test_serving_the_chat_and_the_api_until_ctrl_c(built, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = command("serve", "--port", str(port), "--index", built.index)
    server = subprocess.Popen(
        arguments,
        cwd=tmp_path,
        env=environment(models_dir=tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    patience = threading.Timer(PATIENCE_SECONDS, server.kill)
    patience.start()
    try:
        url = f"http://127.0.0.1:{port}"
        said = ""
        while f"SpreadGuide is ready: {url}" not in said:
            line = server.stderr.readline()
            assert line, said
            said += line
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            # The port is open before the server takes requests, so the first one only has to be patient.
            assert client.get("/healthz").json() == {"status": "alive"}
            assert "SpreadGuide" in client.get("/").text
            assert client.get("/readyz").status_code == 503
            assert "up to three years" in client.post("/v1/ask", json={"question": HOW_LONG}).json()["text"]
            assert client.get("/v1/nowhere").status_code == 404
            assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        doctor = run("doctor", cwd=tmp_path, index_dir=built.index, corpus_dir=built.corpus, port=str(port))
        assert f"ok    SpreadGuide is running on {url}" in doctor.stdout
        os.killpg(server.pid, signal.SIGINT)
        out, rest = server.communicate(timeout=PATIENCE_SECONDS)
    finally:
        patience.cancel()
        server.kill()
        server.communicate()
    assert server.returncode == 130
    assert "Traceback" not in said + rest
    assert rest.splitlines()[-1].startswith("Stopped.")
    assert out == ""
