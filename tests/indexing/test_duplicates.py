"""Near-duplicate passages: found when most words are shared, and only then."""

from itertools import permutations

import numpy as np
import pytest

from spreadguide.indexing import duplicates, verdicts
from spreadguide.indexing.duplicates import SKETCH_WIDTH, duplicate_groups, same_text, sketches
from spreadguide.indexing.verdicts import Verdicts, pair_key

ONE = (
    "The nursing service spread to forty hospitals within three years, because each new hospital was given a named "
    "adviser, a handbook and a small grant that paid for the first six months of a lead nurse."
)
EDITED = ONE.replace("forty", "40").replace("a small grant", "small grants").replace("paid", "had paid")
LONGER = f"{ONE} Three hospitals left the programme early, and two of them came back when the grant was raised."
PINNED = [4779613, 199953046, 54741660]
OTHER = (
    "A bedside questionnaire was tried on thirty-three wards, where volunteers helped patients to fill it in and staff "
    "met every month to plan what to change, although half of them wrote no plan at all."
)
UNRELATED = (
    "Clinics in the north began to send reminders by text message. The wording was tested on nine thousand people, who "
    "were given one of seven letters at random, and the plainest letter brought the most of them to their appointment. "
    "Nobody had asked the receptionists, and they were the first to say what people misunderstood about the old letter."
)
SAME_TOPIC = (
    "Forty hospitals took up the nursing service in three years. Advisers, handbooks and grants for lead nurses were "
    "given to every hospital that joined, and that is why the service spread."
)


def _groups(texts):
    """Find the groups among passages of these texts."""
    found = [sketches(text) for text in texts]
    rows = np.concatenate([np.full(len(places), row, dtype=np.int32) for row, (places, _) in enumerate(found)])
    places = np.concatenate([places for places, _ in found])
    return duplicate_groups(rows, places, np.concatenate([sketched for _, sketched in found]), texts.__getitem__)


@pytest.mark.parametrize("other", [ONE, ONE.upper(), ONE.replace(",", ""), EDITED, LONGER])
def test_the_same_text_with_small_changes_is_found(other):
    assert same_text(ONE, other)
    assert _groups([OTHER, ONE, SAME_TOPIC, other]) == {1: 1, 3: 1}


@pytest.mark.parametrize(
    "other", [OTHER, SAME_TOPIC, "", ONE[:60], f"{ONE[:70]} {OTHER}", f"{OTHER} {UNRELATED} {ONE}"]
)
def test_other_text_on_the_same_topic_and_a_quote_in_a_long_text_are_not(other):
    assert not same_text(ONE, other)
    assert _groups([ONE, other]) == {}


def test_several_copies_are_one_group_named_by_the_first():
    assert _groups([OTHER, ONE, EDITED, OTHER, LONGER]) == {0: 0, 3: 0, 1: 1, 2: 1, 4: 1}


def test_short_lines_are_never_copies():
    assert _groups(["Published in 2018 by the network."] * 3) == {}


def test_many_copies_of_one_boilerplate_stay_cheap_and_join():
    texts = [f"{ONE} Page {number}." for number in range(300)]
    assert set(_groups(texts).values()) == {0}


def test_a_passage_with_the_same_paragraphs_among_others_is_found():
    one, other = f"{ONE}\n\n{OTHER}", f"Here is what was found:\n{EDITED}\n{OTHER}\nSee the full report."
    assert _groups([one, UNRELATED, other]) == {0: 0, 2: 0}


def test_a_passage_that_is_mostly_other_text_is_not():
    assert _groups([ONE, f"{ONE}\n\n{UNRELATED}"]) == {}


def test_a_passage_is_no_copy_of_itself():
    assert _groups([f"{ONE}\n\n{ONE}", OTHER]) == {}


