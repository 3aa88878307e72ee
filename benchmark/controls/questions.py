"""The questions of the study `controls`, as data: which two methods are held against each other to answer each."""

from dataclasses import dataclass

from benchmark.methods import KL_WEIGHTS, NUMBERS_OF_COMPONENTS, TC_WEIGHTS

BASE = "hgmvae_g"
VAES = ("vae", *(f"vae_beta_{weight:g}" for weight in KL_WEIGHTS))


@dataclass(frozen=True)
class Contrast:
    """Method `a` against `b`, seed by seed.

    With `same_rate` b is no single method but VAES, whose scores are interpolated (linearly in the rate, within the
    rates that they reach) at the rate of a, of each seed, data set and latent dim by itself.
    """

    a: str
    b: str
    same_rate: bool = False


@dataclass(frozen=True)
class Question:
    letter: str
    text: str
    contrasts: tuple[Contrast, ...]


QUESTIONS = (
    Question("a", "At the same rate, is HGMVAE-G better than a VAE?", (Contrast(BASE, "vae", same_rate=True),)),
    Question(
        "b",
        "Do more components help?",
        tuple(Contrast(BASE, f"{BASE}_k{k}") for k in NUMBERS_OF_COMPONENTS),
    ),
    Question("c", "Do weights that depend on the image help?", (Contrast(BASE, f"{BASE}_equal_w"),)),
    Question(
        "d",
        "Does a heavier penalty on the total correlation of z help?",
        tuple(Contrast(f"{BASE}_tc{weight}", BASE) for weight in TC_WEIGHTS),
    ),
    Question("e", "Does the Fisher term help?", (Contrast(BASE, f"{BASE}_no_fisher"),)),
    Question("f", "Is the weighted sum better than a true mixture?", (Contrast(BASE, f"{BASE}_one_component"),)),
    Question(
        "g",
        "Is it the size? A VAE with as many parameters as HGMVAE-G at d = 128",
        (Contrast("vae_larger", "vae"), Contrast(BASE, "vae_larger")),
    ),
    Question(
        "h",
        "Does HGMVAE-G stand to a VAE under cross-entropy as under squared error?",
        (Contrast(BASE, "vae"), Contrast(f"{BASE}_bce", "vae_bce")),
    ),
)

# Asked of a study of its own, `readings`.
READINGS = Question(
    "i",
    "What do the readings of the Fisher term F do? Eq. 14 maximises it, though nothing bounds the F of Eq. 13",
    (
        Contrast(f"{BASE}_as_printed", f"{BASE}_minimised"),
        *(Contrast(reading, f"{BASE}_no_fisher") for reading in (f"{BASE}_ratio", BASE, f"{BASE}_log")),
        Contrast(f"{BASE}_centre", BASE),
    ),
)


def methods_of(*questions: Question) -> tuple[str, ...]:
    """Every method that the questions compare, each once."""
    contrasts = [contrast for question in questions for contrast in question.contrasts]
    vaes = VAES if any(contrast.same_rate for contrast in contrasts) else ()
    return tuple(dict.fromkeys([name for contrast in contrasts for name in (contrast.a, contrast.b)] + [*vaes]))
