"""A brief that keeps every rule, and a catalogue as an owner writes it."""

_BRIEF = """---
title: "Rapid hubs: what five regions learned"
publisher: Example Health Board
published: March 2024
year: 2024
url: https://example.org/rapid-hubs
licence: Apache-2.0
kind: evaluation
audience: [innovator, adopter team]
pillars: [Engage]
setting: Five regions of an example country
limits: The evaluation cannot say what hubs cost later.
---

# Rapid hubs: what five regions learned

## How long were rapid hubs funded?

{filler}

The rapid hubs evaluation found three needs:

- money for two years
- a named adviser

Source: Rapid diagnosis hubs (Example Health Board, 2024), section 2, page 7.

Source: Hubs in short (Example Network, no date), opening paragraph.

## What can this evidence not tell us?

The rapid hubs evaluation does not say what hubs cost after two years.

Source: Rapid diagnosis hubs (Example Health Board, 2024), the whole page.

## Sources

- Title: Rapid diagnosis hubs: what we learned. Publisher: Example Health Board. Date: March 2024. URL: https://example.org/rapid-hubs
- Title: Hubs in short: why? Publisher: Example Network (blog). Date: not given on the page read. URL: not given.
"""

_FILLER = "The rapid hubs evaluation reports on five regions of the country in the first two years of the hubs."


GOOD_BRIEF = _BRIEF.format(filler=" ".join([_FILLER] * 14))

SOURCES = """# Our reports. Ask Ada before you change this.

["new.md"]  # the one we use
title   =   "The new guide"   # as on the cover
authors = [
  "A. Writer",  # first
  "B. Reader",
]

# --- Older ---

["old/guide.txt"]
title = 'The old guide'
"""
