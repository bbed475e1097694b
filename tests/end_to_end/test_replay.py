"""A recording that is played as fast as possible is decided the same way each time."""

from tests.end_to_end.pictures import visit

NEW_EACH_TIME = ("id", "boot_id", "latency_ms", "at")


def test_the_same_recording_gives_the_same_decisions(make_terminal, pictures):
    play = visit(pictures, "ada", "stranger", "bruno", "both", "empty", "stranger", "ada", shots=7)
    play += visit(pictures, "ada", shots=1) + [pictures.stranger] * 5  # walks past; is still there at the end
    first, second = (played(make_terminal(camera__loop=False), play, pictures) for _ in range(2))
    assert first == second
    verdicts = [(event["outcome"], event["person"]) for event in first]
    assert verdicts[:3] == [("granted", "ada"), ("denied", None), ("granted", "bruno")]
    assert first[3]["track"] != first[4]["track"]  # two at once: smaller here, the encoder may doubt who ada is
    assert ("denied", None) in verdicts[3:5]
    assert verdicts[5:] == [("denied", None), ("granted", "ada"), ("denied", None)]


def played(terminal, play, pictures):
    """What is recorded, without what is new each time; times since the first."""
    terminal.seed(ada=pictures.ada, bruno=pictures.bruno)
    terminal.show(play)
    running = terminal.fork("run", "--as-fast-as-possible")
    assert running.ended() == 0, running.said()
    recorded = terminal.check()
    bodies = [{key: value for key, value in event.body.items() if key not in NEW_EACH_TIME} for event in recorded]
    times = [(event.at - recorded[0].at).total_seconds() for event in recorded]
    return [body | {"seq": e.seq, "after": after} for body, e, after in zip(bodies, recorded, times, strict=True)]
