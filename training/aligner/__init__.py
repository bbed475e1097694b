"""The aligner: a small net that says how far an aligned crop lies from where it should (`agent/vision/aligner.py`)."""
