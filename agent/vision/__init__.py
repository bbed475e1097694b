"""Seeing: from a frame to faces, tracks, aligned crops and embeddings. Pure; time comes in with the frame."""
