"""Writes the access files and configurations of the tests: plain values to TOML."""
import json


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    raise TypeError(value)


def _pairs(table):
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def config_text(config):
    """{"data_dir": …, "ssh": {…}, "log.monthly": {…}}: top-level values first, then tables."""
    text = _pairs({key: value for key, value in config.items() if not isinstance(value, dict)})
    for name, table in config.items():
        if isinstance(table, dict):
            text += f"\n[{name}]\n" + _pairs(table)
    return text


def access_text(access):
    """{"user": [{…}], "target": […], "rule": […]}"""
    return "\n".join(f"[[{kind}]]\n" + _pairs(entry) for kind, entries in access.items() for entry in entries)
