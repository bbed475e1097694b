from datetime import UTC, datetime, timedelta

import pytest

from agent.access.rules import Mode
from agent.store import orders
from agent.store.db import open_db
from agent.store.door import DoorMode, load_mode, mark_opened, save_mode
from agent.store.orders import Order, What

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


class TestMode:
    def test_at_first_nobody_has_set_one(self, db):
        assert load_mode(db) == DoorMode()

    def test_it_is_kept_over_a_restart(self, db):
        save_mode(db, Mode.LOCKED_DOWN, NOON, "cli")
        with open_db(db.path) as again:
            assert load_mode(again) == DoorMode(Mode.LOCKED_DOWN, NOON, "cli")

    def test_the_period_that_was_opened_is_kept_without_a_mode_too(self, db):
        mark_opened(db, NOON)
        assert load_mode(db) == DoorMode(opened_on=NOON)

    def test_setting_a_mode_has_the_first_person_come_again(self, db):
        save_mode(db, Mode.FIRST_PERSON, NOON, "cli")
        mark_opened(db, NOON)
        assert load_mode(db).opened_on == NOON
        later = NOON + timedelta(hours=1)
        save_mode(db, Mode.FIRST_PERSON, later, "mqtt")
        assert load_mode(db) == DoorMode(Mode.FIRST_PERSON, later, "mqtt")


class TestOrders:
    def test_an_order_is_taken_once(self, db):
        number = orders.place(db, What.UNLOCK, 7.0, expires=10.0)
        assert orders.waiting(db)
        assert orders.take(db, now=9.0) == [Order(number, What.UNLOCK, 7.0)]
        assert not orders.waiting(db)
        assert orders.take(db, now=9.0) == []

    def test_orders_are_taken_as_they_came(self, db):
        numbers = [orders.place(db, what, None, expires=10.0) for what in (What.HOLD, What.LOCK, What.UNLOCK)]
        assert [order.number for order in orders.take(db, now=0.0)] == numbers

    def test_an_expired_one_is_gone(self, db):
        number = orders.place(db, What.UNLOCK, None, expires=10.0)
        assert orders.take(db, now=10.1) == []
        assert orders.withdraw(db, number) is False
        assert db.rows("SELECT * FROM door_orders") == []

    def test_who_withdraws_learns_whether_it_was_taken(self, db):
        first, second = (orders.place(db, What.LOCK, None, expires=10.0) for _ in range(2))
        assert orders.withdraw(db, first) is False
        orders.take(db, now=0.0)
        assert orders.withdraw(db, second) is True

    def test_an_answer_comes_back(self, db):
        number = orders.place(db, What.LOCK, None, expires=10.0)
        assert orders.answered(db, number) is None
        orders.answer(db, number, "done")
        assert orders.answered(db, number) == "done"

    def test_all_are_forgotten(self, db):
        orders.place(db, What.LOCK, None, expires=10.0)
        orders.forget(db)
        assert not orders.waiting(db)
