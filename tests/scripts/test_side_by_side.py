"""The comparison with other libraries: its questions, its marks, its figures, and how a peer's process is asked."""

import json
import sys
from functools import partial

import pytest
import side_by_side
from server_process import golden
from side_by_side_figures import beside, figures_of, must_show, summary, table
from side_by_side_marks import RULE, Reply, chosen, marked, markers, our_reply, peer_reply, refuses
from side_by_side_picture import draw
from side_by_side_setup import ROOT, set_up
from side_by_side_systems import PEERS, SCRIPTS, command_of, peak_of, peer

from spreadguide.evaluation.sets import QuestionRow

COVERED = QuestionRow(
    id="c", question="How many?", status="answered", need=("twelve|12",), sources=("hubs.md",), min_sources=1
)
UNCOVERED = QuestionRow(id="u", question="What does it cost?", status="not_covered")
TEXT = {"hubs.md": "There are 12 hubs.", "other.md": "Other words."}.__getitem__


def said(text, sources=("hubs.md", "other.md"), cited_by="markers"):
    return {"event": "answer", "text": text, "sources": list(sources), "cited_by": cited_by}


def mark_of(row, *args, **named):
    return marked(row, peer_reply(row.id, said(*args, **named), 1.0, 3.0), TEXT)


def test_the_questions_are_evenly_spaced_and_a_third_is_not_covered():
    rows = chosen(golden(), 12)
    assert [row.covered for row in rows].count(False) == 4
    assert all(row.split == "report" and not row.history and row.role is None for row in rows)
    assert all(row.covered or row.status == "not_covered" for row in rows)
    assert rows == chosen(golden(), 12)
    assert len({row.id for row in rows}) == 12
    assert [row.covered for row in rows[:3]] != [False] * 3


def test_of_nine_questions_the_middle_ones_of_three_parts_are_taken():
    covered = [COVERED.model_copy(update={"id": f"c{number}"}) for number in range(9)]
    uncovered = [UNCOVERED.model_copy(update={"id": f"u{number}"}) for number in range(2)]
    left_out = [
        COVERED.model_copy(update={"id": "tuned", "split": "tune"}),
        COVERED.model_copy(update={"id": "role", "role": "adopter"}),
        UNCOVERED.model_copy(update={"id": "declined", "status": "declined"}),
    ]
    assert [row.id for row in chosen([*left_out, *covered, *uncovered], 4)] == ["c1", "c4", "u1", "c7"]
    with pytest.raises(SystemExit, match="Ask for fewer"):
        chosen([*covered, *uncovered], 12)


def test_a_right_and_rightly_cited_answer_of_a_peer():
    one = mark_of(COVERED, "Twelve of them [1].")
    assert (one["right"], one["rightly_cited"], one["cited"], one["false_citations"]) == (True, True, 1, 0)
    assert (one["first_seconds"], one["seconds"]) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("text", "right", "cited", "false"),
    [
        ("Twelve of them.", False, 0, 0),
        ("Twelve of them [2].", False, 1, 1),
        ("Twelve of them [1][2].", True, 2, 1),
        ("Twelve of them [1], as [1] says [7].", True, 2, 1),
        ("Nine of them [1].", False, 1, 0),
    ],
)
def test_citations_to_another_report_or_to_nothing_are_false(text, right, cited, false):
    one = mark_of(COVERED, text)
    assert (one["right"], one["cited"], one["false_citations"]) == (right, cited, false)


def test_sources_of_a_whole_answer_all_count_as_cited():
    one = mark_of(COVERED, "Twelve, in 2019 [5].", cited_by="whole")
    assert (one["right"], one["cited"], one["false_citations"]) == (True, 2, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a [2] b [1, 3] c [2]", (2, 1, 3)),
        ("as Source 4 says [source 2 and 5]", (4, 2, 5)),
        ("in [2019] and in 12 sources", ()),
        ("[Source 1]: the sources 7 and more", (1, 7)),
    ],
)
def test_markers_are_read_as_libraries_and_small_models_write_them(text, found):
    assert markers(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Empty Response",
        "The provided context does not contain the cost.",
        "None of the provided sources are helpful [1].",
        "I'm sorry, but I cannot answer that.",
        "I cannot provide the exact wording. The sources tell of it in general.",
        "There is no specific information about fees in the sources.",
        "The cost is not mentioned in the provided sources.",
        "Based on the sources, it is not possible to say.",
        "The documents don't mention any fee.",
        "I can't tell from this.",
    ],
)
def test_texts_that_say_they_cannot_answer_are_refusals(text):
    assert refuses(text)
    assert mark_of(UNCOVERED, text)["right"]


@pytest.mark.parametrize(
    "text",
    [
        "Twelve of them [1].",
        "The trial showed no clear effect on safety.",
        "It costs £40. It is run by a charity. The sources do not mention more.",
        "Not all wards took part, and two did not finish.",
        "The report found that trusts did not have the staff [1].",
        "There was no evidence that staff were unable to take part.",
    ],
)
def test_answers_are_no_refusals(text):
    assert not refuses(text)
    one = mark_of(UNCOVERED, text)
    assert (one["right"], one["refused"]) == (False, False)


