"""The training loop: from a preset and a collection to weights, resumable, on one machine or several."""
