"""The installer, dry: what it would do on the systems it knows, and what it says on others."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "install.sh"

BOOKWORM = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
BOOKWORM_32 = BOOKWORM.replace("debian", "raspbian")
TRIXIE = 'ID="debian"\nVERSION_CODENAME="trixie"\n'
UBUNTU = "ID=ubuntu\nVERSION_CODENAME=noble\n"
BULLSEYE = "ID=raspbian\nVERSION_CODENAME=bullseye\n"


@pytest.fixture
def install(tmp_path):
    """Return a function that runs the installer on a system of this os-release and architecture."""

    def run(*options, system=BOOKWORM, architecture="arm64", archive="http://archive.raspberrypi.com/debian/"):
        release = tmp_path / "os-release"
        release.write_text(system)
        sources = tmp_path / "sources"
        sources.mkdir(exist_ok=True)
        (sources / "raspi.list").write_text(f"deb {archive} bookworm main\n")
        environ = {
            **os.environ,
            "LATCHKEY_OS_RELEASE": str(release),
            "LATCHKEY_ARCH": architecture,
            "LATCHKEY_APT_SOURCES": str(sources),
        }
        return subprocess.run(
            ["bash", str(SCRIPT), *options], env=environ, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def commands(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


def pip_of(done):
    return next(line for line in commands(done) if "latchkey.source" in line and "pip install" in line)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say():
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("options", [(), ("--edgetpu",), ("--uninstall",)], ids=["plain", "with a Coral", "away"])
def test_twice_is_the_same_and_nothing_is_changed(install, options):
    places = [Path(place) for place in ("/opt/latchkey", "/etc/latchkey", "/etc/systemd/system/latchkey.service")]
    before = [place.exists() for place in places]
    first, second = install("--dry-run", *options), install("--dry-run", *options)
    assert commands(first) == commands(second)
    assert [place.exists() for place in places] == before


def test_it_goes_from_packages_to_the_service(install):
    text = "\n".join(commands(install("--dry-run")))
    order = [
        "apt-get install",
        "groupadd --system --force gpio",
        "usermod --append --groups video",
        "/usr/bin/python3 -m venv --system-site-packages /opt/latchkey",
        "-m pip install",
        "ln -sfn /opt/latchkey/bin/latchkey /usr/local/bin/latchkey",
        "install -d -m 700 -o latchkey -g latchkey /var/lib/latchkey",
        "runuser -u latchkey -- /opt/latchkey/bin/latchkey keys create --config /etc/latchkey/agent.toml",
        "systemd/latchkey.service /etc/systemd/system/latchkey.service",
        "systemctl daemon-reload",
        "systemctl enable latchkey.service",
    ]
    positions = [text.index(part) for part in order]
    assert positions == sorted(positions)


def test_picamera2_is_taken_where_there_is_one(install):
    assert "python3-picamera2" in install("--dry-run").stdout
    plain = install("--dry-run", archive="http://deb.debian.org/debian")
    assert not any("picamera2" in line for line in commands(plain))
    assert "cameras by USB and network only" in plain.stdout


def test_all_it_copies_is_there(install):
    for line in commands(install("--dry-run", "--edgetpu")):
        for word in line.split():
            assert not word.startswith(str(ROOT)) or Path(word).exists(), line


@pytest.mark.parametrize(
    ("system", "architecture", "extras", "numpy_1"),
    [
        pytest.param(BOOKWORM, "arm64", "pi,web", True, id="Bookworm, 64 bit"),
        pytest.param(TRIXIE, "arm64", "pi,web", False, id="Trixie, 64 bit"),
        pytest.param(BOOKWORM, "amd64", "pi,web", True, id="Debian on a PC"),
        pytest.param(BOOKWORM_32, "armhf", "pi,web,tflite", True, id="Bookworm, 32 bit"),
    ],
)
def test_each_system_gets_its_runtime_and_its_numpy(install, system, architecture, extras, numpy_1):
    command = pip_of(install("--dry-run", system=system, architecture=architecture)).replace("\\", "")
    assert f"/opt/latchkey.source[{extras}]" in command
    assert ("numpy<2" in command) is numpy_1
    assert command.startswith("linux32 ") is (architecture == "armhf")


def test_without_ai_edge_litert_the_configuration_chooses_the_other_runtime(install, tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text((ROOT / "deploy" / "agent.example.toml").read_text(encoding="utf-8"), encoding="utf-8")
    if Path("/etc/latchkey/agent.toml").exists():
        pytest.skip("Latchkey is installed here: its configuration would be kept")
    line = next(
        line
        for line in commands(install("--dry-run", system=BOOKWORM_32, architecture="armhf"))
        if line.startswith("sed ")
    )
    subprocess.run(["bash", "-c", line.replace("/etc/latchkey/agent.toml", str(config))], check=True)
    assert '\nruntime = "tflite-runtime" ' in config.read_text(encoding="utf-8")


def test_a_coral_gets_its_rule_and_the_runtime_it_knows(install):
    done = install("--dry-run", "--edgetpu")
    assert any("99-coral.rules" in line for line in commands(done))
    assert "pi,web,tflite" in pip_of(done).replace("\\", "")
    assert not any("99-coral.rules" in line for line in commands(install("--dry-run")))


def test_a_library_for_the_coral_is_installed_from_its_file(install, tmp_path):
    package = tmp_path / "libedgetpu1-std.deb"
    package.touch()
    assert any(str(package) in line for line in commands(install("--dry-run", "--libedgetpu", str(package))))


def test_taking_it_away_keeps_what_belongs_to_the_user(install):
    done = install("--dry-run", "--uninstall")
    assert any(line.startswith("rm -rf /opt/latchkey") for line in commands(done))
    assert not any("/var/lib/latchkey" in line or "/etc/latchkey" in line for line in commands(done))
    assert "kept: /etc/latchkey, /var/lib/latchkey" in done.stdout


@pytest.mark.parametrize(
    ("options", "system", "architecture", "says"),
    [
        pytest.param((), UBUNTU, "arm64", "this is ubuntu noble; wanted is Raspberry Pi OS", id="another system"),
        pytest.param((), BULLSEYE, "armhf", "wanted is Bookworm (Python 3.11) or Trixie", id="an older release"),
        pytest.param((), "", "arm64", "wanted is Raspberry Pi OS", id="an os-release that says nothing"),
        pytest.param((), BOOKWORM, "riscv64", "there is no TFLite runtime for riscv64", id="another processor"),
        pytest.param((), TRIXIE, "armhf", "take the 64-bit system, or Bookworm", id="32-bit Trixie"),
        pytest.param(("--edgetpu",), TRIXIE, "arm64", "a Coral needs tflite-runtime", id="a Coral on Trixie"),
        pytest.param(("--libedgetpu", "absent.deb"), BOOKWORM, "arm64", "no file absent.deb", id="an absent package"),
        pytest.param(("--libedgetpu",), BOOKWORM, "arm64", "--libedgetpu wants a file", id="no package named"),
        pytest.param(("--fast",), BOOKWORM, "arm64", "there is no option --fast; see --help", id="an unknown option"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_done(install, options, system, architecture, says):
    done = install("--dry-run", *options, system=system, architecture=architecture)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stdout == ""


def test_an_os_release_that_is_not_there_is_told(install):
    environ = {**os.environ, "LATCHKEY_OS_RELEASE": "/absent/os-release"}
    done = subprocess.run(
        ["bash", str(SCRIPT), "--dry-run"], env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "cannot read /absent/os-release" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="another user can be tried by root only")
def test_others_than_root_are_told_to_use_sudo():
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which others may not enter
        Path(folder).chmod(0o755)
        script = Path(folder) / "install.sh"
        shutil.copy(SCRIPT, script)
        script.chmod(0o755)
        done = subprocess.run(
            ["bash", str(script)], user=65534, cwd="/", capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert "has to be run by root: sudo" in done.stderr


def test_help_tells_every_option(install):
    done = install("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--dry-run", "--edgetpu", "--libedgetpu", "--uninstall"))
