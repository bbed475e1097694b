"""All that knows the board: cameras, doors, inputs, readers and engines, each loaded only when it is chosen."""
