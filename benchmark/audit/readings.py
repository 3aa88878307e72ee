"""Which alternatives of the audit are readings of the paper."""

from benchmark.audit import clustering_protocols, reconstruction_protocols
from benchmark.audit.outputs import AND

_NO_READINGS = {*clustering_protocols.NO_READINGS, *reconstruction_protocols.NO_READINGS}


def is_reading(alternative: str) -> bool:
    """Whether an alternative could be what the paper did, so that conclusions may depend on it.

    Args:
        alternative: Its name, as in the audit's results.
    """
    return _NO_READINGS.isdisjoint(alternative.split(AND))
