"""The tables of the door: each mistake is told with its place and what is wanted."""

import pytest

from agent.access.latch import RelockOn
from agent.config import Config, load_config
from agent.errors import ConfigError


def told(tmp_path, text):
    file = tmp_path / "agent.toml"
    file.write_text(text)
    try:
        load_config(file, {}, {})
    except ConfigError as error:
        return str(error).replace(f"{file}: ", "").splitlines()
    return []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            "[door]\nexit_seconds = 31",
            "[door] exit_seconds = 31.0 is more than max_open_seconds = 30.0",
            id="an exit longer than the door may stay open",
        ),
        pytest.param(
            "[door]\nheld_open_soon_seconds = 31",
            "[door] held_open_soon_seconds = 31.0 is more than held_open_seconds = 30.0",
            id="a pre-alarm after the alarm",
        ),
        pytest.param(
            '[door]\nrelock = "never"',
            "[door] relock = 'never': want 'closing', 'opening' or 'time'",
            id="no such relock",
        ),
        pytest.param(
            "[inputs]\ncontact_pin = 5",
            "[inputs] has contact_pin but backend = 'none': want 'gpio'",
            id="a pin that nobody looks at",
        ),
        pytest.param(
            '[inputs]\nbackend = "gpio"',
            "[inputs] backend = 'gpio' has no pin: want contact_pin, exit_pin or tamper_pin",
            id="no pin at all",
        ),
        pytest.param(
            '[inputs]\nbackend = "gpio"\ncontact_pin = 5\nexit_pin = 5',
            "[inputs] exit_pin = 5 is [inputs] contact_pin already",
            id="one pin for two inputs",
        ),
        pytest.param(
            '[door]\nbackend = "gpio"\n[inputs]\nbackend = "gpio"\ntamper_pin = 17',
            "[inputs] tamper_pin = 17 is [door] pin already",
            id="the pin of the relay",
        ),
        pytest.param(
            '[inputs]\nbackend = "gpio"\ncontact_pin = 28',
            "[inputs] contact_pin = 28: want less than or equal to 27",
            id="no such pin",
        ),
        pytest.param("[inputs]\ntamper_wipes = true", "[inputs] tamper_wipes = true wants tamper_pin", id="no switch"),
        pytest.param('[reader]\nbackend = "evdev"', "[reader] backend = 'evdev' wants a device", id="no device"),
    ],
)
def test_a_mistake_is_told(tmp_path, text, says):
    assert [line for line in told(tmp_path, text) if says in line], told(tmp_path, text)


def test_a_relay_that_only_logs_takes_no_pin(tmp_path):
    assert told(tmp_path, '[inputs]\nbackend = "gpio"\ncontact_pin = 17') == []


def test_empty_text_is_no_pin():
    config = Config.model_validate({"inputs": {"backend": "gpio", "contact_pin": "", "exit_pin": 6}})
    assert config.inputs.pins == {"exit_pin": 6}


def test_what_relocks_is_a_word_in_the_file():
    assert Config.model_validate({"door": {"relock": "opening"}}).door.relock is RelockOn.OPENING
