"""Nothing inside the owner's network is asked: not directly, not by redirect, not by a name that changes its mind."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from web_server import Page

from spreadguide.errors import FetchFailed
from spreadguide.fetching.addresses import is_public, resolve
from spreadguide.fetching.fetcher import Fetcher, FetchLimits

HERE, NEIGHBOUR = ip_address("127.0.0.1"), ip_address("127.0.0.2")


def answers(*rounds):
    """Return a name server's stand-in that gives one list of addresses after the other, and the names it was asked."""
    left, asked = list(rounds), []

    def look_up(host, port):
        del port
        asked.append(host)
        return left.pop(0)

    return look_up, asked


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_by_default_this_machine_is_not_asked(site, parts, place, page, host):
    site.pages["/report.html"] = Page(page)
    with pytest.raises(FetchFailed, match=r"not on the public internet|not valid"):
        Fetcher(parts, FetchLimits())(f"http://{host}:{site.port}/report.html", place)
    assert site.requests == []
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{neighbour}/secret",
        "http://2130706434:{neighbour}/secret",
        "//127.0.0.2:{neighbour}/secret",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{neighbour}/",
        "http://[::ffff:127.0.0.2]:{neighbour}/secret",
        "http://[64:ff9b::a00:1]/",
        "http://0.0.0.0:{neighbour}/secret",
    ],
)
def test_a_redirect_does_not_lead_inside(serve, fetcher, place, target):
    site, neighbour = serve(), serve("127.0.0.2")
    neighbour.pages["/secret"] = Page(b"the payroll")
    site.pages["/report"] = Page(status=302, headers={"Location": target.format(neighbour=neighbour.port)})
    fetch = fetcher(permits=lambda address: address == HERE or is_public(address))
    with pytest.raises(FetchFailed, match="not on the public internet"):
        fetch(f"{site.url}/report", place)
    assert len(site.requests) == 1
    assert neighbour.requests == []


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)", "http://127.0.0.1:99999/", "", "http://[::1"],
)
def test_a_redirect_leads_only_to_addresses_of_the_web(site, fetcher, place, target):
    site.pages["/report"] = Page(status=302, headers={"Location": target})
    with pytest.raises(FetchFailed):
        fetcher()(f"{site.url}/report", place)
    assert len(site.requests) == 1


def test_a_redirect_with_a_password_is_not_followed(site, fetcher, place, page):
    site.pages["/report"] = Page(status=302, headers={"Location": f"http://me:secret@127.0.0.1:{site.port}/page"})
    site.pages["/page"] = Page(page)
    with pytest.raises(FetchFailed, match="user name or a password"):
        fetcher()(f"{site.url}/report", place)


def test_one_private_address_among_public_ones_is_enough_to_refuse(site, fetcher, place, page):
    site.pages["/report"] = Page(page)
    look_up, _ = answers([HERE, NEIGHBOUR])
    with pytest.raises(FetchFailed, match=r"reports\.example is not on the public internet \(127\.0\.0\.2\)"):
        fetcher(resolve=look_up)(f"http://reports.example:{site.port}/report", place)
    assert site.requests == []


def test_a_name_that_turns_private_is_looked_up_once_and_the_checked_address_is_used(serve, fetcher, place, page):
    site = serve()
    site.pages["/report"] = Page(page)
    look_up, asked = answers([HERE], [NEIGHBOUR])
    assert fetcher(resolve=look_up)(f"http://reports.example:{site.port}/report", place).read_bytes() == page
    assert asked == ["reports.example"]
    assert site.asked("host") == [f"reports.example:{site.port}"]


def test_a_name_that_turns_private_between_two_attempts_is_refused(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=20_000)
    look_up, asked = answers([HERE], [NEIGHBOUR])
    with pytest.raises(FetchFailed, match="not on the public internet"):
        fetcher(resolve=look_up)(f"http://reports.example:{site.port}/report.pdf", place)
    assert asked == ["reports.example"] * 2
    assert len(site.requests) == 1


def test_a_name_that_turns_private_between_two_redirects_is_refused(site, fetcher, place):
    site.pages["/report"] = Page(status=307, headers={"Location": "/again"})
    look_up, _ = answers([HERE], [NEIGHBOUR])
    with pytest.raises(FetchFailed, match="not on the public internet"):
        fetcher(resolve=look_up)(f"http://reports.example:{site.port}/report", place)


