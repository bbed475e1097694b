"""agent.config: every key, every mistake, every place a secret may come from."""

import dataclasses
import logging
import math
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agent.access.gate import GateSettings
from agent.config import Config, camera_source, find_config, load_config, mqtt_password, read_secret
from agent.config.kinds import TOPIC_LEVEL_WANTED
from agent.config.tables import Camera, Device, Mqtt
from agent.errors import ConfigError
from agent.hardware.cameras import CameraOptions
from agent.hardware.doors import DoorOptions
from agent.mqtt.settings import LinkSettings
from agent.vision.quality import QualityLimits

EXAMPLE = Path(__file__).parents[1] / "deploy" / "agent.example.toml"


def write(folder, text, name="agent.toml"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder, text, **overrides):
    """What is said about this file, without the name of the file."""
    file = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return [line.removeprefix(f"{file}: ") for line in str(caught.value).splitlines()]


def leaves(model: type[BaseModel] = Config, prefix=""):
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


class TestExample:
    def switched_on(self):
        """The example with the '#' of every key taken away."""
        return re.sub(r"(?m)^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"))

    def test_as_it_comes_it_is_all_defaults(self):
        assert load_config(EXAMPLE, environ={}) == Config()

    def test_with_every_key_switched_on_it_still_is(self, tmp_path):
        assert load_config(write(tmp_path, self.switched_on()), environ={}) == Config()

    def test_it_has_every_key_and_no_other(self):
        def flatten(table, prefix=""):
            for name, value in table.items():
                if isinstance(value, dict) and value:
                    yield from flatten(value, f"{prefix}{name}.")
                else:
                    yield f"{prefix}{name}"

        assert list(flatten(tomllib.loads(self.switched_on()))) == list(leaves())

    def test_every_key_is_explained_in_its_line(self):
        keys = re.findall(r"(?m)^#[a-z_]+ = .*$", EXAMPLE.read_text(encoding="utf-8"))
        assert len(keys) == len(list(leaves()))
        assert [key for key in keys if not re.search(r' # [\w":]', key)] == []


