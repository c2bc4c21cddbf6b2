from __future__ import annotations

from aenetpy.io.yaml_in import YamlValue

PROPERTY_KEYS = ()
Property = str


def read_properties(value: YamlValue) -> tuple[Property, ...]:
    return ()
