"""What the fetching tests share: a rule for loopback, and a PDF."""

from __future__ import annotations

import io
from ipaddress import ip_address

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "The rapid diagnosis hubs cut the wait for a first scan from nine weeks to four."


def here(address: object) -> bool:
    """Permit what stands for the public internet in these tests: 127.0.0.1, and not its neighbours."""
    return address == ip_address("127.0.0.1")


def make_pdf(sentence: str) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, pageCompression=0, invariant=True)
    for page in range(60):
        for line in range(15):
            canvas.drawString(72, 780 - 40 * line, f"{sentence} Page {page}, line {line}.")
        canvas.showPage()
    canvas.save()
    return stream.getvalue()
