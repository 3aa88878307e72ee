"""The registry of tables (the paper's five and two of our own), with their trials and the protocol that scores them."""

from dataclasses import dataclass

from benchmark.metrics import METRICS
from benchmark.paper.tables import PRINTED_TABLES


@dataclass(frozen=True)
class TableSpec:
    """A table; it may have more metrics and methods than the paper printed.

    Attributes:
        number: 1 to 5 for the paper's tables.
        title: The caption's first sentence.
        protocol: A name in benchmark.evaluation.protocols.PROTOCOLS or benchmark.audit.audit_trial.OWN_PROTOCOLS.
        metrics: Names in benchmark.metrics.METRICS, in column order.
        datasets: Names in benchmark.data.specs.DATASETS.
        methods: Names in benchmark.methods.registry.METHODS.
        latent_dims: Latent dimensions d.
    """

    number: int
    title: str
    protocol: str
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    latent_dims: tuple[int, ...]


def _printed_table(number: int, protocol: str) -> TableSpec:
    """Return the specification of a printed table."""
    of = PRINTED_TABLES[number]
    return TableSpec(number, of.title, protocol, of.metrics, of.datasets, of.methods, of.latent_dims)


TABLES = {
    table.number: table
    for table in (
        _printed_table(1, "clustering"),
        _printed_table(2, "classification"),
        _printed_table(3, "reconstruction"),
        _printed_table(4, "clustering"),
        _printed_table(5, "reconstruction"),
    )
}

_TEN = (*PRINTED_TABLES[3].methods, "hgmvae_g_no_fisher", "hgmvae_u_no_fisher")

# Properties that the paper's title promises but its tables do not measure. They are scored from checkpoints, without
# further training.
OWN_TABLES = {
    table.number: table
    for table in (
        TableSpec(
            6,
            "Recovery of the classes by clusters found without labels",
            "recovery",
            tuple(name for name in METRICS if name.startswith(("weights_", "kmeans_", "gmm_"))),
            ("mnist", "fashion_mnist", "cifar10"),
            _TEN,
            (8,),
        ),
        TableSpec(
            7,
            "Disentanglement of the known factors",
            "disentanglement",
            tuple(name for name in METRICS if name.startswith(("mig", "dci_"))),
            ("chairs",),
            _TEN,
            (8,),
        ),
    )
}
ALL_TABLES = TABLES | OWN_TABLES
