"""Comparisons of paragraphs that an earlier build made: the same two texts are not compared again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from spreadguide import text
from spreadguide.indexing import duplicates


class Verdicts:
    """Says whether two paragraphs are the same text, from memory where an earlier build has compared them."""

    def __init__(self, earlier: Mapping[bytes, bool]) -> None:
        """Take the verdicts of the build before, by `pair_key`."""
        self._earlier = earlier
        self.used: dict[bytes, bool] = {}
        """The verdicts that this build asked for: those of reports that are gone are not among them."""

    def __call__(self, one: str, other: str) -> bool:
        """Return what `duplicates.same_text` says of the two."""
        key = pair_key(one, other)
        if key not in self.used:
            known = self._earlier.get(key)
            self.used[key] = duplicates.same_text(one, other) if known is None else known
        return self.used[key]


def pair_key(one: str, other: str) -> bytes:
    """Return a hash of two paragraphs, whichever comes first, and of the rules that compare them."""
    digest = hashlib.sha256(_rules())
    for side in sorted((one, other)):
        digest.update(hashlib.sha256(side.encode()).digest())
    return digest.digest()


@cache
def _rules() -> bytes:
    """Hash the source of the rules: nobody has to remember that old verdicts end with a change of them."""
    files = (Path(module.__file__ or "") for module in (duplicates, text))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()
