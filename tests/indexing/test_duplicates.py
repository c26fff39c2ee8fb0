"""Near-duplicate passages: found when most words are shared, and only then."""

import numpy as np
import pytest

from spreadguide.indexing.duplicates import duplicate_groups, same_text, sketches

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


def test_a_sketch_is_the_same_in_every_run_and_version():
    """Sketches are kept from build to build: were they made in another way, `FORMAT_VERSION` would have to change."""
    one, edited, other = (sketches(text)[1][0] for text in (ONE, EDITED, OTHER))
    assert one[:3].tolist() == PINNED
    assert (one == edited).mean() > 0.4
    assert (one == other).mean() < 0.1
