from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.gate import Gate, GateSettings
from agent.types import Match, Quality, Reason, Rejection, Sighting

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
QUALITY = Quality(180, 200, 0.0, 120, 40)
NOBODY = Match(None, -1.0, None, 2.0)
ANNA = Match("anna", 0.70, "bob", 0.40)
BOB = Match("bob", 0.65, "anna", 0.35)
STRANGER = Match("anna", 0.41, "bob", 0.05)
TWINS = Match("anna", 0.60, "bea", 0.01)
SMALL = Rejection("too_small", "too small: 42 px, need 64")
DARK = Rejection("too_dark", "too dark: 9 of 255, need 20")


def blurred(sharpness=3):
    return Rejection("too_blurred", f"too blurred: {sharpness}, need 8")


def at(seconds):
    return START + timedelta(seconds=seconds)


def repeats(sightings):
    """Of people who were recognised: whether each was the same visit still."""
    assert {sighting.reason for sighting in sightings} <= {Reason.MATCH}
    return [sighting.repeat for sighting in sightings]


def gate(**settings):
    return Gate(GateSettings(**settings), camera="front", threshold=0.52)


def feed(gate, *matches, track=1, start=0.0, step=0.2):
    """Shows one match after the other; the conclusions, in order."""
    seen = [gate.see(track, at(start + i * step), match, QUALITY) for i, match in enumerate(matches)]
    return [sighting for sighting in seen if sighting is not None]


def test_staff_are_recognised_as_soon_as_k_shots_agree():
    g = gate()
    assert g.see(1, at(0), ANNA, QUALITY) is None
    best = Match("anna", 0.81, "bob", 0.5)
    sighting = g.see(1, at(0.2), best, QUALITY)
    assert sighting == Sighting(
        at=at(0.2), camera="front", track=1, reason=Reason.MATCH, person="anna", match=best, threshold=0.52,
        shots=2, agreeing=2, quality=QUALITY, detail="0.810 to anna, need 0.520",
    )  # fmt: skip


def test_a_bad_shot_in_between_does_not_matter():
    (sighting,) = feed(gate(), ANNA, STRANGER, ANNA)
    assert (sighting.reason, sighting.shots, sighting.agreeing) == (Reason.MATCH, 3, 2)


def test_nothing_more_is_said_of_somebody_who_was_recognised():
    g = gate()
    feed(g, ANNA, ANNA)
    assert feed(g, *[ANNA, STRANGER, BOB, BOB] * 20, start=1) == []
    assert g.reject(1, at(20), DARK) is None
    assert g.leave(1, at(21)) is None
    assert (g.passed_by, g.repeats) == (0, 0)


@pytest.mark.parametrize(
    ("shots", "reason", "detail"),
    [
        ([STRANGER] * 5, Reason.UNKNOWN, "0.410 to anna, need 0.520"),
        ([TWINS] * 5, Reason.AMBIGUOUS, "0.600 to anna, 0.010 more than to bea, need 0.050"),
        ([ANNA, BOB, ANNA, BOB, STRANGER], Reason.INCONSISTENT, "2 for anna, 2 for bob"),
        ([ANNA, STRANGER, STRANGER, STRANGER, STRANGER], Reason.UNKNOWN, "1 of 5 shots agree, need 2 within 3 s"),
        ([NOBODY] * 2, Reason.EMPTY_GALLERY, "nobody is enrolled"),
        ([Match("anna", float("nan"), None, 2.0)] * 5, Reason.UNKNOWN, "nan to anna, need 0.520"),
    ],
    ids=["unknown", "ambiguous", "inconsistent", "one lucky shot", "empty gallery", "not a number"],
)
def test_a_stranger_is_refused_with_the_reason(shots, reason, detail):
    (sighting,) = feed(gate(), *shots)
    assert (sighting.reason, sighting.detail, sighting.person) == (reason, detail, None)
    assert sighting.shots == len(shots)
    assert sighting.match in shots


def test_a_shot_for_somebody_else_costs_one():
    assert feed(gate(), BOB, ANNA, ANNA) == []
    (sighting,) = feed(gate(), BOB, ANNA, ANNA, ANNA)
    assert sighting.person == "anna"


