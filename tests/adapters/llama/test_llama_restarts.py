"""How long a model that crashed is left alone, in a time that the test moves."""

import pytest

from spreadguide.adapters.llama_restarts import Restarts
from spreadguide.adapters.llama_settings import (
    LONGEST_RESTART_WAIT_SECONDS,
    MANY_CRASHES,
    STEADY_SECONDS,
    Failure,
    GeneratorStatus,
    LlamaSettings,
)

CRASH = Failure("crash", "The generator stopped: llama.cpp crashed.")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def restarts(clock):
    return Restarts(LlamaSettings(), clock)


def ran(restarts, clock, seconds):
    """Let a model be ready for so long, and then crash; return how long the next start waits."""
    restarts.ready()
    clock.now += seconds
    return restarts.crashed(CRASH)[1]


def test_the_wait_doubles_up_to_its_cap_and_stays_there(restarts):
    assert [restarts.crashed(CRASH)[1] for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    # More crashes than a float can be doubled.
    assert {restarts.crashed(CRASH)[1] for _ in range(2000)} == {LONGEST_RESTART_WAIT_SECONDS}


def test_a_model_that_ran_well_starts_the_count_anew(restarts, clock):
    for _ in range(6):
        restarts.crashed(CRASH)
    assert ran(restarts, clock, STEADY_SECONDS - 0.1) == 30
    assert ran(restarts, clock, STEADY_SECONDS) == 0
    assert ran(restarts, clock, 0.0) == 1


def test_a_long_load_that_fails_is_no_good_run(restarts, clock):
    assert ran(restarts, clock, STEADY_SECONDS) == 0
    clock.now += 10 * STEADY_SECONDS
    assert restarts.crashed(CRASH)[1] == 1


def test_ten_kills_in_five_minutes_leave_it_away_for_two_and_a_half_at_most(restarts, clock):
    waits = [ran(restarts, clock, 0.0) for _ in range(10)]
    assert sum(waits) <= 151
    assert [ran(restarts, clock, 30.0) for _ in range(10)] == [0] * 10


def test_people_are_told_that_it_comes_back_and_after_many_crashes_where_to_look(restarts):
    state, _ = restarts.crashed(CRASH)
    assert state.status is GeneratorStatus.CRASHED
    assert state.reason == "The generator stopped: llama.cpp crashed. The model is being started again."
    assert "doctor" not in state.hint
    again = restarts.starting_again()
    assert (again.status, again.reason) == (
        GeneratorStatus.LOADING,
        "The model stopped and is being started again.",
    )
    for _ in range(MANY_CRASHES - 1):
        state, _ = restarts.crashed(CRASH)
    assert state.reason.endswith("That was failure number 4 in a row. The model is started again in 4 seconds.")
    assert "spreadguide doctor" in state.hint
    assert "spreadguide doctor" in restarts.starting_again().hint


def test_a_lack_of_memory_keeps_its_own_advice(restarts):
    state, _ = restarts.crashed(Failure("memory", "There is not enough free memory for the model."))
    assert "Close other programs" in state.hint
    assert "Close other programs" in restarts.starting_again().hint
