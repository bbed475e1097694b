"""`latchkey account`: who may sign in to the admin page. Who may change the database may change these, too."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.cli.account_credentials import (
    Done,
    Name,
    PasswordFile,
    offered,
    opened_for,
    renew_codes,
    say_codes,
    set_password,
    set_second_factor,
    shown,
    typed_password,
)
from agent.cli.account_screens import screen, screens
from agent.cli.opened import database, request
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError
from agent.trust.roles import Role

account = typer.Typer(no_args_is_help=True)
account.command("password")(set_password)
account.command("second-factor")(set_second_factor)
account.command("recovery-codes")(renew_codes)
account.command()(screen)
account.command()(screens)

ROLES = "viewer, enroller, operator, security or owner"
COLUMNS = ("name", "role", "second_factor", "recovery_codes", "added_at", "added_by", "signed_in_at", "disabled_at")


@account.callback()
def installed() -> None:
    """Who may sign in to the admin page, and which screens may show the page at the wall."""
    from importlib.util import find_spec

    for library in ("argon2", "pyotp"):
        if find_spec(library) is None:
            raise ConfigError(f"accounts want {library}, which is not installed: pip install 'latchkey[web]'")


@account.command()
def add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option(help=f"What it may: {ROLES}.")],
    password_file: PasswordFile = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Let somebody sign in: with a password, and codes that an app on a phone shows.

    Asks for the password, shows what the app scans, and wants one of its codes before the account counts. Then it
    prints eight recovery codes, this once. Exit status: 1 if the name is taken, or the password or the code is none.
    """
    configured = load(config, sets)
    from agent.accounts import changes

    with opened_for(configured, create=True) as db:
        changes.check_new(db, name, role)
        hashed = changes.new_password(configured, name, typed_password(password_file))
        factor = offered(configured, name)

        def added(code: str) -> Done:
            return changes.add(db, request(), name=name, role=role, password=hashed, secret=factor.secret, code=code)

        done, codes = shown(added)
    say_codes(done, codes, f"{name} may sign in to the admin page, as {role}", json=json)


@account.command("list")
def list_all(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """List the accounts, without anything secret."""
    configured = load(config, sets)
    from agent.accounts import roll

    with database(configured) as db:
        found = roll.everyone(db)
    if json:
        say_json(found)
        return
    words = {True: "yes", False: "missing", None: ""}
    rows = [[str(words.get(each[name], each[name])) for name in COLUMNS] for each in found]
    say_table([column.removesuffix("_at").replace("_", " ") for column in COLUMNS], rows)
    if not found:
        say("nobody may sign in to the admin page yet: latchkey account add NAME --role owner")


@account.command("role")
def set_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help=f"One of {ROLES}.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Give an account another role. Whoever is signed in with it is signed out.

    Exit status: 1 if there is no such account, or it is the last owner's.
    """
    configured = load(config, sets)
    from agent.accounts import changes

    with database(configured) as db:
        done = changes.set_role(db, request(), name, role)
    _say(done, f"{name} is {done['role']}", json=json)


@account.command()
def disable(name: Name, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Let nobody sign in with an account, until it is enabled. Whoever is signed in with it is signed out."""
    configured = load(config, sets)
    from agent.accounts import changes

    with database(configured) as db:
        done = changes.disable(db, request(), name)
    _say(done, f"{name} may not sign in", json=json)


@account.command()
def enable(name: Name, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Let an account sign in again, also where wrong passwords have locked it."""
    configured = load(config, sets)
    from agent.accounts import changes

    with opened_for(configured) as db:
        done = changes.enable(db, request(), name)
    _say(done, f"{name} may sign in", json=json)


@account.command()
def remove(name: Name, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Forget an account. The audit goes on to name it. Exit status: 1 if it is the last owner's."""
    configured = load(config, sets)
    from agent.accounts import changes

    with database(configured) as db:
        done = changes.remove(db, request(), name)
    _say(done, f"{name} is removed", json=json)


def _say(done: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        say_json(done)
    else:
        say(text)
