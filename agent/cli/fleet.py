"""`latchkey fleet`: the collector, and whom it believes."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent import systemd
from agent.cli.output import Json, counted, say, say_json, say_table
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.fleet.collector import Collector
    from agent.fleet.database import Pg
    from agent.fleet.source import Source
    from agent.trust.keys import SigningKey

fleet = typer.Typer(help="Many devices: collectors write what they say to PostgreSQL.", no_args_is_help=True)

Database = Annotated[
    str,
    typer.Option(
        envvar="LATCHKEY_DATABASE",
        help="postgresql://USER@HOST/NAME; its password is in PGPASSFILE, ~/.pgpass or PGPASSWORD.",
    ),
]
DeviceName = Annotated[str, typer.Argument(metavar="SITE/DEVICE", help="As in its topics.")]
MOST: Final = 1000


@fleet.command()
def collect(
    *,
    broker: Annotated[
        str, typer.Option(envvar="LATCHKEY_BROKER", help="mqtt(s)://USER@HOST:PORT or amqp(s)://USER@HOST,HOST.")
    ],
    database: Database,
    key: Annotated[
        Path | None, typer.Option(help="Signs acknowledgements. Default: the credential collector_key.")
    ] = None,
    password_file: Annotated[Path | None, typer.Option(help="Of the broker's user.")] = None,
    name: Annotated[str, typer.Option(help="Of this collector; each has its own. Default: the host's.")] = "",
    group: Annotated[str, typer.Option(help="Collectors of one group share the work.")] = "collector",
    ca: Annotated[Path | None, typer.Option(help="TLS: whom to believe. Default: the system's.")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS: who we are.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="TLS: its key.")] = None,
    session: Annotated[
        int,
        typer.Option(min=0, max=86_400, help="Seconds that a broker of MQTT keeps what is for it while away."),
    ] = 3600,
    mqtt311: Annotated[bool, typer.Option("--mqtt311", help="Speak MQTT 3.1.1.")] = False,
    json: Json = False,
) -> None:
    """Write down what devices say, until asked to stop; as many of these as wanted share the work.

    Without a key nothing is acknowledged: devices that wait for that keep their events.
    """
    from agent.fleet.broker import Broker, open_source
    from agent.mqtt.settings import TlsFiles

    signing = _key(key)
    source = open_source(
        Broker.parse(broker),
        name=name or f"latchkey-collector-{socket.gethostname()}",
        most=MOST,
        password=_password(password_file),
        tls=TlsFiles(ca, cert, cert_key),
        protocol=311 if mqtt311 else 5,
        group=group,
        session_seconds=session,
    )
    with _opened(database, wait=True) as pg:
        _migrate(pg)
    told = _told(_work(source, database, signing))
    if json:
        say_json(told)
    else:
        say(", ".join(f"{name} {value}" for name, value in told.items()))


def _work(source: Source, database: str, key: SigningKey | None) -> Collector:
    """Steps until a signal comes."""
    from agent.fleet import collector as parts
    from agent.fleet.acks import Acks

    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    worker = parts.Collector(source, parts.Database(database), Acks(key))
    systemd.ready("collecting")
    try:
        while not ending.is_set():
            worker.step()
            systemd.watchdog()
        systemd.stopping("finishing")
        worker.finish()
    finally:
        source.close()
    return worker


def _told(worker: Collector) -> dict[str, Any]:
    totals = worker.totals
    return {
        "taken": totals.taken,
        "new": totals.new,
        "repeated": totals.repeated,
        "batches": totals.batches,
        "acknowledgements": totals.acknowledgements,
        "database_lost": totals.database_lost,
        "doubts": dict(totals.doubts),
    }


@fleet.command()
def migrate(*, database: Database) -> None:
    """Make the tables, or bring them up to date; collectors do so themselves when they start."""
    with _opened(database) as pg:
        say(f"{counted(_migrate(pg), 'step')} done")


@fleet.command()
def key(file: Annotated[Path, typer.Argument(metavar="FILE", help="A new one, for the collectors alone.")]) -> None:
    """Make a key that acknowledges; print what devices are to know of it, under the role `collector`."""
    from agent.fleet.secret import make_key

    say(make_key(file).text)


@fleet.command()
def trust(
    device: DeviceName,
    public: Annotated[str, typer.Argument(metavar="KEY", help="The device's public key, as it shows it.")],
    *,
    database: Database,
) -> None:
    """Make a device's key known, and read again what it has sent before."""
    from agent.fleet import collector as parts
    from agent.fleet import keys
    from agent.trust.keys import PublicKey

    site, name = keys.read_target(device)
    try:
        parsed = PublicKey.parse(public)
    except ValueError as error:
        raise ConfigError(f"{public[:60]} is no public key: {error}") from None
    with _opened(database) as pg:
        keys.trust(pg, site, name, parsed)
    done = parts.read_again(parts.Database(database), site, name)
    say(f"{device} is known by its key {parsed.id}; {counted(done.new, 'event')} it had sent before written down")


