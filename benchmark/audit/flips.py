"""Which conclusions depend on the protocol: every claim judged again under every alternative."""

from collections.abc import Mapping

import pandas as pd

from benchmark.audit.outputs import JUDGED
from benchmark.paper import TABLES
from benchmark.verdict.claims import CLAIMS
from benchmark.verdict.judging import Values, judge_printed, judge_values, seed_values, training_costs

COLUMNS = ["protocol", "alternative", "claim", "by", "judged", "state", "flips"]
BY_TESTS = "tests"  # as `verdict` judges our runs
BY_MEANS = "means"  # whose mean over seeds is the better, without asking whether other seeds would say the same


def flips(manifest: Mapping, records: Mapping[str, Mapping], frame: pd.DataFrame) -> pd.DataFrame:
    """From `audit_frame` a row per alternative, claim and way of judging; COLUMNS.

    `judged` and `state`: the claim's state under the judged protocol and under the alternative, both on the audited
    trials alone. Claims that no metric of the alternative's protocol concerns are left out.
    """
    costs = training_costs(manifest, records)

    def states(values: Values) -> dict[tuple[str, str], str]:
        by_tests = judge_values(manifest, values, costs, absent={})
        judgements = [(BY_TESTS, one) for one in by_tests] + [(BY_MEANS, one) for one in judge_printed(_means(values))]
        return {(one.claim.name, by): str(one.state) for by, one in judgements}

    judged_rows = frame[frame["alternative"] == JUDGED]
    judged_values = seed_values(judged_rows)
    judged = states(judged_values)
    metrics_of = {claim.name: {contest.metric for contest in claim.contests} for claim in CLAIMS}
    rows = []
    others = frame[frame["alternative"] != JUDGED]
    for (protocol, alternative), part in others.groupby(["protocol", "alternative"], sort=False):
        touched = set(part["metric"])
        kept = {place: values for place, values in judged_values.items() if place[1] not in touched}
        for (claim, by), state in states(kept | seed_values(part)).items():
            if metrics_of[claim] & touched:
                rows.append((protocol, alternative, claim, by, judged[claim, by], state, state != judged[claim, by]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _means(values: Values) -> pd.DataFrame:
    """Means over seeds in the form of the paper's numbers; every table of the paper may ask for each of them."""
    means = pd.DataFrame(
        [(*place, sum(of.values()) / len(of)) for place, of in values.items()],
        columns=["dataset", "metric", "method", "latent_dim", "value"],
    )
    return means.merge(pd.DataFrame({"table": list(TABLES)}), how="cross")
