"""`latchkey fleet`: the collector as it is run, and whom it believes, by command."""

import json
import os
import signal
import subprocess
import sys

import pytest

from agent.fleet.database import connect
from agent.fleet.letter import read
from agent.fleet.writer import Writer
from tests.fakes.fleet import Device
from tests.fakes.terminal import Terminal, forget_logging
from tests.fleet.test_collector import Speaker, seqs


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("LATCHKEY_COLLECTOR_KEY", raising=False)
    yield Terminal(tmp_path, monkeypatch, capsys).run
    forget_logging()


def test_from_a_key_to_events_that_are_acknowledged(latchkey, mosquitto, url, tmp_path, wait_for):
    key, door = tmp_path / "collector.key", Device()
    made = latchkey("fleet", "key", key)
    assert made.code == 0
    assert len(made.out.strip()) == 44
    assert latchkey("fleet", "trust", "hq/door", door.key.public.text, "--database", url).code == 0
    broker = f"mqtt://127.0.0.1:{mosquitto.port}"
    command = [sys.executable, "-m", "agent.cli", "fleet", "collect", "--broker", broker, "--key", str(key), "--json"]
    collector = subprocess.Popen(
        command, env=os.environ | {"LATCHKEY_DATABASE": url}, stdout=subprocess.PIPE, text=True
    )
    try:
        speaker = Speaker(mosquitto)
        event = door.event(person="anna")
        with connect(url) as pg:
            pg.autocommit = True
            wait_for(lambda: speaker.say(event) or seqs(pg) == [1], seconds=20)
        collector.send_signal(signal.SIGTERM)  # what is written down is acknowledged before it goes
        told = json.loads(collector.communicate(timeout=20)[0])
        wait_for(lambda: speaker.acknowledged(door) == {1})
    finally:
        collector.kill()
        collector.wait()
    assert collector.returncode == 0
    assert (told["new"], told["doubts"]) == (1, {})
    shown = latchkey("fleet", "devices", "--database", url, "--json")
    assert [(line["device"], line["missing"]) for line in json.loads(shown.out)] == [("door", "0")]


def test_a_stranger_is_put_aside_until_it_is_trusted(latchkey, pg, url):
    stranger = Device("stranger")
    Writer(lambda: pg).write([read(stranger.event(), lambda *_: [])])
    assert "stranger" in latchkey("fleet", "quarantine", "--database", url).out
    done = latchkey("fleet", "trust", "hq/stranger", stranger.key.public.text, "--database", url)
    assert "1 event it had sent before written down" in done.out
    assert seqs(pg) == [1]
    done = latchkey("fleet", "distrust", "hq/stranger", "--database", url)
    assert (done.code, "1 key revoked" in done.out) == (0, True)
    done = latchkey("fleet", "distrust", "hq/stranger", "--database", url)
    assert (done.code, "no such key in force" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["trust", "door", "x", "--database", "postgresql://a"], "want SITE/DEVICE", id="no device"),
        pytest.param(["trust", "a/b", "x", "--database", "postgresql://a"], "x is no public key", id="no key"),
        pytest.param(["migrate", "--database", "postgresql://me:secret@127.0.0.1:1/a"], "PGPASSFILE", id="a password"),
        pytest.param(["migrate", "--database", "postgresql://127.0.0.1:1/a"], "does not answer", id="nobody there"),
        pytest.param(["collect", "--broker", "nonsense", "--database", "postgresql://a"], "no broker", id="no broker"),
        pytest.param(
            ["collect", "--broker", "mqtt://a", "--database", "x", "--key", "/none"],
            "cannot read /none",
            id="no key file",
        ),
    ],
)
def test_mistakes_are_lines_and_show_no_password(latchkey, arguments, said):
    done = latchkey("fleet", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err


def test_the_tables_are_made_once(latchkey, url):
    assert latchkey("fleet", "migrate", "--database", url).out == "0 steps done\n"
