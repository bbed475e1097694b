"""`latchkey admin` from a desk to two real terminals over a real broker."""

import re

import pytest

from agent.app import Agent
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.blocks import BLUE, GREEN, RED, Block, write
from tests.fakes.desks import Desk
from tests.fakes.terminal import forget_logging

RULES = """time_zone = "Europe/Berlin"

[schedules.day]
mon-fri = ["07:00-18:00"]

[doors.front]
factors = "face"

[doors.side]
factors = "card"

[[grants]]
groups = ["staff"]
doors = ["front"]
schedule = "day"
"""


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    """A desk, and the terminals front and side of hq, which are online."""
    empty_stage(monkeypatch).goes_on = True
    make = Terminals(tmp_path, monkeypatch)

    def terminal(name):
        told = {"device__site": "hq", "device__name": name, "device__data_dir": tmp_path / name}
        reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
        return make(**told, **reach, camera__as_fast_as_possible=False)

    with Agent(terminal("front")) as front, Agent(terminal("side")) as side:
        for each in (front, side):
            assert each.desk.link.wait_connected(10)
        desk = Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
        desk.side = side
        yield desk
    forget_logging()


def photo(desk, name, *blocks):
    return write(desk.folder / name, *blocks)


def test_a_day_at_the_desk(desk, monkeypatch):
    """One long test: the two terminals take longer to start than all that is done with them."""
    people(desk)
    faces(desk)
    rules(desk, monkeypatch)
    doors_and_past(desk)
    several_at_once(desk)


def people(desk):
    done = desk("people", "set", "anna", "--new", "--name", "Anna", "--group", "staff", "--badge", "7", "--json").json
    assert {name: result["data"]["groups"] for name, result in done.items()} == {"front": ["staff"], "side": ["staff"]}
    assert desk("people", "set", "bob", "--new", "--to", "2027-01-01", "--at", "front").code == 0
    listed = desk("people", "list", "--json").json
    assert [(one["id"], one["at"]) for one in listed] == [("anna", ["front", "side"]), ("bob", ["front"])]
    assert [line.split()[-1] for line in desk("people", "list").out.splitlines()] == ["at", "all", "front"]
    missing = desk("people", "show", "bob")
    assert (missing.code, "side (unknown_person)" in missing.err) == (1, True)
    assert "  valid_to: 20" in missing.out
    assert desk("people", "set", "anna", "--badge", "").code == 0
    assert desk("people", "show", "anna", "--json", "--at", "side").json["side"]["data"]["badge"] is None
    assert desk("people", "pin", "anna", "--stdin", said="4711\n").out.count("anna: PIN set") == 2
    assert desk("people", "pin", "anna", "--clear", "--at", "side").code == 0
    assert "4711" not in desk("people", "show", "anna").out
    assert desk("people", "card", "add", "anna", "--stdin", said="04A2B3\n").out.count("card ending in") == 2
    assert desk("people", "card", "remove", "anna", "--all", "--at", "side").code == 0
    assert desk("people", "consent", "bob", "--text", "v1", "--at", "front").out.startswith("front: bob agrees to v1")
    assert desk("people", "rename", "bob", "rob", "--at", "front").code == 0
    assert desk("people", "merge", "rob", "anna", "--at", "front").code == 0
    assert {one["id"] for one in desk("people", "list", "--json").json} == {"anna"}


def faces(desk):
    red, blank = photo(desk, "red.png", Block(RED)), photo(desk, "blank.png")
    done = desk("enrol", "anna", red)
    assert (done.code, done.out) == (0, "front: anna: 1 template\nside: anna: 1 template\n")
    refused = desk("enrol", "carl", red, blank, "--at", "side")
    assert (refused.code, "blank.png: no face was found (no_face)" in refused.out) == (1, True)
    green = photo(desk, "green.png", Block(GREEN))
    assert desk("enrol", "gina", green, "--at", "front", "--group", "staff", "--name", "Gina").code == 0
    copied = desk("enrol", "gina", "--copy-from", "front")
    assert (copied.code, "other_site_key" in copied.out) == (1, True)  # each terminal of the test has a key of its own
    assert desk("people", "remove", "gina", "--at", "front", said="n\n").code == 1
    assert desk("people", "remove", "gina", "--at", "front", "--yes").out.startswith("front: gina removed: 1 template")
    assert re.search(
        r"gina forgotten, receipt [0-9A-Z]{26} ",
        desk("people", "forget", "gina", "--at", "front", said="y\n").out,
    )


