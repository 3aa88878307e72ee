"""Check, before anything is trained, that everything that a study's tables name is registered."""

from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import PROTOCOL_SETTINGS
from benchmark.evaluation.protocols import PROTOCOLS, TrialOutputs
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.settings import unknown_name
from benchmark.studies.named_studies import Study
from benchmark.table_specs import TableSpec


def check_registered(study: Study) -> None:
    """Check the methods, protocols and metrics of a study's tables, and the outputs that the protocols need.

    Args:
        study: The study.

    Raises:
        UserError: A name is registered nowhere, or a table has a metric that its protocol does not compute.
    """
    for table in study.tables:
        _check_table(table, f"table {table.number}")


def _check_table(table: TableSpec, where: str) -> None:
    for registry, protocols in (("PROTOCOL_SETTINGS", PROTOCOL_SETTINGS), ("PROTOCOLS", PROTOCOLS)):
        if table.protocol not in protocols:
            raise UserError(f"{where}, protocol, in {registry}: {unknown_name(table.protocol, protocols)}")
    settings = PROTOCOL_SETTINGS[table.protocol]
    for part, names, known in (
        ("methods", table.methods, ALL_METHODS),
        ("metrics", table.metrics, settings.metrics),
        (f"metrics of the protocol {table.protocol}, in METRICS", settings.metrics, METRICS),
        (f"needs of the protocol {table.protocol}", settings.needs, TrialOutputs.__dataclass_fields__),
    ):
        for name in names:
            if name not in known:
                raise UserError(f"{where}, {part}: {unknown_name(name, known)}")
