"""Whether the time can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.attendance.punch import Clock

TIMESYNCD: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd leaves it when it has set the clock: systemd-timesyncd.service(8), "Files"."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
RTC: Final = Path("/sys/class/rtc/rtc0")


def clock_state(synchronised: Path = TIMESYNCD, rtc: Path = RTC) -> Clock:
    """Returns what is known of the clock.

    Args:
        synchronised: the file that says that NTP has set the clock; where even its folder is missing, nobody knows.
        rtc: the hardware clock in sysfs. Its `hctosys` is 1 if the kernel has set the time by it at the start, and
            could (https://docs.kernel.org/admin-guide/rtc.html).
    """
    try:
        if synchronised.exists():
            return Clock.SYNCHRONISED
        if _set_by(rtc):
            return Clock.RTC
        return Clock.UNSYNCHRONISED if synchronised.parent.is_dir() else Clock.UNKNOWN
    except OSError:  # not for us to look into
        return Clock.UNKNOWN


def _set_by(rtc: Path) -> bool:
    try:
        return (rtc / "hctosys").read_text(encoding="ascii").strip() == "1"
    except (FileNotFoundError, NotADirectoryError):
        return False


def kernel_boot_id(file: Path = BOOT_ID) -> str:
    """Returns the id of this start of the system, by which CLOCK_BOOTTIME counts; empty where nobody says."""
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