def test_a_text_with_every_key_fact_is_an_answer_whatever_else_it_says():
    text = "The sources do not mention hospitals, but twelve hubs [1]."
    assert refuses(text)
    one = mark_of(COVERED, text)
    assert (one["right"], one["refused"], one["cited"]) == (True, False, 1)


def test_a_question_that_failed_is_neither_an_answer_nor_a_refusal():
    reply = peer_reply("u", {"event": "error", "said": "ValueError()"}, 1.0, 1.0)
    one = marked(UNCOVERED, reply, TEXT)
    assert (one["failed"], one["right"], one["refused"]) == (True, False, False)
    assert figures_of([one])["answered_though_not_covered"] == 0


def test_our_own_answer_is_marked_by_its_status_and_its_claims():
    def claim(support, *numbers):
        return {"text": "t", "support": support, "citations": [{"marker": number} for number in numbers]}

    answer = {
        "status": "partial",
        "text": "Twelve of them. [1]",
        "claims": [claim("quoted", 1, 1), claim("unsupported", 2)],
        "sources": [{"marker": 1, "path": "hubs.md"}, {"marker": 2, "path": "other.md"}],
    }
    one = marked(COVERED, our_reply("c", answer, 0.5, 2.0), TEXT)
    assert (one["right"], one["cited"], one["false_citations"]) == (True, 1, 0)
    refused = our_reply("u", {"status": "not_covered", "text": "Not covered.", "claims": [], "sources": []}, 0.5, 0.5)
    assert marked(UNCOVERED, refused, TEXT)["right"]


def replies(*times, wrong=(), answers_all=True):
    """Return kept replies to four covered questions and an uncovered one."""
    found = []
    for number, seconds in enumerate(times):
        text = "Nine [2]." if number in wrong else "Twelve [1]."
        if number == len(times) - 1 and not answers_all:
            text = "None of the sources say."
        found.append(peer_reply(f"q{number}", said(text), seconds / 2, seconds))
    return found


ROWS = {f"q{number}": COVERED.model_copy(update={"id": f"q{number}"}) for number in range(4)}
ROWS["q4"] = UNCOVERED.model_copy(update={"id": "q4"})


def marks(*times, **named):
    return [marked(ROWS[reply.id], reply, TEXT) for reply in replies(*times, **named)]


def test_the_figures_of_a_system():
    found = figures_of(marks(10, 20, 30, 40, 50, wrong={3}))
    assert (found["covered"], found["right"], found["key_facts"], found["key_facts_asked"]) == (4, 3, 3, 4)
    assert (found["citations"], found["false_citations"]) == (4, 1)
    assert (found["not_covered"], found["answered_though_not_covered"]) == (1, 1)
    assert found["end_seconds"]["p50"] == 30
    assert found["end_seconds_of_right_answers"]["p50"] == 20
    assert found["seconds_for_each_right_answer"] == pytest.approx(100 / 3, abs=0.01)
    assert figures_of(marks(1, 2, 3, 4, 5, wrong={0, 1, 2, 3}))["seconds_for_each_right_answer"] is None


def test_a_peer_is_compared_on_what_both_got_right():
    found = beside(marks(1, 2, 3, 4, 1, wrong={3}), marks(10, 10, 15, 1, 1, wrong={0}))
    assert found["both_right"] == 2
    assert found["times_as_long_where_both_are_right"] == 5.0
    assert found["times_as_long_by_medians_of_right_answers"] == 5.0
    assert found["times_as_long_for_each_right_answer"] == pytest.approx((36 / 3) / (10 / 3), abs=0.01)
    nothing = beside(marks(1, 2, 3, 4, 1), marks(1, 2, 3, 4, 1, wrong={0, 1, 2, 3}))
    assert nothing["both_right"] == 0
    assert nothing["times_as_long_where_both_are_right"] is None


def test_the_peer_that_comes_nearest_counts():
    name = "times_as_long_where_both_are_right"

    def one(value):
        return {name: value, "both_right": 3}

    assert must_show({"a": one(9.0), "b": one(4.0), "c": one(None)}) == {
        "best_peer": "b",
        "both_right": 3,
        "times_faster_to_a_right_rightly_cited_answer": 4.0,
        "must_be": ">= 4",
        "met": True,
    }
    assert must_show({"a": one(3.99)})["met"] is False
    assert must_show({"a": one(None)})["met"] is None


