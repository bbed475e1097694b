"""A door that notes what it is told."""

from agent.errors import HardwareError


class NotingDoor:
    """Implements `agent.hardware.doors.Door`; `heard` is asked what the door shall note with each pulse."""

    def __init__(self, options=None, *, heard=lambda: None, broken=False):
        self.pulses, self.closings, self.unlocked = [], 0, False
        self._heard, self._broken = heard, broken

    def pulse(self, seconds):
        if self._broken:
            raise HardwareError("the relay does not obey")
        self.unlocked = True
        self.pulses.append((seconds, self._heard()))

    def hold(self, *, unlocked):
        self.unlocked = unlocked

    def close(self):
        self.closings += 1
        self.unlocked = False
