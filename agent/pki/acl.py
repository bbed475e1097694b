"""The policy as an access list of Mosquitto (`acl_file`)."""

from __future__ import annotations

from collections.abc import Iterable

from agent.pki.authority import Subject
from agent.pki.identity import Kind
from agent.pki.policy import Grant, grants, own_grants

HEAD = """\
# Made by `latchkey admin pki acl` from the certificates: make it anew rather than change it, and have Mosquitto read it
# (systemctl reload mosquitto). Users are the common names of certificates. What is not allowed here is refused.

# Every device, on its own topics: %u is <site>/<device>. For all other users there are no such topics.
"""


def access_list(subjects: Iterable[Subject]) -> str:
    """Returns the file for these identities; devices have their own topics also before they are in it."""
    own = own_grants("%u")
    sections = [HEAD + "".join(f"pattern {_rule(grant)}\n" for grant in own)]
    for subject in by_name(subjects):
        name = subject.identity.common_name
        there = set(own_grants(name)) if subject.identity.kind is Kind.DEVICE else set()
        rules = "".join(f"topic {_rule(grant)}\n" for grant in grants(subject) if grant not in there)
        sections.append(f"user {name}\n{rules}")
    return "\n".join(sections)


def by_name(subjects: Iterable[Subject]) -> list[Subject]:
    """One of each identity that may log in, the last one counts; sorted by kind and name."""
    found = {each.identity: each for each in subjects if each.identity.kind is not Kind.BROKER}
    return sorted(found.values(), key=lambda each: (list(Kind).index(each.identity.kind), each.identity.common_name))


def _rule(grant: Grant) -> str:
    return f"{grant.access} {grant.topic}"