@pytest.fixture
def result(monkeypatch):
    def system(*times, **named):
        kept = [
            {"refused": one.refused, **{name: getattr(one, name) for name in ("id", "text", "cited", "failed")}}
            | {"files": dict(one.files), "first_seconds": one.first_seconds, "seconds": one.seconds}
            for one in replies(*times, **named)
        ]
        return {"versions": {"p": "1"}, "ready_seconds": 1.0, "peak_megabytes": 900.4, "replies": kept}

    monkeypatch.setattr(side_by_side, "golden", lambda: list(ROWS.values()))
    ours, theirs = system(2, 2, 2, 2, 2, answers_all=False), system(10, 10, 10, 10, 10, wrong={0, 1})
    found = {"model": {"file": "m.gguf"}, "machine": {"cores": 2}, "questions": {"rule": RULE}}
    return json.loads(json.dumps(found | {"systems": {"SpreadGuide": ours, "LlamaIndex": theirs}}))


def test_a_kept_result_is_marked_again_and_its_summary_holds_no_text(result):
    found = summary(result, side_by_side.marks_of(result))
    assert found["must_show"]["times_faster_to_a_right_rightly_cited_answer"] == 5.0
    assert found["systems"]["SpreadGuide"]["figures"]["answered_though_not_covered"] == 0
    assert found["systems"]["LlamaIndex"]["figures"]["answered_though_not_covered"] == 1
    assert "Twelve" not in json.dumps(found)
    lines = table(found).splitlines()
    assert lines[-1] == "Against the best peer (LlamaIndex, 2 questions): 5.0 times faster, must be >= 4: met."
    assert any(line.startswith("right and rightly cited") and "4/4" in line and "2/4" in line for line in lines)


def test_the_picture_is_a_png(result, tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    path = tmp_path / "side.png"
    draw(summary(result, side_by_side.marks_of(result)), path)
    assert path.read_bytes().startswith(b"\x89PNG")


FAKE = """
import sys
sys.path.insert(0, {folder!r})
from line_protocol import MARKERS, answer_of, options, serve

def build(given):
    print("noise of a library")

    def answering(question, first):
        print("more noise")
        if question == "fail":
            raise ValueError("no such thing")
        first()
        first()
        return answer_of(f"{{given['word']}} [1].", ["somewhere/hubs.md"], MARKERS)

    return answering

serve(build, ["pip"])
"""


@pytest.fixture
def fake(tmp_path):
    script = tmp_path / "fake.py"
    script.write_text(FAKE.format(folder=str(SCRIPTS)), encoding="utf-8")
    return [sys.executable, str(script)]


def test_a_peer_answers_line_by_line_and_its_noise_stays_out(fake):
    with peer("fake", fake, {"word": "Twelve"}) as running:
        assert set(running.versions) == {"pip"}
        reply = running.ask(COVERED)
        failed = running.ask(COVERED.model_copy(update={"question": "fail"}))
        again = running.ask(COVERED)
        assert running.peak_megabytes() > 1
        assert running.peak_megabytes() == peak_of(running.process.pid)
    assert running.process.poll() is not None
    assert (reply.text, reply.cited, reply.files, reply.failed) == ("Twelve [1].", (1,), {1: "hubs.md"}, "")
    assert 0 < reply.first_seconds <= reply.seconds
    assert "no such thing" in failed.failed
    assert isinstance(again, Reply)
    assert again.text == reply.text


@pytest.mark.parametrize("at_once", [True, False])
def test_systems_are_asked_in_turn_or_one_after_the_other(fake, at_once, capsys, monkeypatch):
    monkeypatch.setattr(side_by_side, "probe", lambda given: {"tokens_per_second": given["rate"]})
    starters = {name: partial(peer, name, fake, {"word": name}) for name in ("One", "Two")}
    rows = [ROWS["q0"], ROWS["q4"]]
    if at_once:
        found = side_by_side.together(starters, rows)
    else:
        found = side_by_side.in_blocks(starters, rows, {"rate": 9.0})
        assert found["One"]["raw_before"] == {"tokens_per_second": 9.0}
    told = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line[0].isdigit()]
    assert told == (["One:", "Two:", "Two:", "One:"] if at_once else ["One:", "One:", "Two:", "Two:"])
    kept = json.loads(json.dumps(found))["Two"]
    assert [one["id"] for one in kept["replies"]] == ["q0", "q4"]
    assert side_by_side.kept_reply(kept["replies"][0]).files == {1: "hubs.md"}
    assert kept["peak_megabytes"] > 1


def test_a_peer_that_ends_says_what_it_wrote(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("import sys; sys.exit('there is no such library')", encoding="utf-8")
    with pytest.raises(SystemExit, match="there is no such library"), peer("broken", [sys.executable, str(script)], {}):
        pass


def test_a_peer_that_is_not_installed_is_told_how_to_be(tmp_path):
    with pytest.raises(SystemExit, match="--set-up"):
        command_of(tmp_path, "txtai")


def test_peers_are_not_installed_into_the_checkout():
    with pytest.raises(SystemExit, match="outside"):
        set_up(ROOT / "peers")


def test_each_peer_has_a_script_and_pinned_versions():
    for name in PEERS.values():
        assert (SCRIPTS / f"with_{name}.py").is_file()
        lines = (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8").split()
        assert lines
        assert all("==" in line for line in lines)
