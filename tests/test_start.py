"""What comes first when the agent starts."""

from contextlib import ExitStack

import pytest

from agent.start import open_house
from agent.store import audit
from agent.store.crops import count_crops
from tests.fakes.agents import Terminals, enrol
from tests.fakes.blocks import RED


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "kept no longer"])
def test_pictures_go_where_they_are_to_be_kept_no_longer(tmp_path, monkeypatch, kept):
    configure = Terminals(tmp_path, monkeypatch)
    enrol(configure(security__keep_crops=True), "anna", RED)
    with ExitStack() as stack:
        _, db, _ = open_house(stack, configure(security__keep_crops=kept), "boot", reads=0)
        assert count_crops(db) == kept
        assert ("crops_forgotten" in [row.action for row in audit.since(db)]) is not kept
        assert db.rows("SELECT count(*) FROM templates") == [(1,)]
