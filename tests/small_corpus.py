"""Three short reports of our own, as files: what the tests of the API and of the commands ask about."""

from __future__ import annotations

from pathlib import Path

REPORTS = {
    "funding.md": """---
title: Helping other hospitals adopt a nursing service
publisher: Harbour Trust
year: 2021
url: https://reports.example.org/funding
---

# Helping other hospitals adopt a nursing service

## How the money works

The Harbour Trust funds partner hospitals for up to three years. Partner hospitals must pay for the nurses themselves
after that time.

## What adopters receive

Each adopter of the nursing service receives:

- a named adviser for the first year
- a handbook with job descriptions
- a network of peers who meet each quarter

## What made it hard

Local managers often wanted to change the service before they had seen it work. Staff who had not been asked early felt
that the nursing service was imposed on them, and adoption took longer on their wards.
""",
    "wards/trial.html": """<!doctype html>
<html lang="en"><head><title>A bedside safety questionnaire on hospital wards</title></head><body><main>
<h1>A bedside safety questionnaire on hospital wards</h1>
<h2>Who took part</h2>
<p>In all, 33 wards took part in the questionnaire trial. Volunteers asked 2,401 patients about safety at the
bedside.</p>
<h2>What happened</h2>
<p>The trial found no significant difference in harm between the wards with the questionnaire and the other wards.
Half of the ward teams never met to discuss the answers.</p>
</main></body></html>
""",
    "networks.txt": """Numbers reached by the innovation networks

More than 300,000 people benefited from the programmes that the innovation networks spread in 2019. The networks
supported 120 companies, which created 690 jobs.

Technology such as remote monitoring spread faster than new ways of working.
""",
}
"""Path in the folder of reports, and the file's text."""

HOW_LONG = "How long does the Harbour Trust fund partner hospitals?"
HOW_MANY_WARDS = "How many wards took part in the questionnaire trial?"
WHY_SLOW = "Why did adoption of the nursing service take longer on some wards?"
NOT_COVERED = "What do the reports say about electric vehicle charging?"
DECLINED = "What dose of metformin should I prescribe?"


def write_reports(folder: Path) -> Path:
    """Write the reports below ``folder`` and return it."""
    for name, text in REPORTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
