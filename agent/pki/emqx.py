"""The policy as rules of EMQX (`acl.conf`): Erlang terms, the first that fits counts.

https://docs.emqx.com/en/emqx/v5.8/access-control/authz/file.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.pki.acl import by_name
from agent.pki.authority import Subject
from agent.pki.policy import SHARED, Access, Grant, grants

HEAD: Final = """\
%% Made by `latchkey admin pki acl --emqx` from the certificates: make it anew rather than change it. Users are the
%% common names of certificates. What is not allowed here is refused.
"""
_ACTIONS: Final = {Access.WRITE: "publish", Access.READ: "subscribe"}


def emqx_rules(subjects: Iterable[Subject]) -> str:
    """Returns the file for these identities."""
    rules = [rule for subject in by_name(subjects) for rule in _rules(subject)]
    return "\n".join([HEAD, *rules, "{deny, all}.", ""])


def _rules(subject: Subject) -> Iterable[str]:
    for access, action in _ACTIONS.items():
        topics = [topic for grant in grants(subject) if grant.access is access for topic in _topics(grant)]
        if topics:
            listed = ",\n    ".join(f'"{topic}"' for topic in topics)
            yield f'{{allow, {{username, "{subject.identity.common_name}"}}, {action}, [\n    {listed}]}}.'


def _topics(grant: Grant) -> tuple[str, ...]:
    return (grant.topic, f"{SHARED}{grant.topic}") if grant.shared else (grant.topic,)
