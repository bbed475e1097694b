"""The JSON API of the page for admins: what its document lets one ask, and what not, asked of a real agent."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from agent.trust.roles import Role
from agent.web.admin.document import REFUSED, document
from agent.web.admin.operations import ENDLESS
from agent.web.admin.site import operations
from tests.fakes.admin import admin_agent

PAGE = Path(__file__).parents[1] / "deploy" / "ADMIN-PAGE.md"
EXAMPLES = 50 if os.environ.get("LATCHKEY_EXPLORE") else 1
WITHOUT_END = [f"/{each.path}" for room in operations().values() for each in room if each.result in ENDLESS]
NOT_CHECKED = [
    ignored_auth,  # of every operation by every role: tests/test_web_admin_roles.py
    positive_data_acceptance,  # no schema says that a time is of this century, or that a PIN goes with a duress PIN
]
REFUSALS = [401, 403, 404, 405, 409, 413, 422, 429, 503]


def short(value):
    """A schema without texts of a million characters, which take long to make up and to send."""
    if isinstance(value, dict):
        return {key: short(each) for key, each in value.items() if key != "maxLength" or each < 10_000}
    return [short(each) for each in value] if isinstance(value, list) else value


SCHEMA = schemathesis.openapi.from_dict(
    short(document(operations(), cookie="latchkey")),
    config=SchemathesisConfig.from_dict(
        {
            "generation": {"mode": "all", "with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        }
    ),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("api"), patch) as started:
        started.signed_in(Role.OWNER, "olga")
        yield started


# The page about it


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: sudo apt install curl")
def test_the_examples_with_curl_do_what_they_say(desk):
    token, session = desk.signed_in(Role.OWNER, "olga")
    told = {"PAGE": desk.url, "COOKIE": f"{desk.front.cookie}={token}", "SECRET": session.secret}
    blocks = re.findall(r"```sh\n(curl.*?|changes.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script = "\n".join(block.replace('"$@"', '-w "\\n" "$@"') for block in blocks)
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, check=True)
    me, *answers = done.stdout.replace("}{", "}\n{", 1).splitlines()
    assert json.loads(me)["role"] == "owner"
    assert json.loads(answers[0])["data"]["people"][0]["id"] == "anna"
    assert answers[1:] == re.findall(r"^# (\{.*)", script, re.MULTILINE)


def test_the_page_tells_of_every_status_there_is():
    text = PAGE.read_text(encoding="utf-8")
    assert [status.value for status in REFUSED if not re.search(rf"^\| .*\b{status.value}\b", text, re.MULTILINE)] == []


# The document


@pytest.fixture(scope="module")
def connection():
    with requests.Session() as kept:
        yield kept


@SCHEMA.exclude(path=WITHOUT_END).parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_what_the_document_says(case, desk, connection):
    token, session = desk.front.sessions.open("olga", Role.OWNER, generation=1)  # another each: none asks too often
    connection.cookies.set(desk.front.cookie, token)
    headers = {"Origin": desk.url, "X-Latchkey": "admin", "X-Latchkey-Session": session.secret}
    answer = case.call_and_validate(
        base_url=f"{desk.url}/admin/api", session=connection, headers=headers, timeout=20, excluded_checks=NOT_CHECKED
    )
    assert answer.status_code != 401 or case.path == "/session"