IN_2019 = (
    "In 2019 the network reviewed its small grants for wards in England. It found 12 projects in hospitals and "
    "community trusts, and 9 of them were still running when the review team came back to ask how they had fared."
)
EFFECT = (
    "The evaluation showed that the new care pathway reduced emergency admissions among older people with several "
    "long-term conditions, and that staff on the wards did value the handbook and the regular visits of the adviser."
)
PAGES = "The improvement network gives advice to every hospital that joins, and publishes what was learnt each year."


def _changed(text, *changes):
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (IN_2019, _changed(IN_2019, ("2019", "2020"), ("12", "31"), ("9 of", "4 of"))),
        (IN_2019, _changed(IN_2019, ("12 projects", "31 projects"))),
        (IN_2019, _changed(IN_2019, ("12 projects", "31 schemes or projects"))),
        (IN_2019, _changed(IN_2019, ("12 projects", "nine projects"), ("9 of", "12 of"))),
        (IN_2019, _changed(IN_2019, ("England", "Wales"))),
        (IN_2019, _changed(IN_2019, ("England", "Wales"), ("2019", "2020"))),
        (
            IN_2019,
            _changed(IN_2019, ("In 2019 the", "The"), ("12 projects", "12 projects in 31 places"), ("9 of", "4 of")),
        ),
        (_changed(IN_2019, ("12", "twelve")), _changed(IN_2019, ("12", "thirty"))),
        (EFFECT, _changed(EFFECT, ("reduced", "increased"))),
        (EFFECT, _changed(EFFECT, ("reduced", "changed"))),
        (EFFECT, _changed(EFFECT, ("did value", "did not value"))),
        (EFFECT, _changed(EFFECT, ("did value", "didn't value"))),
        (EFFECT, _changed(EFFECT, ("reduced", "had never reduced"))),
        (EFFECT, _changed(EFFECT, ("with several", "without several"))),
        (EFFECT, _changed(EFFECT, ("regular", "irregular"))),
        (EFFECT, _changed(EFFECT, ("several", "no"))),
        (f"{EFFECT} Costs rose and waits fell.", f"{EFFECT} Costs fell and waits rose."),
        (f"{EFFECT} Waits were longer for a week.", f"{EFFECT} Waits were longer for a month."),
        (f"{EFFECT} Most staff stayed.", f"{EFFECT} Few staff stayed."),
        (f"{EFFECT} England did more than Wales.", f"{EFFECT} Wales did more than England."),
    ],
)
def test_another_number_name_direction_or_negation_is_another_statement(one, other):
    assert not same_text(one, other)
    assert not same_text(other, one)
    assert _groups([one, other]) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (IN_2019, _changed(IN_2019, ("its small grants for", "its small grants to"), ("they had fared", "they fared"))),
        (IN_2019, _changed(IN_2019, ("12", "twelve"), ("9 of", "nine of"))),
        (IN_2019, _changed(IN_2019, ("In 2019 the", "The"))),
        (IN_2019, f"{IN_2019} The other 3 had closed, and nobody from them could be asked."),
        (IN_2019, _changed(IN_2019, (" and community trusts", ""))),
        (IN_2019, IN_2019.upper()),
        (IN_2019, _changed(IN_2019, ("It found", "NHS reviewers found"))),
        (EFFECT, _changed(EFFECT, ("reduced", "decreased"), ("the wards", "their wards"))),
        (EFFECT, _changed(EFFECT, ("The evaluation", "An evaluation"), (", and that", " and that"))),
        (EFFECT, f"The hospitals had not asked for any of this. {EFFECT}"),
        (_changed(EFFECT, ("did value", "did not value")), _changed(EFFECT, ("did value", "didn’t value"))),
    ],
)
def test_rewording_and_what_only_the_longer_text_adds_is_the_same_text(one, other):
    assert same_text(one, other)
    assert same_text(other, one)
    assert _groups([other, one]) == {0: 0, 1: 0}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_copies_are_found_whatever_text_with_one_of_their_paragraphs_stands_between(order):
    first = (f"{ONE}\n{OTHER}", f"{ONE}\n{UNRELATED}", f"{ONE}\n{OTHER}")
    texts = [first[place] for place in order]
    copies = sorted(order.index(place) for place in (0, 2))
    assert _groups(texts) == dict.fromkeys(copies, copies[0])


