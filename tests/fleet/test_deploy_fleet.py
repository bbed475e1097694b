"""deploy/fleet: the dashboard's queries run on the real tables, its fields are Grafana's; the files are whole."""

import configparser
import json
import re
from pathlib import Path

import pytest

from agent.fleet.letter import read
from agent.fleet.source import LISTENED_TO
from agent.fleet.writer import Writer
from agent.mqtt.topics import Topics
from agent.pki.authority import Subject
from agent.pki.emqx import emqx_rules
from agent.pki.identity import Identity
from tests.fakes.fleet import Device

FOLDER = Path(__file__).parents[2] / "deploy" / "fleet"
BOARD = json.loads((FOLDER / "grafana" / "latchkey.json").read_text(encoding="utf-8"))
PANELS = BOARD["panels"]
MACROS = {  # as Grafana replaces them: https://grafana.com/docs/grafana/latest/datasources/postgres/#macros
    r"\$__timeFilter\((\w+)\)": r"\1 BETWEEN '2026-11-01T00:00:00Z' AND '2026-12-01T00:00:00Z'",
    r"\$__timeGroupAlias\((\w+), \$__interval\)": r'floor(extract(epoch from \1)/60)*60 AS "time"',
    r"\$__timeFrom\(\)": "'2026-11-01T00:00:00Z'",
    r"\$__timeTo\(\)": "'2026-12-01T00:00:00Z'",
    r"\$\{site:sqlstring\}": "'hq','lab'",
}
# https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
BOARD_FIELDS = {
    *("id", "uid", "title", "tags", "timezone", "schemaVersion", "version", "editable", "graphTooltip", "refresh"),
    *("time", "timepicker", "annotations", "links", "templating", "panels"),
}
PANEL_FIELDS = {
    *("id", "type", "title", "description", "datasource", "gridPos", "targets", "fieldConfig", "options"),
}
TYPES = {"stat", "timeseries", "table"}
COLUMNS = 24


def queries():
    variables = [each["query"] for each in BOARD["templating"]["list"] if each["type"] == "query"]
    return [*variables, *(target["rawSql"] for panel in PANELS for target in panel["targets"])]


def expanded(query):
    for macro, text in MACROS.items():
        query = re.sub(macro, text, query)
    return query


@pytest.fixture
def filled(pg):
    door = Device()
    deliveries = [
        door.event(person="anna", outcome="granted", reason="match"),
        door.event(outcome="denied", reason="unknown"),
        door.event("alarm", alarm="tamper", state="raised"),
        door.punch("anna", "in", 0),
        door.punch("anna", "out", 60),
        door.say("status", {"state": "online"}),
        door.say("health", {"at": "2026-11-22T06:00:00Z", "oldest_unsent_seconds": 2.5}),
    ]
    stranger = Device("stranger").event()
    Writer(lambda: pg).write([read(each, lambda *_: [door.key.public]) for each in (*deliveries, stranger)])
    return pg


@pytest.mark.parametrize("query", queries(), ids=range(len(queries())))
def test_every_query_runs_on_the_real_tables(filled, query):
    assert "$" not in expanded(query), "a macro that the test does not know"
    found = filled.execute(expanded(query))
    if " AS metric" in query or "$__timeGroupAlias" in query:
        assert found.description[0].name == "time"


def test_panels_tell_something(filled):
    told = {panel["title"]: filled.execute(expanded(panel["targets"][0]["rawSql"])).fetchall() for panel in PANELS}
    assert told["Devices online"] == [(1,)]
    assert told["Numbers missing"] == [(0,)]
    assert told["Oldest event in a device"] == [(2.5,)]
    assert sum(row[2] for row in told["Events"]) == 5
    assert told["Attendance by day"][0][5] == 3600
    assert told["Quarantine"][0][:4] == ("hq", "stranger", "bad_signature", 1)


def test_the_dashboard_has_the_documented_fields_and_no_others():
    assert set(BOARD) == BOARD_FIELDS
    assert BOARD["id"] is None  # Grafana gives one
    assert all(set(panel) == PANEL_FIELDS for panel in PANELS)
    assert {panel["type"] for panel in PANELS} <= TYPES
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_no_panel_lies_over_another():
    taken = set()
    for panel in PANELS:
        place = panel["gridPos"]
        xs, ys = (range(place[at], place[at] + place[size]) for at, size in (("x", "w"), ("y", "h")))
        cells = {(x, y) for x in xs for y in ys}
        assert place["x"] + place["w"] <= COLUMNS
        assert not taken & cells, panel["title"]
        taken |= cells


@pytest.mark.parametrize("unit", sorted((FOLDER / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_a_unit_is_confined_and_comes_back(unit):
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read_string(unit.read_text(encoding="utf-8"))
    service = parsed["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert "LoadCredential" in service


SUBJECTS = [
    *(Subject(Identity.parse(name)) for name in ("admin:anna", "collector:1", "collector:2", "hq/roster:main")),
    Subject(Identity.parse("hq/front-door"), groups=("east",)),
]


def test_the_rules_of_emqx_are_those_of_the_policy():
    assert emqx_rules(SUBJECTS) == (FOLDER / "acl.conf").read_text(encoding="utf-8")


def test_emqx_lets_everybody_listen_to_what_they_do():
    text = emqx_rules(SUBJECTS)
    heard = set(re.findall(r'"([^"]+)"', "".join(re.findall(r'"hq/front-door"}, subscribe, \[([^]]+)\]', text))))
    assert set(Topics("hq", "front-door", groups=("east",)).subscriptions) <= heard
    collectors = "".join(re.findall(r'"collector:2"}, subscribe, \[([^]]+)\]', text))
    assert all(f'"$share/collector/latchkey/v1/+/+/{topic}"' in collectors for topic in LISTENED_TO)
    assert text.endswith("{deny, all}.\n")


def test_every_secret_and_file_of_the_compose_file_is_told_of():
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    secrets = set(re.findall(r"file: secrets/([\w.]+)", text))
    assert secrets
    assert {name for name in secrets if f"`{name}`" not in page} == set()
    for name in re.findall(r'"?\./([\w./]+):', text):
        assert (FOLDER / name).exists(), name
