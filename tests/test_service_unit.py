"""The unit: what it promises, and how much of the system it could reach."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "systemd" / "latchkey.service"
LEAST_EXPOSED = 2.0  # of 10, by `systemd-analyze security`
BLOCK = 3  # directives that may share a comment


def directives():
    """Return (name, value) of each line that is one."""
    lines = (line.strip() for line in UNIT.read_text(encoding="utf-8").splitlines())
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]


def values(name):
    return [value for key, value in directives() if key == name]


@pytest.fixture(scope="module")
def analyze():
    """Return a function that runs systemd-analyze."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: only the directives are looked at")

    def run(*arguments):
        return subprocess.run(["systemd-analyze", *arguments, str(UNIT)], capture_output=True, text=True, check=False)

    return run


def test_little_of_the_system_is_exposed(analyze):
    said = analyze("security", "--offline=yes").stdout
    exposure = float(re.search(r"Overall exposure level for latchkey\.service: ([\d.]+)", said)[1])
    assert exposure <= LEAST_EXPOSED, said


def test_systemd_understands_every_line(analyze):
    said = analyze("verify").stderr.splitlines()
    # no program at that place is what systemd complains of where Latchkey is not installed
    assert [line for line in said if "/opt/latchkey/bin/latchkey is not executable" not in line] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("Restart", "always"),
        ("RestartSec", "5"),
        ("StartLimitIntervalSec", "0"),
        ("User", "latchkey"),
        ("StateDirectory", "latchkey"),
        ("UMask", "0077"),
        ("DevicePolicy", "closed"),
        ("IPAddressDeny", "any"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
    ],
)
def test_it_says(name, value):
    assert values(name) == [value]


def test_no_way_of_ending_leaves_the_door_without_its_program():
    assert values("RestartPreventExitStatus") == []


def test_there_is_a_watchdog_with_time_for_a_lost_camera():
    assert int(values("WatchdogSec")[0]) >= 20


def test_the_door_is_locked_after_any_end_and_that_may_fail():
    (command,) = values("ExecStopPost")
    assert command.startswith("-/opt/latchkey/bin/latchkey door release ")


def test_a_password_that_is_not_there_stops_nothing():
    """An absolute path after the colon would have to exist; a name is looked for in /etc/credstore."""
    assert values("LoadCredential") == [
        "mqtt_password:latchkey.mqtt_password",
        "camera_password:latchkey.camera_password",
    ]


def test_camera_pins_and_coral_are_allowed_and_nothing_else():
    names = [value.split()[0] for value in values("DeviceAllow")]
    wanted = ["video4linux", "media", "dma_heap", "gpiochip", "usb_device", "input"]
    assert names == [f"char-{name}" for name in wanted]


def test_the_board_and_its_processor_can_be_told():
    """gpiozero reads /proc/device-tree and XNNPACK /proc/cpuinfo: not there with ProcSubset=pid."""
    assert values("ProcSubset") == ["all"]


def test_each_line_has_its_reason():
    bare = []
    since_comment = 0
    for line in UNIT.read_text(encoding="utf-8").split("[Service]\n")[1].split("[Install]")[0].splitlines():
        since_comment = 0 if line.startswith("#") else since_comment + 1 if line else BLOCK
        if line and since_comment > BLOCK:
            bare.append(line)
    assert bare == []
