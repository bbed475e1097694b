"""Inputs that change when a test says so."""

import threading


class TypedInputs:
    """Implements `agent.hardware.inputs.Inputs`; `change` is what somebody does at the door."""

    def __init__(self, **state):
        self.state, self.closings = state, 0
        self._changes, self._woken = [], threading.Event()

    def change(self, change):
        self.state[change.input] = change.on
        self._changes.append(change)
        self._woken.set()

    def take(self, seconds):
        self._woken.wait(seconds)
        self._woken.clear()
        changes, self._changes = self._changes, []
        return changes

    def wake(self):
        self._woken.set()

    def close(self):
        self.closings += 1
