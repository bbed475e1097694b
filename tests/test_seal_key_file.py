"""The file of the key: whole, private, never over another one."""

import os
import stat

import pytest

from agent.errors import ConfigError
from agent.seal import key_file
from tests.fakes.keys import KEY, OTHER


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "site.key"


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_there_is_none_at_first(path):
    assert key_file.read(path) is None
    assert key_file.staged(path) == {}
    assert not key_file.wipe(path)
    key_file.clear(path)
    assert not path.parent.exists()


def test_what_was_written_is_read_and_nobody_else_may_read_it(path):
    old = os.umask(0)
    try:
        key_file.write(path, KEY)
    finally:
        os.umask(old)
    assert key_file.read(path) == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert names(path) == ["site.key"]


def test_a_key_is_never_overwritten(path):
    key_file.write(path, KEY)
    with pytest.raises(ConfigError, match="is there already, and the site's key is never overwritten"):
        key_file.write(path, OTHER)
    assert key_file.read(path) == KEY
    assert names(path) == ["site.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_leaves_it_to_the_owner_of_the_folder(path):
    path.parent.mkdir()
    os.chown(path.parent, 1234, 2345)
    key_file.write(path, KEY)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_use_is_refused(path, mode):
    key_file.write(path, KEY)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"others than its owner .* run chmod 600 {path}"):
        key_file.read(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"no key\n", b"\xff" * 64, bytes(10_000)])
def test_a_file_that_is_no_key_is_told(path, content):
    path.parent.mkdir()
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"{path} holds no site key"):
        key_file.read(path)


def test_a_folder_in_its_place_is_told(path):
    path.mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot read the site's key: Is a directory"):
        key_file.read(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot make the site's key"):
        key_file.write(tmp_path / "file" / "site.key", KEY)


def test_the_next_key_waits_beside_and_takes_the_place(path):
    key_file.write(path, KEY)
    for _ in range(2):  # a second time does no harm
        key_file.stage(path, OTHER)
    assert (key_file.read(path), key_file.staged(path)) == (KEY, {OTHER.id: OTHER})
    old = path.open("rb")
    key_file.promote(path, OTHER)
    assert (key_file.read(path), key_file.staged(path)) == (OTHER, {})
    assert names(path) == ["site.key"]
    assert old.read() == bytes(65)  # the old one is overwritten, not only removed
    old.close()


def test_the_next_key_may_be_the_first(path):
    key_file.stage(path, OTHER)
    key_file.promote(path, OTHER)
    assert key_file.read(path) == OTHER


def test_the_next_key_may_be_dropped(path):
    key_file.write(path, KEY)
    key_file.stage(path, OTHER)
    key_file.wipe_staged(path, OTHER)
    assert names(path) == ["site.key"]


def test_a_key_that_waits_under_a_wrong_name_does_not_count(path):
    key_file.write(path, KEY)
    key_file.write(path.with_name("site.key.00000000"), OTHER)
    assert key_file.staged(path) == {}


def test_what_a_crash_left_is_cleared(path):
    key_file.write(path, KEY)
    os.link(path, path.with_name("site.key.77.new"))  # killed between the link and the end
    key_file.clear(path)
    assert names(path) == ["site.key"]
    assert key_file.read(path) == KEY


def test_every_file_that_holds_a_key_is_told(path):
    key_file.write(path, KEY)
    key_file.stage(path, OTHER)
    for other in ("site.key.77.new", "site.key.pub", "latchkey.db"):
        path.with_name(other).touch()
    assert {file.name for file in key_file.files(path)} == {"site.key", "site.key.77.new", f"site.key.{OTHER.id}"}


def test_wiping_overwrites(path):
    key_file.write(path, KEY)
    with path.open("rb") as opened:
        assert key_file.wipe(path)
        assert opened.read() == bytes(65)
    assert names(path) == []