def test_shots_must_lie_close_together():
    g = gate(patience_seconds=100)
    assert feed(g, ANNA, STRANGER, STRANGER, ANNA, step=1.1) == []
    (sighting,) = feed(g, ANNA, start=4)
    assert sighting.reason is Reason.MATCH


def test_patience_ends_before_all_shots_are_made():
    g = gate(shots=50)
    sightings = feed(g, *[STRANGER] * 6, step=0.9)
    assert [sighting.at for sighting in sightings] == [at(4.5)]
    assert sightings[0].shots == 6


def test_the_threshold_can_change_while_somebody_is_there():
    g = gate()
    g.see(1, at(0), ANNA, QUALITY)
    g.threshold = 0.9
    assert g.see(1, at(0.1), ANNA, QUALITY) is None
    g.threshold = 0.5
    sighting = g.see(1, at(0.2), STRANGER, QUALITY)
    assert sighting is None, "the newest shot must speak for the person too"
    assert g.see(1, at(0.3), ANNA, QUALITY).threshold == 0.5


def test_somebody_near_who_cannot_be_seen_well_is_told_why():
    g = gate()
    said = [g.reject(1, at(i / 2), DARK if i == 3 else blurred(i)) for i in range(9)]
    assert said[:8] == [None] * 8
    assert said[8].reason is Reason.POOR_QUALITY
    assert said[8].detail == "too blurred: 8, need 8"
    assert (said[8].match, said[8].quality, said[8].shots) == (None, None, 0)


def test_a_good_shot_renews_the_patience_for_bad_ones():
    g = gate(shots_needed=3)
    for i in range(7):
        assert g.reject(1, at(i / 2), blurred()) is None
    g.see(1, at(3.5), ANNA, QUALITY)
    assert g.reject(1, at(4.0), blurred()) is None
    assert g.reject(1, at(7.4), blurred()) is None
    assert g.reject(1, at(7.5), blurred()).reason is Reason.POOR_QUALITY


def test_a_stranger_who_hides_after_enough_shots_is_refused_by_those():
    g = gate()
    assert feed(g, STRANGER, STRANGER) == []
    assert g.reject(1, at(3.9), blurred()) is None
    sighting = g.reject(1, at(4.0), blurred())
    assert (sighting.reason, sighting.shots) == (Reason.UNKNOWN, 2)


def test_somebody_far_away_is_not_bothered():
    g = gate()
    assert [g.reject(1, at(i), SMALL) for i in range(60)] == [None] * 60
    assert g.leave(1, at(60)) is None
    assert g.passed_by == 1


def test_being_near_starts_anew_after_stepping_back():
    g = gate()
    for start in (0, 10, 20):
        for i in range(7):
            assert g.reject(1, at(start + i / 2), blurred()) is None
        assert g.reject(1, at(start + 4), SMALL) is None
    g.leave(1, at(30))
    assert g.passed_by == 1


def test_who_leaves_before_k_shots_has_passed_by():
    g = gate()
    g.see(1, at(0), STRANGER, QUALITY)
    assert g.leave(1, at(1)) is None
    assert g.passed_by == 1


def test_who_leaves_after_k_shots_is_refused():
    g = gate()
    feed(g, STRANGER, STRANGER)
    sighting = g.leave(1, at(1))
    assert (sighting.reason, sighting.at) == (Reason.UNKNOWN, at(1))
    assert g.passed_by == 0


def test_a_track_nobody_heard_of_leaves_without_a_word():
    g = gate()
    assert g.leave(7, at(0)) is None
    assert g.passed_by == 0


def test_a_colleague_who_first_looked_away_gets_another_try():
    g = gate()
    (refused,) = feed(g, *[STRANGER] * 5)
    assert refused.at == at(0.8)
    assert feed(g, *[ANNA] * 10, start=1) == [], "resting: 3 s from the refusal"
    (granted,) = feed(g, ANNA, ANNA, start=3.8)
    assert (granted.person, granted.shots) == ("anna", 2)


@pytest.mark.parametrize(("tries", "times"), [(1, [0.8]), (2, [0.8, 4.6]), (4, [0.8, 4.6, 11.4, 24.2])])
def test_the_pause_doubles_and_each_try_is_told_until_the_visit_is_closed(tries, times):
    g = gate(tries=tries)
    told = feed(g, *[STRANGER] * 1000)  # 200 seconds
    assert [round((s.at - START).total_seconds(), 1) for s in told] == times
    assert g.leave(1, at(201)) is None
    assert g.passed_by == 0


