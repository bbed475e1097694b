"""A signature on glass: what the pen did, what the siamese encoder makes of it, and whether it is the person's own."""
