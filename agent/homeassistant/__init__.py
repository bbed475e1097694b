"""Home Assistant finds the terminal by itself, through MQTT discovery, and may lock and unlock it through a relay."""
