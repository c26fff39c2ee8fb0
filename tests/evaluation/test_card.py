"""The quality card: what stands in it, and that text of answers cannot change the page."""

from spreadguide.evaluation.card import FAILURES, card

MACHINE = {"processor": "x86_64", "cores": 2, "python": "3.11"}


def question(name, kind="fact", *, right=True, text="The trial had 33 wards [1].", asked="How many wards?"):
    return {
        "id": name,
        "kind": kind,
        "question": asked,
        "expected": "answered",
        "status": "answered",
        "text": text,
        "mark": {"right": right, "facts": int(right), "asked": 1},
        "values": {"right": float(right)},
    }


def run(rows, **held):
    by_kind = {"fact": {"n": len(rows), "right": 0.5, "refused": 0.0, "facts": "1/2"}}
    return {
        "set": "golden",
        "kind": "questions",
        "n": len(rows),
        "right": 0.5,
        "right_ci": [0.4, 0.6],
        "quotes_not_verbatim": 0,
        "by_kind": by_kind,
        "model": "tiny",
        "split": "report",
        "commit": "abc123",
        "date": "2026-11-22T10:00:00+00:00",
        "machine": MACHINE,
        "settings": {"model_sha256": "0123456789abcdef"},
        "rows": rows,
        **held,
    }


def test_it_says_what_was_measured_with_what_and_how_well():
    text = card([run([question("a"), question("b", right=False)])])
    assert "| golden | 2 | report | tiny (0123456789ab…) | abc123 | 2026-11-22 | 2 |" in text
    assert "| `right` | 0.500 (0.400–0.600) |" in text
    assert "| `quotes_not_verbatim` | 0 |" in text
    assert "| fact | 2 | 0.50 | 1/2 | 0.00 |" in text
    assert "Known failures, 1 of 1:" in text
    assert "- `b`: How many wards? (answered expected, answered; key facts 0 of 1)" in text


def test_of_runs_that_measure_the_same_the_newest_counts():
    old = run([question("a")], right=0.1, date="2026-11-21T10:00:00+00:00")
    text = card([run([question("a")]), old])
    assert "0.500" in text
    assert "0.100" not in text


def test_kinds_have_a_table_each_and_runs_of_one_kind_share_it():
    found = {
        "kind": "retrieval",
        "set": "scifact",
        "model": None,
        "settings": {},
        "rows": [],
        "mrr": 0.25,
        "by_kind": {},
    }
    other = {**found, "set": "covidqa", "mrr": 0.75}
    text = card([run([]), {**run([]), **found}, {**run([]), **other}])
    assert text.index("## Whole answers") < text.index("## Finding passages")
    assert "| `mrr` | 0.250 | 0.750 |" in text
    assert "## Checking claims" not in text


def test_known_failures_are_some_of_each_kind():
    wrong = [question(f"f{number}", right=False) for number in range(2 * FAILURES)]
    text = card([run([*wrong, question("n", "near", right=False)])])
    assert text.count("\n- `") == FAILURES
    assert "- `n`:" in text
    assert f"Known failures, {FAILURES} of {2 * FAILURES + 1}:" in text


def test_text_of_answers_stays_text():
    hostile = "<script>x</script>\n\n# Heading | [link](http://example.org) " + "word " * 100
    text = card([run([question("a", right=False, text=hostile, asked="Who?\n\n# Me")])])
    assert "<script>" not in text.replace("\\<", "")
    assert "\n# Heading" not in text
    assert "\n# Me" not in text
    assert "\\[link\\]" in text
    assert "word …" in text
