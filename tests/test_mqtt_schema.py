"""The schemas in deploy/ are those of the models, and `--check` says so."""

import json

import pytest

from agent.mqtt import schema


def test_the_files_in_deploy_are_up_to_date():
    assert schema.differing(schema.FOLDER) == []
    assert schema.main(["--check"]) == 0


def test_write_then_nothing_differs_and_strangers_are_removed(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    schema.write(tmp_path)
    assert schema.differing(tmp_path) == []
    assert {path.stem for path in tmp_path.iterdir()} == set(schema.MODELS)


def test_a_changed_file_is_named(tmp_path, monkeypatch, capsys):
    schema.write(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    assert schema.main(["--check"]) == 1
    assert "result.json" in capsys.readouterr().err
    assert schema.main([]) == 0


def test_unknown_arguments_are_explained(capsys):
    assert schema.main(["--help-me"]) == 2
    assert "usage" in capsys.readouterr().err


BETWEEN_DOORS = {"passage", "state-zone"}  # the other one may be newer


@pytest.mark.parametrize("name", schema.MODELS)
def test_no_schema_allows_unknown_fields_but_those_between_doors(name):
    found = json.loads(schema.render(schema.MODELS[name])).get("additionalProperties", True)
    assert found is (name in BETWEEN_DOORS)
