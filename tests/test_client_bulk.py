"""Many people at once: what is done is noted, what broke is gone on with, what was refused is said."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.client import Admin, Profile
from agent.client.bulk import Manner, enrol_all
from agent.client.notes import Notes
from agent.client.staff import Newcomer, from_folder, from_table
from agent.errors import CommandError, ConfigError
from tests.fakes.devices import device
from tests.fakes.trust import OWNER

MANNER = Manner(consent=True, wait_seconds=2)


@pytest.fixture(name="profile")
def profile_fixture(tmp_path, mosquitto):
    broker = {"host": mosquitto.host, "port": mosquitto.port, "tls": False}
    return Profile.make(tmp_path / "admin", {"site": "hq", "broker": broker})


@pytest.fixture(name="photo")
def photo_fixture(tmp_path):
    def made(name, data=b"x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return made


class TestSources:
    def test_a_folder(self, photo, tmp_path):
        files = [photo("staff/anna/2.png"), photo("staff/anna/1.jpg"), photo("staff/bob.JPG")]
        photo("staff/.trash/1.png")
        photo("staff/readme.txt")
        found = from_folder(tmp_path / "staff")
        assert [(one.person, len(one.photos)) for one in found] == [("anna", 2), ("bob", 1)]
        assert found[0].photos == (files[1], files[0])

    @pytest.mark.parametrize(
        ("names", "wrong"),
        [
            ([], "want a folder of photos"),
            (["staff/an na/1.png"], "is not a person id"),
            (["staff/anna/notes.txt"], "no photos in"),
            ([f"staff/anna/{number}.png" for number in range(21)], "at most 20"),
        ],
    )
    def test_a_folder_that_will_not_do(self, photo, tmp_path, names, wrong):
        (tmp_path / "staff").mkdir()
        for name in names:
            photo(name)
        with pytest.raises(CommandError, match=wrong):
            from_folder(tmp_path / "staff")

    def test_a_table(self, photo, tmp_path):
        photo("a.png"), photo("more/b.png")
        table = photo(
            "staff.csv", "﻿Person,name,groups,badge,photos\nanna,Anna Ä,staff;night,7,a.png|more\nbob,,,,\n\n".encode()
        )
        assert from_table(table) == [
            Newcomer("anna", (tmp_path / "a.png", tmp_path / "more/b.png"), "Anna Ä", ("staff", "night"), "7"),
            Newcomer("bob", (), None, (), None),
        ]

    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            ("", "want the column person"),
            ("person,age\n", "no column 'age'"),
            ("person\n", "nobody stands in it"),
            (
                "person,photos\nanna,absent.png\nb/b,\n",
                r"line 2: there is no photo .*absent.png\n.*line 3: 'b/b' is not",
            ),
            ("person\nanna\nanna\n", "line 3: anna stands in line 2 already"),
        ],
    )
    def test_a_table_that_will_not_do(self, photo, text, wrong):
        with pytest.raises(CommandError, match=wrong):
            from_table(photo("staff.csv", text.encode()))
        with pytest.raises(CommandError, match="not UTF-8 at byte 0"):
            from_table(photo("latin.csv", b"\xe4"))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(st.binary(max_size=80))
    def test_any_table_is_read_or_refused(self, photo, data):
        with contextlib.suppress(CommandError):
            assert from_table(photo("any.csv", data))


class TestNotes:
    def test_they_outlive_a_crash(self, tmp_path):
        path = tmp_path / "notes"
        with Notes(path) as notes:
            notes.note("front", "anna", "d1", done=True)
            notes.note("front", "bob", "d2", done=False)
            run = notes.run
        with path.open("ab") as file:
            file.write(b'{"device": "front", "dig')  # the power failed
        with Notes(path) as notes:
            assert (notes.run, notes.done("front", "d1"), notes.done("side", "d1")) == (run, True, False)
            assert notes.refused("front", "d2") == 1
            notes.note("front", "bob", "d2", done=False)
        with Notes(path) as notes:
            assert notes.refused("front", "d2") == 2
        with Notes(path, again=True) as notes:
            assert (notes.run == run, notes.done("front", "d1")) == (False, False)
        assert path.stat().st_mode & 0o777 == 0o600

    def test_they_cannot_be_kept(self, tmp_path):
        with pytest.raises(ConfigError, match="name another file by --notes"), Notes(tmp_path / "absent" / "notes"):
            pass

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(st.binary(max_size=60))
    def test_any_file_is_borne(self, tmp_path, data):
        (tmp_path / "notes").write_bytes(data)
        with Notes(tmp_path / "notes") as notes:
            notes.note("front", "anna", "d", done=True)
        with Notes(tmp_path / "notes") as notes:
            assert notes.done("front", "d")


class TestEnrolling:
    """A device that keeps whom it has enrolled, under which command id."""

    @pytest.fixture
    def front(self, mosquitto):
        with device(mosquitto.port, "front") as made:
            made.ids, made.refuse = {}, {}

            def enrol(body):
                made.ids.setdefault(body["person"], []).append(body["id"])
                return made.refuse.get(body["person"]) or {"ok": True, "data": {"templates": 1}}

            made.answers = {
                "parts": lambda _: {"ok": True, "data": {"here": []}},
                "enrol": enrol,
                "person_set": lambda _: {"ok": True, "data": {}},
            }
            yield made

    @pytest.fixture
    def staff(self, photo):
        return [Newcomer(name, (photo(f"{name}.png", name.encode()),), groups=("staff",)) for name in ("anna", "bob")]

    def run(self, profile, notes, staff, devices=("front",), manner=MANNER):
        with Admin(profile, OWNER) as admin, Notes(notes) as kept:
            return [(each.person, each.became, each.code) for each in enrol_all(admin, devices, staff, manner, kept)]

    def test_what_is_done_is_not_done_again_and_what_was_refused_is(self, profile, front, staff, tmp_path):
        refusal = {"ok": False, "code": "too_dark", "message": "photo 1: too dark", "photo": 0}
        front.refuse["bob"] = refusal
        notes = tmp_path / "notes"
        assert self.run(profile, notes, staff) == [("anna", "enrolled", ""), ("bob", "refused", "too_dark")]
        del front.refuse["bob"]
        assert self.run(profile, notes, staff) == [("anna", "done before", ""), ("bob", "enrolled", "")]
        assert len(front.ids["anna"]) == 1
        assert len(set(front.ids["bob"])) == 2  # the device would answer the same id as before
        staff[0].photos[0].write_bytes(b"another")
        assert self.run(profile, notes, staff)[0] == ("anna", "enrolled", "")
        bodies = [body for verb, body in front.told if verb == "enrol"]
        assert (bodies[0]["consent"], bodies[0]["split"]) == (True, [1])

    def test_a_refusal_names_the_file(self, profile, front, staff, tmp_path):
        front.refuse["bob"] = {"ok": False, "code": "too_dark", "message": "photo 1: too dark", "photo": 0}
        with Admin(profile, OWNER) as admin, Notes(tmp_path / "n") as kept:
            outcome = [*enrol_all(admin, ["front"], staff, MANNER, kept)][1]
        assert (outcome.message, outcome.photo) == ("bob.png: too dark", "bob.png")

    def test_the_power_failed_between_doing_and_noting(self, profile, front, staff, tmp_path):
        """The same id goes out again: the device says that it is done."""
        notes = tmp_path / "notes"
        self.run(profile, notes, staff)
        lines = notes.read_bytes().splitlines()
        notes.write_bytes(lines[0] + b"\n")
        self.run(profile, notes, staff)
        assert {person: len(set(ids)) for person, ids in front.ids.items()} == {"anna": 1, "bob": 1}
        assert json.loads(lines[0])["run"]

    def test_a_device_that_is_away_is_left_out_and_done_the_next_time(self, profile, front, staff, mosquitto, tmp_path):
        notes, manner = tmp_path / "notes", Manner(wait_seconds=0.3)
        with device(mosquitto.port, "side") as side:
            side.status("offline")
            side.line.wait_taken()
            done = self.run(profile, notes, staff, ("front", "side"), manner)
            assert done == [
                ("anna", "enrolled", ""),
                ("anna", "unreachable", "no_answer"),
                ("bob", "enrolled", ""),
                ("bob", "unreachable", "offline"),
            ]
            side.answers = dict(front.answers)
            side.status("online")
            side.line.wait_taken()
            done = self.run(profile, notes, staff, ("front", "side"), Manner(wait_seconds=2))
            assert [became for _, became, _ in done] == ["done before", "enrolled"] * 2

    def test_a_photo_that_is_gone_is_a_refusal(self, profile, front, staff, tmp_path):
        staff[0].photos[0].unlink()
        assert self.run(profile, tmp_path / "n", staff) == [
            ("anna", "refused", "not_a_picture"),
            ("bob", "enrolled", ""),
        ]
        assert "anna" not in front.ids
