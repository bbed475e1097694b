"""Which zone the machine is in."""

from zoneinfo import ZoneInfo

import pytest

from agent.timezone import machine_zone


@pytest.fixture
def link(tmp_path):
    def to(target):
        path = tmp_path / "localtime"
        path.symlink_to(target)
        return path

    return to


@pytest.mark.parametrize("tz", ["America/New_York", ":America/New_York"])
def test_the_variable_wins(tz, link):
    assert machine_zone({"TZ": tz}, link("/usr/share/zoneinfo/Europe/Berlin")) == ZoneInfo("America/New_York")


@pytest.mark.parametrize("tz", ["", "CET-1CEST,M3.5.0,M10.5.0/3", "../../etc/passwd", "No/Where"])
def test_a_variable_that_names_no_zone_is_passed_over(tz, link):
    assert machine_zone({"TZ": tz}, link("/usr/share/zoneinfo/Europe/Berlin")) == ZoneInfo("Europe/Berlin")


def test_a_machine_that_says_nothing_is_in_utc(tmp_path, link):
    assert machine_zone({}, tmp_path / "none") == ZoneInfo("UTC")
    assert machine_zone({}, link(tmp_path / "localtime")) == ZoneInfo("UTC")
