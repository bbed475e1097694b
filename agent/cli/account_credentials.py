"""`latchkey account password`, `second-factor`, `recovery-codes`: what somebody signs in with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, counted, say, say_json, warn
from agent.cli.secret import secret
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError, ConfigError

if TYPE_CHECKING:
    from agent.accounts.second_factor import Factor
    from agent.config import Config
    from agent.store.db import Db

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the account, as the audit will say.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE|-", help="Holds the password in its first line; -: stdin. Default: asks for it."),
]
Done: TypeAlias = tuple[dict[str, Any], list[str]]
TRIES = 3  # of a code
LONGEST = 1024  # bytes of a file with a password


def set_password(
    name: Name,
    *,
    password_file: PasswordFile = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Give an account another password. Whoever is signed in with it is signed out; wrong tries are forgotten."""
    configured = load(config, sets)
    from agent.accounts import changes

    with opened_for(configured) as db:
        changes.check_there(db, name)
        hashed = changes.new_password(configured, name, typed_password(password_file))
        done = changes.set_password(db, request(), name, hashed)
    if json:
        say_json(done)
    else:
        say(f"{name} has another password")


def set_second_factor(name: Name, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Give an account another second factor, for another phone, with other recovery codes."""
    configured = load(config, sets)
    from agent.accounts import changes

    with opened_for(configured) as db:
        changes.check_there(db, name)
        factor = offered(configured, name)

        def changed(code: str) -> Done:
            return changes.set_second_factor(db, request(), name, secret=factor.secret, code=code)

        done, codes = shown(changed)
    say_codes(done, codes, f"{name} has another second factor", json=json)


def renew_codes(name: Name, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Give an account other recovery codes; those before count no more."""
    configured = load(config, sets)
    from agent.accounts import changes

    with opened_for(configured) as db:
        codes = changes.renew_codes(db, request(), name)
    say_codes({"name": name}, codes, f"{name} has other recovery codes", json=json)


def opened_for(config: Config, *, create: bool = False) -> Db:
    """The database, to read and write what is sealed in it."""
    from agent.seal.keyring import site_key

    if not create:
        database(config).close()  # where there is none, no key is made either
    return database(config, create=create, key=site_key(config))


def typed_password(file: Path | None) -> str:
    """The password, from a file or as somebody types it."""
    if file is None:
        return secret("password")
    if str(file) == "-":
        return secret("password", stdin=True)
    try:
        with file.open(encoding="utf-8", errors="strict") as opened:
            return opened.readline(LONGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise ConfigError(f"{file}: cannot read the password: {reason}") from error


def offered(config: Config, name: str) -> Factor:
    """Shows a fresh second factor on stderr: stdout is for the answer."""
    import segno

    from agent.accounts.second_factor import Factor

    factor = Factor.new()
    uri = factor.uri(name, f"{config.device.name}.{config.device.site}")
    print("Scan this with the app for codes (FreeOTP, Aegis, Google Authenticator), or type it in:", file=sys.stderr)
    if sys.stderr.isatty():
        segno.make(uri, error="m", micro=False).terminal(sys.stderr, compact=True)
    print(uri, file=sys.stderr, flush=True)
    return factor


def shown(change: Callable[[str], Done]) -> Done:
    """What comes of a change that wants a right code; a wrong one is asked for again."""
    for left in reversed(range(TRIES)):
        print("code that the app shows: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            break
        try:
            done = change(line.strip())
        except CommandError as error:
            if error.code != "wrong_code" or not left:
                raise
            warn(str(error))
        else:
            return done
    raise CommandError("wrong_code", "no code was given: nothing was changed")


def say_codes(done: dict[str, Any], codes: Sequence[str], text: str, *, json: bool) -> None:
    """Prints what was done, with the recovery codes, which are not told again."""
    if json:
        say_json({**done, "recovery_codes": list(codes)})
        return
    say(text)
    say(f"{counted(len(codes), 'recovery code')}, each good once in the place of the app's; keep them apart from it:")
    for code in codes:
        say(f"  {code}")