def test_after_its_last_try_nobody_is_recognised_on_this_track_but_on_a_new_one():
    g = gate()
    feed(g, *[STRANGER] * 1000)
    assert feed(g, *[ANNA] * 400, start=200) == []
    assert [g.reject(1, at(300 + i), DARK) for i in range(60)] == [None] * 60
    assert g.leave(1, at(400)) is None
    (granted,) = feed(g, ANNA, ANNA, track=2, start=401)
    assert granted.person == "anna"


def test_short_tries_are_more_tries_with_no_more_shots():
    g, told = gate(patience_seconds=1, retry_seconds=1), []
    for i in range(60):  # two shots, then none until patience is over; and again
        told += feed(g, STRANGER, STRANGER, start=100 * i)
        told.append(g.reject(1, at(100 * i + 2), DARK))
    told = [sighting for sighting in told if sighting is not None]
    assert [sighting.shots for sighting in told] == [2] * 5


def test_glimpses_that_are_forgotten_are_used_up_all_the_same():
    g, told = gate(), []
    for i in range(30):
        told += feed(g, STRANGER, start=5 * i)
    assert [(s.reason, s.at, s.shots) for s in told] == [(Reason.UNKNOWN, at(45), 1)], "told as it is closed"
    assert feed(g, ANNA, ANNA, start=300) == []


def test_a_remainder_of_fewer_than_k_shots_is_not_tried():
    g, told = gate(shots=3, tries=1), []
    told += feed(g, STRANGER, STRANGER)
    told.append(g.reject(1, at(4.2), DARK))
    assert [sighting.shots for sighting in told] == [2]
    assert feed(g, ANNA, ANNA, start=20) == []
    assert not g.wants(1, at(21.1)), "closed: only a look now and then"


def test_a_stranger_who_steps_back_after_enough_shots_is_refused_by_those():
    g = gate()
    feed(g, STRANGER, STRANGER)
    assert g.reject(1, at(3.9), SMALL) is None
    sighting = g.reject(1, at(4.0), SMALL)
    assert (sighting.reason, sighting.shots) == (Reason.UNKNOWN, 2)


def test_a_try_that_was_broken_off_is_refused_before_the_next_shot_counts():
    g = gate()
    feed(g, STRANGER, STRANGER)
    (sighting,) = feed(g, ANNA, start=10)
    assert (sighting.reason, sighting.shots) == (Reason.UNKNOWN, 2)


def test_what_was_never_compared_is_told_three_times_and_uses_nothing_up():
    g = gate()
    told = [g.reject(1, at(i / 2), blurred()) for i in range(2000)]
    assert Counter(s.reason for s in told if s) == {Reason.POOR_QUALITY: 3}
    assert Counter(s.reason for s in feed(g, *[NOBODY] * 2000, start=1000)) == {Reason.EMPTY_GALLERY: 3}
    (granted,) = feed(g, *[ANNA] * 400, start=1400)
    assert granted.reason is Reason.MATCH


@pytest.mark.parametrize("seconds", [5, 20, 70, 300])
def test_who_only_looked_away_does_not_wait_the_longer_for_it(seconds):
    g = gate()
    for i in range(2 * seconds):
        g.reject(1, at(i / 2), blurred())
    (granted,) = feed(g, *[ANNA] * 30, start=seconds)
    assert granted.at <= at(seconds + GateSettings().retry_seconds + 0.5)


def test_another_refusal_is_told_all_the_same():
    g = gate()
    for i in range(300):
        g.reject(1, at(i / 2), blurred())
    told = feed(g, *[STRANGER] * 400, start=150)
    assert Counter(s.reason for s in told)[Reason.UNKNOWN] >= 1


def test_the_same_person_on_a_new_track_is_let_in_again_on_the_same_visit():
    g = gate()
    assert repeats(feed(g, ANNA, ANNA)) == [False]
    g.leave(1, at(60))  # stood there for a minute
    (again,) = feed(g, ANNA, ANNA, ANNA, track=2, start=62)
    assert again == Sighting(
        at=at(62.2), camera="front", track=2, reason=Reason.MATCH, person="anna", match=ANNA, threshold=0.52,
        shots=2, agreeing=2, quality=QUALITY, detail="0.700 to anna, need 0.520", repeat=True,
    )  # fmt: skip
    assert again.reason is Reason.MATCH
    assert g.repeats == 1
    g.leave(2, at(70))
    assert repeats(feed(g, ANNA, ANNA, track=3, start=79.5)) == [True]
    g.leave(3, at(80))
    assert repeats(feed(g, ANNA, ANNA, track=4, start=90.1)) == [False]
    assert (g.repeats, g.passed_by) == (2, 0)


