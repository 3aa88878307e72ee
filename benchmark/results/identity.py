"""A trial's key: the hash of everything that changes its result."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def identity_key(identity: Mapping[str, Any]) -> str:
    """Return the SHA-256, as hexadecimal text, of an identity in canonical JSON."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
