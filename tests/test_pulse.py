"""How the device was, once a minute for a day."""

from agent import pulse
from agent.errors import StoreError
from agent.mqtt.telemetry import Health
from agent.pulse import Pulse


def test_it_is_looked_once_a_minute_and_a_day_is_remembered(monkeypatch):
    monkeypatch.setattr(pulse, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(pulse, "MOST", 3)
    now, looks = [0.0], []

    def look():
        looks.append(now[0])
        if len(looks) == 2:
            raise StoreError("the disk is full")
        return Health(at=str(now[0]), boot_id="b", uptime_seconds=1.0, outbox_depth=len(looks))

    remembers = Pulse(look, lambda: now[0])
    for now[0] in range(0, 301, 20):
        remembers.step()
    assert looks == [0, 60, 120, 180, 240, 300]
    assert [each["outbox_depth"] for each in remembers.samples] == [4, 5, 6]
    assert [*remembers.samples[0]] == ["at", "outbox_depth"]
