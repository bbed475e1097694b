"""The JSON API of the page for admins: what its document lets one ask, and what not, asked of a real agent."""

import os

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from agent.trust.roles import Role
from agent.web.admin.document import document
from agent.web.admin.site import operations
from tests.fakes.admin import admin_agent

EXAMPLES = 50 if os.environ.get("LATCHKEY_EXPLORE") else 6
NOT_CHECKED = [
    ignored_auth,  # of every operation by every role: tests/test_web_admin_roles.py
    positive_data_acceptance,  # no schema says that a time is of this century, or that a PIN goes with a duress PIN
]
SCHEMA = schemathesis.openapi.from_dict(
    document(operations(), cookie="latchkey"),
    config=SchemathesisConfig.from_dict({"generation": {"mode": "all", "with-security-parameters": False}}),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("api"), patch) as started:
        yield started


@pytest.fixture(scope="module")
def connection():
    with requests.Session() as kept:
        yield kept


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_what_the_document_says(case, desk, connection):
    token, session = desk.front.sessions.open("olga", Role.OWNER)
    connection.cookies.set(desk.front.cookie, token)
    headers = {"Origin": desk.url, "X-Latchkey": "admin", "X-Latchkey-Session": session.secret}
    case.call_and_validate(
        base_url=f"{desk.url}/admin/api", session=connection, headers=headers, timeout=20, excluded_checks=NOT_CHECKED
    )
