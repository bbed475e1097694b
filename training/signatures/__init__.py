"""Signatures as pen trajectories and as pictures: the other classic use of a siamese network."""
