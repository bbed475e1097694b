"""What may be chosen on the command line: the enums behind it load NumPy and pydantic, which help can do without."""

from __future__ import annotations

from typing import Literal, TypeAlias

ModeName: TypeAlias = Literal["normal", "locked_down", "free_access", "scheduled", "first_person"]
"""`agent.access.rules.Mode`."""
AttendanceFate: TypeAlias = Literal["keep", "pseudonymise", "delete"]
"""`agent.privacy.forgetting.Attendance`."""