def test_checks_on_a_recognised_visitor_keep_the_visit_alive():
    g = gate()
    feed(g, ANNA, ANNA)
    for second in range(1, 30):
        g.see(1, at(second), ANNA, QUALITY)
    assert repeats(feed(g, ANNA, ANNA, track=2, start=32)) == [True]
    assert g.repeats == 1


def test_two_people_are_two_visits():
    g = gate()
    assert repeats(feed(g, ANNA, ANNA, track=1) + feed(g, BOB, BOB, track=2, start=0.1)) == [False, False]


def test_shots_of_long_ago_no_longer_count():
    g = gate()
    feed(g, STRANGER)
    for i in range(20):
        g.reject(1, at(1 + i), SMALL)
    assert feed(g, STRANGER, STRANGER, start=30) == []


def test_a_clock_set_back_by_an_hour_neither_blocks_nor_repeats():
    g = gate()
    feed(g, ANNA)
    (granted,) = feed(g, ANNA, start=-3600)
    assert granted.at == at(-3600)
    g.leave(1, at(-3599))
    assert repeats(feed(g, ANNA, ANNA, track=2, start=-3595)) == [True]
    g.leave(2, at(-3594))
    assert repeats(feed(g, ANNA, ANNA, track=3, start=-3583)) == [False]


def test_wants_the_first_shots_at_once_and_the_rest_with_patience():
    g, taken = gate(patience_seconds=5), []
    for i in range(60):
        if g.wants(1, at(i / 8)):
            taken.append(i / 8)
            if g.see(1, at(i / 8), STRANGER, QUALITY):
                break
    assert taken == [0, 0.125, 1.125, 2.125, 3.125]


@pytest.mark.parametrize("tries", [1, 2])
def test_wants_a_look_now_and_then_at_who_is_settled_resting_or_closed(tries):
    g = gate(tries=tries)
    feed(g, ANNA, ANNA, track=1, start=0.6)
    feed(g, *[STRANGER] * 5, track=2, step=0, start=0.8)
    for track in (1, 2):
        assert not g.wants(track, at(1.7))
    for track in (1, 2):
        assert g.wants(track, at(1.8))


def test_a_closed_visit_is_looked_at_once_a_second_for_ever():
    g, looks = gate(), Counter()
    for i in range(10_000):
        if g.wants(1, at(i / 10)):
            looks[i // 100] += 1  # in 10 seconds
            g.see(1, at(i / 10), STRANGER, QUALITY)
    assert {looks[i] for i in range(10, 100)} == {10}


# Properties, over any sequence of what can happen.

people = st.sampled_from(["anna", "bob", None])
similarities = st.one_of(st.floats(0.3, 0.8), st.just(float("nan")))
matches = st.one_of(
    st.builds(Match, st.sampled_from(["anna", "bob"]), similarities, st.just("cy"), st.floats(0, 0.2)), st.just(NOBODY)
)
happenings = st.lists(
    st.tuples(
        st.floats(-1, 3),  # seconds since the one before
        st.integers(1, 3),  # track
        st.one_of(matches, st.sampled_from([SMALL, DARK, blurred(), "leave"])),
    ),
    max_size=60,
)


def play(g, happenings):
    """Feeds them all; (elapsed seconds, visit, sighting) for each, a visit being (track, how often it has left)."""
    now, elapsed, left = 0.0, 0.0, Counter()
    for step, track, what in happenings:
        now, elapsed, visit = now + step, elapsed + max(0, step), (track, left[track])
        if what == "leave":
            sighting = g.leave(track, at(now))
            left[track] += 1
        elif isinstance(what, Rejection):
            sighting = g.reject(track, at(now), what)
        else:
            sighting = g.see(track, at(now), what, QUALITY)
        yield elapsed, visit, what, sighting


def speaks_for(match, person):
    return match.person == person and match.similarity >= 0.52 and match.margin >= 0.05


@settings(deadline=None)
@given(happenings, st.integers(1, 4), st.integers(0, 4))
def test_never_a_match_with_fewer_than_k_agreeing_shots(happenings, k, more):
    seen = {}
    for elapsed, visit, what, sighting in play(gate(shots_needed=k, shots=k + more), happenings):
        if isinstance(what, Match):
            seen.setdefault(visit, []).append((elapsed, what))
        if sighting is not None and sighting.reason is Reason.MATCH:
            late = [match for then, match in seen[visit] if elapsed - then <= 3 + 1e-3]
            assert sum(speaks_for(match, sighting.person) for match in late) >= k
            assert speaks_for(sighting.match, sighting.person)
            assert k <= sighting.agreeing <= sighting.shots <= k + more


@settings(deadline=None)
@given(happenings)
def test_at_most_one_match_per_track_and_nothing_after_it(happenings):
    settled = set()
    for _, visit, _, sighting in play(gate(), happenings):
        if sighting is not None:
            assert visit not in settled
            if sighting.reason is Reason.MATCH:
                settled.add(visit)


long_visits = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.6, 2]),  # the next shot, a good while, longer than patience
        st.just(1),
        st.sampled_from([STRANGER, STRANGER, STRANGER, BOB, ANNA, TWINS, NOBODY, SMALL, DARK]),
    ),
    min_size=10,
    max_size=60,
)


