"""Where there is no terminal, a line now and then says how long it will take."""

from training.loop import progress
from training.loop.progress import Progress


def test_nothing_is_said_of_the_time_that_is_left_before_there_is_a_second_step(monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with Progress(1000, shown=True) as bar:
        bar.at(40)  # a run that was gone on with
        assert capsys.readouterr().out == ""
        bar.at(60)
        assert capsys.readouterr().out == "60 of 1,000 samples, 0 min left\n"


def test_who_does_not_lead_says_nothing(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with Progress(10, shown=False) as bar:
        bar.at(1)
        bar.at(2)
        bar.say({"eer": 0.1})
    assert capsys.readouterr().out == ""
