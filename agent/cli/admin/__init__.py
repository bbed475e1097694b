"""`latchkey admin`: what an admin does from a desk, over MQTT, to one door or all."""

from __future__ import annotations

import typer

from agent.cli.admin import door, setup
from agent.cli.admin.devices import devices
from agent.cli.admin.keys import keys
from agent.cli.admin.people import people
from agent.cli.admin.pki import pki

admin = typer.Typer(
    help="Administer devices over MQTT, with a key that they know: see deploy/ADMIN.md.", no_args_is_help=True
)
admin.command()(setup.init)
admin.add_typer(setup.key, name="key")
admin.add_typer(devices, name="devices")
admin.add_typer(keys, name="keys")
admin.add_typer(people, name="people")
admin.add_typer(pki, name="pki")
for command in (door.unlock, door.lock, door.hold, door.mode):
    admin.command()(command)