@settings(deadline=None)
@given(long_visits, st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
def test_never_more_compared_shots_in_a_visit_than_the_threshold_reckons_with(happenings, k, more, tries):
    limits = {"shots_needed": k, "shots": k + more, "tries": tries}
    g, used, told = gate(**limits, patience_seconds=1, retry_seconds=1), Counter(), Counter()
    for _, visit, what, sighting in play(g, happenings):
        if what != "leave":
            remembered = g._visits[visit[0]]
            at_hand = sum(shot.match.person is not None for shot in remembered.shots)
            assert max(at_hand, used[visit]) <= remembered.compared <= (k + more) * tries
            used[visit] = remembered.compared
        if sighting is not None and sighting.match is not None and sighting.match.person is not None:
            told[visit] += 1
            assert told[visit] <= used[visit], "a try that is told has used a shot at least"


strangers = st.lists(
    st.tuples(st.floats(0, 3), st.just(1), st.sampled_from([STRANGER, STRANGER, STRANGER, SMALL, DARK])), max_size=40
)


@settings(deadline=None)
@given(strangers, st.integers(1, 4), st.integers(1, 3))
def test_a_stranger_has_so_many_chances_to_be_lucky_and_no_more(happenings, shots, tries):
    """With k = 1 a shot is compared if it would open the door, had it shown somebody else."""
    chances = 0
    for i, (step, track, what) in enumerate(happenings):
        if what is STRANGER:
            *_, (*_, sighting) = play(
                gate(shots_needed=1, shots=shots, tries=tries), [*happenings[:i], (step, track, ANNA)]
            )
            chances += sighting is not None and sighting.reason is Reason.MATCH
    assert chances <= shots * tries


@settings(deadline=None)
@given(happenings)
def test_nobody_is_counted_twice_within_the_revisit_time(happenings):
    granted, g, repeated = {}, gate(), 0
    for elapsed, _, _, sighting in play(g, happenings):
        if sighting is not None and sighting.person is not None:
            assert sighting.repeat or elapsed - granted.get(sighting.person, -1e9) >= 10 - 1e-3
            assert not sighting.repeat or sighting.person in granted
            granted[sighting.person] = elapsed
            repeated += sighting.repeat
    assert g.repeats == repeated


@settings(deadline=None)
@given(happenings, st.integers(1, 3))
def test_refusals_neither_flood_nor_name_anybody(happenings, tries):
    last, told = {}, Counter()
    for elapsed, visit, _, sighting in play(gate(tries=tries), happenings):
        if sighting is not None and sighting.reason is not Reason.MATCH:
            assert sighting.person is None
            assert not sighting.repeat
            assert sighting.detail
            assert elapsed - last.get(visit, -1e9) >= 3 - 1e-3
            last[visit] = elapsed
            told[visit, sighting.reason] += sighting.match is None
            assert told[visit, sighting.reason] <= 3
