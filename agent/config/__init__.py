"""The configuration: one frozen table of values per table of the TOML file, and the secrets that stay out of it."""

from agent.config.load import find_config, load_config
from agent.config.secrets import camera_source, mqtt_password, read_secret
from agent.config.tables import Config

__all__ = ["Config", "camera_source", "find_config", "load_config", "mqtt_password", "read_secret"]
