"""What --set, --camera and --backend make of the configuration."""

from pathlib import Path

import pytest

from agent.cli.settings import camera_overrides, parse_sets
from agent.config import load_config
from agent.errors import ConfigError


@pytest.fixture
def configured(tmp_path):
    """Loads a configuration that is all defaults but for these."""
    file = tmp_path / "defaults.toml"
    file.touch()
    return lambda *assignments, **overrides: load_config(file, {**parse_sets(assignments), **overrides}, {})


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("camera.fps=5", 5),
        ("camera.fps = 2.5", 2.5),
        ("mqtt.enabled=false", False),
        ("mqtt.tls.enabled=true", True),
        ("mqtt.host=broker.example", "broker.example"),
        ("device.name=7", "7"),
        ('device.name="front door"', "front door"),
        ("camera.source=/dev/video0", "/dev/video0"),
        ("camera.source=2026-11-22", "2026-11-22"),
        ("device.data_dir=data", Path("data")),
        ("storage.path=~/x.db", Path("~/x.db").expanduser()),
        ("storage.path=", ""),
        ("mqtt.client_id=", ""),
        ("door.backend=gpio", "gpio"),
        ("no.such=1", 1),
        ("gate.shots=1\nx = 2", "1\nx = 2"),
    ],
)
def test_values_are_as_in_the_file_but_text_needs_no_quotes(assignment, value):
    (parsed,) = parse_sets([assignment]).values()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("assignment", ["camera.fps", "fps=5", "=", ""])
def test_what_is_no_assignment_is_refused(assignment):
    with pytest.raises(ConfigError, match=r"want TABLE\.KEY=VALUE, as in --set camera\.fps=5"):
        parse_sets([assignment])


def test_paths_start_where_the_user_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "etc" / "agent.toml"
    file.parent.mkdir()
    file.touch()
    assert load_config(file, parse_sets(["device.data_dir=data"]), {}).device.data_dir == tmp_path / "data"


def test_an_unknown_key_is_an_error_of_the_configuration(configured):
    with pytest.raises(ConfigError, match=r"command line: unknown key 'fsp' in \[camera\]"):
        configured("camera.fsp=5")


@pytest.mark.parametrize(
    ("source", "backend"),
    [
        ("0", "opencv"),
        ("/dev/video2", "opencv"),
        ("rtsp://user@host/stream", "opencv"),
        ("clip.mp4", "opencv"),
        ("pictures", "files"),
        ("7", "opencv"),
    ],
)
def test_the_backend_follows_from_the_source(tmp_path, monkeypatch, configured, source, backend):
    monkeypatch.chdir(tmp_path)
    for folder in ("pictures", "7"):
        (tmp_path / folder).mkdir()
    camera = configured(**camera_overrides(source, None)).camera
    assert (camera.backend, camera.source) == (backend, source)


def test_a_backend_that_is_asked_for_wins(configured):
    camera = configured(**camera_overrides("1", "picamera2")).camera
    assert (camera.backend, camera.source) == ("picamera2", "1")
    assert configured(**camera_overrides(None, "demo")).camera.backend == "demo"
    assert configured(**camera_overrides(None, None)).camera.backend == "picamera2"


def test_the_password_of_another_source_is_forgotten(tmp_path):
    file = tmp_path / "agent.toml"
    file.write_text('[camera]\nbackend = "opencv"\nsource = "rtsp://me@host/1"\npassword_file = "secret"\n')
    assert load_config(file, camera_overrides("0", None), {}).camera.password_file is None
    assert load_config(file, camera_overrides("rtsp://me@host/2", None), {}).camera.password_file == tmp_path / "secret"