def test_a_text_that_repeats_a_paragraph_does_not_come_between_copies():
    short = f"{OTHER}\n{ONE}"
    assert _groups([short, f"{ONE}\n{ONE}\n{UNRELATED}\n{UNRELATED[::-1]}", short]) == {0: 0, 2: 0}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_two_statements_never_share_a_group_through_a_text_that_is_like_both(order):
    """Without its year the text is a copy of either; it joins the first, and the other stays by itself."""
    later = _changed(IN_2019, ("2019", "2020"))
    texts = [(IN_2019, _changed(IN_2019, ("In 2019 the", "The")), later)[place] for place in order]
    assert _groups(texts) == dict.fromkeys((0, max(1, order.index(1))), 0)


def test_rows_that_follow_one_pattern_join_their_own_copies_only():
    """As many as this come between two copies in tables that two reports print."""
    rows = [_changed(IN_2019, ("12", str(number)), ("9 of", f"{number - 9} of")) for number in range(100, 180)]
    assert _groups(rows * 2) == {row: row % 80 for row in range(160)}


def test_one_line_in_many_passages_joins_copies_of_the_whole_only():
    """The line is nearly half of each passage; passages 0 and 400, far apart, are the same text throughout."""
    bodies = [" ".join(f"w{number}x{word}" for word in range(20)) for number in range(400)]
    texts = [f"{PAGES}\n{body}" for body in bodies]
    assert _groups([*texts, texts[0], PAGES, PAGES]) == {0: 0, 400: 0, 401: 401, 402: 401}


def test_of_a_hundred_thousand_unlike_sketches_no_text_is_asked_for():
    sketched = np.random.default_rng(7).integers(0, 2**32, size=(100_000, SKETCH_WIDTH), dtype=np.uint32)
    rows = np.arange(100_000, dtype=np.int32)
    assert duplicate_groups(rows, np.zeros_like(rows), sketched, {}.__getitem__) == {}


def test_no_passages_have_no_groups():
    assert _groups(["Too short."]) == {}


def test_a_sketch_is_the_same_in_every_run_and_version():
    """Sketches are kept from build to build: were they made in another way, `FORMAT_VERSION` would have to change."""
    one, edited, other = (sketches(text)[1][0] for text in (ONE, EDITED, OTHER))
    assert one[:3].tolist() == PINNED
    assert (one == edited).mean() > 0.4
    assert (one == other).mean() < 0.1


def test_paragraphs_that_an_earlier_build_compared_are_not_compared_again(monkeypatch):
    first = Verdicts({})
    asked = [(ONE, EDITED), (EDITED, ONE), (ONE, OTHER)]
    assert [first(*pair) for pair in asked] == [True, True, False]
    assert len(first.used) == 2
    monkeypatch.setattr(duplicates, "same_text", lambda *_: pytest.fail("compared again"))
    again = Verdicts(first.used)
    assert [again(*pair) for pair in asked[:2]] == [True, True]
    assert list(again.used.values()) == [True]  # what is no longer asked is forgotten


def test_verdicts_end_with_the_rules_that_gave_them(monkeypatch):
    key = pair_key(ONE, OTHER)
    assert key == pair_key(OTHER, ONE) != pair_key(ONE, EDITED)
    monkeypatch.setattr(verdicts, "_rules", lambda: b"other rules")
    assert pair_key(ONE, OTHER) != key


def test_two_statements_with_the_same_source_line_are_two():
    source = "Source: The spread of the nursing service, a report (Harbour Trust, 2021), results, the first two tables."
    assert _groups([f"Forty hospitals joined.\n\n{source}", f"Three hospitals left it early.\n\n{source}"]) == {}
    assert _groups([f"{ONE}\n\n{source}", f"{ONE}\n\nSource: Another report, page 3."]) == {0: 0, 1: 0}
