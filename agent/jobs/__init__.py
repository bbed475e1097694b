"""Commands that take long: accepted at once, carried out one after the other, told of on the way, gone on with."""
