"""Draws a summary of `side_by_side.py` as one PNG. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIZE_INCHES = (10.0, 6.4)
DOTS_PER_INCH = 130
WHOLE_FROM = 10
"""From here on, numbers are shown without decimals."""

OUR_COLOUR, PEER_COLOUR = "#1d5f8a", "#9aa5ad"


def _panels(systems: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """Return the title of each panel, and a number per system; ``None`` where there is none."""
    figures = [one["figures"] for one in systems.values()]

    def shares(count: str, of: str) -> list[float | None]:
        return [100 * one[count] / one[of] if one[of] else None for one in figures]

    return {
        "Seconds to the first text (median)": [one["first_text_seconds"].get("p50") for one in figures],
        "Seconds to the end of right answers (median)": [
            one["end_seconds_of_right_answers"].get("p50") for one in figures
        ],
        "Right and rightly cited, % of covered": shares("right", "covered"),
        "False citations, % of citations": shares("false_citations", "citations"),
        "Answered though not covered, %": shares("answered_though_not_covered", "not_covered"),
        "Peak memory, MB": [one["peak_megabytes"] for one in systems.values()],
    }


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= WHOLE_FROM or value == round(value) else f"{value:.2g}"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Write the picture of a summary; ends the program with advice when matplotlib is not there."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SystemExit("The picture needs matplotlib. What to do: pip install matplotlib") from error
    systems = found["systems"]
    names = list(systems)
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    for axes, (title, values) in zip(figure.subplots(2, 3).flat, _panels(systems).items(), strict=True):
        colours = [OUR_COLOUR, *[PEER_COLOUR] * (len(names) - 1)]
        bars = axes.barh(names, [value or 0 for value in values], color=colours)
        axes.bar_label(bars, ["–" if value is None else _short(value) for value in values], padding=3, fontsize=9)
        axes.set_title(title, fontsize=9, loc="left")
        axes.invert_yaxis()
        axes.set_xlim(0, 1.25 * max(1e-6, *(value or 0 for value in values)))
        axes.tick_params(labelsize=9)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.set_xticks([])
    count = next(iter(systems.values()))["figures"]
    figure.suptitle(
        f"{found['model']['file']}, {found['machine']['cores']} cores: {count['covered']} questions that the reports "
        f"cover, {count['not_covered']} that they do not",
        fontsize=10,
    )
    figure.savefig(path)
