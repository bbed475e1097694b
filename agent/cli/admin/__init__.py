"""`latchkey admin`: what an admin does from afar."""

from __future__ import annotations

import typer

from agent.cli.admin.pki import pki

admin = typer.Typer(help="Administer devices from afar.", no_args_is_help=True)
admin.add_typer(pki, name="pki")
