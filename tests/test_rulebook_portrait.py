"""What rules say as JSON."""

import json
from pathlib import Path

import pytest

from agent.errors import RulesRefused
from agent.rulebook.parse import parse
from agent.rulebook.portrait import forms, portrait, year_of

EXAMPLE = (Path(__file__).parents[1] / "deploy" / "rules.example.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def drawn():
    return portrait(EXAMPLE)


def test_all_of_it_is_json(drawn):
    assert json.loads(json.dumps(drawn)) == drawn
    assert json.loads(json.dumps(forms())) == forms()


def test_the_book_is_as_it_is_written(drawn):
    assert drawn["book"]["schedules"]["office"]["mon-thu"] == ["07:00-19:00"]
    assert drawn["book"]["days"][1] == {"name": "Works outing", "date": "2026-06-19"}


def test_each_day_says_which_key_it_comes_from():
    text = 'time_zone="UTC"\n[schedules.s]\ndaily=["20:00-21:00","01:00-02:00"]\nmon-fri=["08:00-09:00"]\nwed=[]\n'
    week = portrait(text)["weeks"]["s"]
    assert week["days"] == ["mon-fri", "mon-fri", "wed", "mon-fri", "mon-fri", "daily", "daily"]
    assert week["keys"]["daily"] == ["01:00-02:00", "20:00-21:00"]  # in the order of the day
    assert week["keys"]["wed"] == []
    assert portrait('time_zone="UTC"\n[schedules.s]\nsat=[]\n')["weeks"]["s"]["days"] == [None] * 5 + ["sat", None]


def test_a_key_that_yields_on_every_day_is_told_as_well():
    week = portrait('time_zone="UTC"\n[schedules.s]\ndaily=["08:00 - 09:00"]\nmon-sun=[]\n')["weeks"]["s"]
    assert (week["keys"]["daily"], week["days"]) == (["08:00-09:00"], ["mon-sun"] * 7)


def test_the_week_is_the_one_that_is_obeyed(drawn):
    rules = parse(EXAMPLE, version=1)
    for name, week in drawn["weeks"].items():
        for key, periods in zip(week["days"], rules.schedules[name].week, strict=True):
            assert sorted(week["keys"].get(key, [])) == sorted(map(str, periods))


def test_kinds_groups_and_uses(drawn):
    assert drawn["kinds"] == ["holiday", "half-day"]
    assert drawn["groups"] == ["cleaners", "guards", "staff", "visitors"]
    assert drawn["used"]["schedules"]["night"] == ["doors.front.factors_in.night"]
    assert drawn["used"]["doors"]["vault-inner"] == ["doors.vault-outer.interlock.0"]


def test_the_special_days_of_a_year():
    days = year_of(parse(EXAMPLE, version=1), 2026)
    assert {"date": "2026-04-06", "name": "Easter Monday", "kind": "holiday"} in days
    assert [day["date"] for day in days if day["name"] == "Christmas"] == ["2026-12-25", "2026-12-26"]
    assert sum(day["name"].startswith("Last Friday") for day in days) == 11  # one is Christmas
    assert {"date": "2028-12-25", "name": "Christmas", "kind": "holiday"} in year_of(parse(EXAMPLE, version=1), 2028)


def test_what_holds_where_nothing_is_written():
    defaults = forms()["defaults"]
    assert (defaults["doors"]["factors"], defaults["doors"]["mode"]) == ("face", "normal")
    assert (defaults["zones"]["anti_passback"], defaults["attendance"]["day_starts"]) == ("off", "00:00")


def test_what_is_wrong_is_told():
    with pytest.raises(RulesRefused, match="line 1"):
        portrait("x = 1")
