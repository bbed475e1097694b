"""The OpenAPI 3.1 document of the page: every verb and what the rooms say of themselves (https://spec.openapis.org/oas/v3.1.0)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import DataclassSchema, TypedDictSchema

from agent.mqtt.contract import Told
from agent.mqtt.message import Code
from agent.mqtt.wire import COMMANDS, Result
from agent.trust.roles import VERBS
from agent.web.admin.answers import STATUS
from agent.web.admin.bodies import JSON
from agent.web.admin.front import SESSION_HEADER
from agent.web.admin.operations import ROOT, Operation, names_in
from agent.web.guard import OUR_HEADER

SPECIFICATION: Final = "3.1.0"
VERSION: Final = "1.0.0"
COOKIE: Final = "__Host-latchkey"
ASK: Final = "ask"  # POST /admin/api/ask/{verb}
ABOUT: Final = (
    "What the page for admins asks of a device: every verb that MQTT and the command line have, with the same roles "
    "and the same audit, and what its views read beside them. ADMIN-PAGE.md explains it. Whoever changes something "
    "says three things that no other page can: `X-Latchkey: admin`, `X-Latchkey-Session` with the `secret` of "
    "`GET me`, and an `Origin` that is the page's own. Machines have keys of their own and ask over MQTT."
)
REFUSED: Final = (
    *(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED),
    *(HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY),
    *(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE),
)
ANY: Final = {"type": "string", "minLength": 1}
PLACES: Final = {"int": {"type": "integer", "minimum": 0}}
"""What stands in a path, by the converter of its route."""
REFUSAL: Final = {
    "type": "object",
    "required": ["ok", "code", "message"],
    "properties": {
        "ok": {"const": False},
        "code": {"type": "string", "description": "for programs: see the statuses, and MQTT.md"},
        "message": {"type": "string", "description": "for people, and may change"},
    },
}
"""What is said of everything that is not done; that of a verb has the fields of `Result`, too."""


def document(
    rooms: Mapping[str, Iterable[Operation]], *, cookie: str = COOKIE, told: Told | None = None
) -> dict[str, Any]:
    """Returns the whole document.

    Args:
        rooms: name to what can be asked there beside the verbs.
        cookie: the name of the session's.
        told: what the page on MQTT tells of verbs and their examples, where it is at hand.
    """
    schemas = _Schemas([each for operations in rooms.values() for each in operations])
    paths: dict[str, dict[str, Any]] = {}
    for verb in COMMANDS:
        paths[f"/{ASK}/{verb}"] = {"post": _verb(verb, told)}
    for room, operations in rooms.items():
        for each in operations:
            path = "/" + re.sub(r":\w+}", "}", each.path)
            paths.setdefault(path, {})[each.method.lower()] = _operation(room, each, schemas)
    return {
        "openapi": SPECIFICATION,
        "info": {
            "title": "Latchkey",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT.rstrip("/")}],
        "paths": paths,
        "components": {
            "schemas": schemas.found,
            "responses": {str(status.value): _refused(status) for status in REFUSED},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "of who has signed in"},
                "secret": {"type": "apiKey", "in": "header", "name": SESSION_HEADER, "description": "`secret` of `me`"},
                "page": {"type": "apiKey", "in": "header", "name": OUR_HEADER, "description": "`admin`"},
            },
        },
    }


class _InWords(GenerateJsonSchema):
    """Says what each dictionary and dataclass is, as some versions of pydantic do and some do not."""

    def typed_dict_schema(self, schema: TypedDictSchema) -> dict[str, Any]:
        return _described(super().typed_dict_schema(schema), schema.get("cls"))

    def dataclass_schema(self, schema: DataclassSchema) -> dict[str, Any]:
        return _described(super().dataclass_schema(schema), schema["cls"])


class _Schemas:
    """The models of all operations, each under a name of its own."""

    def __init__(self, operations: list[Operation]) -> None:
        wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [
            *((f"ask {verb}", "validation", TypeAdapter(model)) for verb, model in COMMANDS.items()),
            ("result", "serialization", TypeAdapter(Result)),
        ]
        for each in operations:
            name = _name(each)
            wanted.append((f"query {name}", "validation", TypeAdapter(each.query)))
            if isinstance(each.body, type):
                wanted.append((f"body {name}", "validation", TypeAdapter(each.body)))
            if each.result is not None and not isinstance(each.result, str):
                wanted.append((f"result {name}", "serialization", each.result_type))
        place = "#/components/schemas/{model}"
        found, told = TypeAdapter.json_schemas(wanted, ref_template=place, schema_generator=_InWords)
        self._by_name = {name: schema for (name, _), schema in found.items()}
        self.found: dict[str, Any] = {**told.get("$defs", {}), "Refusal": REFUSAL}
        for verb in COMMANDS:  # an id is made where there is none
            self.found[_last(self._by_name[f"ask {verb}"])]["required"].remove("id")
        queries = {_name(each): self._by_name[f"query {_name(each)}"] for each in operations}
        self._queries = {name: self.found[_last(schema)] for name, schema in queries.items()}
        for schema in queries.values():
            self.found.pop(_last(schema), None)

    def of(self, what: str, operation: Operation) -> Any:
        """Returns the schema of a `body` or a `result`."""
        return self._by_name[f"{what} {_name(operation)}"]

    def query(self, operation: Operation) -> list[dict[str, Any]]:
        """Returns what may stand behind the question mark."""
        schema = self._queries[_name(operation)]
        needed = schema.get("required", ())
        return [
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                "allowEmptyValue": True,
                "schema": _not_null(each),
            }
            for name, each in schema.get("properties", {}).items()
        ]


def _verb(verb: str, told: Told | None) -> dict[str, Any]:
    model = COMMANDS[verb]
    body: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    if told is not None and told.examples.get(verb):
        body["examples"] = {f"{verb}-{n}": {"value": each} for n, each in enumerate(told.examples[verb], 1)}
    done = {"verb": {"const": verb}, "ok": {"const": True}}
    if told is not None and told.data.get(verb):
        done["data"] = {"description": told.data[verb]}
    result = {"allOf": [{"$ref": "#/components/schemas/Result"}, {"properties": done}]}
    about = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    return {
        "operationId": f"{ASK}_{verb}",
        "summary": about,
        "tags": [model.__module__.rpartition(".")[2]],
        **_who(verb, changes=True),
        "requestBody": {"required": True, "content": {JSON: body}},
        "responses": {"200": {"description": "done", "content": {JSON: {"schema": result}}}, **_refusals()},
    }


def _operation(room: str, told: Operation, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": _name(told), "summary": told.told, "tags": [room]}
    if told.public:
        found["security"] = [] if told.method == "GET" else [{"page": []}]
    else:
        found |= _who(told.verb, changes=told.method != "GET")
    there = [
        {"name": name, "in": "path", "required": True, "schema": PLACES.get(kind, ANY)}
        for name, kind in names_in(told.path)
    ]
    if parameters := [*there, *schemas.query(told)]:
        found["parameters"] = parameters
    if told.body is not None:
        media, schema = (told.body, {}) if isinstance(told.body, str) else (JSON, schemas.of("body", told))
        found["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    if told.result is None:
        done: dict[str, Any] = {"204": {"description": "done"}}
    else:
        media, schema = (told.result, {}) if isinstance(told.result, str) else (JSON, schemas.of("result", told))
        done = {str(told.status): {"description": "done", "content": {media: {"schema": schema}}}}
    return {**found, "responses": {**done, **_refusals()}}


def _who(verb: str | None, *, changes: bool) -> dict[str, Any]:
    needed: dict[str, list[str]] = {"session": []}
    if changes:
        needed |= {"secret": [], "page": []}
    roles = ["whoever has signed in"] if verb is None else sorted(VERBS[verb])
    asked = {} if verb is None else {"x-latchkey-verb": verb}
    return {"description": f"Who may: {', '.join(roles)}.", **asked, "security": [needed]}


def _refusals() -> dict[str, Any]:
    return {str(status.value): {"$ref": f"#/components/responses/{status.value}"} for status in REFUSED}


def _refused(status: HTTPStatus) -> dict[str, Any]:
    codes = [code.value for code in Code if STATUS.get(code, HTTPStatus.CONFLICT) is status]
    about = f"{status.phrase}: {', '.join(codes)}" if codes else status.phrase
    return {"description": about, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Refusal"}}}}


def _name(told: Operation) -> str:
    words = re.sub(r":\w+}", "}", told.path)
    return "_".join([told.method.lower(), *re.findall(r"\w+", words)])


def _described(schema: dict[str, Any], of: type | None) -> dict[str, Any]:
    return {**schema, "description": inspect.cleandoc(of.__doc__)} if of is not None and of.__doc__ else schema


def _last(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _not_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of what stands in a query, where there is no null: it is left out instead."""
    found = {key: value for key, value in schema.items() if key != "default" or value is not None}
    kinds = [each for each in found.pop("anyOf", ()) if each != {"type": "null"}]
    if any("format" in each for each in kinds):
        kinds.append({"const": ""})  # which is as if it were left out
    if not kinds:
        return found
    return {**found, **kinds[0]} if len(kinds) == 1 else {**found, "anyOf": kinds}
