"""Where an endpoint may be, that its key is never shown, and what the settings and `doctor` make of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from endpoint_site import KEY, WAIT_SECONDS, replies
from endpoint_site import site as running_site
from pydantic import SecretStr
from web_server import Page, serving

from spreadguide.adapters.endpoint_generator import EndpointGenerator
from spreadguide.adapters.endpoint_settings import EndpointSettings, checked_address
from spreadguide.doctor import examine
from spreadguide.errors import ConfigError
from spreadguide.settings import Settings, load_settings
from spreadguide.wiring import make_generator

_LISTING = Page(b'{"object": "list", "data": []}', headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://gateway.example/v1", "https://gateway.example/v1"),
        ("https://gateway.example/v1/", "https://gateway.example/v1"),
        ("https://gateway.example", "https://gateway.example/v1"),
        (" https://gateway.example:8443/models/a/v1 ", "https://gateway.example:8443/models/a/v1"),
        ("http://localhost:8080", "http://localhost:8080/v1"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://10.1.2.3/v1", "http://10.1.2.3/v1"),
        ("http://172.31.0.1/v1", "http://172.31.0.1/v1"),
        ("http://192.168.7.8/v1", "http://192.168.7.8/v1"),
        ("http://[fd12::1]/v1", "http://[fd12::1]/v1"),
    ],
)
def test_addresses_that_are_safe(given: str, base: str) -> None:
    assert str(checked_address(given)) == base


@pytest.mark.parametrize(
    "address",
    [
        "http://gateway.example/v1",
        "http://localhost.example/v1",
        "http://127.0.0.1.example/v1",
        "http://8.8.8.8/v1",
        "http://172.32.0.1/v1",
        "http://169.254.169.254/v1",
        "http://0.0.0.0/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://127.1/v1",
        "http://2130706433/v1",
        "http://0x7f.0.0.1/v1",
        "http://100.64.0.1/v1",
    ],
)
def test_nothing_goes_unencrypted_to_other_networks(address: str) -> None:
    with pytest.raises(ConfigError, match="unencrypted") as raised:
        checked_address(address)
    assert "https://" in raised.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "",
        "gateway.example",
        "ftp://gateway.example/v1",
        "file:///v1",
        "https://",
        "https://a b/",
        "https://x:99999999/",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="not a web address"):
        checked_address(address)


@pytest.mark.parametrize(
    "address", [f"https://me:{KEY}@x.example/v1", f"https://x.example/v1?key={KEY}", "https://x/#a"]
)
def test_no_secrets_in_the_address(address: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_address(address)
    assert KEY not in f"{raised.value.message} {raised.value.hint}"


@pytest.mark.parametrize("key", ["two words", "line\n", "ключ", "x" * 5000])
def test_a_key_that_cannot_be_one_is_not_repeated(key: str) -> None:
    with pytest.raises(ConfigError, match="key has a character") as raised:
        EndpointSettings("https://x.example", "m", key)
    assert key not in f"{raised.value.message} {raised.value.hint}"


def test_a_model_must_be_named() -> None:
    with pytest.raises(ConfigError, match="endpoint_model"):
        make_generator(load_settings(endpoint="https://x.example/v1"))


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPREADGUIDE_ENDPOINT_KEY", KEY)
    monkeypatch.setenv("SPREADGUIDE_ENDPOINT", "https://x.example/v1")
    monkeypatch.setenv("SPREADGUIDE_ENDPOINT_MODEL", "m")
    settings = load_settings()
    assert settings.endpoint_key.get_secret_value() == KEY
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    generator = make_generator(settings)
    assert isinstance(generator, EndpointGenerator)
    assert KEY not in repr(EndpointSettings("https://x.example", "m", KEY))


def test_a_wrong_settings_file_does_not_show_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spreadguide.toml").write_text(f'endpoint_key = ["{KEY}"]\n')
    with pytest.raises(ConfigError) as raised:
        load_settings()
    assert KEY not in f"{raised.value.message} {raised.value.__cause__}"
    assert "endpoint_key" in raised.value.message


def test_it_is_off_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().endpoint == ""
    assert not isinstance(make_generator(load_settings()), EndpointGenerator)
    assert make_generator(load_settings(endpoint="https://x.example", endpoint_model="m", use_generator=False)) is None


def test_doctor_tells_where_questions_go_and_how_it_is(tmp_path: Path) -> None:
    with running_site() as site:
        settings = load_settings(
            endpoint=site.url, endpoint_model="the-model", endpoint_key=SecretStr(KEY), index_dir=tmp_path
        )
        good = examine(settings)
        site.models = replies(401)
        bad = examine(settings)
    line = f"Questions and evidence go to {site.url.removesuffix('/v1')}, model the-model; a key is set"
    assert [(finding.good, finding.what) for finding in good if finding.what.startswith("Questions")] == [(True, line)]
    (found,) = (finding for finding in bad if finding.what.startswith("Questions"))
    assert (found.good, found.what) == (False, f"{line}. The model's endpoint does not accept the key.")
    assert "SPREADGUIDE_ENDPOINT_KEY" in found.cure
    assert any(finding.good and "llama.cpp is not needed" in finding.what for finding in good)
    assert KEY not in repr([good, bad])


def test_doctor_says_what_is_wrong_with_the_address() -> None:
    findings = examine(load_settings(endpoint="http://gateway.example/v1", endpoint_model="m"))
    assert any(not finding.good and "unencrypted" in finding.what and finding.cure for finding in findings)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that no authority has signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command, which makes the certificate, is not here")
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return files


@pytest.mark.parametrize("trusted", [False, True])
def test_a_certificate_must_be_trusted(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with serving(tls=certificate) as site:
        site.pages["/v1/models"] = _LISTING
        generator = EndpointGenerator(EndpointSettings(site.url, "m", KEY))
        generator.start()
        generator.wait(WAIT_SECONDS)
        state = generator.state
        generator.close()
    assert ("certificate" in state.reason) is not trusted
    assert generator.pid is None
    assert bool(site.requests) is trusted


def test_proxies_of_the_environment_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_site() as proxy, running_site() as site:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        generator = EndpointGenerator(EndpointSettings(site.url, "m"))
        generator.start()
        assert generator.wait(WAIT_SECONDS)
        generator.close()
        assert (proxy.looks, site.looks) == (0, 1)


def test_who_uses_no_endpoint_does_not_load_what_talks_to_one() -> None:
    code = "import sys; import spreadguide.wiring; print('tenacity' in sys.modules, 'httpx_sse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]
