"""What is lent out stays open while it is in use, whatever takes its place meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spreadguide.errors import IndexCorrupt
from spreadguide.switching import Switching


class Version:
    def __init__(self, name):
        self.name = name
        self.closed = False

    def close(self):
        assert not self.closed, "closed twice"
        self.closed = True


class Shelf:
    """Opens whatever stands on it now."""

    def __init__(self):
        self.now = "one"
        self.opened = []

    def open(self):
        self.opened.append(Version(self.now))
        return self.opened[-1]


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def switching(shelf):
    made = Switching(shelf.open, lambda: shelf.now)
    yield made
    made.close()
    assert all(version.closed for version in shelf.opened)


class SlowShelf(Shelf):
    """Opens a second version only when it is told that it may."""

    def __init__(self):
        super().__init__()
        self.may_open = threading.Event()

    def open(self):
        if self.now != "one":
            assert self.may_open.wait(30)
        return super().open()


def _lent(switching):
    with switching.lease() as version:
        return version.name


def test_nothing_is_opened_again_while_nothing_changes(shelf, switching):
    assert [_lent(switching) for _ in range(5)] == ["one"] * 5
    assert len(shelf.opened) == 1


def test_a_newer_version_is_lent_out_once_it_is_open():
    shelf = SlowShelf()
    switching = Switching(shelf.open, lambda: shelf.now)
    shelf.now = "two"
    assert [_lent(switching) for _ in range(3)] == ["one"] * 3  # nobody waits
    shelf.may_open.set()
    switching.settle()
    assert _lent(switching) == "two"
    assert shelf.opened[0].closed
    switching.close()


def test_what_is_in_use_stays_open_until_its_last_user_is_done(shelf, switching):
    with switching.lease() as old, switching.lease() as same:
        shelf.now = "two"
        _lent(switching)
        switching.settle()
        assert _lent(switching) == "two"
        assert old is same
        assert not old.closed
    assert old.closed


def test_a_version_that_cannot_be_opened_leaves_the_old_one(shelf, caplog):
    def opener():
        if shelf.now == "broken":
            raise IndexCorrupt("The index is damaged.", hint="Build it again.")
        return shelf.open()

    switching = Switching(opener, lambda: shelf.now)
    shelf.now = "broken"
    _lent(switching)
    switching.settle()
    assert _lent(switching) == "one"
    assert "The index is damaged. Build it again." in caplog.text
    shelf.now = "two"
    _lent(switching)
    switching.settle()
    assert _lent(switching) == "two"
    switching.close()


def test_many_users_and_many_versions_at_once(shelf, switching):
    """Nobody is ever handed a version that is closed, and none is left open at the end."""
    stop = threading.Event()

    def use():
        seen = 0
        while not stop.is_set():
            with switching.lease() as version:
                assert not version.closed
                seen += 1
        return seen

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use) for _ in range(4)]
        for number in range(50):
            shelf.now = f"version {number}"
            _lent(switching)
            switching.settle()
        stop.set()
        assert all(user.result() for user in users)
    assert _lent(switching) == "version 49"


def test_closing_waits_for_whoever_still_reads(shelf):
    switching = Switching(shelf.open, lambda: shelf.now)
    with switching.lease() as version:
        switching.close()
        switching.close()
        assert not version.closed
    assert version.closed


def test_a_version_that_could_not_be_opened_is_tried_again_later(shelf, monkeypatch):
    monkeypatch.setattr("spreadguide.switching.RETRY_SECONDS", 0.0)
    failures = [OSError(24, "Too many open files")]

    def opener():
        if shelf.now == "two" and failures:
            raise failures.pop()
        return shelf.open()

    switching = Switching(opener, lambda: shelf.now)
    shelf.now = "two"
    for _ in range(2):
        _lent(switching)
        switching.settle()
    assert _lent(switching) == "two"
    switching.close()


def test_a_version_that_opens_while_everything_closes_is_closed_too():
    shelf = SlowShelf()
    switching = Switching(shelf.open, lambda: shelf.now)
    shelf.now = "two"
    _lent(switching)
    closing = threading.Thread(target=switching.close)
    closing.start()
    shelf.may_open.set()
    closing.join()
    assert [version.closed for version in shelf.opened] == [True, True]