class TestWhereItIsFound:
    def test_the_file_asked_for_comes_first(self, tmp_path):
        assert find_config(tmp_path / "a.toml", {"LATCHKEY_CONFIG": "/b.toml"}) == tmp_path / "a.toml"

    def test_then_the_variable(self, tmp_path):
        file = write(tmp_path, '[device]\nname = "east"')
        assert load_config(environ={"LATCHKEY_CONFIG": str(file)}).device.name == "east"

    def test_then_the_working_directory(self, tmp_path, monkeypatch):
        write(tmp_path, '[device]\nname = "west"')
        monkeypatch.chdir(tmp_path)
        assert load_config(environ={}).device.name == "west"

    def test_a_file_asked_for_and_absent_is_an_error(self, tmp_path):
        with pytest.raises(ConfigError, match=r"none\.toml: cannot read the configuration: No such file"):
            load_config(tmp_path / "none.toml")

    def test_a_folder_is_an_error(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot read the configuration: Is a directory"):
            load_config(tmp_path)


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            pytest.param(
                '[door]\npuls_seconds = 5\nbackend = "log"',
                "unknown key 'puls_seconds' in [door]; did you mean 'pulse_seconds'?",
                id="a slip of the keyboard names the key that was meant",
            ),
            pytest.param(
                "[gate]\nthreshold = 0.5",
                "unknown key 'threshold' in [gate]; its keys, the nearest first: ",
                id="a key like no other names all there are",
            ),
            pytest.param(
                "[door]\nmotion_gate = true",
                "unknown key 'motion_gate' in [door]; it belongs in [detector]",
                id="a key in the wrong table names its table",
            ),
            pytest.param(
                'site = "home"',
                "unknown key 'site' outside a table; it belongs in [device]",
                id="a key without a table names its table",
            ),
            pytest.param(
                "colour = 1", "unknown key 'colour' outside a table", id="a key that belongs nowhere is told so"
            ),
            pytest.param("[camra]", "unknown table [camra]; did you mean [camera]?", id="an unknown table"),
            pytest.param(
                "[mqtt.tsl]", "unknown table [mqtt.tsl]; did you mean [mqtt.tls]?", id="an unknown table in a table"
            ),
            pytest.param(
                '[mqtt.tls]\ncrt = "x"',
                "unknown key 'crt' in [mqtt.tls]; did you mean 'cert'?",
                id="an unknown key in a table in a table",
            ),
            pytest.param("mqtt = 5", "[mqtt] is a table; it cannot be 5", id="a value where a table belongs"),
            pytest.param("[[mqtt]]", "[mqtt] is a table; it cannot be [{}]", id="a list of tables"),
            pytest.param(
                "[door]\npulse_seconds = -1", "[door] pulse_seconds = -1: want greater than 0", id="out of range"
            ),
            pytest.param(
                "[gate]\nmin_margin = nan", "[gate] min_margin = nan: want a finite number", id="not a number"
            ),
            pytest.param('[camera]\nfps = "10"', "[camera] fps = '10': want a valid number", id="text for a number"),
            pytest.param("[engine]\nthreads = 1.5", "[engine] threads = 1.5: want a valid integer", id="no integer"),
            pytest.param("[door]\nactive_high = 1", "[door] active_high = 1: want a valid boolean", id="1 for true"),
            pytest.param("[storage]\npath = 5", "[storage] path = 5: want a path in quotes", id="a number for a path"),
            pytest.param(
                '[storage]\npath = "~nobody-here/x"', "want a path: there is no such user after '~'", id="no such home"
            ),
            pytest.param('[storage]\npath = "a\\u0000"', "want a path without a NUL", id="a NUL in a path"),
            pytest.param(
                '[door]\nbackend = "gpoi"', "[door] backend = 'gpoi': want 'log' or 'gpio'", id="no such backend"
            ),
            pytest.param("[mqtt]\nprotocol = 3", "[mqtt] protocol = 3: want 5 or 311", id="no such protocol"),
            pytest.param("[camera]\nsource = true", "[camera] source = True: want a valid string", id="no source"),
            pytest.param(
                '[camera]\nsource = "rtsp://[::1"', "want a camera's number, a path or a URL", id="a broken URL"
            ),
            pytest.param(
                '[mqtt]\nhost = "mqtt://broker"',
                "[mqtt] host = 'mqtt://broker': want a host name or an address alone",
                id="a URL for a host",
            ),
            pytest.param(
                "[gate]\nshots = 2\nshots_needed = 3",
                "[gate] shots_needed = 3 is more than shots = 2",
                id="more shots needed than taken",
            ),
            pytest.param(
                "[door]\npulse_seconds = 31",
                "[door] pulse_seconds = 31.0 is more than max_open_seconds = 30.0",
                id="a pulse longer than the door may stay open",
            ),
            pytest.param(
                "[quality]\nmin_exposure = 230", "is not below max_exposure = 225.0", id="no exposure is good enough"
            ),
            pytest.param(
                '[camera]\nbackend = "files"',
                "[camera] backend = 'files' wants a folder of images as its source",
                id="files without a folder",
            ),
            pytest.param(
                '[camera]\npassword_file = "p"', "[camera] has password_file but no user", id="no user for a password"
            ),
            pytest.param(
                '[mqtt]\npassword_file = "p"',
                "[mqtt] has password_file but no username",
                id="a password but no user",
            ),
            pytest.param(
                "[mqtt]\nreconnect_max_seconds = 0.1", "[mqtt] reconnect_min_seconds = 0.5 is more", id="waits crossed"
            ),
        ],
    )
    def test_each_is_named_with_its_place(self, tmp_path, text, said):
        (line,) = problems(tmp_path, text)
        assert said in line

    def test_all_are_told_at_once(self, tmp_path):
        text = '[mqtt]\nport = 0\n[mqtt.tls]\ncert = "c"\n[device]\nsite = "a/b"\n[door]\npin = 99\npins = 1'
        assert problems(tmp_path, text) == [
            f"[device] site = 'a/b': want {TOPIC_LEVEL_WANTED}",
            "[door] pin = 99: want less than or equal to 27",
            "unknown key 'pins' in [door]; did you mean 'pin'?",
            "[mqtt] port = 0: want greater than or equal to 1",
            "[mqtt.tls] has cert but not enabled = true",
            "[mqtt.tls] has cert but no key: a client certificate needs both",
        ]

    def test_bad_toml_says_in_which_line(self, tmp_path):
        (line,) = problems(tmp_path, "[device]\nsite = \n")
        assert re.match(r"not valid TOML: .*line 2", line)

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "agent.toml").write_bytes(b"[device]\nsite = '\xff'")
        with pytest.raises(ConfigError, match="not UTF-8"):
            load_config(tmp_path / "agent.toml")

    def test_a_byte_order_mark_is_no_mistake(self, tmp_path):
        file = tmp_path / "agent.toml"
        file.write_bytes(b"\xef\xbb\xbf[device]\nsite = 'works'")
        assert load_config(file).device.site == "works"

    def test_long_values_are_cut_short(self, tmp_path):
        (line,) = problems(tmp_path, f'[door]\nbackend = "{"x" * 5000}"')
        assert len(line) < 200

    @pytest.mark.parametrize("name", ["", "a+b", "a#", "a/b", "a b", "x" * 65, "a\n", "$SYS"])
    def test_names_that_would_break_a_topic_are_refused(self, name):
        with pytest.raises(ValueError, match="level of the MQTT topic"):
            Device(name=name)

    @pytest.mark.parametrize("name", ["küche", "east-1", "door_2.b"])
    def test_names_with_letters_of_any_language_are_taken(self, name):
        assert Device(name=name).name == name

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.dictionaries(
            st.sampled_from([*leaves(), "gate", "mqtt.tls", "gate.shots.of", "nothing", "nothing.here", "."]),
            st.sampled_from(["", "x", "\0", 0, -1, 1e300, math.nan, True, b"", [], [{}], {}, {"x": {}}, {1: 2}]),
            max_size=4,
        )
    )
    def test_no_content_at_all_makes_a_traceback(self, overrides):
        try:
            load_config(EXAMPLE, overrides)
        except ConfigError as error:
            assert str(error)  # noqa: PT017  (any other kind of error fails the test)