def test_the_second_address_is_tried_when_the_first_does_not_answer(site, fetcher, place, page):
    site.pages["/report"] = Page(page)
    look_up, _ = answers([NEIGHBOUR, HERE])
    fetch = fetcher(permits=lambda address: address.is_loopback, resolve=look_up)
    assert fetch(f"http://reports.example:{site.port}/report", place).read_bytes() == page


def test_the_certificate_is_compared_with_the_name(serve, fetcher, place, page, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    site = serve(tls=certificate)
    site.pages["/report"] = Page(page)
    fetch = fetcher(resolve=lambda _host, _port: [HERE])
    with pytest.raises(FetchFailed, match=r"impostor\.example could not prove who it is"):
        fetch(f"https://impostor.example:{site.port}/report", place)
    assert site.requests == []
    assert fetch(f"https://reports.example:{site.port}/report", place).read_bytes() == page


def test_a_certificate_that_nobody_trusts_is_refused(serve, fetcher, place, page, certificate):
    site = serve(tls=certificate)
    site.pages["/report"] = Page(page)
    with pytest.raises(FetchFailed, match="could not prove who it is"):
        fetcher(resolve=lambda _host, _port: [HERE])(f"https://reports.example:{site.port}/report", place)


def test_encryption_is_never_given_up(serve, fetcher, place, page, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    secure, plain = serve(tls=certificate), serve()
    plain.pages["/report"] = Page(page)
    secure.pages["/report"] = Page(status=301, headers={"Location": f"http://reports.example:{plain.port}/report"})
    with pytest.raises(FetchFailed, match="without encryption"):
        fetcher(resolve=lambda _host, _port: [HERE])(f"https://reports.example:{secure.port}/report", place)
    assert plain.requests == []


def test_a_redirect_to_plain_http_is_asked_with_encryption(serve, fetcher, place, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    secure = serve(tls=certificate)
    secure.pages["/doi"] = Page(status=302, headers={"Location": "http://journal.example/paper"})
    ports = []

    def look_up(host, port):
        ports.append((host, port))
        return [HERE] if host == "reports.example" else [NEIGHBOUR]

    with pytest.raises(FetchFailed):
        fetcher(resolve=look_up)(f"https://reports.example:{secure.port}/doi", place)
    assert ports[-1] == ("journal.example", 443)


def test_a_proxy_in_the_environment_is_not_used(serve, fetcher, place, page, monkeypatch):
    site, proxy = serve(), serve()
    site.pages["/report"] = Page(page)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert fetcher()(f"{site.url}/report", place).read_bytes() == page
    assert proxy.requests == []


def test_where_there_is_a_proxy_and_no_way_past_it_the_message_says_what_to_do(fetcher, serve, place, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with pytest.raises(FetchFailed, match="cannot be reached") as caught:
        fetcher(permits=lambda _: True, resolve=lambda _host, _port: [NEIGHBOUR])(
            f"http://reports.example:{serve().port}/report", place
        )
    assert "proxy" in caught.value.hint
    assert "browser" in caught.value.hint


def test_who_asks_is_said_and_nothing_else_is(site, fetcher, place, page):
    site.pages["/start"] = Page(status=302, headers={"Location": "/report", "Set-Cookie": "id=7"})
    site.pages["/report"] = Page(page, headers={"Set-Cookie": "id=8"})
    fetcher()(f"{site.url}/start", place)
    expected = {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert [set(headers) for _, headers in site.requests] == [expected, expected]
    assert all(agent.startswith("SpreadGuide/") for agent in site.asked("user-agent"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/report.pdf", "not an address of the web"),
        ("file:///etc/passwd", "not an address of the web"),
        ("http:///report.pdf", "not an address of the web"),
        ("report.pdf", "not an address of the web"),
        ("https://me:secret@example.org/report.pdf", "user name or a password"),
        ("https://me@example.org/report.pdf", "user name or a password"),
        ("http://[::1/report.pdf", "not valid"),
        ("http://example.org:99999999/report.pdf", "not valid"),
        ("http://exa\x00mple.org/", "not valid"),
    ],
)
def test_only_plain_addresses_of_the_web_are_taken(fetcher, place, url, message):
    def nobody(host, port):
        raise AssertionError(f"{host}:{port} was looked up")

    with pytest.raises(FetchFailed, match=message) as caught:
        fetcher(resolve=nobody)(url, place)
    assert "secret" not in caught.value.message


def test_the_default_resolver_is_the_machines_own(parts):
    assert Fetcher(parts, FetchLimits())._resolve is resolve
    assert Fetcher(parts, FetchLimits())._permits is is_public
