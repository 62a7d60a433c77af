"""What is broken, in the order in which it hurts, and many of the same in one line."""

from datetime import UTC, datetime, timedelta

from socialops.lib.waiting import Kind, Waiting, by_urgency

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ALONE = Kind("channels have a single administrator", "Nobody else can get in.", "See them", "/channels/?admins=one")
REFUSED = Kind("posts were refused", "Each says why.", "See them")


def wait(title: str, **more) -> Waiting:
    return Waiting(title, "", f"/{title}/", "Look", **more)


def titles(*trouble: Waiting) -> list[str]:
    return [each.title for each in by_urgency(trouble, NOW)]


def test_more_than_three_of_a_kind_are_one_line_with_their_number():
    alone = [wait(f"channel {n}", kind=ALONE, tone="risk", word="One admin") for n in range(14)]
    (line,) = by_urgency(alone, NOW)
    assert line.title == "14 channels have a single administrator"
    assert (line.url, line.tag, line.parts) == ("/channels/?admins=one", "One admin", tuple(alone))


def test_three_of_a_kind_and_what_has_no_kind_stay_single():
    few, dead = [wait(f"{n}", kind=ALONE) for n in range(3)], [wait(f"dead {n}") for n in range(9)]
    assert len(titles(*few, *dead)) == 12


def test_kinds_are_folded_apart():
    mixed = [wait(f"{n}", kind=kind) for n in range(4) for kind in (ALONE, REFUSED)]
    assert titles(*mixed) == ["4 channels have a single administrator", "4 posts were refused"]


def test_those_that_were_not_read_are_counted():
    kind = Kind("channels", "", "See them", unread=250)
    assert titles(*(wait(f"{n}", kind=kind) for n in range(50))) == ["300 channels"]


def test_a_running_clock_stays_single_and_one_that_ran_out_is_folded():
    running = [wait(f"running {n}", kind=REFUSED, due_at=NOW + timedelta(hours=n)) for n in (5, 4, 3, 2)]
    over = [wait(f"over {n}", kind=REFUSED, due_at=NOW - timedelta(hours=1)) for n in range(5)]
    assert titles(*over, *running) == ["running 2", "running 3", "running 4", "running 5", "5 posts were refused"]


def test_what_is_dead_comes_first_then_clocks_then_the_rest_and_folds_last():
    fold = [wait(f"{n}", kind=ALONE, tone="risk") for n in range(4)]
    said = titles(*fold, wait("nobody’s"), wait("clock", due_at=NOW + timedelta(days=6)), wait("dead", tone="risk"))
    assert said == ["dead", "clock", "nobody’s", "4 channels have a single administrator"]
