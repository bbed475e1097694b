"""The fields that Home Assistant documents for its MQTT platforms: https://www.home-assistant.io/integrations/mqtt/.

Those that we use or may come to use; what is documented nowhere is a mistake of ours.
"""

FIELDS = {
    "bundle": {"device", "origin", "availability", "components", "qos"},
    "device": {"identifiers", "name", "manufacturer", "model", "sw_version", "serial_number", "suggested_area"},
    "origin": {"name", "sw_version", "support_url"},
    "all": {
        "platform", "name", "unique_id", "icon", "entity_category", "enabled_by_default", "value_template",
        "state_topic", "json_attributes_topic", "json_attributes_template",
    },
    "lock": {"command_topic", "payload_lock", "payload_unlock", "payload_open", "optimistic", "retain"},
    "event": {"event_types", "device_class"},
    "binary_sensor": {"device_class", "payload_on", "payload_off"},
    "sensor": {"device_class", "state_class", "unit_of_measurement"},
    "update": {"device_class", "title", "latest_version_topic", "latest_version_template"},
    "camera": {"topic"},
}  # fmt: skip
