"""Virtual time: what makes two runs of one seed the same run."""

from accredit.simulations.virtual.physics.timeline import START, Timeline, Trace


def test_what_is_planned_for_one_moment_happens_in_the_order_of_planning() -> None:
    timeline, seen = Timeline(seed=1), list[str]()
    for name in ("first", "second", "third"):
        timeline.after(5, lambda name=name: seen.append(name))  # type: ignore[misc]
    timeline.after(1, lambda: seen.append("earlier"))
    timeline.run(until=START + 10)
    assert seen == ["earlier", "first", "second", "third"]


def test_nothing_happens_in_the_past() -> None:
    timeline, times = Timeline(seed=1), list[int]()
    timeline.after(100, lambda: timeline.at(START, lambda: times.append(timeline.now)))
    timeline.run(until=START + 200)
    assert times == [START + 100]
    assert timeline.elapsed == 200


def test_what_lies_beyond_the_end_waits_for_the_next_run() -> None:
    timeline, seen = Timeline(seed=1), list[int]()
    timeline.after(10, lambda: seen.append(timeline.elapsed))
    timeline.run(until=START + 9)
    assert seen == []
    timeline.run(until=START + 10)
    assert seen == [10]


def test_a_stream_of_chance_knows_nothing_of_the_others() -> None:
    one, other = Timeline(seed=7), Timeline(seed=7)
    other.stream("faults").random()
    assert one.stream("links").random() == other.stream("links").random()
    assert one.stream("links").random() != one.stream("faults").random()
    assert one.stream("links").random() != Timeline(seed=8).stream("links").random()


def test_the_digest_tells_apart_time_place_word_bytes_and_order() -> None:
    def digest(*events: tuple[int, str, str, bytes]) -> str:
        trace = Trace()
        for event in events:
            trace.note(*event)
        return trace.digest()

    first, second = (START, "a", "frame", b"x"), (START, "b", "frame", b"y")
    variants = [
        digest(first, second),
        digest(second, first),
        digest(first),
        digest((START + 1, "a", "frame", b"x"), second),
        digest((START, "c", "frame", b"x"), second),
        digest((START, "a", "answer", b"x"), second),
        digest((START, "a", "frame", b"z"), second),
    ]
    assert len(set(variants)) == len(variants)
    assert digest(first, second) == variants[0]


def test_only_the_last_events_are_kept_for_people() -> None:
    trace = Trace(keep=2)
    for number in range(5):
        trace.note(START + number, "a", f"event {number}")
    assert [each.what for each in trace.tail] == ["event 3", "event 4"]
    assert trace.events == 5
    assert str(trace.tail[0]).split() == ["0.003", "s", "a", "event", "3"]