class TestOverrides:
    def test_they_win_over_the_file(self, tmp_path):
        file = write(tmp_path, "[camera]\nfps = 5")
        config = load_config(file, {"camera.fps": 30.0, "camera.backend": "files", "camera.source": "faces"})
        assert (config.camera.fps, config.camera.backend, config.camera.source) == (30.0, "files", "faces")

    def test_none_was_not_given(self, tmp_path):
        assert load_config(write(tmp_path, "[camera]\nfps = 5"), {"camera.fps": None}).camera.fps == 5

    def test_they_reach_tables_in_tables(self):
        assert load_config(EXAMPLE, {"mqtt.tls.enabled": True}).mqtt.tls.enabled

    def test_a_mistake_among_them_is_blamed_on_the_command_line(self, tmp_path):
        (line,) = problems(tmp_path, "", **{"camera.fps": 0})
        assert line == "command line: [camera] fps = 0: want greater than 0"

    def test_a_clash_with_the_file_is_blamed_on_both(self, tmp_path):
        (line,) = problems(tmp_path, "[door]\nmax_open_seconds = 10", **{"door.pulse_seconds": 20})
        assert "agent.toml with the command line: [door] pulse_seconds = 20.0 is more" in line

    def test_a_broken_file_stays_the_problem(self, tmp_path):
        assert problems(tmp_path, "mqtt = 5", **{"mqtt.port": 1}) == [
            f"{tmp_path / 'agent.toml'} with the command line: [mqtt] is a table; it cannot be 5"
        ]


