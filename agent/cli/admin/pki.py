"""`latchkey admin pki`: a small certificate authority for the broker, the devices and the admins."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.admin.authority import PASSPHRASE, asked_twice, registry_folder, registry_in, signer_of
from agent.cli.output import Json, counted, say, say_json, say_table
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.pki.authority import Subject

pki = typer.Typer(
    help="A small certificate authority: the broker's, devices' and admins' certificates.", no_args_is_help=True
)

Folder = Annotated[
    Path | None,
    typer.Option("--pki", metavar="DIR", envvar="LATCHKEY_PKI", help="The authority's folder.", show_default=False),
]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid, days.")]
Request = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A signing request (PEM): the key stays where it was made.", show_default=False),
]
Site = Annotated[str, typer.Option(metavar="SITE", help="For this site only; without it for all of the broker.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write there, not to stdout.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called: becomes part of the broker's user.")]
Device = Annotated[str, typer.Argument(metavar="SITE/DEVICE", help="As in device.site and device.name of its file.")]


@pki.command()
def init(
    *,
    name: Annotated[str, typer.Option(min=1, max=64, help="What the authority is called.")] = "Latchkey",
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase for its key.")] = False,
    folder: Folder = None,
) -> None:
    """Make the authority: once, on a machine that is no door and no broker.

    Its key is under a passphrase with --passphrase, or where LATCHKEY_CA_PASSPHRASE has one.
    """
    from agent.pki.registry import Registry

    secret = os.environ.get(PASSPHRASE, "") or (asked_twice() if passphrase else "")
    made = Registry.create(registry_folder(folder), name, now=_now(), passphrase=secret.encode() or None)
    how = "under the passphrase" if secret else "without a passphrase"
    say(f"authority in {made.folder}, its key {how}: keep a copy, away from the network")


@pki.command()
def server(
    hosts: Annotated[list[str], typer.Argument(metavar="HOST", help="Names and addresses of the broker.")],
    *,
    days: Days = 365,
    request: Request = None,
    folder: Folder = None,
) -> None:
    """Make the broker's certificate. Clients take it under these names and addresses alone."""
    from agent.pki.authority import Subject, server_hosts
    from agent.pki.identity import Identity, Kind

    subject = Subject(Identity(Kind.BROKER, name=hosts[0]), hosts=server_hosts(hosts))
    _make(subject, days, request, folder)


@pki.command()
def device(
    name: Device,
    *,
    group: Annotated[list[str] | None, typer.Option(help="A group of devices that it is in; once for each.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="Where browsers open its pages; once for each.")] = None,
    days: Days = 365,
    request: Request = None,
    folder: Folder = None,
) -> None:
    """Make a device's certificate, and the lines for its agent.toml."""
    from agent.pki.authority import Subject, device_groups, server_hosts
    from agent.pki.identity import Identity, Kind

    identity = Identity.parse(name)
    if identity.kind is not Kind.DEVICE:
        raise ConfigError(f"{name}: want SITE/DEVICE, for instance hq/front-door")
    _make(Subject(identity, server_hosts(address or []), device_groups(group or [])), days, request, folder)


@pki.command()
def admin(name: Name, *, site: Site = "", days: Days = 365, request: Request = None, folder: Folder = None) -> None:
    """Make an admin's certificate: it reaches the broker. What they may ask is up to the key they sign with."""
    _make(_somebody("admin", name, site), days, request, folder)


@pki.command()
def reader(of: Device, name: Name, *, days: Days = 365, request: Request = None, folder: Folder = None) -> None:
    """Make the certificate of a card reader or a keypad of one device."""
    from agent.pki.authority import Subject
    from agent.pki.identity import Identity

    _make(Subject(Identity.parse(f"{of}/reader:{name}")), days, request, folder)


@pki.command()
def service(
    kind: Annotated[str, typer.Argument(metavar="collector|roster|home|relay|keeper", help="What it is.")],
    name: Name,
    *,
    site: Site = "",
    days: Days = 365,
    request: Request = None,
    folder: Folder = None,
) -> None:
    """Make the certificate of a service: what takes events, keeps a site's roster, is or signs for Home Assistant.

    A keeper changes the broker's dynamic security while it runs.
    """
    if kind not in {"collector", "roster", "home", "relay", "keeper"}:
        raise ConfigError(f"{kind}: want collector, roster, home, relay or keeper")
    _make(_somebody(kind, name, site), days, request, folder)


@pki.command("list")
def list_(*, json: Json = False, folder: Folder = None) -> None:
    """Show all certificates: of whom, until when, and what has become of them."""
    now, issued = _now(), registry_in(folder).issued()
    rows = [
        {"name": each.common_name, "serial": each.serial, "ends": f"{each.ends:%Y-%m-%d}", "state": each.state(now)}
        for each in issued
    ]
    if json:
        say_json(rows)
    else:
        say_table(["name", "ends", "state", "serial"], [(r["name"], r["ends"], r["state"], r["serial"]) for r in rows])


@pki.command()
def renew(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="As `list` shows them.")] = None,
    *,
    soon: Annotated[bool, typer.Option("--soon", help="All that end within 30 days.")] = False,
    authority: Annotated[bool, typer.Option("--authority", help="That of the authority itself, same key.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make another key, too.")] = False,
    days: Days = 365,
    folder: Folder = None,
) -> None:
    """Make certificates anew before they end. The key stays, so that only the file .crt has to be copied.

    The old one is valid until its end: revoke it where its key got into other hands.
    """
    from agent.pki.bundle import renew_bundle

    if not (names or soon or authority):
        raise ConfigError("renew what? Names, --soon or --authority")
    registry, now = registry_in(folder), _now()
    signer = signer_of(registry)
    if authority:
        registry.renew_authority(signer, now=now)
        signer = signer_of(registry)
        say(f"{registry.authority_file}: ten more years; copy it to the broker, every device and every admin")
    ending = [each.common_name for each in registry.newest() if soon and each.state(now) in {"ends soon", "ended"}]
    for name in dict.fromkeys([*(names or []), *ending]):
        made = renew_bundle(registry, signer, name, now=now, days=days, another_key=new_key)
        say(f"{name}: renewed for {days} days, in {made}")
    if soon and not ending:
        say("none ends within 30 days")


