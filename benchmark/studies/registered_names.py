"""Check, before anything is trained, that everything that a study's tables name is registered."""

from collections.abc import Collection

from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import IMAGE_METRICS, PROTOCOL_SETTINGS
from benchmark.evaluation.protocols import PROTOCOLS, TrialOutputs
from benchmark.evaluation.reconstruction import IMAGE_MEASURES
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.settings import unknown_name
from benchmark.studies.named_studies import Study
from benchmark.table_specs import TableSpec


def check_registered(study: Study) -> None:
    """Check the names in a study's tables, the outputs that their protocols need, and IMAGE_METRICS.

    Args:
        study: The study.

    Raises:
        UserError: A name is registered nowhere, or a table has a metric that its protocol does not compute.
    """
    for table in study.tables:
        _check_table(table, f"table {table.number}")
    _check_names(IMAGE_METRICS, IMAGE_MEASURES, "IMAGE_METRICS, in IMAGE_MEASURES")


def _check_table(table: TableSpec, where: str) -> None:
    for registry, protocols in (("PROTOCOL_SETTINGS", PROTOCOL_SETTINGS), ("PROTOCOLS", PROTOCOLS)):
        _check_names([table.protocol], protocols, f"{where}, protocol, in {registry}")
    settings = PROTOCOL_SETTINGS[table.protocol]
    for part, names, known in (
        ("methods", table.methods, ALL_METHODS),
        ("metrics", table.metrics, settings.metrics),
        (f"metrics of the protocol {table.protocol}, in METRICS", settings.metrics, METRICS),
        (f"needs of the protocol {table.protocol}", settings.needs, TrialOutputs.__dataclass_fields__),
    ):
        _check_names(names, known, f"{where}, {part}")


def _check_names(names: Collection[str], known: Collection[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{where}: {unknown_name(name, known)}")