class TestPaths:
    def test_relative_text_starts_at_the_folder_of_the_file(self, tmp_path):
        config = load_config(write(tmp_path, '[storage]\npath = "a.db"'))
        assert config.storage.path == config.database_path == tmp_path / "a.db"

    def test_a_relative_path_of_the_command_line_starts_at_the_working_directory(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        config = load_config(EXAMPLE, {"device.data_dir": Path("here")})
        assert config.device.data_dir == tmp_path / "here"
        assert config.database_path == tmp_path / "here" / "latchkey.db"

    def test_home_is_known(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", "/home/anna")
        config = load_config(write(tmp_path, '[device]\ndata_dir = "~/doors"'))
        assert config.device.data_dir == Path("/home/anna/doors")

    def test_a_camera_is_a_number_too(self, tmp_path):
        assert load_config(write(tmp_path, "[camera]\nsource = 1")).camera.source == "1"


class TestSecrets:
    @pytest.mark.parametrize("key", ["password", "Password", "mqtt_password"])
    def test_a_password_in_the_file_is_refused_with_advice_and_not_repeated(self, tmp_path, key):
        (line,) = problems(tmp_path, f'[mqtt]\n{key} = "hunter2"')
        assert "LATCHKEY_MQTT_PASSWORD" in line
        assert "password_file" in line
        assert "hunter2" not in line

    @pytest.mark.parametrize(
        "text", ['[camera]\nsource = "rtsp://u:hunter2@cam/1"', '[mqtt]\nhost = "mqtt://u:hunter2@broker"']
    )
    def test_a_password_in_a_url_is_refused_and_not_repeated(self, tmp_path, text):
        (line,) = problems(tmp_path, text)
        assert "hunter2" not in line

    def test_environment_then_credential_then_file(self, tmp_path):
        file = write(tmp_path, "from file\n", "p")
        file.chmod(0o600)
        write(tmp_path, "from systemd", "mqtt_password")
        mqtt = Mqtt(username="door", password_file=file)
        credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        found = [
            mqtt_password(mqtt, {"LATCHKEY_MQTT_PASSWORD": "from env", **credentials}),
            mqtt_password(mqtt, credentials),
            mqtt_password(mqtt, {"LATCHKEY_MQTT_PASSWORD": ""}),
        ]
        assert [secret and secret.get_secret_value() for secret in found] == ["from env", "from systemd", "from file"]

    def test_none_at_all_is_none(self):
        assert mqtt_password(Mqtt(), {"CREDENTIALS_DIRECTORY": "/nonexistent"}) is None

    def test_it_never_shows(self):
        secret = mqtt_password(Mqtt(), {"LATCHKEY_MQTT_PASSWORD": "hunter2"})
        assert "hunter2" not in f"{secret} {secret!r}"

    @pytest.mark.parametrize(
        ("content", "said"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff", "is not UTF-8 text")]
    )
    def test_a_file_that_does_not_help_is_an_error(self, tmp_path, content, said):
        file = tmp_path / "p"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigError, match=f"mqtt_password: .*{said}"):
            read_secret("mqtt_password", file=file, environ={})

    @pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, False), (0o600, False)])
    def test_a_file_that_everybody_can_read_is_warned_about(self, tmp_path, caplog, mode, warned):
        file = write(tmp_path, "hunter2", "p")
        file.chmod(mode)
        with caplog.at_level(logging.WARNING, logger="agent.config"):
            read_secret("mqtt_password", file=file, environ={})
        assert ("chmod o-r" in caplog.text) is warned
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize(
        ("source", "password", "url"),
        [
            ("rtsp://anna@cam:554/1?a=b", "p@ss/word", "rtsp://anna:p%40ss%2Fword@cam:554/1?a=b"),
            ("rtsp://anna@cam/1", "", "rtsp://anna@cam/1"),
            ("rtsp://cam/1", "unused", "rtsp://cam/1"),
            ("0", "unused", "0"),
        ],
    )
    def test_the_cameras_password_is_put_into_its_url(self, source, password, url):
        found = camera_source(Camera(source=source), {"LATCHKEY_CAMERA_PASSWORD": password})
        assert found.get_secret_value() == url


@pytest.mark.parametrize(
    ("table", "settings", "apart"),
    [
        pytest.param(Config().quality, QualityLimits(), set(), id="quality"),
        pytest.param(Config().gate, GateSettings(), set(), id="gate"),
        pytest.param(Config().door, DoorOptions(), set(), id="door"),
        pytest.param(Config().camera, CameraOptions(source="0"), set(), id="camera"),
        pytest.param(Config().mqtt, LinkSettings(host="localhost"), {"username", "tls"}, id="mqtt"),
    ],
)
def test_defaults_are_those_of_the_code_they_are_for(table, settings, apart):
    """`apart`: what is empty here and None there."""
    here = table.model_dump(exclude=apart)
    there = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    assert {name: here[name] for name in here.keys() & there.keys()} == {
        name: there[name] for name in here.keys() & there.keys()
    }


def test_the_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Config().door.pin = 4
