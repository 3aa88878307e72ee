"""Method cards: what each method is in this suite, the source of its weights, and departures from its paper.

The text is data; values of weights and parameter counts are read from the registry, never repeated in the text.
"""

from benchmark.methods.card_texts import Card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.registry import CALIBRATED, METHODS, Method

CARD_DIMS = (8, 128)
CARD_IMAGE = (1, 32, 32)

_SETS = {
    "bce": "default with cross-entropy for squared error, where the method has a likelihood",
    CALIBRATED: (
        "chosen by `calibrate` for MNIST at d = 8 on training images (docs/calibration.md); elsewhere an extrapolation"
    ),
}


def card_of(method: Method) -> Card:
    """Return the method's card, or a card that says that none has been written."""
    if method.card:
        return method.card
    not_stated = "not stated: this method has no card yet"
    sources = dict.fromkeys(method.settings("default"), "not stated")
    return Card(not_stated, "not stated", "not stated", sources, ("not stated",))


def render_card(name: str) -> str:
    """Render a method's card as Markdown.

    Args:
        name: Name of the method, in ALL_METHODS.
    """
    method = ALL_METHODS[name]
    card = card_of(method)
    values = {weight_set: method.settings(weight_set) for weight_set in method.weight_sets}
    lines = [f"# {method.label} (`{name}`, revision {method.revision})", "", f"Source: {card.reference}.", ""]
    if method.control_of:
        lines += [f"A control, in no table of the paper: {METHODS[method.control_of].label} with {method.change}.", ""]
    if method.training.description:
        lines += [f"Training, unlike that of other methods: {method.training.description}.", ""]
    lines += [f"Loss: `{card.formula}`", "", f"Reduction: {card.reduction}.", ""]
    lines += [f"| setting | {' | '.join(values)} | what it is, and where it comes from |"]
    lines += ["|---|" + "---|" * (len(values) + 1)]
    for setting, source in card.sources.items():
        cells = " | ".join(str(values[weight_set][setting]) for weight_set in values)
        escaped = source.replace("|", r"\|")  # an unescaped bar would end the table's cell
        lines.append(f"| `{setting}` | {cells} | {escaped} |")
    if not method.source and (said := [f"{name}: {text}." for name, text in _SETS.items() if name in values]):
        lines += ["", " ".join(said)]
    counts = ", ".join(f"{method.parameters(CARD_IMAGE, d):,} at d = {d}" for d in CARD_DIMS)
    lines += ["", f"Parameters (full width, 32 x 32 grey images): {counts}.", "", "Departures from the original:", ""]
    lines += [f"- {deviation}" for deviation in card.deviations]
    return "\n".join(lines) + "\n"


def render_all_cards() -> str:
    """Render the cards of all methods except controls as one page of Markdown."""
    further = (
        "# Methods in no table of the paper\n\n"
        "Further methods of pythae, run only if selected by name: `--only method=iwae`.\n"
    )
    return "\n".join([*map(render_card, METHODS), further, *map(render_card, FURTHER_METHODS)])
