"""What is known of the clock, by the files that say so."""

from __future__ import annotations

import pytest

from agent.attendance.punch import Clock
from agent.clock import clock_state


@pytest.mark.parametrize(
    ("ntp", "rtc", "want"),
    [
        pytest.param("set", None, Clock.SYNCHRONISED, id="set by NTP"),
        pytest.param("set", "1", Clock.SYNCHRONISED, id="by both: NTP is better"),
        pytest.param("waits", "1\n", Clock.RTC, id="a hardware clock until NTP has set it"),
        pytest.param("waits", "0\n", Clock.UNSYNCHRONISED, id="a hardware clock without a battery"),
        pytest.param("waits", None, Clock.UNSYNCHRONISED, id="neither"),
        pytest.param(None, "1", Clock.RTC, id="a hardware clock where nothing is known of NTP"),
        pytest.param(None, None, Clock.UNKNOWN, id="nothing is known"),
    ],
)
def test_the_state_of_the_clock(tmp_path, ntp, rtc, want):
    folder = tmp_path / "timesync"
    if ntp:
        folder.mkdir()
    if ntp == "set":
        (folder / "synchronized").touch()
    if rtc:
        (tmp_path / "rtc0").mkdir()
        (tmp_path / "rtc0" / "hctosys").write_text(rtc)
    assert clock_state(folder / "synchronized", tmp_path / "rtc0") is want
