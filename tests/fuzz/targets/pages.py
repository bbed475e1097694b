"""What the page for admins is asked: JSON as the body of a verb; query and body of everything else that there is."""

import asyncio
from types import SimpleNamespace

from starlette.requests import Request

from agent.errors import CommandError
from agent.mqtt.wire import COMMANDS, Result
from agent.trust.roles import Role
from agent.web.admin.bodies import json_body
from agent.web.admin.front import Front
from agent.web.admin.operations import Query
from agent.web.admin.sessions import Session
from agent.web.admin.site import operations
from tests.fuzz.target import Target, split
from tests.fuzz.targets.messages import COMMAND_SEEDS, VERBS

SESSION = Session("olga", Role.OWNER, "secret", 0.0)
OPERATIONS = [each for room in operations().values() for each in room]


def request(body, query=b"", kind=b"application/json"):
    async def receive():
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", kind)]
    return Request({"type": "http", "method": "POST", "headers": headers, "query_string": query}, receive)


def asked(stack):
    """A verb is not carried out; but everything up to that is real."""
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)
    front = SimpleNamespace(agent=SimpleNamespace(counter=SimpleNamespace(handlers=COMMANDS)))

    async def do(_):
        return Result(verb="done", ok=True)

    async def ask(verb, body):
        return await Front.ask(front, SESSION, verb, await json_body(request(body)))

    def feed(data):
        verb, body = split(data, VERBS)
        try:
            answer = loop.run_until_complete(ask(verb, body))
        except CommandError as error:
            assert len(str(error)) < 500  # noqa: PT017 - it is as it should be
        else:
            Result.model_validate_json(answer.to_json())

    front.do, front.check_stands = do, lambda _: None
    return feed


def queried(stack):
    """The first byte says of what, up to a zero is the query, the rest is the body."""
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)

    def feed(data):
        operation, rest = split(data, OPERATIONS)
        query, _, body = rest.partition(b"\0")
        kind = operation.body if isinstance(operation.body, str) else "application/json"
        read = request(body, query, kind.encode())
        try:
            loop.run_until_complete(operation._read(read))
        except CommandError as error:
            assert len(str(error)) < 500  # noqa: PT017 - it is as it should be
        else:
            assert isinstance(read.state.query, Query)

    return feed


QUERY_SEEDS = [bytes([number]) + b"limit=3&after=a&after=%ff\0{}" for number in range(len(OPERATIONS))]
TARGETS = (
    Target("asked", asked, COMMAND_SEEDS, share=40),
    Target("queried", queried, QUERY_SEEDS, share=40, longest=1024),
)
