"""What a measurement gives: its shape, how it is kept and read, and two runs compared row by row."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from spreadguide import __version__
from spreadguide.errors import EvaluationError
from spreadguide.evaluation.run import Measured, as_json, compare, keep, read
from spreadguide.evaluation.sets import EvaluationSet, SetKind


def measured(values: list[float]) -> Measured:
    found = Measured(len(values), fingerprint="f" * 16, model="a-model", more={"by_kind": {"fact": {"n": 2}}})
    found.add_mean("right", values)
    found.rows = [{"id": f"q{number}", "values": {"right": value}} for number, value in enumerate(values)]
    return found


def run(values: dict[str, dict[str, float]], name: str = "wards") -> dict:
    return {"set": name, "kind": "questions", "rows": [{"id": row, "values": found} for row, found in values.items()]}


@pytest.fixture
def of(tmp_path):
    folder = tmp_path / "wards"
    folder.mkdir()
    return EvaluationSet(folder, SetKind.QUESTIONS)


def test_metrics_intervals_and_the_number_of_rows_stand_on_top(of):
    found = as_json(measured([1, 0, 1, 1]), of, {"commit": "abc", "limit": 4})
    assert (found["set"], found["kind"], found["n"]) == ("wards", "questions", 4)
    assert found["right"] == 0.75
    low, high = found["right_ci"]
    assert 0 <= low < 0.75 < high <= 1
    assert found["by_kind"] == {"fact": {"n": 2}}
    assert (found["index_fingerprint"], found["model"]) == ("f" * 16, "a-model")
    assert (found["commit"], found["limit"], found["version"]) == ("abc", 4, __version__)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found["date"])).total_seconds()) < 60
    assert found["machine"].keys() == {"processor", "cores", "python"}
    assert [row["id"] for row in found["rows"]] == ["q0", "q1", "q2", "q3"]


def test_one_row_has_a_value_and_no_interval(of):
    found = as_json(measured([1]), of, {})
    assert found["right"] == 1
    assert "right_ci" not in found


def test_a_metric_that_is_not_a_number_is_left_out(of):
    none = Measured(3)
    none.add("auroc", lambda _: math.nan)
    none.add_mean("refused", [])
    found = as_json(none, of, {})
    assert not {"auroc", "auroc_ci", "refused", "refused_ci"} & found.keys()


def test_a_metric_may_look_at_fewer_rows_than_all():
    found = Measured(10)
    found.add("part", lambda at: float(np.array([1.0, 0.0])[at].mean()), 2)
    assert found.metrics == {"part": 0.5}
    assert found.intervals["part"] == (0, 1)


def test_what_is_kept_is_read_as_it_was(of, tmp_path):
    made = as_json(measured([1, 0]), of, {"settings": {"model": "café"}})
    path = keep(made, tmp_path / "runs" / "new")
    assert path.parent == tmp_path / "runs" / "new"
    assert path.name.startswith("wards-20")
    assert not set(path.stem) & set(':+*?"<>|'), "the name is one that every system allows"
    assert read(path) == made


def test_a_folder_that_cannot_be_written_is_named(of, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match=r"cannot be written to .*file") as caught:
        keep(as_json(measured([1]), of, {}), tmp_path / "file" / "runs")
    assert "--runs" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "no JSON file"),
        (b"\xff\xfe\xff", "no JSON file"),
        (b"[]", "no kept run"),
        (b'{"set": "wards"}', "no kept run"),
        (b'{"set": "wards", "rows": 3}', "no kept run"),
        (b'{"rows": []}', "no kept run"),
        (b'{"set": "wards", "rows": [1]}', "no kept run"),
        (b'{"set": "wards", "rows": [{"values": {}}]}', "no kept run"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path, content, told):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=rf"run\.json is {told}"):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EvaluationError, match=r"gone\.json cannot be read"):
        read(tmp_path / "gone.json")


def test_runs_are_compared_by_row_whatever_their_order():
    """Only the rows b and c are in both; a is gone and d is new."""
    before = run({"a": {"right": 1}, "b": {"right": 0, "mrr": 0.5}, "c": {"right": 1, "mrr": 0.25}})
    after = run({"d": {"right": 0}, "c": {"right": 1, "mrr": 1.0}, "b": {"right": 1, "mrr": 0.5}})
    right, mrr = compare(before, after)
    assert (right.name, right.before, right.after, right.change, right.rows) == ("right", 0.5, 1.0, 0.5, 2)
    assert (mrr.name, mrr.before, mrr.after, mrr.change, mrr.rows) == ("mrr", 0.375, 0.75, 0.375, 2)
    assert right.bounds == (0.0, 1.0)


def test_a_change_that_every_row_has_is_certain():
    """Paired by row, the spread between rows does not matter."""
    before = {f"q{number}": {"mrr": number / 20} for number in range(10)}
    after = {name: {"mrr": values["mrr"] + 0.1} for name, values in before.items()}
    (found,) = compare(run(before), run(after))
    assert found.change == pytest.approx(0.1)
    assert found.bounds == pytest.approx((0.1, 0.1))


def test_a_metric_is_compared_on_the_rows_that_have_it_in_both():
    before = run({"a": {"right": 1, "facts": 0.5}, "b": {"right": 1}})
    after = run({"a": {"right": 0, "facts": 1.0}, "b": {"right": 1, "facts": 1.0}})
    right, facts = compare(before, after)
    assert (right.change, right.rows) == (-0.5, 2)
    assert (facts.before, facts.after, facts.rows, facts.bounds) == (0.5, 1.0, 1, None)


def test_a_row_without_values_is_passed_over():
    before = {"set": "wards", "kind": "questions", "rows": [{"id": "a"}, {"id": "b", "values": {"right": 1}}]}
    (found,) = compare(before, run({"a": {"right": 1}, "b": {"right": 0}}))
    assert (found.change, found.rows) == (-1, 1)


def test_runs_without_a_common_row_cannot_be_compared():
    with pytest.raises(EvaluationError, match="no row in common"):
        compare(run({"a": {"right": 1}}), run({"b": {"right": 1}}))


def test_runs_on_two_sets_cannot_be_compared():
    with pytest.raises(EvaluationError, match="One run is on wards, the other on homes"):
        compare(run({"a": {"right": 1}}), run({"a": {"right": 1}}, "homes"))


def test_a_compared_run_may_come_from_a_file(of, tmp_path):
    before, after = (as_json(measured(values), of, {}) for values in ([0, 0, 1], [1, 0, 1]))
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for path, one in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(one))
    (found,) = compare(*map(read, paths))
    assert (found.name, found.change, found.rows) == ("right", pytest.approx(1 / 3, abs=1e-4), 3)