@fleet.command()
def distrust(
    device: DeviceName,
    *,
    key_id: Annotated[str | None, typer.Option(help="This one alone.")] = None,
    database: Database,
) -> None:
    """Revoke the keys of a device: what it says from now on goes to the quarantine."""
    from agent.fleet import keys

    site, name = keys.read_target(device)
    with _opened(database) as pg:
        say(f"{device}: {counted(keys.distrust(pg, site, name, key_id), 'key')} revoked")


@fleet.command()
def devices(*, database: Database, json: Json = False) -> None:
    """Show the devices: online or not, what waits in them, which numbers are missing."""
    columns = ("site", "device", "state", "version", "outbox_depth", "last_event_at", "missing")
    _show(database, f"SELECT {', '.join(columns)} FROM devices ORDER BY 1, 2", columns, json=json)  # noqa: S608  ours


@fleet.command()
def quarantine(*, database: Database, json: Json = False) -> None:
    """Show what was not believed, by device and reason; the messages are in the table of that name."""
    columns = ("site", "device", "reason", "messages", "not_kept", "last_at")
    query = f"SELECT {', '.join(columns)} FROM quarantine_counts ORDER BY 1, 2, 3"  # noqa: S608  ours
    _show(database, query, columns, json=json)


def _show(database: str, query: str, columns: tuple[str, ...], *, json: bool) -> None:
    from agent.fleet.database import translated

    with _opened(database) as pg, translated(), pg.transaction():
        rows = pg.execute(query.encode()).fetchall()
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if json:
        say_json([dict(zip(columns, row, strict=True)) for row in texts])
    else:
        say_table(columns, texts)


@contextmanager
def _opened(database: str, *, wait: bool = False) -> Iterator[Pg]:
    """A connection to the database; a collector that starts with the machine waits for it."""
    try:
        from agent.fleet import database as parts
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'latchkey[fleet]'") from error
    if parts.without_password(database) != database:
        raise ConfigError("no password in an address: put it in PGPASSFILE or ~/.pgpass")
    pg = parts.connect_in_the_end(database) if wait else parts.connect(database)
    try:
        yield pg
    finally:
        pg.close()


def _migrate(pg: Pg) -> int:
    from agent.fleet.database import migrate as do

    return do(pg)


def _password(file: Path | None) -> str | None:
    from agent.config.secrets import read_secret
    from agent.fleet.secret import for_us_alone

    found = read_secret("mqtt_password", file=file and for_us_alone(file), environ=os.environ)
    return found.get_secret_value() if found else None


def _key(file: Path | None) -> SigningKey | None:
    from agent.config.secrets import read_secret
    from agent.fleet.secret import for_us_alone, read_key

    found = read_secret("collector_key", file=file and for_us_alone(file), environ=os.environ)
    return read_key(found.get_secret_value(), str(file or "collector_key")) if found else None
