"""Drops what is on a saved web page but not in the report: share lines, teasers, side bars, comment forms.

All rules look at the wording of page furniture and at the layout of a page's tail, never at one site.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spreadguide.ingest.builder import Piece
from spreadguide.ingest.metadata import states_metadata
from spreadguide.types import BlockKind

_LINES = re.compile(
    r"""(?:image|photo|picture)\s+(?:source|credit)s?\s*:.{0,80}
    | (?:the\s+)?full\s+(?:report|reference|article|text)\s+can\s+be\s+(?:found|read|downloaded)\s+here\W*
    | .{0,120}\bexternal\s+link(?:\s+icon)?
    | read\s+the\s+(?:full\s+)?(?:report|guidance|guide|article|briefing|paper)
      (?:\s+in\s+full)?(?:\s+here|\s+\(pdf\))?\W*
    | .{0,60}\b(?:subscribe|download|play|menu|close)\s+button
    | (?:read|see)\s+(?:more|also|next)\s*[:–—-].{0,120}(?<![.?!])
    | (?:click\s+here|find\s+out\s+more|read\s+more|learn\s+more|back\s+to\s+top
      |skip\s+to\s+(?:main\s+)?content)\b.{0,40}
    | (?:share|tweet|print|e-?mail)\s+(?:this|on|via|to)\b.{0,40}
    | (?:we\s+use|this\s+(?:web)?site\s+uses)\s+cookies\b.*
    | (?:accept|reject|manage)\s+(?:all\s+)?cookies
    | .{0,80}(?:\u00a9|\(c\)|\bc\.)\s+[a-z]\w+(?:\s\w+)?(?:\s*/\s*\w+)?""",
    re.IGNORECASE | re.VERBOSE,
)
"""Whole lines that carry nothing; the last form is a picture's credit."""

_TAIL = re.compile(
    r"""you\s+(?:might|may)\s+also\s+(?:like|be\s+interested\s+in)\W*
    | (?:there\s+are\s+)?no\s+comments\b.{0,60}
    | (?:add|leave|post)\s+(?:your|a)\s+(?:comment|reply)
    | (?:related|recommended|more|latest|recent|popular)\s+
      (?:articles|stories|news|posts|content|pages|reading|tags)(?:\s+(?:like\s+this|from)\b.{0,40})?\W*
    | most\s+(?:popular|read|viewed|shared)(?:\s.{0,20})?
    | (?:view|show|read)\s+(?:all\s+)?(?:the\s+)?comments\W*
    | (?:blog\s+)?comments\s+powered\s+by\b.{0,40}
    | follow\s+us(?:\s+on)?\b.{0,40}
    | .{0,80}\ball\s+rights\s+reserved\W*
    | (?:sign\s+up\s+(?:for|to)|subscribe\s+to)\s+(?:our|the)\s+(?:newsletter|mailing\s+list|updates).{0,60}""",
    re.IGNORECASE | re.VERBOSE,
)
"""Lines after which a page has only furniture."""

_MORE_LINK = re.compile(r"(?:\bmore|\barticles|\bvideos|\bposts[^>]{0,40})\s*(?:>|›|»)+\s*$", re.IGNORECASE)
_TEASER = re.compile(r"(?:\.\.\.|…)\s*$")
_DATED_TEASER = re.compile(r"^\d{1,2}[/.]\d{1,2}[/.]\d{4}(?=[A-Z‘'\"])")
_CONTACT = re.compile(r"(?:for\s+)?(?:media|press)\s+(?:contacts?|enquir(?:y|ies)|office)\W*", re.IGNORECASE)
_PHONE = re.compile(r"(?:tel|phone|mobile|t|m)?\W{0,3}\+?\(?\d[\d\s()-]{8,16}", re.IGNORECASE)
_PHONE_AT_END = re.compile(r"\+?\(?\b\d[\d\s()-]{8,16}$")
_FULL_STOP = re.compile(r"[.!?:]['\"’”)\]]*$")

LABEL_CHARACTERS = 130
"""The longest teaser title of the seed pages has 110 characters."""

END_CHARACTERS = 200
"""How much of a paragraph's end is looked at for "more >" and the like."""

CONTACT_LINES = 8
"""A press contact has at most so many short lines: name, role, office, telephones, e-mail."""

TEASER_TITLES = 3
"""At most so many lines above a teaser are its section, its title and its date."""

TAIL_TEASERS = 2
"""A page's tail is furniture when it has at least so many teasers and no run of prose."""

MENU_LINES = 15
MENU_WORDS = 5
PAGE_NAMES = 4
"""A page that starts with at least so many lines, of at most so many words on average, starts with menus; the last few
lines above the first paragraph are its title, standfirst, author and date."""

PROSE_WORDS = 20
PROSE_RUN = 2
"""So many full paragraphs in a row are an article, not teasers."""

