"""The questions of the command `controls`, as data: which methods are compared to answer each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark.methods.control_methods import NUMBERS_OF_COMPONENTS, SGD_RATES, TC_WEIGHTS, VAE_BETAS

BASE = "hgmvae_g"
VAES = ("vae", *(f"vae_beta_{beta:g}" for beta in VAE_BETAS))

MEASURES_OF_CONTROLS = ("svm_accuracy", "reconstruction_error")


@dataclass(frozen=True)
class Contrast:
    """A comparison of method `a` with method `b`, paired by seed.

    Attributes:
        a: The method whose advantage is measured.
        b: The method with which it is compared.
        same_rate: Whether `b` stands for those of VAES that have not collapsed; their scores are interpolated at the
            rate of `a`, separately for each seed, data set and latent dimension (`answers.at_rate`).
        less: Another contrast, whose advantage is subtracted.
    """

    a: str
    b: str
    same_rate: bool = False
    less: "Contrast | None" = None

    def methods(self) -> tuple[str, ...]:
        """Return the names of all methods involved."""
        others = self.less.methods() if self.less else ()
        return (self.a, self.b, *(VAES if self.same_rate else ()), *others)

    def sides(self) -> dict[str, str]:
        """Return descriptions of `a` and `b` with the names of the methods."""
        a = f"{self.a} less {self.less.a}" if self.less else self.a
        b = f"{self.b} less {self.less.b}" if self.less else self.b
        return {"a": a, "b": f"{b} at the same rate" if self.same_rate else b}


@dataclass(frozen=True)
class Question:
    """A question and the contrasts that answer it.

    Attributes:
        letter: The letter that names it.
        text: The question, with cautions for its answer.
        contrasts: The contrasts, in order of display.
        margins: Measure -> the largest difference that counts as negligible. If empty, the answer says whether there is
            any difference in MEASURES_OF_CONTROLS.
    """

    letter: str
    text: str
    contrasts: tuple[Contrast, ...]
    margins: Mapping[str, float] = field(default_factory=dict)

    @property
    def measures(self) -> tuple[str, ...]:
        """The scores that answer it, keys of `benchmark.controls.answers.MEASURES`."""
        return tuple(self.margins) or MEASURES_OF_CONTROLS


QUESTIONS = (
    Question("a", "At the same rate, is HGMVAE-G better than a VAE?", (Contrast(BASE, "vae", same_rate=True),)),
    Question(
        "b",
        "Do more components help?",
        tuple(Contrast(BASE, f"{BASE}_k{k}") for k in NUMBERS_OF_COMPONENTS),
    ),
    Question(
        "c",
        "Do weights that depend on the image help? Equal ones have no noise, either",
        (Contrast(BASE, f"{BASE}_equal_w"),),
    ),
    Question(
        "d",
        "Does a heavier penalty on the total correlation of z help? Its estimate from a batch is mostly a part of the "
        "whole KL of z, so a heavier KL stands beside it",
        tuple(Contrast(f"{BASE}_{name}", BASE) for name in (*(f"tc{weight}" for weight in TC_WEIGHTS), "z5")),
    ),
    Question("e", "Does the Fisher term help?", (Contrast(BASE, f"{BASE}_no_fisher"),)),
    Question(
        "f",
        "Is the weighted sum better than a true mixture? The latter is judged by its likeliest component, a toss of "
        "coins where w says little",
        (Contrast(BASE, f"{BASE}_one_component"),),
    ),
    Question(
        "g",
        "Is it the size? A VAE with as many parameters as HGMVAE-G at d = 128, more than that has at these d",
        (Contrast("vae_larger", "vae"), Contrast(BASE, "vae_larger")),
    ),
    Question(
        "h",
        "Does HGMVAE-G stand to a VAE under cross-entropy as under squared error?",
        (
            Contrast(BASE, "vae"),
            Contrast(f"{BASE}_bce", "vae_bce"),
            Contrast(BASE, "vae", less=Contrast(f"{BASE}_bce", "vae_bce")),
        ),
    ),
    Question(
        "i",
        "Does each component's own prior help, the sum of Eq. 3 in the place of Eq. 4? In Eq. 4 what z_k tells of x_k "
        "counts w_k times, which may be why z falls idle; in the sum it counts once, but every KL K times as much",
        (Contrast(f"{BASE}_matched", BASE),),
    ),
)

# Answered by a separate study, `readings`.
READINGS = Question(
    "j",
    "What do the readings of the Fisher term F do? Eq. 14 maximises it, though nothing bounds the F of Eq. 13",
    (
        Contrast(f"{BASE}_as_printed", f"{BASE}_printed_no_fisher"),
        Contrast(f"{BASE}_minimised", f"{BASE}_printed_no_fisher"),
        Contrast(f"{BASE}_ratio_minimised", f"{BASE}_no_fisher"),
        *(Contrast(reading, f"{BASE}_no_fisher") for reading in (f"{BASE}_ratio", BASE, f"{BASE}_log")),
        Contrast(f"{BASE}_centre", BASE),
    ),
)


# The authors' best case, fixed before any of it was trained: docs/best-case.md.
BEST_CASE_MARGINS = {"svm_accuracy": 0.005, "ssim": 0.02}


def _best_case(letter: str, text: str, *pairs: tuple[str, str]) -> Question:
    return Question(letter, text, tuple(Contrast(a, b) for a, b in pairs), BEST_CASE_MARGINS)


# A warm start has twice the epochs of its study, half of them for a VAE: the same budget as the methods that are
# trained for twice as long.
WARM_START = (
    _best_case(
        "k",
        "Does HGMVAE initialised with a trained VAE beat a VAE of the same budget? If not, the missing warm start "
        "does not explain our results",
        *((f"hgmvae_{letter}_warm", vae) for vae in ("vae_twice", "vae_warm") for letter in "gu"),
    ),
    _best_case(
        "l",
        "Does it beat the VAE that it was initialised with, which has half the budget? If it beats only this one, the "
        "budget is the cause",
        ("hgmvae_g_warm", "vae"),
        ("hgmvae_u_warm", "vae"),
        ("vae_twice", "vae"),
    ),
    _best_case(
        "m",
        "Is a warm start better than training from scratch for as long?",
        ("hgmvae_g_warm", "hgmvae_g_twice"),
        ("hgmvae_u_warm", "hgmvae_u_twice"),
    ),
    _best_case(
        "n",
        "Does HGMVAE trained from scratch for twice as long beat a VAE?",
        ("hgmvae_g_twice", "vae_twice"),
        ("hgmvae_u_twice", "vae_twice"),
    ),
)

OTHER_READINGS = (
    _best_case(
        "o",
        "Does the KL of the sums as conditional prior, a proper bound with the x of Eq. 1, help?",
        (f"{BASE}_summed", BASE),
        (f"{BASE}_summed", "vae"),
    ),
    _best_case(
        "p",
        "Does Eq. 1 taken literally help, with its z_k as the sub-Gaussians themselves?",
        (f"{BASE}_literal", BASE),
        (f"{BASE}_literal", "vae"),
    ),
    _best_case(
        "q",
        "Does w in R instead of its softmax help? Under Eq. 4 it is unbounded, so other priors are compared",
        (f"{BASE}_real_w", f"{BASE}_matched"),
        (f"{BASE}_real_w_summed", f"{BASE}_summed"),
        (f"{BASE}_real_w", "vae"),
        (f"{BASE}_real_w_summed", "vae"),
    ),
    _best_case(
        "r",
        "Does the usual bounded loss of Fisher's criterion, minimising tr S_W / tr S_B, help?",
        (f"{BASE}_traces", f"{BASE}_no_fisher"),
        (f"{BASE}_traces", BASE),
        (f"{BASE}_traces", "vae"),
    ),
    _best_case(
        "s",
        "Does SGD with momentum help? The best of three learning rates is the best of three attempts; a VAE trained "
        "by SGD makes the same steps on the same loss",
        *((f"{BASE}_sgd_{rate}", BASE) for rate in SGD_RATES),
        *((f"{BASE}_sgd_{rate}", "vae") for rate in SGD_RATES),
        *((f"{BASE}_sgd_{rate}", f"vae_sgd_{rate}") for rate in SGD_RATES),
    ),
)
BEST_CASE = (*WARM_START, *OTHER_READINGS)


def methods_of(*questions: Question) -> tuple[str, ...]:
    """Return all methods that the questions compare, each once."""
    contrasts = (contrast for question in questions for contrast in question.contrasts)
    return tuple(dict.fromkeys(name for contrast in contrasts for name in contrast.methods()))
