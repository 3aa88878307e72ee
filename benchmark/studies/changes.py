"""Changes of a study's training or method settings by options, and the notes that report them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.names import asked_name
from benchmark.studies.named_studies import PAPER_TRAINING, Study
from benchmark.studies.notes import option_note


def with_training(study: Study, epochs: int | None, batch_size: int | None, learning_rate: float | None) -> Study:
    """Change how a study's trials are trained.

    Args:
        study: The study.
        epochs: Passes over the training images; None keeps the study's value, as for the other options.
        batch_size: Images per step.
        learning_rate: The optimiser's learning rate; methods with a learning rate of their own keep it.

    Returns:
        The study, with a note for each value that differs from its own.
    """
    asked = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    own = study.training
    new = {name: value for name, value in asked.items() if value is not None and value != getattr(own, name)}
    notes = (
        option_note(f"--{name.replace('_', '-')}", f"{value:g} (paper: {getattr(PAPER_TRAINING, name):g})")
        for name, value in new.items()
    )
    training = dataclasses.replace(own, **new)  # type: ignore[arg-type]
    return dataclasses.replace(study, training=training, changes=(*study.changes, *notes))


def with_settings(study: Study, assignments: Sequence[str]) -> Study:
    """Change settings of methods in a study.

    Args:
        study: The study.
        assignments: Texts "method.field=value"; a later assignment overrides an earlier one to the same field.

    Returns:
        The study, with a note for each setting, whose order and wording do not depend on the order of assignments.

    Raises:
        UserError: An assignment is malformed, or its method, field or value is invalid; the message suggests the
            nearest name.
    """
    settings: dict[str, dict[str, Any]] = {method: dict(own) for method, own in study.settings.items()}
    notes: dict[str, str] = {}
    for assignment in assignments:
        where = f"--set {assignment}"
        place, equals, text = (part.strip() for part in assignment.partition("="))
        written, dot, field = place.rpartition(".")
        if not (equals and dot and written and field and text):
            raise UserError(f"{where}: write METHOD.FIELD=VALUE, such as vae.beta=0.1; `methods NAME` lists the fields")
        method = asked_name("method", written, ALL_METHODS, f"{where}: no such method;")
        value = ALL_METHODS[method].setting(field, text, where)
        settings.setdefault(method, {})[field] = value
        said = repr(value).removesuffix(".0") if isinstance(value, float) else text  # 0.10 and 0.1 are equal
        notes[f"{method}.{field}"] = option_note("--set", f"{method}.{field}={said}")
    in_order = (notes[key] for key in sorted(notes))
    return dataclasses.replace(study, settings=settings, changes=(*study.changes, *in_order))
