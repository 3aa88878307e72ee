"""The tables that the suite makes: the paper's five, and two of our own. Which trials each needs, what scores them."""

from dataclasses import dataclass

from benchmark.metrics import METRICS
from benchmark.paper.tables import PRINTED_TABLES


@dataclass(frozen=True)
class TableSpec:
    """One table. `protocol`: a name in benchmark.evaluation.protocols.PROTOCOLS, or
    benchmark.audit.audit_trial.OWN_PROTOCOLS. It may have more metrics and methods than the paper printed."""

    number: int
    title: str
    protocol: str
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    latent_dims: tuple[int, ...]


def _of_the_paper(number: int, protocol: str, *, more_metrics: tuple[str, ...] = ()) -> TableSpec:
    """A table as printed, with metrics of our own behind the paper's."""
    printed = PRINTED_TABLES[number]
    metrics = printed.metrics + more_metrics
    return TableSpec(number, printed.title, protocol, metrics, printed.datasets, printed.methods, printed.latent_dims)


TABLES = {
    table.number: table
    for table in (
        _of_the_paper(1, "clustering"),
        _of_the_paper(2, "classification"),
        _of_the_paper(3, "reconstruction"),
        _of_the_paper(4, "clustering"),
        _of_the_paper(5, "reconstruction"),
    )
}

_TEN = (*PRINTED_TABLES[3].methods, "hgmvae_g_no_fisher", "hgmvae_u_no_fisher")

# What the paper's title promises and its tables never measure; scored from checkpoints, so no study trains for them.
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
