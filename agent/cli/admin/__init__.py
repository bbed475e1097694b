"""`latchkey admin`: what an admin does from a desk, over MQTT, to one door or all."""

from __future__ import annotations

import typer

from agent.cli.admin import door, models, past, roster_fleet, rules_read, setup
from agent.cli.admin.devices import devices
from agent.cli.admin.enrol import enrol
from agent.cli.admin.health import health
from agent.cli.admin.jobs import enrol_live, job, jobs
from agent.cli.admin.keys import keys
from agent.cli.admin.pair import pair
from agent.cli.admin.people import people
from agent.cli.admin.pki import pki
from agent.cli.admin.relay import relay
from agent.cli.admin.roster import roster
from agent.cli.admin.rules import rules
from agent.cli.admin.signature import enrol_signature

admin = typer.Typer(
    help="Administer devices over MQTT, with a key that they know: see deploy/ADMIN.md.", no_args_is_help=True
)
admin.command()(setup.init)
admin.add_typer(setup.key, name="key")
admin.command()(pair)
admin.add_typer(devices, name="devices")
admin.add_typer(keys, name="keys")
admin.add_typer(people, name="people")
admin.add_typer(pki, name="pki")
rules.command("try")(rules_read.try_rules)
admin.add_typer(rules, name="rules")
roster.command("import")(roster_fleet.import_table)
for of_fleet in (roster_fleet.publish, roster_fleet.status):
    roster.command()(of_fleet)
admin.add_typer(roster, name="roster")
for reading in (rules_read.groups, rules_read.schedules, rules_read.doors):
    admin.command()(reading)
for command in (door.unlock, door.lock, door.hold, door.mode, past.log, past.report, past.audit, health):
    admin.command()(command)
for working in (enrol, enrol_live, enrol_signature, job, jobs):
    admin.command()(working)
for upgrading in (models.bundle, models.update_model, models.rollback_model, models.backup, models.restore):
    admin.command()(upgrading)
admin.command("models")(models.models)
admin.command()(relay)
