"""agent/upgrade: updating, rolling back, starting, watching; with the engine of the tests, and real databases."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.app import Agent
from agent.bundle import open_bundle
from agent.enrolment import Administration
from agent.errors import CommandError, ModelError
from agent.jobs.job import Step
from agent.mqtt.message import Code
from agent.privacy.forgetting import remove
from agent.register import Request
from agent.seal.keyring import site_key
from agent.store import models, roster, spares
from agent.store.db import agent_lock, open_db
from agent.store.people import gallery_version
from agent.store.templates import load_templates, move_templates
from agent.upgrade import updating
from agent.upgrade.starting import MOST_STARTS, open_models
from agent.upgrade.updating import House
from agent.upgrade.watch import PROOF_SECONDS, Watch
from tests.fakes import blocks, bundles
from tests.fakes.agents import Terminals, empty_stage, outcomes, recorded, waited
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint, png
from tests.fakes.bundles import NEWER
from tests.test_app import VISIT

NOW = datetime(2026, 11, 26, tzinfo=UTC)
REQUEST = Request("mqtt:owner", NOW, "boot", "c1")
PASSED = {"lowest_cosine": 1.0}


def passes(_config, _folder):
    yield Step(0, None, "testing")
    return PASSED


class Site:
    """A terminal's database, models and bundles."""

    def __init__(self, config, folder):
        self.config, self.folder, self.key = config, folder, site_key(config)
        self.bundle = bundles.blocks(folder / "bundle")

    def db(self):
        return open_db(self.config.database_path, key=self.key)

    def house(self, db, trial=passes):
        return House(self.config, self.key, db, lambda change: change(db), trial)

    def enrol(self, person, colour, *tints, keep=True):
        config = self.config.model_copy(
            update={"security": self.config.security.model_copy(update={"keep_crops": keep})}
        )
        bundle = open_bundle(config, self.key)
        with self.db() as db:
            admin = Administration(bundle, bundle.eyes(), db, boot_id="cli")
            admin.enrol(person, None, [png(paint(Block(colour, tint=tint))) for tint in tints or (0,)], by="cli")

    def update(self, data=None, trial=passes, **options):
        with self.db() as db:
            return finished(updating.update(self.house(db, trial), data or self.bundle, REQUEST, **options))

    def roll_back(self):
        with self.db() as db:
            return finished(updating.roll_back(self.house(db), REQUEST))

    def known(self):
        """Whom the models in force know, by their encoder."""
        bundle = open_bundle(self.config, self.key)
        with self.db() as db:
            loaded = load_templates(db, bundle.template_model)
        assert not loaded.damaged
        return bundle.model_id, list(loaded.gallery.people), loaded.gallery.templates

    def installed(self):
        base = self.config.device.data_dir / "models"
        return sorted(each.name for each in base.iterdir()) if base.exists() else []

    def start(self):
        with agent_lock(self.config.database_path):
            return open_models(self.config, self.key, REQUEST)

    def audited(self, *wanted):
        bodies = [event.body for event in recorded(self.config, "audit")]
        return [
            body["action"] for body in bodies if body["action"] in (wanted or {"model_updated", "model_rolled_back"})
        ]


def finished(steps):
    """What steps return; each is a step."""
    while True:
        try:
            assert isinstance(next(steps), Step)
        except StopIteration as end:
            return end.value


@pytest.fixture
def terminals(tmp_path, monkeypatch):
    return Terminals(tmp_path / "terminal", monkeypatch)


@pytest.fixture
def site(terminals, tmp_path):
    found = Site(terminals(security__keep_crops=True), tmp_path)
    found.enrol("anna", RED, 0, 5)
    found.enrol("ben", BLUE)
    return found


OLD = blocks.MODEL


