"""What is news about drift: told once, again when it is old, over when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
from happened import AT, MOVED, REGISTRY, TIGHTENED, UNLOCKED, drifted, run
from hypothesis import given, settings, strategies as st

from reconciler.alerts.ledger import Ledger, Terms, after, awaited, batch, claimed, released, tidied, told

DAY_S = 24 * 3600.0
V1, V2 = drifted("app:v1"), drifted("app:v2", TIGHTENED)


def later(hours: float) -> str:
    """So many hours after the first run."""
    moment = datetime.fromisoformat(AT) + timedelta(hours=hours)
    return moment.isoformat().replace("+00:00", "Z")


def step(ledger: Ledger, *found, hours: float = 0.0, is_whole: bool = True, sink: str = "s"):
    """One run that tells one sink; what it told, and the ledger then."""
    at = later(hours)
    seen = after(ledger, found, run(at), is_whole=is_whole)
    news = batch(seen, REGISTRY, sink, Terms(at, DAY_S)).news
    return news, tidied(told(seen, sink, news), at)


def said(news):
    """News in short."""
    return [(str(each.address), each.status) for each in news]


def test_a_drift_is_told_once():
    """The second run has no news, whatever the hour."""
    first, ledger = step(Ledger(), V1, V2)
    second, _ = step(ledger, V1, V2, hours=23)

    assert [("app:v1", "firing"), ("app:v2", "firing")] == said(first)
    assert [] == said(second)


def test_an_old_drift_is_told_again():
    """So that it is not forgotten; and then not again for as long."""
    _, ledger = step(Ledger(), V1)
    again, ledger = step(ledger, V1, hours=24)
    soon, _ = step(ledger, V1, hours=25)

    assert [("app:v1", "firing", AT, later(24))] == [
        (str(each.address), each.status, each.first_seen, each.at) for each in again
    ]
    assert () == soon


def test_the_end_is_told_once_and_then_forgotten():
    """Nothing is left in the ledger but the round, for a day."""
    _, ledger = step(Ledger(), V1)
    end, ledger = step(ledger, hours=1)
    calm, ledger = step(ledger, hours=2)
    _, past = step(ledger, hours=26)

    assert [("app:v1", "resolved")] == said(end)
    assert ("app:v1 is as it should be again, or no rule is about it any more.", AT, later(1)) == (
        end[0].meaning,
        end[0].last_seen,
        end[0].at,
    )
    assert () == calm
    assert ({}, ["contoso.azurecr.io app:v1 deleteEnabled"]) == (ledger.alerts, list(ledger.rounds))
    assert Ledger() == past


def test_a_run_that_did_not_see_everything_ends_nothing():
    """What it did not see may drift."""
    _, ledger = step(Ledger(), V1)
    news, ledger = step(ledger, V2, hours=1, is_whole=False)
    still, _ = step(ledger, V1, V2, hours=2)

    assert [("app:v2", "firing")] == said(news)
    assert () == still


def test_what_drifts_otherwise_is_told_anew():
    """A tag that moved as well is no old news; the old alert ends, and says what took its place."""
    _, ledger = step(Ledger(), V1)
    news, _ = step(ledger, drifted("app:v1", {**UNLOCKED, **MOVED}), hours=1)

    assert [("app:v1", "firing"), ("app:v1", "resolved")] == said(news)
    assert news[0].fingerprint == news[1].replaced_by
    assert "app:v1 drifts otherwise now." == news[1].meaning


def test_each_sink_is_told_what_it_does_not_know():
    """A sink that failed, or is new, hears of what others know already; its end too, if it heard the beginning."""
    _, ledger = step(Ledger(), V1)
    other, ledger = step(ledger, V1, hours=1, sink="t")
    end = after(ledger, [], run(later(2)), is_whole=True)

    assert [("app:v1", "firing")] == said(other)
    assert [1, 1, 0] == [len(batch(end, REGISTRY, sink, Terms(later(2), DAY_S)).news) for sink in ("s", "t", "u")]


def test_who_missed_the_beginning_is_told_it_with_the_end():
    """What was healed before it could be told happened all the same; a sink that is new missed nothing."""
    seen = awaited(after(Ledger(), [V1], run(later(0)), is_whole=True), ["s", "t"])
    ledger = tidied(told(seen, "t", batch(seen, REGISTRY, "t", Terms(later(0), DAY_S)).news), later(0))
    ended = tidied(after(ledger, [], run(later(1)), is_whole=True), later(1))
    news = {sink: batch(ended, REGISTRY, sink, Terms(later(1), DAY_S)).news for sink in ("s", "t", "new")}
    past = tidied(told(told(ended, "s", news["s"]), "t", news["t"]), later(1))

    assert [("app:v1", "firing"), ("app:v1", "resolved")] == said(news["s"])
    assert "app:v1: whoever may delete can delete it." == news["s"][0].meaning
    assert [("app:v1", "resolved")] == said(news["t"])
    assert () == news["new"]
    assert {} == past.alerts


def test_a_part_tells_only_what_it_saw():
    """What it left out may be healed: neither is it repeated, nor does it fire for those who hear all that does."""
    _, ledger = step(Ledger(), V1)
    seen = after(ledger, [V2], run(later(30)), is_whole=False)
    part = batch(seen, REGISTRY, "s", Terms(later(30), DAY_S, is_everything=False))
    incomplete = batch(seen, REGISTRY, "s", Terms(later(30), DAY_S, is_complete=False))

    assert [[("app:v2", "firing")], [("app:v2", "firing")]] == [said(part.news), said(part.firing)]
    assert [("app:v1", "firing"), ("app:v2", "firing")] == said(incomplete.firing)


def test_a_registry_says_nothing_of_another():
    """Two may keep their alerts in one place."""
    other = attrs.evolve(run(later(1)), registry="fabrikam.azurecr.io")
    _, ledger = step(Ledger(), V1)
    seen = after(ledger, [V2], other, is_whole=True)

    assert [("app:v2", "firing")] == said(batch(seen, other.registry, "s", Terms(later(1), DAY_S)).news)
    assert seen.rounds["contoso.azurecr.io app:v1 deleteEnabled"].is_open
    assert [("app:v1", "firing")] == said(batch(seen, REGISTRY, "s", Terms(later(1), DAY_S)).firing)
    assert () == batch(seen, REGISTRY, "s", Terms(later(1), DAY_S)).news


def test_a_clock_that_was_ahead_silences_nobody():
    """What was told in a time to come is told again, and nobody is busy for longer than they can be."""
    _, ledger = step(Ledger(), V1, hours=10_000)
    news, _ = step(claimed(ledger, ["s"], later(10_000)), V1, hours=1)

    assert [("app:v1", "firing")] == said(news)
    assert {} == tidied(claimed(ledger, ["s"], later(10_000)), later(1)).busy


def test_a_sink_that_does_not_take_the_end_is_told_for_a_week():
    """Then nobody waits for it any more."""
    _, ledger = step(Ledger(), V1)
    ended = after(ledger, [], run(later(1)), is_whole=True)
    waiting, given_up = tidied(ended, later(7 * 24)), tidied(ended, later(7 * 24 + 2))

    assert [("app:v1", "resolved")] == said(batch(waiting, REGISTRY, "s", Terms(later(9), DAY_S)).news)
    assert {} == given_up.alerts


def test_all_that_fires_comes_along():
    """Some sinks need to hear it each time, others count it."""
    _, ledger = step(Ledger(), V2)
    seen = after(ledger, [V1, V2], run(later(1)), is_whole=True)
    given_now = batch(seen, REGISTRY, "s", Terms(later(1), DAY_S, interval_s=300, is_complete=False))

    assert [("app:v1", "firing")] == said(given_now.news)
    assert [("app:v1", "firing"), ("app:v2", "firing")] == said(given_now.firing)
    assert (300, False) == (given_now.interval_s, given_now.is_complete)


def _flapping(cycles: int, start: float = 0.0, ledger: Ledger | None = None):
    """Broken, and so often healed and broken again, an hour each."""
    everything, ledger = [], ledger or Ledger()
    for number in range(2 * cycles + 1):
        news, ledger = step(ledger, *([] if number % 2 else [V1]), hours=start + number)
        everything.append(said(news))
    return everything, news, ledger


def test_what_keeps_coming_back_is_one_alert():
    """Three times healed and broken again within a day: it is told as such, and then there is silence."""
    history, news, ledger = _flapping(3)
    calm = []
    for number in range(7, 20):
        more, ledger = step(ledger, *([] if number % 2 else [V1]), hours=number)
        calm += more

    firing, resolved = [("app:v1", "firing")], [("app:v1", "resolved")]
    assert [firing, resolved, firing, resolved, firing, resolved, firing] == history
    assert (f"healed and broken again 3 times since {AT}", AT) == (news[0].pattern, news[0].first_seen)
    assert [] == calm


def test_a_pattern_ends_when_a_day_was_calm():
    """Its last rounds are out of the window then."""
    _, news, ledger = _flapping(3)
    early, ledger = step(ledger, hours=20)
    end, ledger = step(ledger, hours=31)
    afresh, _ = step(ledger, V1, hours=32)

    assert () == early
    assert [("app:v1", "resolved")] == said(end)
    assert news[0].fingerprint == end[0].fingerprint
    assert [("app:v1", "firing", "")] == [(str(each.address), each.status, each.pattern) for each in afresh]


def test_a_pattern_that_stays_broken_is_a_steady_drift():
    """A day without healing is no coming and going: it is told as what it is, in place of the pattern."""
    _, _, ledger = _flapping(3)
    meanwhile, ledger = step(ledger, V1, hours=29)
    news, _ = step(ledger, V1, hours=31)

    assert () == meanwhile
    assert [("firing", ""), ("resolved", f"healed and broken again 3 times since {AT}")] == [
        (each.status, each.pattern) for each in news
    ]
    assert news[0].fingerprint == news[1].replaced_by


def test_another_attribute_is_told_beside_a_pattern():
    """What is new about the same resource does not drown in the silence."""
    _, news, ledger = _flapping(3)
    both = drifted("app:v1", {**UNLOCKED, "writeEnabled": (False, True)})
    more, ledger = step(ledger, both, hours=7)
    calm, _ = step(ledger, both, hours=8)

    assert [(["writeEnabled"], "firing", "")] == [
        ([one.name for one in each.attributes], each.status, each.pattern) for each in more
    ]
    assert news[0].fingerprint != more[0].fingerprint
    assert () == calm


RUN = st.tuples(
    st.sets(st.sampled_from(["a:v1", "a:v2", "b"])), st.booleans(), st.sampled_from([0.1, 3.0, 30.0]), st.booleans()
)


@given(st.lists(RUN, max_size=12))
@settings(max_examples=60)
def test_every_sink_knows_what_fires(runs):
    """Whatever happens: who takes what it is given knows all that drifts, and hears of each end once, and not early."""
    ledger, hours, knows = Ledger(), 0.0, {}
    for names, is_whole, pause, takes in runs:
        hours += pause
        at = later(hours)
        seen = after(ledger, [drifted(name) for name in sorted(names)], run(at), is_whole=is_whole)
        news = batch(seen, REGISTRY, "s", Terms(at, DAY_S)).news
        for each in news if takes else ():
            assert each.status == "firing" or knows.pop(each.fingerprint) == str(each.address)
            if each.status == "firing":
                knows[each.fingerprint] = str(each.address)
        ledger = tidied(told(seen, "s", news if takes else ()), at)
        if takes:
            assert names <= set(knows.values())
            assert {alert for alert in seen.alerts if seen.alerts[alert].event.status == "firing"} == set(knows)
        if takes and is_whole:
            held = {each.event.address for each in ledger.alerts.values() if each.event.pattern}
            assert set(knows.values()) <= names | set(map(str, held))


def test_a_sink_that_is_told_again_keeps_what_was_first():
    """The drift began when it began, also where its first moment is not known to a later run."""
    _, ledger = step(Ledger(), V1)
    event = after(ledger, [V1], run(later(30)), is_whole=True).alerts

    assert [(AT, later(30))] == [(each.event.first_seen, each.event.last_seen) for each in event.values()]


def test_who_is_busy_is_forgotten_in_time():
    """A run that died while it told somebody does not silence that sink for ever."""
    ledger = claimed(claimed(Ledger(), ["s"], later(1)), ["t", "u"], later(2.05))

    assert {"t": later(2.05)} == released(tidied(ledger, later(2)), {"u"}).busy
