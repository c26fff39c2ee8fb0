"""Unpacks what a server packed although it was asked not to; never more than the caller can take."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from spreadguide.errors import FetchFailed
from spreadguide.fetching.failures import SAVE_IT

PIECE = 1 << 16
"""Most bytes that are unpacked at a time: a bomb is noticed before it is written or held in memory."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""zlib's sign for "look at the first bytes"."""

Unpack = Callable[[bytes], Iterator[bytes]]


class Unpacker:
    """One packed body, fed piece by piece."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise FetchFailed(
                f"The server packed the document in a way that was not asked for ({encoding:.20}).", hint=SAVE_IT
            )
        self._wanted = "gzip" if encoding != "deflate" else "deflate"
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the plain bytes of ``data``, at most `PIECE` at a time; raises `FetchFailed` when it is damaged."""
        try:
            yield from self._pieces(data)
        except zlib.error as error:
            raise self._damaged() from error

    def finish(self) -> None:
        """Raise `FetchFailed` when the body ended too early."""
        if not self._stream.eof:
            raise self._damaged()

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if self._stream.eof:
            raise self._damaged()
        if not self._begun and data:
            self._begun = True
            # Some servers send deflate without the zlib header that RFC 9110, 8.4.1.2, asks for.
            if self._wanted == "deflate" and data[0] & 0x0F != zlib.DEFLATED:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        while data:
            yield self._stream.decompress(data, PIECE)
            if self._stream.unused_data:
                raise self._damaged()
            data = self._stream.unconsumed_tail

    def _damaged(self) -> FetchFailed:
        return FetchFailed("The server packed the document, and the packing is damaged.", hint=SAVE_IT)
