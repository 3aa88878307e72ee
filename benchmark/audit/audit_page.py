"""The audit's findings as text: short frames whose cells are printed verbatim, and a Markdown summary."""

from dataclasses import dataclass

import pandas as pd

from benchmark.audit.distances import ALL_METRICS
from benchmark.audit.findings import Findings
from benchmark.audit.outputs import JUDGED
from benchmark.metrics import METRICS
from benchmark.results.manifest import Manifest
from benchmark.tables.captions import reduced, seed_count
from benchmark.tables.pipe_table import escape_markdown, wide_table
from benchmark.text import number
from benchmark.verdict.claim_states import BY_MEANS, BY_TESTS
from benchmark.verdict.verdict_page import is_drawn

DISTANCE_MEANING = (
    "Distance: how far our mean lies from the paper's number, in the verdicts' tolerances (1: as far as may still be "
    "called the same), mean over the table's numbers. The nearest is a finding, not a choice: verdicts rest on the "
    "judged protocol."
)
FLIPS_MEANING = (
    "By tests: as the verdicts judge, paired over seeds. By means: supported where the mean effect is a margin or "
    "more, refuted where it is 0 or less, else open, whatever the spread. Other seeds: how often a claim's state would "
    "differ between two studies under one protocol that differ in their seeds alone, by 100 simulated repeats with the "
    "scores' means and spreads. No difference: the same if no method and no latent dim differed from another; where "
    "even then hardly a state flips, that none does is no evidence. The trainings are the same under every protocol, "
    "so that seeds count for less there."
)
RATES = {"by_seeds": "other seeds", "by_seeds_alike": "other seeds, no difference"}  # column -> heading
SPREAD_MEANING = (
    "Standard deviations in the metric's units, pooled: over seeds; over random starts of t-SNE for one trial; over "
    "random halves of the test images for one trial, also without what all trials have in common in a half. Last but "
    "one the mean difference between the first and the last half of the test images. The paper's gap: the median "
    "distance that it prints between HGMVAE and GMVAE, as means of ten, which vary by a third of what trainings do."
)


def nearest_frame(findings: Findings) -> pd.DataFrame:
    """Tabulate the protocols that are nearest to and farthest from the paper's numbers.

    Returns:
        A row per table and metric: the number of printed numbers compared (`numbers`), the distances of the judged,
        nearest and farthest protocols as text, and the number of protocols that scored all numbers (`protocols`).
    """
    rows = []
    for (table, metric), part in findings.distances.groupby(["table", "metric"], sort=False):
        part = part[part["cells"] == part["of"]]
        judged = part.loc[part["alternative"] == JUDGED, "distance"]
        nearest, farthest = part.iloc[0], part.iloc[-1]
        label = "all" if metric == ALL_METRICS else METRICS[metric].label
        rows.append(
            (
                int(table),
                label,
                int(nearest["of"]),
                number(judged.iloc[0], 2),
                f"{nearest['alternative']} ({number(nearest['distance'], 2)})",
                f"{farthest['alternative']} ({number(farthest['distance'], 2)})",
                len(part),
            )
        )
    return pd.DataFrame(rows, columns=["table", "metric", "numbers", "judged", "nearest", "farthest", "protocols"])


def flips_frame(findings: Findings) -> pd.DataFrame:
    """Tabulate the claims whose state depends on the protocol.

    Returns:
        A row per claim, way of judging (BY_TESTS, BY_MEANS) and state under the judged protocol: the other states with
        the alternatives that lead to them, the number of such alternatives, and how often other seeds would change the
        state. A claim may have several rows, because its state under the judged protocol is computed on the trials that
        the alternative has scored.
    """
    rows = []
    for by in (BY_TESTS, BY_MEANS):
        for (claim, judged), part in findings.flips[findings.flips["by"] == by].groupby(["claim", "judged"]):
            flipped = part[part["flips"]]
            if flipped.empty:
                continue
            states = [
                f"{state}: {', '.join(f'“{name}”' for name in of['alternative'])}"
                for state, of in flipped.groupby("state", sort=True)
            ]
            rates = [share(flipped[rate].iloc[0]) for rate in RATES]
            rows.append((claim, by, judged, "; ".join(states), f"{len(flipped)} of {len(part)}", *rates))
    return pd.DataFrame(rows, columns=["claim", "judged by", "as judged", "otherwise", "alternatives", *RATES.values()])


def share(rate: float | None) -> str:
    """Format a share in [0, 1] as a percentage, and None as a dash."""
    return "–" if pd.isna(rate) else f"{rate:.0%}"


