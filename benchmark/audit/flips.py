"""Which conclusions depend on the protocol: every claim judged again under every alternative."""

from collections.abc import Mapping

import pandas as pd

from benchmark.audit.outputs import JUDGED, is_reading
from benchmark.paper import TABLES
from benchmark.verdict.claims import CLAIMS
from benchmark.verdict.judging import Values, judge_printed, judge_values, seed_values, training_costs

COLUMNS = ["protocol", "alternative", "claim", "by", "judged", "state", "flips"]
BY_TESTS = "tests"  # as `verdict` judges our runs
BY_MEANS = "means"  # whose mean over seeds is the better, without asking whether other seeds would say the same


def flips(manifest: Mapping, records: Mapping[str, Mapping], frame: pd.DataFrame) -> pd.DataFrame:
    """From `audit_frame` a row per reading (`is_reading`), claim and way of judging; COLUMNS.

    `judged` and `state`: the claim's state under the judged protocol and under the alternative, both on the trials
    that either has a score of, so that a missing score flips nothing. Claims that no score of the alternative concerns
    are left out.
    """
    costs = training_costs(manifest, records)

    def states(values: Values) -> dict[tuple[str, str], str]:
        by_tests = judge_values(manifest, values, costs, absent={})
        judgements = [(BY_TESTS, one) for one in by_tests] + [(BY_MEANS, one) for one in judge_printed(_means(values))]
        return {(one.claim.name, by): str(one.state) for by, one in judgements}

    judged = seed_values(frame[frame["alternative"] == JUDGED])
    concerned = {claim.name: {(one.dataset, one.metric) for one in claim.contests} for claim in CLAIMS}
    rows = []
    others = frame[(frame["alternative"] != JUDGED) & frame["alternative"].map(is_reading) & frame["value"].notna()]
    for (protocol, alternative), part in others.groupby(["protocol", "alternative"], sort=False):
        touched = set(zip(part["dataset"], part["metric"], strict=True))
        kept = {place: values for place, values in judged.items() if place[:2] not in touched}
        ours, other = _common(judged, seed_values(part))
        before, after = states(kept | ours), states(kept | other)
        rows += [
            (protocol, alternative, claim, by, before[claim, by], state, state != before[claim, by])
            for (claim, by), state in after.items()
            if concerned[claim] & touched
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _common(one: Values, other: Values) -> tuple[Values, Values]:
    """Both sides without the seeds that either lacks."""
    seeds = {place: one[place].keys() & other[place].keys() for place in one.keys() & other.keys()}
    return tuple(
        {place: {seed: side[place][seed] for seed in sorted(of)} for place, of in seeds.items() if of}
        for side in (one, other)
    )


def _means(values: Values) -> pd.DataFrame:
    """Means over seeds in the form of the paper's numbers; every table of the paper may ask for each of them."""
    means = pd.DataFrame(
        [(*place, sum(of.values()) / len(of)) for place, of in values.items()],
        columns=["dataset", "metric", "method", "latent_dim", "value"],
    )
    return means.merge(pd.DataFrame({"table": list(TABLES)}), how="cross")
