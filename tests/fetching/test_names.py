"""File names that a server or an address suggests."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadguide.fetching.names import NAME_BYTES, clean_name, suggested_name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/cron.d/", "cron.d"),
        (".bashrc", "bashrc"),
        ("...hidden.pdf", "hidden.pdf"),
        ("~$report.docx", "report.docx"),
        ("..", ""),
        ("  ", ""),
        ("a\x00b\x1b[31m.pdf", "ab(31m.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("zero\u200bwidth.pdf", "zerowidth.pdf"),
        ("line\nbreak.pdf", "linebreak.pdf"),
        ('what? "how": <why>|*.pdf', "what how why.pdf"),
        ("Évaluation finale – été.pdf", "Évaluation finale – été.pdf"),
        ("E\u0301valuation.pdf", "Évaluation.pdf"),
        ("健康创新报告.pdf", "健康创新报告.pdf"),
        ("تقرير.docx", "تقرير.docx"),
        ("[draft] report.pdf", "(draft) report.pdf"),
        ("trailing dots...", "trailing dots"),
    ],
)
def test_names_are_made_safe_and_stay_readable(name, clean):
    assert clean_name(name) == clean


@pytest.mark.parametrize("name", ["CON", "nul", "COM1"])
def test_names_of_devices_are_changed(name):
    assert clean_name(name).lower() not in {"con", "nul", "com1"}


def test_a_long_name_keeps_its_ending():
    long = clean_name("ü" * 500 + ".pdf")
    assert long.endswith(".pdf")
    assert len(long.encode()) <= NAME_BYTES + 4


@given(st.text(max_size=300))
def test_no_text_becomes_a_path_or_a_hidden_or_endless_name(text):
    name = clean_name(text)
    assert not set(name) & set('/\\\0\n<>:"|?*')
    assert not name.startswith((".", "~$", " "))
    assert len(name.encode()) <= 2 * NAME_BYTES + 1
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("url", "disposition", "name"),
    [
        ("https://example.org/a/report.pdf?x=1#top", "", "report.pdf"),
        ("https://example.org/a/spread%20challenge.pdf", "", "spread challenge.pdf"),
        ("https://example.org/..%2f..%2fetc%2fpasswd", "", "passwd"),
        ("https://example.org/%2e%2e/%2ehidden", "", "hidden"),
        ("https://example.org/publications/scaling/", "", "scaling"),
        ("https://www.example.org/", "", "www.example.org"),
        ("https://example.org/download", 'attachment; filename="report.pdf"', "report.pdf"),
        ("https://example.org/download", "attachment; filename*=UTF-8''%C3%A9t%C3%A9.pdf", "été.pdf"),
        ("https://example.org/download", 'attachment; filename="../../x/.ssh"', "ssh"),
        ("https://example.org/download", "attachment; filename*=UTF-8''..%2F..%2Fkeys", "keys"),
        ("https://example.org/download", "attachment; filename*=bogus''r%ff.pdf", "rÿ.pdf"),
        ("https://example.org/download", 'inline; filename=""', "download"),
        ("https://example.org/download", "garbage;;=;", "download"),
        ("https://example.org/download", 'attachment; filename="Büro.pdf"', "Büro.pdf"),
    ],
)
def test_the_header_comes_first_then_the_address_then_the_host(url, disposition, name):
    assert suggested_name(httpx.URL(url), disposition) == name
