"""The mounted site over HTTP: the API stays, the chat is there, Gradio's side doors are shut."""

from __future__ import annotations

import re

import httpx
import pytest
from scripted_api import QUOTE, citation


def get(url: str, **options: object) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=20, **options)  # type: ignore[arg-type]


def test_the_apis_own_routes_keep_working(site: str) -> None:
    assert get(f"{site}/healthz").json() == {"status": "ok"}
    assert get(f"{site}/readyz").json()["generator"] == "ready"
    assert get(f"{site}/v1/passages/p1").json()["passage_id"] == "p1"
    assert get(f"{site}/docs").status_code == 200
    paths = get(f"{site}/openapi.json").json()["paths"]
    assert set(paths) == {"/healthz", "/readyz", "/v1/passages/{passage_id}", "/v1/ask"}


def test_the_page_allows_only_its_own_origin_and_no_inline_script_without_the_nonce(site: str) -> None:
    response = get(f"{site}/")
    policy = response.headers["content-security-policy"]
    nonce = re.search("'nonce-([^']+)'", policy)
    assert nonce
    scripts = re.findall("<script[^>]*>", response.text)
    assert scripts
    assert all(f'nonce="{nonce.group(1)}"' in script for script in scripts)
    script_policy = next(part for part in policy.split(";") if "script-src" in part)
    assert "unsafe" not in script_policy
    assert "img-src 'self' data:" in policy
    assert "http:" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "gradio.app" not in response.text
    assert "githubusercontent" not in response.text


def test_each_visit_gets_another_nonce(site: str) -> None:
    policies = {get(f"{site}/").headers["content-security-policy"] for _ in range(2)}
    assert len(policies) == 2


@pytest.mark.parametrize(
    "path",
    [
        *("config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/upload", "gradio_api/runs", "monitoring"),
        *("gradio_api/file=pyproject.toml", "gradio_api/proxy=http://127.0.0.1/", "gradio_api/call/on_ask", "login"),
        *("gradio_api/user", "gradio_api/deep_link", "gradio_api/vibe-code", "assets/../../../config", "nothing"),
    ],
)
def test_gradios_side_doors_are_shut(site: str, path: str) -> None:
    for method in ("GET", "POST"):
        assert httpx.request(method, f"{site}/{path}", trust_env=False).status_code in {404, 405}


def test_gradio_announces_no_callable_function(site: str) -> None:
    page = get(f"{site}/").text
    assert '"named_endpoints":{}' in page.replace(" ", "")
    assert '"show_api":true' not in page.replace(" ", "")


def test_a_passage_page_shows_the_quote_in_its_place(site: str) -> None:
    place = citation()
    response = get(f"{site}/passage/p1", params={"start": place.start, "end": place.end})
    assert response.status_code == 200
    assert f'<mark id="quote">{QUOTE}</mark>' in response.text
    for part in ("Supporting adopters", "Example Trust", "2018", "Programme › Funding", 'href="/"'):
        assert part in response.text
    assert 'href="https://example.org/report" rel="noopener noreferrer"' in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in response.text


@pytest.mark.parametrize("passage_id", ["unknown", "..%2F..%2Freadyz", "%22%3E%3Cscript%3E"])
def test_an_unknown_passage_gives_a_clear_page(site: str, passage_id: str) -> None:
    response = get(f"{site}/passage/{passage_id}")
    assert response.status_code == 404
    assert "<script" not in response.text
    if passage_id == "unknown":
        assert "This passage is not in the library" in response.text


def test_nonsense_offsets_show_the_passage_without_a_mark(site: str) -> None:
    response = get(f"{site}/passage/p1?start=x&end=%00&start=99999999999999999999&end=5")
    assert response.status_code == 200
    assert "<mark" not in response.text
