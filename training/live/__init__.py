"""The reference encoders beside a net that learns: what they say of pictures that are made while it does."""
