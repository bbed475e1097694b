"""Who is this: the enrolled people as an immutable matrix, and the thresholds that go with it."""
