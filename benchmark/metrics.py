"""The registry of metrics: those printed in the paper, and the suite's own.

To add a metric, add an entry to METRICS, its name to a table of benchmark.table_specs, and its value to a protocol.
"""

from collections.abc import Mapping

from benchmark.paper.tables import PRINTED_METRICS, Metric

METRICS: Mapping[str, Metric] = {
    **PRINTED_METRICS,
    **{
        metric.name: metric
        for metric in (
            *(
                # The adjusted Rand index reaches -1/2 (Chacón and Rastrojo 2023).
                Metric(f"{clusters}_{measure}", f"{label} {of}", True, (-0.5 if measure == "ari" else 0.0, 1.0))
                for clusters, of in (("weights", "of arg max w"), ("kmeans", "of k-means"), ("gmm", "of a GMM"))
                for measure, label in (("accuracy", "ACC"), ("nmi", "NMI"), ("ari", "ARI"))
            ),
            Metric("mig", "MIG", True, (0.0, 1.0)),
            Metric("dci_disentanglement", "DCI disentanglement", True, (0.0, 1.0)),
            Metric("dci_completeness", "DCI completeness", True, (0.0, 1.0)),
            Metric("dci_informativeness", "DCI informativeness", True, (0.0, 1.0)),
        )
    },
}