@pki.command()
def revoke(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="As `list` shows them.")], *, folder: Folder = None
) -> None:
    """Revoke all certificates of a name.

    It counts when the broker has the new list. Restart it: that ends the connections that are there.
    """
    registry, now = registry_in(folder), _now()
    signer = signer_of(registry)
    gone = [each.certificate.serial_number for name in dict.fromkeys(names) for each in registry.of(name)]
    registry.revoke(signer, gone, now=now)
    say(f"{counted(len(gone), 'certificate')} revoked: copy {registry.revoked_file} to the broker and restart it")


@pki.command()
def crl(*, out: Out = None, folder: Folder = None) -> None:
    """Write the list of revoked certificates, for the broker (crlfile)."""
    from agent.pki import files

    _write(files.read(registry_in(folder).revoked_file).decode(), out)


@pki.command()
def acl(
    certificates: Annotated[
        list[Path] | None, typer.Argument(metavar="CERTIFICATE", help="Of another authority.")
    ] = None,
    *,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="For the dynamic security plugin, not acl_file.")] = False,
    emqx: Annotated[bool, typer.Option("--emqx", help="For EMQX: its acl.conf.")] = False,
    out: Out = None,
    folder: Folder = None,
) -> None:
    """Write what the broker lets each certificate do: for those of this authority, or these of another one (PEM)."""
    from agent.pki import files
    from agent.pki.acl import access_list
    from agent.pki.authority import subject_of
    from agent.pki.dynsec import dynamic_security
    from agent.pki.emqx import emqx_rules

    if dynamic and emqx:
        raise ConfigError("--dynamic is of Mosquitto, --emqx of EMQX: choose one")
    if certificates:
        subjects = [subject_of(files.read_certificate(file)) for file in certificates]
    else:
        subjects = [each.subject for each in registry_in(folder).newest()]
    _write((dynamic_security if dynamic else emqx_rules if emqx else access_list)(subjects), out)


def _somebody(kind: str, name: str, site: str) -> Subject:
    from agent.pki.authority import Subject
    from agent.pki.identity import Identity

    return Subject(Identity.parse(f"{site}/{kind}:{name}" if site else f"{kind}:{name}"))


def _make(subject: Subject, days: int, request: Path | None, folder: Path | None) -> None:
    from agent.pki.bundle import make_bundle

    registry = registry_in(folder)
    made = make_bundle(registry, signer_of(registry), subject, now=_now(), days=days, request=request)
    say(f"{subject.identity.common_name}: valid for {days} days, in {made}")


def _write(text: str, out: Path | None) -> None:
    from agent.pki import files

    if out is None:
        typer.echo(text, nl=False)
    else:
        files.write(out, text.encode())


def _now() -> datetime:
    return datetime.now(UTC)