def flips_text(states: pd.DataFrame) -> list[str]:
    """Describe for each way of judging how many states flip, and how many would flip with other seeds alone.

    Args:
        states: Columns `by`, `flips` and RATES, one row per state that may flip.

    Returns:
        One sentence for each way of judging that has rates.
    """
    rated = states.dropna(subset=[*RATES])
    return [
        f"By {by}, {of_way['flips'].sum()} of {len(of_way)} states flip; with other seeds alone "
        f"{of_way['by_seeds'].sum():.1f} would, and {of_way['by_seeds_alike'].sum():.1f} if nothing differed."
        for by, of_way in rated.groupby("by", sort=False)
    ]


def spread_frame(manifest: Manifest, findings: Findings) -> pd.DataFrame:
    """Tabulate the spread of clustering scores.

    Returns:
        A row per data set and metric, with one column per source of spread and one for the paper's printed gap, as
        text.
    """
    rows = []
    sources = dict.fromkeys(findings.spread["source"], "–")
    for (dataset, metric), part in findings.spread.groupby(["dataset", "metric"], sort=False):
        decimals = METRICS[metric].decimals
        row = {"data set": manifest.dataset_label(dataset), "metric": METRICS[metric].label} | sources
        row |= {source: number(size, decimals) for source, size in zip(part["source"], part["size"], strict=True)}
        gap = part["paper_gap"].iloc[0]
        rows.append(row | {"the paper's gap": "–" if pd.isna(gap) else number(gap, decimals)})
    return pd.DataFrame(rows)


def audit_summary(manifest: Manifest, findings: Findings, now: int | None = None) -> list[str]:
    """Return the sentences at the top of the page: what was scored, and what is reduced, drifted or missing.

    Args:
        manifest: The study's manifest.
        findings: The audit's findings.
        now: Number of trials scored by this call of `audit`; None omits it.
    """
    by_call = "" if now is None else f" ({now} now, {findings.audited - now} by earlier audits)"
    sentences = [
        f"{findings.audited} of {findings.trials} trials evaluated again from their checkpoints{by_call}, under "
        f"{findings.scores['alternative'].nunique() - 1} alternatives to the judged protocols."
    ]
    sentences += reduced(manifest)
    if len(findings.drifted):
        sentences.append(
            f"{len(findings.drifted)} scores differ from those in the trials' records (audit/drifted.csv): other "
            "images, device or versions."
        )
    if findings.lacking:
        names = ", ".join(f"“{name}”" for name in findings.lacking)
        sentences.append(
            f"Not computed in up to {max(findings.lacking.values())} trials, which were audited before these "
            f"alternatives were added: {names}. The command audit computes them from the checkpoints."
        )
    unavailable = findings.scores[findings.scores["value"].isna()]
    reasons = unavailable.groupby("reason")["metric"].agg(["size", "unique"])
    sentences += [
        f"Without a score ({row.size_}): {', '.join(METRICS[metric].label for metric in row.metrics)}: {row.Index}."
        for row in reasons.set_axis(["size_", "metrics"], axis=1).itertuples()
    ]
    return sentences


@dataclass(frozen=True)
class AuditSection:
    """One section of the page.

    Attributes:
        heading: The heading.
        frame: The table.
        meaning: A note on how to read the table.
        nothing: The sentence that replaces an empty table.
    """

    heading: str
    frame: pd.DataFrame
    meaning: str
    nothing: str


def audit_sections(manifest: Manifest, findings: Findings) -> list[AuditSection]:
    """Return the sections of the page in order; drawn images have no distance from the paper's numbers."""
    nearest = AuditSection(
        "Nearest to the paper's numbers",
        nearest_frame(findings),
        DISTANCE_MEANING,
        "No trials for a printed number were run.",
    )
    return [
        *([] if is_drawn(manifest) else [nearest]),
        AuditSection(
            "Conclusions that depend on the protocol",
            flips_frame(findings),
            " ".join([*flips_text(findings.flips), FLIPS_MEANING]),
            " ".join(["None.", *flips_text(findings.flips)]),
        ),
        AuditSection(
            "Where the spread comes from",
            spread_frame(manifest, findings),
            SPREAD_MEANING,
            "No clustering was audited.",
        ),
    ]


def audit_text(manifest: Manifest, findings: Findings, now: int | None = None) -> str:
    """Render the findings as Markdown with a final newline; for `now` see `audit_summary`."""
    title = f"Audit of study {manifest.study}, weight set {manifest.weight_set}, {seed_count(manifest.seeds)}"
    parts = [f"### {escape_markdown(title)}"]
    parts += [escape_markdown(sentence) for sentence in audit_summary(manifest, findings, now)]
    for section in audit_sections(manifest, findings):
        parts.append(f"#### {section.heading}")
        if section.frame.empty:
            parts.append(section.nothing)
        else:
            parts += [wide_table(section.frame.columns, section.frame.itertuples(index=False)), section.meaning]
    return "\n\n".join(parts) + "\n"
