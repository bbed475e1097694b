"""Which other devices are believed."""

from agent.store.db import open_db
from agent.store.device_keys import device_keys, set_device_key
from agent.trust.keys import SigningKey
from tests.fakes.registers import NOW

ONE, TWO = (SigningKey(letter * 32).public for letter in (b"1", b"2"))


def test_a_key_is_set_changed_and_taken_away_and_what_is_new_is_told(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        assert device_keys(db) == {}
        told = [set_device_key(db, "side", key, NOW, "cli") for key in (ONE, ONE, TWO)]
        assert (told, device_keys(db)) == ([True, False, True], {"side": TWO})
        assert [set_device_key(db, "side", None, NOW, "cli") for _ in range(2)] == [True, False]
        assert device_keys(db) == {}
