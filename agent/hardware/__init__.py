"""All that knows the board: cameras, doors and engines, each loaded only when it is chosen."""
