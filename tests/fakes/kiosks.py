"""What tests of the kiosk share: an agent that serves its page, people who stand before it."""

from agent.members.credentials import new_pins, set_pin
from agent.members.particulars import set_person
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store.db import open_db
from tests.fakes.agents import enrol
from tests.fakes.blocks import RED
from tests.fakes.registers import request

RULES = """
time_zone = "Europe/Berlin"
[attendance]
{attendance}
[doors.door]
factors = "{factors}"
[[grants]]
groups = ["staff"]
doors = ["*"]
"""


def settle(config, factors, attendance=""):
    """Anna is enrolled, has the badge 1042 and the PIN 4712; the door wants `factors`."""
    enrol(config, "anna", RED)
    with open_db(config.database_path, key=site_key(config)) as db:
        apply_rules(lambda change: change(db), RULES.format(factors=factors, attendance=attendance), request())
        set_person(db, "anna", {"groups": ["staff"], "badge": "1042", "name": "Anna Berg"}, request())
        set_pin(db, "anna", new_pins(db, "anna", "4712", None), request())