def rules(desk, monkeypatch):
    file = desk.folder / "rules.toml"
    file.write_text(RULES.replace('"day"', '"dya"'))
    wrong = desk("rules", "apply", file)
    assert (wrong.code, "rules.toml: line" in wrong.err) == (1, True)
    file.write_text(RULES)
    asked = desk("rules", "apply", file, said="n\n")
    assert (asked.code, '+groups = ["staff"]' in asked.out) == (1, True)
    applied = desk("rules", "apply", file, "--yes")
    assert (applied.code, applied.out.count("version 1 is in force")) == (0, 2)
    assert desk("rules", "show").out == RULES
    editor = desk.folder / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/18:00/19:00/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    edited = desk("rules", "edit", "--at", "front")
    assert (edited.code, "front: version 2 is in force" in edited.out) == (0, True), edited.err
    differ = desk("rules", "edit")
    assert (differ.code, "not the same everywhere" in differ.err) == (1, True)
    late = desk("rules", "apply", file, "--yes", "--expect", "1", "--at", "front")
    assert (late.code, "rules_changed" in late.out) == (1, True)
    assert len(desk("rules", "show", "--version", "1", "--json").json) == 2
    groups = desk("groups", "--json").json
    assert [(each["at"], each["rows"][0]["group"]) for each in groups] == [(["front"], "staff"), (["side"], "staff")]
    assert "07:00-19:00" in desk("schedules", "--at", "front").out
    door = {row["door"]: row for row in desk("doors", "--at", "side", "--json").json[0]["rows"]}
    assert (door["side"]["factors"], door["side"]["device"], door["front"]["now"][:6]) == ("card", "online", "locked")
    tried = desk("rules", "try", "anna", "front", "2026-11-23 18:30")
    assert (tried.code, tried.out.splitlines()[1]) == (0, "yes, day until 19:00")
    assert desk("rules", "try", "anna", "front", "2026-11-22 12:00", "--json").json["granted"] is False


def doors_and_past(desk):
    assert desk("lock", "front", "side").code == 0
    off = desk("unlock", "front")
    assert (off.code, "(not_allowed)" in off.out) == (1, True)
    assert desk("mode", "front", "--set", "locked_down").out.startswith("front: locked_down, since")
    assert desk("mode", "@all", "--json").json["side"]["data"]["mode"] == "normal"
    log = desk("log", "front", "--json").json_lines
    assert [event["seq"] for event in log] == sorted(event["seq"] for event in log)
    assert {event["body" if "body" in event else "kind"] for event in log} == {"audit"}
    last = log[-1]["seq"]
    assert desk("log", "front", "--from", last).out == ""
    assert "mode_set" in desk("log", "front", "--from", last - 1, "--limit", "1").out
    audit = desk("audit", "front", "--verify")
    assert (audit.code, "whole" in audit.out.splitlines()) == (0, True)
    assert "mqtt:owner" in audit.out
    assert desk("report", "front", "--month", "2026-11").out == "nobody has worked\n"
    health = desk("health", "--once", "--json").json
    assert [(row["device"], row["state"], row["people"] is None) for row in health] == [
        ("front", "online", False),
        ("side", "online", False),
    ]
    assert desk("jobs", "front", "--json").json == []
    unknown = desk("job", "front", "j1")
    assert (unknown.code, "there is no job j1" in unknown.err) == (1, True)


def several_at_once(desk):
    for name, block in {"dora": Block(BLUE), "emil": None}.items():
        photo(desk, f"staff/{name}/1.png", *([block] if block else []))
    report = desk.folder / "report.csv"
    first = desk("enrol", "--from", desk.folder / "staff", "--report", report, "--at", "front")
    assert (first.code, first.out.splitlines()[-1]) == (1, "1 enrolled, 0 done before, 1 refused, 0 unreachable, of 2")
    lines = report.read_text().splitlines()
    assert lines[0] == "person,device,became,code,message,photo,templates"
    assert lines[2].startswith("emil,front,refused,no_face,")
    photo(desk, "staff/emil/1.png", Block(GREEN))
    second = desk("enrol", "--from", desk.folder / "staff", "--at", "front")
    assert (second.code, second.out) == (0, "1 enrolled, 1 done before, 0 refused, 0 unreachable, of 2\n")
    table = desk.folder / "staff.csv"
    table.write_text("person;name;groups;badge;photos\ngerd;Gerd;staff,night;77;\ndora;Dora;;;staff/dora\n")
    third = desk("enrol", "--from", table, "--json").json
    assert {(each["person"], each["device"], each["became"]) for each in third} == {
        (person, device, "enrolled") for person in ("gerd", "dora") for device in ("front", "side")
    }
    shown = desk("people", "show", "gerd", "--json").json["side"]["data"]
    assert (shown["name"], shown["groups"], shown["badge"]) == ("Gerd", ["night", "staff"], "77")
