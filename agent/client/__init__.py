"""The Python client that administers devices over MQTT: `latchkey admin` is made of it.

    from agent.client import Admin, Profile

    with Admin(Profile.read(Profile.default())) as admin:
        for status in admin.devices():
            print(status.device, status.state)
        admin.ask("front", "person_set", person="anna", create=True, groups=["staff"]).value()

Commands are signed with the profile's key; what devices say is believed as far as they have signed it, see
`agent.client.hearing`.
"""

from agent.client.admin import Admin
from agent.client.answers import DeviceStatus, Heard, Progress, Result, Standing
from agent.client.profile import Profile
from agent.errors import NoAnswer, Untrusted

__all__ = ["Admin", "DeviceStatus", "Heard", "NoAnswer", "Profile", "Progress", "Result", "Standing", "Untrusted"]
