"""Results as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def json_text(content: Mapping[str, Any]) -> str:
    """Return one JSON object in a line; unknown and infinite numbers are null."""
    text = json.dumps(plain(content), ensure_ascii=False, allow_nan=False) + "\n"
    # Bytes of file names that are not UTF-8 are lone surrogates here, and "\\udcff" in JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: Any) -> Any:
    """Return a value in Python's own types, with None for numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
