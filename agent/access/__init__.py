"""Deciding: from what was seen of a visitor to whether the door opens. Pure; time comes in with what was seen."""