class TestUpdate:
    def test_everybody_is_known_to_the_new_encoder_and_nobody_was_met(self, site):
        assert site.known() == (OLD, ["anna", "ben"], 3)
        told = site.update()
        assert site.known() == (NEWER, ["anna", "ben"], 3)
        assert {name: told[name] for name in ("encoder", "templates", "people", "left", "signed_by", "tested")} == {
            "encoder": NEWER, "templates": 3, "people": 2, "left": 0, "signed_by": "owner", "tested": PASSED,
        }  # fmt: skip
        assert site.installed() == [told["folder"]]
        assert site.audited() == ["model_updated"]

    def test_the_old_one_is_in_use_until_the_last_step(self, site):
        with site.db() as db:
            steps, seen = updating.update(site.house(db), site.bundle, REQUEST), []
            for step in steps:
                seen.append(step)
                version = gallery_version(db)
                assert site.known() == (OLD, ["anna", "ben"], 3)
            assert gallery_version(db) > version
        notes = list(dict.fromkeys(step.note for step in seen))
        assert notes == ["unpacking", "testing", "re-embedding", "switching"]
        assert [step for step in seen if step.note == "re-embedding"][-1] == Step(3, 3, "re-embedding")

    def test_the_same_again_changes_nothing(self, site):
        site.update()
        assert site.update()["already"]
        assert site.audited() == ["model_updated"]

    def test_a_failed_self_test_leaves_everything_as_it_was(self, site):
        def fails(_config, _folder):
            yield Step(0)
            raise CommandError(Code.SELF_TEST_FAILED, "no")

        with pytest.raises(CommandError) as told:
            site.update(trial=fails)
        assert told.value.code == Code.SELF_TEST_FAILED
        assert (site.known(), site.installed(), site.audited()) == ((OLD, ["anna", "ben"], 3), [], [])

    def test_people_without_pictures_are_named_and_not_left_behind(self, site):
        site.enrol("cleo", GREEN, keep=False)
        with pytest.raises(CommandError, match=r"1 people no pictures are kept.*: cleo; say force") as told:
            site.update()
        assert (told.value.code, site.installed()) == (Code.NO_CROPS, [])
        assert site.update(force=True)["left"] == 1
        assert site.known() == (NEWER, ["anna", "ben"], 3)
        site.roll_back()
        assert site.known() == (OLD, ["anna", "ben", "cleo"], 4)

    def test_who_came_by_the_roster_and_cannot_be_compared_is_told_of_and_read_again(self, site):
        site.enrol("cleo", GREEN, keep=False)
        with site.db() as db:
            for person in ("anna", "cleo"):
                roster.hold(db, roster.Held(f"person/{person}", 1, b"l" * 32, b"l" * 32, ours=True))
            roster.read_to(db, replace(roster.reading(db), cursor=2, head=2))
        site.update(force=True)
        with site.db() as db:
            assert [(held.object, held.code) for held in roster.problems(db, 9)] == [("person/cleo", "other_model")]
            assert (roster.reading(db).cursor, roster.reading(db).head) == (0, 2)

    def test_another_encoder_of_the_same_name(self, site, tmp_path):
        with pytest.raises(CommandError, match="is called latchkey-encoder-1-b10c0000: give it another id"):
            site.update(bundles.blocks(tmp_path / "same", OLD))

    def test_who_is_forgotten_enrolled_or_merged_meanwhile(self, site):
        with site.db() as db:
            steps = updating.update(site.house(db), site.bundle, REQUEST)
            while next(steps) != Step(3, 3, "re-embedding"):
                pass
            remove(db, "ben", REQUEST)
            assert db.rows("SELECT count(*) FROM spares") == [(2,)]
            site.enrol("cleo", GREEN)
            with db.transaction():
                db.sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES ('ann', 'ann', '2026')")
                move_templates(db, "anna", "ann")
            finished(steps)
        assert site.known()[1:] == (["cleo"], 1)
        site.start()  # what was sealed for another opens not: it is made anew
        assert site.known() == (NEWER, ["ann", "cleo"], 3)

    def test_what_an_encoder_made_of_damaged_crops_does_not_keep_the_rest(self, site):
        with site.db() as db:
            db.sql.execute("UPDATE templates SET crop = x'0102' WHERE person = 'ben'")
        assert site.update()["left"] == 1
        assert site.known() == (NEWER, ["anna"], 2)


class TestRollBack:
    def test_the_old_one_is_back_also_for_who_was_enrolled_since(self, site):
        site.update()
        site.enrol("cleo", GREEN)
        assert site.known() == (NEWER, ["anna", "ben", "cleo"], 4)
        site.roll_back()
        assert site.known() == (OLD, ["anna", "ben", "cleo"], 4)
        assert site.audited() == ["model_updated", "model_rolled_back"]
        with site.db() as db:
            assert db.rows("SELECT count(*) FROM spares") == [(0,)]
        with pytest.raises(CommandError) as told:
            site.roll_back()
        assert told.value.code == Code.NOTHING_BEFORE

    def test_one_version_is_kept(self, site, tmp_path):
        first = site.update()["folder"]
        second = site.update(bundles.blocks(tmp_path / "third", "latchkey-encoder-3-b10c0002"))["folder"]
        site.start()
        assert site.installed() == sorted([first, second])
        third = site.update(bundles.blocks(tmp_path / "fourth", "latchkey-encoder-4-b10c0003"))["folder"]
        site.start()
        assert site.installed() == sorted([second, third])
        site.roll_back()
        assert site.known() == ("latchkey-encoder-3-b10c0002", ["anna", "ben"], 3)


