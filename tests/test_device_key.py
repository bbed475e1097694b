"""What a device signs with: made once, kept for its owner, given by a variable or a credential."""

import pytest

from agent.config import load_config
from agent.device_key import device_key, find_device_key, key_path
from agent.errors import ConfigError
from agent.trust.keys import SigningKey, packed

KEY = SigningKey(bytes(range(32)))


@pytest.fixture
def config(tmp_path):
    return load_config(None, {"device.data_dir": tmp_path / "data"}, {})


def test_it_is_made_at_the_first_start_and_the_same_at_the_next(config):
    assert find_device_key(config, {}) is None
    made = device_key(config, {})
    assert device_key(config, {}) == made
    assert key_path(config).stat().st_mode & 0o777 == 0o600
    assert packed(made.secret) not in repr(made)


def test_two_devices_have_two_keys(config, tmp_path):
    other = load_config(None, {"device.data_dir": tmp_path / "other"}, {})
    assert device_key(config, {}) != device_key(other, {})


def test_a_variable_wins_over_a_credential_over_the_file(config, tmp_path):
    made = device_key(config, {})
    (tmp_path / "device_key").write_text(packed(KEY.secret))
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert device_key(config, credentials) == KEY
    assert device_key(config, credentials | {"LATCHKEY_DEVICE_KEY": packed(made.secret)}) == made


def test_a_file_of_another_name(tmp_path):
    config = load_config(None, {"trust.device_key_file": tmp_path / "mine"}, {})
    device_key(config, {})
    assert (tmp_path / "mine").exists()


def test_a_key_that_others_may_read_is_not_used(config):
    device_key(config, {})
    key_path(config).chmod(0o640)
    with pytest.raises(ConfigError, match=r"others than its owner may use the device's key: run chmod 600"):
        device_key(config, {})


def test_what_is_no_key_is_told_without_its_text(config):
    key_path(config).parent.mkdir(parents=True)
    key_path(config).write_text("not a key\n")
    key_path(config).chmod(0o600)
    with pytest.raises(ConfigError, match="holds no device key: want 32 bytes in base64") as told:
        device_key(config, {})
    assert "not a key" not in str(told.value)


def test_a_folder_that_cannot_be_is_told(config):
    key_path(config).parent.write_text("a file")
    with pytest.raises(ConfigError, match=r"cannot (read|make) the device's key"):
        device_key(config, {})
