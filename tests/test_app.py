"""The whole agent in this process: opened, at work, stopped, and what of it is left. Faces are blocks of colour."""

import gc
import logging
import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.app import Agent
from agent.errors import CameraLost, ConfigError, HardwareError, LatchkeyError, ModelError, StoreError
from agent.hardware.backends import BACKENDS
from agent.store import people
from agent.store.db import agent_lock, open_db
from agent.types import Reason
from tests.fakes import blocks, cameras
from tests.fakes.agents import Terminals, empty_stage, enrol, outcomes, perform, recorded, waited
from tests.fakes.blocks import GREEN, RED
from tests.fakes.cameras import ANNA, EMPTY, STRANGER, Stage
from tests.fakes.service import Service

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
VISIT = [EMPTY] * 3 + [ANNA] * 10 + [EMPTY] * 15
LONGEST_STOP_SECONDS = 15.0  # TimeoutStopSec of the unit


@pytest.fixture
def stage(monkeypatch):
    return empty_stage(monkeypatch)


@pytest.fixture
def configure(tmp_path, monkeypatch, stage):
    return Terminals(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def nothing_is_left(wait_for):
    before = set(threading.enumerate())
    yield
    cameras.Stuck.release.set()
    wait_for(lambda: not [t for t in set(threading.enumerate()) - before if t.name != "mqtt-remote"])
    cameras.Stuck.release.clear()
    assert Stage.open == 0


def open_files(folder):
    links = (os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir())
    return [link for link in links if link.startswith(f"{folder}/")]


# A recording


def test_a_recording_from_beginning_to_end(configure, stage):
    config, told = configure(), []
    enrol(config, "anna", RED)
    stage.play = VISIT + [STRANGER] * 5
    agent, status = perform(config, told=told.append)
    assert status == 0
    assert not agent.failed
    assert outcomes(config) == [("granted", "match", "anna"), ("denied", "unknown", None)]
    assert [decision.reason for decision in told] == [Reason.MATCH, Reason.UNKNOWN]
    assert agent.visits.frames == len(stage.play)
    assert agent.dropped == 0
    assert agent.recorder.lost == 0
    assert {event.boot_id for event in recorded(config)} == {agent.boot_id}
    assert not agent.porch.door.unlocked


def test_the_same_recording_gives_the_same_events(configure, stage, tmp_path):
    bodies = []
    stage.play = (VISIT + [STRANGER] * 60 + VISIT) * 2
    for run in ("first", "second"):
        config = configure(device__data_dir=tmp_path / run)
        enrol(config, "anna", RED)
        perform(config)
        bodies.append([(event.seq, event.body | {"latency_ms": 0}) for event in recorded(config)])
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 4


def test_a_recording_at_its_own_speed_may_drop_frames_and_counts_them(configure, stage):
    config = configure(camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play = VISIT
    agent, _ = perform(config)
    assert agent.visits.frames + agent.dropped == len(VISIT)
    assert outcomes(config) == [("granted", "match", "anna")]


def test_an_empty_recording(configure):
    _, status = perform(configure())
    assert status == 0
    assert recorded(configure()) == []


def test_nobody_is_enrolled(configure, stage):
    stage.play = [STRANGER] * 20
    perform(configure())
    assert outcomes(configure()) == [("denied", "empty_gallery", None)]


def test_the_camera_is_lost_for_a_while(configure, stage, monkeypatch, caplog):
    monkeypatch.setattr("random.random", lambda: 1.0)
    config = configure()
    enrol(config, "anna", RED)
    stage.play = [EMPTY, CameraLost("unplugged")]
    plays = iter([[EMPTY, CameraLost("unplugged")], VISIT])

    class Replugged(Stage):
        def __init__(self, options, now):
            super().__init__(options, now)
            self.play = next(plays)

    monkeypatch.setattr(cameras, "Stage", Replugged)
    agent, status = perform(config)
    assert status == 0
    assert "camera lost: unplugged" in caplog.text
    assert outcomes(config) == [("granted", "match", "anna")]
    assert agent.visits.frames == 1 + len(VISIT)


# At work


def test_people_who_change_are_known_at_once(configure, stage, wait_for):
    config = configure(camera__as_fast_as_possible=False)
    stage.goes_on = True
    with Agent(config) as agent:
        assert agent.recogniser.known.gallery.people == ()
        before = agent.recogniser.known.threshold
        enrol(config, "anna", RED)  # as the command line does
        wait_for(lambda: agent.recogniser.known.gallery.people == ("anna",))
        for tint in (5, 9):
            enrol(config, "anna", RED, tint)
        wait_for(lambda: agent.recogniser.known.gallery.templates == 3)
        assert agent.recogniser.known.threshold > before
        with open_db(config.database_path) as db:
            people.remove_person(db, "anna")
        agent.knowledge.soon()
        wait_for(lambda: agent.recogniser.known.gallery.people == ())


def test_the_gallery_is_read_once_at_the_start(configure, caplog):
    caplog.set_level(logging.INFO)
    with Agent(configure()):
        time.sleep(1.2)
    assert sum(record.getMessage().startswith("gallery:") for record in caplog.records) == 1


def test_templates_of_another_model_are_told(configure, tmp_path, caplog):
    config = configure()
    enrol(config, "anna", RED)
    blocks.write_cards(tmp_path, model="latchkey-encoder-2-00000000")
    with Agent(config) as agent:
        assert agent.recogniser.known.gallery.people == ()
    assert "1 templates were made by another model" in caplog.text


def test_the_watchdog_is_fed_while_there_is_progress(configure, stage, monkeypatch, tmp_path):
    monkeypatch.setattr("agent.app.HEARTBEAT_SECONDS", 0.1)
    stage.goes_on = True
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Agent(configure(camera__as_fast_as_possible=False)) as agent:
            agent.look()
            main = threading.Thread(target=agent.wait)
            main.start()
            systemd.settimeout(10)
            assert systemd.recv(100) == b"WATCHDOG=1"
            stuck = agent._crew._workers[-1]
            stuck._patience = -1.0  # takes for stuck whoever it is
            time.sleep(0.3)
            systemd.setblocking(False)
            drained(systemd)
            time.sleep(0.5)
            assert drained(systemd) == []
            agent.stop()
            main.join(10)
        assert drained(systemd)[0].startswith(b"STOPPING=1")


def drained(receiver):
    messages = []
    try:
        while True:
            messages.append(receiver.recv(100))
    except BlockingIOError:
        return messages


# Stopping


def test_asked_to_stop(configure, stage, caplog):
    caplog.set_level(logging.INFO)
    stage.goes_on = True
    agent = Agent(configure(camera__as_fast_as_possible=False))
    with agent:
        agent.look()
        threading.Timer(0.3, agent.stop).start()
        assert agent.wait() == 0
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert "agent stops: SIGTERM" in caplog.text
    assert not agent.failed


def test_asked_to_stop_before_it_looks(configure, stage):
    stage.goes_on = True
    agent = Agent(configure())
    agent.stop(2)
    with agent:
        assert agent.wait() == 0


def test_what_was_decided_is_on_the_disk_and_the_door_is_locked(configure, stage):
    config = configure(camera__as_fast_as_possible=False, door__pulse_seconds=30.0)
    enrol(config, "anna", RED)
    stage.play = [ANNA] * 50
    decided = threading.Event()
    with Agent(config, told=lambda _: decided.set()) as agent:
        agent.look()
        assert decided.wait(10)
        assert agent.porch.door.unlocked
    assert outcomes(config) == [("granted", "match", "anna")]
    assert not agent.porch.door.unlocked


def wait_for_shots(agent, wait_for, count=2):
    visits = agent.recogniser.gate._visits
    wait_for(lambda: any(len(visit.shots) >= count for visit in list(visits.values())))


def test_a_visit_that_the_end_cuts_short_is_concluded(configure, stage, wait_for):
    config = configure(camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play = [STRANGER] * 1000
    with Agent(config) as agent:
        agent.look()
        wait_for_shots(agent, wait_for)
    assert outcomes(config) == [("denied", "unknown", None)]


@pytest.fixture
def impatient(monkeypatch):
    """Half as long is waited for each part; tests/test_desk.py has everything hang for as long as it may."""
    monkeypatch.setattr("agent.app.STOP_SECONDS", 4.0)
    for module in ("agent.app", "agent.crew"):
        monkeypatch.setattr(f"{module}.PART_SECONDS", 1.5)


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_hangs_does_not_hold_the_agent(configure, monkeypatch, caplog):
    monkeypatch.setitem(BACKENDS["camera"], "demo", cameras.STUCK)
    with Agent(configure()) as agent:
        agent.look()
        time.sleep(0.2)
        began = time.monotonic()
    assert time.monotonic() - began < LONGEST_STOP_SECONDS - 3
    assert "worker does not stop: closing the camera" in caplog.text
    assert "worker does not stop: capture" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_vision_that_hangs_does_not_hold_the_agent(configure, stage, monkeypatch, caplog):
    config, told, release = configure(), threading.Event(), threading.Event()
    enrol(config, "anna", RED)
    stage.play = VISIT
    with Agent(config, told=lambda _: told.set() or release.wait()) as agent:
        agent.look()
        assert told.wait(10)
        began = time.monotonic()
    assert time.monotonic() - began < LONGEST_STOP_SECONDS - 3
    assert "worker does not stop: vision" in caplog.text
    assert outcomes(config) == [("granted", "match", "anna")]  # decided before it hung
    release.set()


# Crashes


@pytest.mark.parametrize("fast", [True, False], ids=["lossless", "live"])
def test_a_crash_of_the_camera(configure, stage, caplog, fast):
    stage.play = [EMPTY, EMPTY, ZeroDivisionError("ha")]
    agent, status = perform(configure(camera__as_fast_as_possible=fast))
    assert status == 1
    assert agent.failed
    (crash,) = [record for record in caplog.records if "crashed" in record.getMessage()]
    assert crash.getMessage() == "agent crashed in capture: ha"
    assert crash.exc_info[0] is ZeroDivisionError


def test_an_error_meant_for_the_user_has_no_traceback(configure, stage, caplog):
    stage.play = [EMPTY, HardwareError("none of its pictures can be read")]
    _, status = perform(configure())
    assert status == 1
    (crash,) = [record for record in caplog.records if "crashed" in record.getMessage()]
    assert crash.getMessage() == "agent crashed in capture: none of its pictures can be read"
    assert crash.exc_info is None


def test_a_crash_of_the_vision_while_the_camera_waits_for_it(configure, stage):
    config = configure()
    enrol(config, "anna", RED)
    stage.play = VISIT * 20

    def refuse(decision):
        raise ZeroDivisionError("ha")

    agent = Agent(config, told=refuse)
    with agent:
        agent.look()
        assert waited(agent) == 1
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert outcomes(config) == [("granted", "match", "anna")]


def test_a_crash_while_stopping_is_not_forgotten(configure, stage, wait_for, caplog):
    config = configure(camera__as_fast_as_possible=False)
    enrol(config, "anna", RED)
    stage.play = [STRANGER] * 1000

    def refuse(decision):
        raise ZeroDivisionError("ha")

    agent = Agent(config, told=refuse)
    with agent:
        agent.look()
        wait_for_shots(agent, wait_for)
    assert agent.failed
    assert "agent crashed in vision: ha" in caplog.text
    assert outcomes(config) == [("denied", "unknown", None)]


def test_a_crash_of_the_recorder_loses_no_other_event(configure, stage):
    config = configure(camera__as_fast_as_possible=False)
    stage.goes_on = True
    agent = Agent(config)
    with agent:
        agent.look()
        agent.recorder.record("access", NOW, {"outcome": "first"})
        agent.recorder.record("access", NOW, {"outcome": float("nan")})
        agent.recorder.record("access", NOW, {"outcome": "last"})
        assert waited(agent) == 1
    assert [event.body["outcome"] for event in recorded(config)] == ["first", "last"]
    assert agent.recorder.lost == 1


# Opening


BAD_TLS = {"mqtt__enabled": True, "mqtt__tls__enabled": True, "mqtt__tls__ca": Path("/nonexistent/ca.pem")}


@pytest.fixture
def bare(monkeypatch):
    """No other runtime here, no pins."""
    monkeypatch.setitem(BACKENDS["engine"], "tflite-runtime", "agent.no_such:Engine")
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none such")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("broken", "error"),
    [
        pytest.param({"models__encoder": Path("/nonexistent/encoder.tflite")}, ModelError, id="no model"),
        pytest.param({"camera__backend": "files", "camera__source": "/nonexistent"}, HardwareError, id="no camera"),
        pytest.param(
            {"camera__backend": "files", "camera__source": "/nonexistent", "mqtt__enabled": True, "mqtt__port": 1},
            HardwareError,
            id="no camera, with a broker to be told",
        ),
        pytest.param({"door__backend": "gpio"}, HardwareError, id="no relay"),
        pytest.param(BAD_TLS, ConfigError, id="no certificate"),
        pytest.param({"engine__runtime": "tflite-runtime"}, HardwareError, id="no runtime"),
        pytest.param({"storage__path": Path("/proc/nowhere/latchkey.db")}, StoreError, id="no disk"),
    ],
)
def test_what_fails_half_way_leaves_nothing_open(configure, stage, tmp_path, broken, error):
    with pytest.raises(error) as caught, Agent(configure(**broken)) as agent:
        agent.wait()
    assert isinstance(caught.value, LatchkeyError)
    gc.collect()
    assert open_files(tmp_path) == []
    stage.play = [EMPTY]
    assert perform(configure())[1] == 0  # nothing stands in the way of the next one


def test_the_eyes_of_the_desk_fail(configure, tmp_path, monkeypatch):
    """The second loading of the models, after the databases of the desk are open."""
    made = []

    class Once(blocks.BlockEngine):
        def __init__(self, path, **options):
            made.append(path)
            if len(made) > 2:
                raise HardwareError("no more memory on the accelerator")
            super().__init__(path, **options)

    monkeypatch.setattr(blocks, "BlockEngine", Once)
    gc.disable()
    try:
        with pytest.raises(HardwareError, match="no more memory"), Agent(configure(mqtt__enabled=True, mqtt__port=1)):
            pass
        assert open_files(tmp_path) == []  # closed, not only forgotten
    finally:
        gc.enable()


def test_two_agents_on_one_database(configure):
    config = configure()
    with Agent(config):
        with pytest.raises(StoreError, match="another agent"), Agent(config):
            pass
        with pytest.raises(StoreError, match=str(os.getpid())), agent_lock(config.database_path):
            pass
    with agent_lock(config.database_path):
        pass


def test_nothing_is_open_afterwards(configure, stage, tmp_path):
    stage.play = VISIT
    perform(configure())
    assert open_files(tmp_path) == []


def test_strangers_only(configure, stage):
    config = configure()
    enrol(config, "ben", GREEN)
    stage.play = VISIT
    perform(config)
    assert [outcome for outcome, _, _ in outcomes(config)] == ["denied"]


# As a process: exit statuses


@pytest.fixture
def serve(configure, tmp_path):
    config = configure()
    enrol(config, "anna", RED)
    lines = [
        f'[device]\ndata_dir = "{config.device.data_dir}"\n[mqtt]\nenabled = false\n[camera]\nbackend = "demo"',
        f'[models]\nencoder = "{config.models.encoder}"\ndetector = "{config.models.detector}"\n',
    ]
    (tmp_path / "agent.toml").write_text("\n".join(lines))
    started = []

    def start(play, *arguments):
        started.append(Service(tmp_path, play, "--config", tmp_path / "agent.toml", *arguments))
        return started[-1]

    yield start
    for service in started:
        service.process.kill()
        service.process.wait()


def test_0_after_the_end_of_a_recording(serve, configure):
    service = serve("a visit", "--as-fast-as-possible")
    assert service.status() == 0, service.log
    assert outcomes(configure()) == [("granted", "match", "anna")]
    assert "the recording has ended" in service.log
    assert "Traceback" not in service.log


def test_1_after_a_crash(serve, configure):
    service = serve("a crash", "--as-fast-as-possible")
    assert service.status() == 1, service.log
    assert "agent crashed in capture: ha" in service.log
    assert outcomes(configure()) == [("denied", "unknown", None)]  # the visitor who was there


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--camera", "/nonexistent/video.mp4"], "there is no such video file", id="no video"),
        pytest.param(["--camera", "/dev/video99"], "there is no such camera", id="no camera"),
        pytest.param(["--set", "engine.threads=0"], "threads", id="a wrong value"),
        pytest.param(["--set", "models.encoder=/nonexistent.tflite"], "no card for nonexistent.tflite", id="no model"),
    ],
)
def test_2_for_what_is_not_there(serve, arguments, says):
    service = serve("a visit", *arguments)
    assert service.status() == 2, service.log
    assert says in service.log
    assert "Traceback" not in service.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_0_when_asked_to_stop(serve, configure, wait_for, number):
    service = serve("a queue")
    wait_for(lambda: outcomes(configure()) or service.process.poll() is not None, seconds=60)
    service.process.send_signal(number)
    assert service.status(15) == 0, service.log
    assert f"agent stops: {number.name}" in service.log
    assert "Traceback" not in service.log
    told = service.log.count(": denied {")
    assert len(outcomes(configure())) == told


def test_0_when_asked_to_stop_while_the_camera_is_away(serve, wait_for):
    service = serve("unplugged")
    wait_for(lambda: service.log.count("camera lost") >= 2 or service.process.poll() is not None, seconds=60)
    service.process.terminate()
    assert service.status(15) == 0, service.log