REPORT_RUN = 3
"""So many full paragraphs in a row after "leave a comment" are more of the report, and are kept."""


def drop_furniture(pieces: Sequence[Piece], *, tail: bool = True) -> list[Piece]:
    """Return ``pieces`` without page furniture.

    ``tail`` says whether the page may end in more of it: where not, a line that leads to furniture is all that goes.
    """
    kept = _without_tail(list(pieces)) if tail else [piece for piece in pieces if not _TAIL.fullmatch(piece.text)]
    kept = _without_teasers(_without_contacts(_without_menu(kept)))
    return [piece for piece in kept if not _LINES.fullmatch(piece.text) or piece.kind is BlockKind.LIST_ITEM]


def _is_label(piece: Piece) -> bool:
    """Whether a piece is a short line without a final stop, as titles, names and links are."""
    return len(piece.text) <= LABEL_CHARACTERS and not _FULL_STOP.search(piece.text)


def _is_teaser(piece: Piece) -> bool:
    end = piece.text[-END_CHARACTERS:]
    cut_off = _MORE_LINK.search(end) or _TEASER.search(end)
    return bool(cut_off or _DATED_TEASER.match(piece.text) or _TAIL.fullmatch(piece.text))


def _is_prose(piece: Piece) -> bool:
    """Whether a piece is a full paragraph, or part of a list or table."""
    if piece.kind in (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW):
        return True
    long = len(piece.text.split()) >= PROSE_WORDS
    return long and bool(_FULL_STOP.search(piece.text[-END_CHARACTERS:])) and not _is_teaser(piece)


def _longest_prose(pieces: Sequence[Piece]) -> list[int]:
    """Return, for each place, the length of the longest run of prose from there to the end."""
    longest, run = [0], 0
    for piece in reversed(pieces):
        run = run + 1 if _is_prose(piece) else 0
        longest.append(max(longest[-1], run))
    return longest[::-1]


def _without_tail(pieces: list[Piece]) -> list[Piece]:
    """Cut the page where only furniture follows: at a line that says so, or where teasers set in."""
    teasers = [place for place, piece in enumerate(pieces) if place and _is_teaser(piece)]
    longest = _longest_prose(pieces)
    for nth, place in enumerate(teasers):
        if _TAIL.fullmatch(pieces[place].text):
            if longest[place] < REPORT_RUN:
                return pieces[:place]
        elif len(teasers) - nth >= TAIL_TEASERS and longest[place] < PROSE_RUN:
            return _without_labels(pieces[:place])
    return pieces


def _without_menu(pieces: list[Piece]) -> list[Piece]:
    """Drop the menus above the first paragraph of a page: long rows of short lines. The last of them name the page."""
    end = next(
        (place for place, piece in enumerate(pieces) if _is_prose(piece) or len(piece.text) > LABEL_CHARACTERS), 0
    )
    if end < MENU_LINES or sum(len(piece.text.split()) for piece in pieces[:end]) > MENU_WORDS * end:
        return pieces
    front = pieces[: end - PAGE_NAMES]
    stated = [piece for piece in front if states_metadata(piece.text)]
    return stated + pieces[end - PAGE_NAMES :]


def _without_labels(pieces: list[Piece]) -> list[Piece]:
    """Take the titles off the end of ``pieces``: they belong to the teaser that follows. The first piece stays."""
    end = len(pieces)
    while end > 1 and len(pieces) - end < TEASER_TITLES and _is_label(pieces[end - 1]):
        end -= 1
    return pieces[:end]


def _without_contacts(pieces: list[Piece]) -> list[Piece]:
    """Drop a press contact: the line that says so and the short lines below it, up to a telephone number."""
    kept: list[Piece] = []
    place = 0
    while place < len(pieces):
        if not _CONTACT.fullmatch(pieces[place].text):
            kept.append(pieces[place])
            place += 1
            continue
        end = place + 1
        while end < len(pieces) and end - place <= CONTACT_LINES and _is_label(pieces[end]):
            end += 1
        phones = [at for at in range(place + 1, end) if _reaches_someone(pieces[at].text)]
        place = phones[-1] + 1 if phones else place + 1
    return kept


def _reaches_someone(text: str) -> bool:
    """Whether a line of a press contact holds a telephone number or an address."""
    return bool(_PHONE.fullmatch(text) or _PHONE_AT_END.search(text) or "@" in text)


def _without_teasers(pieces: list[Piece]) -> list[Piece]:
    """Drop teasers in the middle of a page (text that a "more >" cuts off), with the titles right above them."""
    kept: list[Piece] = []
    for piece in pieces:
        if _MORE_LINK.search(piece.text[-END_CHARACTERS:]):
            kept = _without_labels(kept)
        elif not _DATED_TEASER.match(piece.text):
            kept.append(piece)
    return kept
