"""The relay's unit is hardened like the others, and starts what there is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "latchkey-relay.service"
LEAST_EXPOSED = 1.5


def analyze(*arguments):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *arguments, str(UNIT)], capture_output=True, text=True, check=False)


def test_little_of_the_system_is_exposed():
    said = analyze("security", "--offline=yes").stdout
    assert float(re.search(r"level for latchkey-relay\.service: ([\d.]+)", said)[1]) <= LEAST_EXPOSED, said


def test_systemd_understands_every_line():
    said = analyze("verify").stderr.splitlines()
    assert [line for line in said if "/opt/latchkey/bin/latchkey is not executable" not in line] == []


def test_it_has_a_user_and_a_profile_of_its_own_and_writes_nothing():
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    assert "User=latchkey-relay" in lines
    assert "ExecStart=/opt/latchkey/bin/latchkey admin relay --homeassistant --profile /etc/latchkey-relay" in lines
    assert "ProtectSystem=strict" in lines
    assert not any(line.startswith(("StateDirectory", "ReadWritePaths")) for line in lines)
