"""`latchkey simulate fleet`: many devices that are not there, to try brokers, collectors and databases with."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.output import Json, say, say_json, warn
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.simulate.fleet import Plan


def fleet(
    *,
    broker: Annotated[list[str], typer.Option(help="mqtt://HOST:PORT; of a cluster, each node once.")],
    collector: Annotated[str, typer.Option(metavar="KEY", help="Whose acknowledgements to believe: a public key.")],
    devices: Annotated[int, typer.Option(min=1, max=20_000, help="How many.")] = 100,
    rate: Annotated[float, typer.Option(min=0.001, max=100, help="Events a second, of each.")] = 1.0,
    minutes: Annotated[float, typer.Option(min=0.01, max=1440, help="For how long.")] = 1.0,
    drain: Annotated[float, typer.Option(min=0, max=86_400, help="Seconds for the last acknowledgements.")] = 120.0,
    database: Annotated[
        str | None, typer.Option(help="postgresql://...: make the devices' keys known there, for a trial only.")
    ] = None,
    outboxes: Annotated[
        Path | None, typer.Option(help="A file that outlives the simulation: the next goes on with it. Default: none.")
    ] = None,
    mqtt311: Annotated[bool, typer.Option("--mqtt311", help="Speak MQTT 3.1.1, as RabbitMQ before version 4.")] = False,
    json: Json = False,
) -> None:
    """Simulate many devices: they decide, keep what they decided, send it signed, until a collector acknowledges it.

    Each has a connection of its own. Exit status: 1 if something was not acknowledged in the end.
    """
    from agent.fleet.broker import Broker
    from agent.mqtt.settings import TlsFiles
    from agent.simulate.fleet import Fleet, Plan
    from agent.trust.keys import PublicKey

    plan = Plan(devices, rate, minutes * 60, drain)
    try:
        believed = PublicKey.parse(collector)
    except ValueError as error:
        raise ConfigError(f"{collector[:60]} is no public key: {error}") from None
    links = [Broker.parse(text).link("", None, TlsFiles(), 311 if mqtt311 else 5) for text in broker]
    if database is not None:
        _trust(plan, database)
    with tempfile.TemporaryDirectory(prefix="latchkey-fleet-") as folder:
        simulated = Fleet(plan, links, believed, outboxes or Path(folder) / "outboxes", told=_every(10.0))
        try:
            outcome = simulated.run()
        finally:
            simulated.close()
    told = {"devices": devices, "rate": rate, **asdict(outcome)}
    if json:
        say_json(told)
    else:
        say(", ".join(f"{name} {value}" for name, value in told.items()))
    if outcome.left:
        raise typer.Exit(1)


def _trust(plan: Plan, database: str) -> None:
    from agent.fleet.database import connect, migrate
    from agent.fleet.keys import trust

    with connect(database) as pg:
        migrate(pg)
        with pg.transaction():
            for number in range(plan.devices):
                topics = plan.topics(number)
                trust(pg, topics.site, topics.device, plan.key(number).public)


def _every(seconds: float) -> Callable[[float, int, int], None]:
    """Tells how it goes on stderr, now and then."""
    last = [time.monotonic()]

    def told(gone: float, decided: int, left: int) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            warn(f"{gone:.0f} s: {decided} decided, {left} not acknowledged")

    return told