class TestStart:
    def test_models_that_do_not_load_give_way_to_those_before(self, site):
        folder = site.update()["folder"]
        (site.config.device.data_dir / "models" / folder / "encoder.json").unlink()
        assert site.start().model_id == OLD
        assert (site.known(), site.installed()) == ((OLD, ["anna", "ben"], 3), [])
        (event,) = [e for e in recorded(site.config, "audit") if e.body["action"] == "model_rolled_back"]
        assert "no card" in event.body["details"]["why"]

    def test_models_that_end_the_agent_give_way_to_those_before(self, site):
        site.update()
        for _ in range(MOST_STARTS):
            assert site.start().model_id == NEWER
        assert site.start().model_id == OLD
        assert site.known() == (OLD, ["anna", "ben"], 3)

    def test_models_that_have_proved_good_stay(self, site):
        site.update()
        site.start()
        with site.db() as db:
            models.prove(db)
        for _ in range(MOST_STARTS + 2):
            assert site.start().model_id == NEWER

    def test_where_there_is_nothing_to_go_back_to_it_is_said(self, site):
        (site.folder / "terminal" / "encoder.json").unlink()
        with pytest.raises(ModelError, match="no card"):
            site.start()


class TestWatch:
    class Asked(list):
        def __call__(self, why):
            self.append(why)

    def watch(self, site, db, at):
        self.again = self.Asked()
        return Watch(site.config, db, lambda change: change(db), self.again, clock=lambda: at[0])

    def test_new_models_start_the_agent_again_whoever_has_installed_them(self, site):
        with site.db() as db:
            watch = self.watch(site, db, [0.0])
            watch.step()
            assert self.again == []
            site.update()
            watch.step()
            watch.step()
        assert self.again == ["other models are in force"]

    def test_a_backup_that_was_laid_ready_does_too(self, site):
        with site.db() as db:
            watch = self.watch(site, db, [0.0])
            (site.config.device.data_dir / "restoring").mkdir()
            watch.step()
        assert self.again == ["a backup is to be put in place"]

    def test_a_database_that_cannot_be_read_for_a_moment_ends_nothing(self, site, caplog):
        with site.db() as db:
            watch = self.watch(site, db, [0.0])
        watch.step()
        assert "which models are in force cannot be read" in caplog.text
        assert self.again == []

    def test_after_a_minute_they_have_proved_good(self, site):
        site.update()
        at = [0.0]
        with site.db() as db:
            watch = self.watch(site, db, at)
            watch.step()
            assert models.in_force(db).starts == 0
            at[0] = PROOF_SECONDS + 1
            watch.step()
            assert models.in_force(db).starts is None


def test_the_agent_starts_again_in_place_and_goes_on_knowing_everybody(site, terminals, monkeypatch, wait_for):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    with Agent(site.config) as agent:
        agent.look()
        site.update()
        assert waited(agent) == 0
        assert agent.starts_again
        assert agent.recogniser.known.gallery.people == ("anna", "ben")  # to its end it knows them by the old one
    stage.play, stage.goes_on = VISIT, False
    with Agent(site.config) as agent:
        agent.look()
        assert waited(agent) == 0
        assert not agent.starts_again
        assert agent.recogniser.known.gallery.model == agent.knowledge.bundle.key.model(NEWER)
    assert [(outcome, person) for outcome, _, person in outcomes(site.config)] == [("granted", "anna")]


def test_a_power_cut_at_any_line_leaves_a_device_that_knows_everybody(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.fakes.killed_updating", tmp_path, "31"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    states = json.loads(run.stdout)
    assert len(states) > 8
    assert states == sorted(states, key=["old", "new"].index)
    assert {*states} == {"old", "new"}


def test_spares_are_forgotten_with_their_templates_and_for_other_keys(site):
    site.update()
    with site.db() as db:
        assert db.rows("SELECT encoder, count(*) FROM spares GROUP BY encoder") == [(OLD, 3)]
        assert spares.forget_but(db, OLD) == 0
        assert spares.forget_but(db, NEWER) == 3
        assert spares.without_crops(db, NEWER) == []


def test_what_is_told_of_models(site):
    with site.db() as db:
        before = updating.told(db, site.config)
        assert before == {"encoder": OLD, "proved": True, "templates": {OLD: 3}, "without_crops": 0}
        folder = site.update()["folder"]
        after = updating.told(db, site.config)
    assert after == {
        "encoder": NEWER, "folder": folder, "since": NOW.isoformat(), "previous": "configured", "proved": False,
        "templates": {NEWER: 3}, "without_crops": 0,
    }  # fmt: skip
