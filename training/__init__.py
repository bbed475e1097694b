"""Makes Latchkey's models: faces in, a quantised TFLite encoder (or detector) and its card out."""
