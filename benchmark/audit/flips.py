"""The claims whose state depends on the protocol: every claim, judged again under every alternative."""

import pandas as pd

from benchmark.audit.outputs import JUDGED, is_reading
from benchmark.paper.claims import CLAIMS
from benchmark.results.study_results import StudyResults
from benchmark.verdict.claim_judging import seed_values
from benchmark.verdict.claim_states import claim_judgements, common

COLUMNS = ["protocol", "alternative", "claim", "by", "judged", "state", "flips"]


def flips(study: StudyResults, frame: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim under every alternative protocol that is a reading of the paper (`is_reading`).

    Args:
        study: The study that was audited.
        frame: From `audit_frame`.

    Returns:
        A frame with the columns COLUMNS and a row per alternative, claim and way of judging (`by`): the claim's state
        under the judged protocol (`judged`) and under the alternative (`state`), and whether they differ (`flips`).
        Both states rest on the trials that have a score under both, so that a missing score flips nothing. Claims that
        no score of the alternative concerns are left out.
    """
    judged = seed_values(frame[frame["alternative"] == JUDGED])
    concerned = {claim.name: {(one.dataset, one.metric) for one in claim.contests} for claim in CLAIMS}
    rows = []
    others = frame[(frame["alternative"] != JUDGED) & frame["alternative"].map(is_reading) & frame["value"].notna()]
    for (protocol, alternative), part in others.groupby(["protocol", "alternative"], sort=False):
        touched = set(zip(part["dataset"], part["metric"], strict=True))
        kept = {place: values for place, values in judged.items() if place[:2] not in touched}
        ours, other = common(judged, seed_values(part))
        before, after = (claim_judgements(study, {**kept, **values}) for values in (ours, other))
        rows += [
            (protocol, alternative, claim, by, str(was.on_run), str(one.on_run), one.on_run != was.on_run)
            for (claim, by), one in after.items()
            for was in [before[claim, by]]
            if concerned[claim] & touched
        ]
    return pd.DataFrame(rows, columns=COLUMNS)
