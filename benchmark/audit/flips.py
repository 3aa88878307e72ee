"""The claims whose state depends on the protocol: every claim judged under every alternative."""

import pandas as pd

from benchmark.audit.flip_rates import flip_rates, rate_columns
from benchmark.audit.outputs import JUDGED
from benchmark.audit.readings import is_reading
from benchmark.paper.claims import CLAIMS
from benchmark.verdict.claim_judging import seed_values
from benchmark.verdict.claim_states import claim_states, common

COLUMNS = ["protocol", "alternative", "claim", "by", "judged", "state", "flips", "by_seeds", "by_seeds_alike"]


def flips(frame: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim under every alternative protocol that is a reading of the paper (`is_reading`).

    Args:
        frame: The result of `audit_frame`.

    Returns:
        A frame with the columns COLUMNS and a row per alternative, claim and way of judging (`by`): the claim's state
        under the judged protocol (`judged`) and under the alternative (`state`), whether they differ (`flips`), and how
        often they would differ between two studies under the judged protocol that differ only in their seeds
        (`flip_rates`; may be missing): with the measured means (`by_seeds`), or without any difference
        (`by_seeds_alike`). Both states use the trials that have a score under both protocols, so that a missing score
        causes no flip. Claims whose scores the alternative does not affect are left out.
    """
    judged = seed_values(frame[frame["alternative"] == JUDGED])
    places = {claim.name: {(one.dataset, one.metric) for one in claim.contests} for claim in CLAIMS}
    others = frame[(frame["alternative"] != JUDGED) & frame["alternative"].map(is_reading) & frame["value"].notna()]
    found = []
    for (protocol, alternative), part in others.groupby(["protocol", "alternative"], sort=False):
        touched = set(zip(part["dataset"], part["metric"], strict=True))
        concerned = [claim for claim in CLAIMS if places[claim.name] & touched]
        kept = {place: values for place, values in judged.items() if place[:2] not in touched}
        ours, other = common(judged, seed_values(part))
        before, after = (claim_states({**kept, **values}, concerned) for values in (ours, other))
        found += [
            (protocol, alternative, claim, by, str(before[claim, by]), str(state))
            for (claim, by), state in after.items()
        ]
    flippable = {claim for _, _, claim, *_ in found}
    rates = flip_rates(judged, [claim for claim in CLAIMS if claim.name in flippable])
    rows = [(*row, row[4] != row[5], *rate_columns(rates, *row[2:4])) for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)
