"""The page on the claims whose state changes with the loss weights or with the protocol, as Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmark.audit.audit_page import FLIPS_MEANING, RATES, flips_frame, flips_text, share
from benchmark.audit.findings import Findings
from benchmark.audit.robustness import Robustness
from benchmark.paper.claims import CLAIMS
from benchmark.results.manifest import Manifest
from benchmark.tables.pipe_table import escape_markdown, wide_table

_MEANING = (
    "Judged on the data sets, methods, latent dims and seeds of which every run has a score; C9, on training times, on "
    f"each run's own. An arrow marks a state that is not the first run's. {FLIPS_MEANING}"
)


def render_robustness(runs: Mapping[str, Manifest], robust: Robustness, audits: Mapping[str, Findings]) -> str:
    """Render the page.

    Args:
        runs: The manifests by run name.
        robust: The result of `robustness`.
        audits: The findings of the audited runs, by name.

    Returns:
        Markdown with a final newline.
    """
    parts = ["# Which claims hold whatever the weights and the protocol?"]
    parts += [f"{escape_markdown(name)}: {escape_markdown(_facts(manifest))}" for name, manifest in runs.items()]
    says = {claim.name: claim.text for claim in CLAIMS}
    parts.append(f"{robust.scores:,} scores that every run has.")
    others = robust.states[robust.states["run"] != next(iter(runs))]
    for by, of_way in robust.states.groupby("by", sort=False):
        rows = [
            [
                claim,
                says[claim],
                *map(_state, of_claim.itertuples()),
                *(share(of_claim[rate].iloc[0]) for rate in RATES),
            ]
            for claim, of_claim in of_way.groupby("claim", sort=False)
        ]
        parts += [f"## With the weights, by {by}", wide_table(["", "claim", *runs, *RATES.values()], rows)]
        parts += flips_text(others[(others["by"] == by) & (others["judged"] > 0)])
    parts.append(_MEANING)
    for name, findings in audits.items():
        frame = flips_frame(findings)
        parts.append(f"## With the protocol: {escape_markdown(name)}")
        parts.append(wide_table(frame.columns, frame.itertuples(index=False)) if len(frame) else "None.")
        parts += flips_text(findings.flips)
    return "\n\n".join(parts) + "\n"


def _state(row: Any) -> str:
    if not row.judged:
        return "no score"
    return f"{'→ ' if row.flips else ''}{row.state}"


def _facts(manifest: Manifest) -> str:
    return "; ".join([f"study {manifest.study}, weight set {manifest.weight_set}", *manifest.notes])
