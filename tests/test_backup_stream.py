"""agent/backup/stream.py and keys.py."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backup.keys import BackupKey, Passphrase, Recipient
from agent.backup.stream import CHUNK, MAGIC, TAG, Opened, Sealer, recipient_of, sealed_size
from agent.errors import BackupError, ConfigError

KEY, OTHER = BackupKey(bytes(range(32))), BackupKey(bytes(range(1, 33)))
WORDS = Passphrase("five random words of mine")


def sealed(data, to=KEY.recipient, step=None):
    sink = io.BytesIO()
    sealer = Sealer(sink, to)
    for start in range(0, len(data), step or len(data) or 1):
        sealer.write(data[start : start + (step or len(data))])
    sealer.close()
    return sink.getvalue()


def opened(file, by=KEY, step=100_000):
    reader, found = Opened(io.BytesIO(file), by), bytearray()
    while part := reader.read(step):
        found += part
    return bytes(found)


def pattern(size):
    return bytes(i * 31 % 251 for i in range(size))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
@pytest.mark.parametrize("step", [None, 1000, CHUNK])
def test_what_was_written_is_read_again_whatever_the_pieces(size, step):
    data = pattern(size)
    file = sealed(data, step=step)
    assert opened(file) == opened(file, step=977) == data
    assert len(file) == sealed_size(size, KEY.recipient)


def test_a_passphrase_opens_what_was_closed_with_it():
    file = sealed(b"secret", WORDS)
    assert opened(file, WORDS) == b"secret"
    assert (recipient_of(io.BytesIO(file)), len(file)) == (None, sealed_size(6, WORDS))
    with pytest.raises(BackupError, match="another passphrase"):
        opened(file, Passphrase("five other words entirely"))
    with pytest.raises(BackupError, match="opens with a passphrase"):
        opened(file)


def test_another_key_does_not_open_it_and_is_told_which_does():
    file = sealed(b"secret")
    assert recipient_of(io.BytesIO(file)) == KEY.recipient.id
    with pytest.raises(BackupError, match=f"opens with the backup key {KEY.recipient.id}, this is"):
        opened(file, OTHER)
    with pytest.raises(BackupError, match="not with a passphrase"):
        opened(file, WORDS)


def test_two_files_of_the_same_have_nothing_in_common():
    assert sealed(b"secret")[-22:] != sealed(b"secret")[-22:]


FILE = sealed(pattern(2 * CHUNK + 10))


@given(st.integers(0, len(FILE) - 1))
def test_a_file_that_was_cut_off_anywhere_does_not_open(length):
    with pytest.raises(BackupError):
        opened(FILE[:length])


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_file_with_one_byte_changed_does_not_open(place, flip):
    changed = bytearray(FILE)
    changed[place] ^= flip
    with pytest.raises(BackupError):
        opened(bytes(changed))


def test_chunks_left_out_exchanged_or_added_do_not_open():
    head, chunk = len(FILE) - 2 * (CHUNK + TAG) - 10 - TAG, CHUNK + TAG
    start, first, second, last = (
        FILE[:head],
        FILE[head:][:chunk],
        FILE[head + chunk :][:chunk],
        FILE[head + 2 * chunk :],
    )
    assert start + first + second + last == FILE
    for file in (start + second + last, start + first + last, start + second + first + last, FILE + last, FILE + b"x"):
        with pytest.raises(BackupError):
            opened(file)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_open_or_be_refused(data):
    for file in (data, MAGIC + data, MAGIC + len(data).to_bytes(2, "big") + data):
        with pytest.raises(BackupError):
            opened(file)


@pytest.mark.parametrize(
    "header",
    [
        b'{"to":"passphrase","salt":"AAAAAAAAAAAAAAAAAAAAAA==","n":1073741824,"r":8,"p":1}',
        b'{"to":"x25519","recipient":"' + KEY.recipient.id.encode() + b'","ephemeral":"' + b"A" * 43 + b'="}',
        b'{"to":["x25519"]}',
        b'{"to":"nobody"}',
    ],
    ids=["work chosen by the file", "a key of low order", "a list", "nobody"],
)
def test_headers_made_to_deceive_are_refused(header):
    file = MAGIC + len(header).to_bytes(2, "big") + header + bytes(100)
    for by in (KEY, WORDS):
        with pytest.raises(BackupError):
            opened(file, by)


def test_a_newer_format_is_named():
    with pytest.raises(BackupError, match="newer Latchkey"):
        opened(b"latchkey backup 2\n" + bytes(50))


class TestKeys:
    def test_a_key_goes_through_its_file(self, tmp_path):
        path = tmp_path / "owner" / "backup.key"
        KEY.write(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert BackupKey.read(path) == KEY
        assert Recipient.parse(KEY.recipient.text) == KEY.recipient
        with pytest.raises(ConfigError, match="choose another file"):
            OTHER.write(path)
        path.chmod(0o644)
        with pytest.raises(ConfigError, match="chmod 600"):
            BackupKey.read(path)

    def test_what_is_no_key_is_refused_and_not_repeated(self, tmp_path):
        (path := tmp_path / "k").write_text("hunter2")
        path.chmod(0o600)
        with pytest.raises(ConfigError, match="holds no backup key") as told:
            BackupKey.read(path)
        assert "hunter2" not in str(told.value)
        with pytest.raises(ConfigError, match="cannot read"):
            BackupKey.read(tmp_path / "none")
        for text, match in ((KEY.text, "secret half"), ("abc", "begins with"), ("latchkey-backup:abc", "base64")):
            with pytest.raises(ValueError, match=match):
                Recipient.parse(text)
        with pytest.raises(ValueError, match="32 bytes"):
            Recipient(b"")

    def test_secrets_are_not_shown(self):
        assert KEY.text not in repr(KEY)
        assert "words" not in repr(WORDS)
        with pytest.raises(ConfigError, match="at least 12"):
            Passphrase("short")
