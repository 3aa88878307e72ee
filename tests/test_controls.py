"""What the controls answer: differences by hand, intervals against scipy, rates interpolated, and the command."""

import dataclasses
import math

import pandas as pd
import pytest
from scipy import stats
from study_samples import manifest, study_results

from benchmark.cli import main
from benchmark.controls.answers import (
    ENDED,
    MEASURES,
    MISSING,
    NO_RATE,
    NO_RESULT,
    OUT_OF_REACH,
    Answer,
    Measured,
    answers,
    answers_frame,
    at_rate,
    differences,
    means_frame,
    measured,
)
from benchmark.controls.controls_page import _label, measures_run, render_answers
from benchmark.controls.rates_figure import RatesPanel, rate_pages, rate_panels, rates_figure
from benchmark.data.specs import DATASETS
from benchmark.execution.evaluate_trial import empty_record
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store
from benchmark.studies.grid import expected_data, make_trial
from benchmark.studies.named_studies import STUDIES, GridCell
from benchmark.studies.questions import BASE, QUESTIONS, READINGS, VAES, Contrast, Question, methods_of
from benchmark.training.training_settings import TrainingSettings

PLACES = [("mnist", 2), ("mnist", 8), ("fashion_mnist", 2)]
TWO = ((BASE, 0.9), (f"{BASE}_no_fisher", 0.8))
LABEL = ALL_METHODS[BASE].label
FISHER = Question("e", "Fisher?", (Contrast(BASE, f"{BASE}_no_fisher"),))


def trial(accuracy, error=0.5, rate=None) -> Measured:
    return Measured(accuracy, error, rate, None, False, rate and (rate, rate))


def pair(advantages: list[list[float]]) -> dict:
    """Trials of the Fisher contrast whose accuracies differ by advantages[place][seed]; NaN: HGMVAE-G diverged."""
    trials = {}
    for place, of_seed in zip(PLACES, advantages, strict=False):
        for seed, advantage in enumerate(of_seed):
            trials[*place, BASE, seed] = ENDED if math.isnan(advantage) else trial(0.5 + advantage)
            trials[*place, f"{BASE}_no_fisher", seed] = trial(0.5)
    return trials


def test_every_question_compares_methods_that_there_are_in_the_studies():
    assert set(methods_of(*QUESTIONS, READINGS)) <= set(ALL_METHODS)
    of_readings = [
        "as_printed",
        "printed_no_fisher",
        "minimised",
        "ratio",
        "ratio_minimised",
        "log",
        "centre",
        "no_fisher",
    ]
    assert {cell.method for cell in STUDIES["readings"].cells()} == {BASE, *(f"{BASE}_{name}" for name in of_readings)}
    assert set(VAES) < set(methods_of(*QUESTIONS)) and not set(VAES) & set(methods_of(READINGS))
    assert [question.letter for question in QUESTIONS] == list("abcdefghi")
    for name in ("controls", "laptop-controls"):
        cells = list(STUDIES[name].cells())
        assert {cell.method for cell in cells} == set(methods_of(*QUESTIONS))
        assert {(cell.dataset, cell.latent_dim) for cell in cells} == {
            (dataset, d) for dataset in ("mnist", "fashion_mnist") for d in (2, 8, 32)
        }
        assert STUDIES[name].seeds >= 3


def test_an_advantage_is_that_of_the_seeds_means_with_students_interval():
    advantages = [[0.02, 0.03, 0.01], [0.04, 0.05, 0.06], [-0.01, 0.01, 0.005]]
    accuracy, error = answers(pair(advantages), [FISHER])
    means = [sum(of_place[seed] for of_place in advantages) / 3 for seed in range(3)]
    reference = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (accuracy.mean, accuracy.interval.low, accuracy.interval.high) == pytest.approx(
        (sum(means) / 3, reference.low, reference.high)
    )
    assert (accuracy.answer, accuracy.seeds, accuracy.places, accuracy.ahead) == (Answer.A_BETTER, 3, 3, 3)
    assert (error.mean, error.answer, error.ahead) == (0, Answer.OPEN, 0)


def test_ahead_are_places_of_which_a_is_better_on_average():
    trials = pair([[0.02, 0.03, 0.01], [0.04, 0.05, 0.06], [-0.03, -0.02, -0.01]])
    accuracy = answers(trials, [FISHER])[0]
    assert (accuracy.ahead, accuracy.places, accuracy.seeds) == (2, 3, 3)


WITH_MARGINS = dataclasses.replace(FISHER, margins={"svm_accuracy": 0.005, "ssim": 0.02})


@pytest.mark.parametrize(
    "of_seed, answer",
    [
        ([0.011, 0.012, 0.013], Answer.A_BETTER),
        ([-0.011, -0.012, -0.013], Answer.B_BETTER),
        ([0.001, 0.0015, 0.002], Answer.SAME),  # above zero, and yet within the margin
        ([0.004, 0.005, 0.006], Answer.UNDECIDED),
        ([-0.004, -0.005, -0.006], Answer.UNDECIDED),
        ([-0.02, 0.03, 0.01], Answer.UNDECIDED),
        ([0.02, 0.02], Answer.TOO_FEW),
        ([math.nan], Answer.NO_PAIR),
    ],
)
def test_with_a_margin_a_difference_counts_beyond_it_and_none_within(of_seed, answer):
    accuracy, ssim = answers(pair([of_seed]), [WITH_MARGINS])
    assert accuracy.answer is answer and (accuracy.measure, ssim.measure) == ("svm_accuracy", "ssim")
    assert ssim.answer is Answer.NO_PAIR  # none of these trials has an SSIM
    if accuracy.mean is not None:
        assert set(answers_frame([accuracy])["answer"]) == {str(answer)}  # over all places, and at the only one


@pytest.mark.parametrize("lacking", [BASE, f"{BASE}_no_fisher"])
def test_nothing_is_decided_while_a_trial_is_not_run(lacking):
    trials = pair([[0.011, 0.012, 0.013, 0.012, 0.011], [0.011, 0.012, 0.013, 0.012, 0.011]])
    assert answers(trials, [WITH_MARGINS])[0].answer is Answer.A_BETTER
    trials["mnist", 8, lacking, 4] = None
    accuracy = answers(trials, [WITH_MARGINS])[0]
    assert (accuracy.answer, accuracy.seeds, accuracy.left_out) == (Answer.PENDING, 4, {MISSING: 1})
    assert accuracy.mean == pytest.approx(0.012)
    assert set(answers_frame([accuracy])["answer"]) == {"not decided: trials are not run"}
    assert "1 of 1: not decided: trials are not run" in page([WITH_MARGINS], trials)
    trials["mnist", 8, lacking, 4] = ENDED
    assert answers(trials, [WITH_MARGINS])[0].answer is Answer.A_BETTER


def test_a_place_that_the_study_has_for_one_side_alone_keeps_nothing_open():
    trials = pair([[0.011, 0.012, 0.013]]) | {("mnist", 8, BASE, seed): trial(0.9) for seed in range(3)}
    assert answers(trials, [WITH_MARGINS])[0].answer is Answer.A_BETTER


def test_a_page_with_margins_says_them_and_what_they_decide():
    trials = pair([[0.011, 0.012, 0.013]] * 2)
    trials |= {of: dataclasses.replace(one, ssim=0.8 + one.svm_accuracy / 1e3) for of, one in trials.items()}
    said = " ".join(page([WITH_MARGINS], trials).split())
    assert "0.005 of SVM accuracy and 0.02 of SSIM" in said
    assert not any(words in said for words in ("by chance", "shows no difference", "pixels' variance"))
    assert f"{LABEL} better than {LABEL} w/o Fisher, by 0.012 | the same within the margin; the 95 % intervals" in said
    assert "| question | SVM accuracy | SSIM |" in said and "| SVM accuracy | SSIM | rate |" in said


def test_the_best_case_asks_its_own_questions_with_one_pair_of_margins():
    questions = STUDIES["best-case"].questions
    assert {tuple(question.margins.items()) for question in questions} == {(("svm_accuracy", 0.005), ("ssim", 0.02))}
    letters = [question.letter for question in (*QUESTIONS, READINGS, *questions)]
    assert letters == list("abcdefghijklmnopqrstuvwxyz")[: len(letters)]
    for name in ("best-case", "laptop-best-case"):
        study = STUDIES[name]
        assert study.questions == questions and study.seeds == 5
        assert {cell.method for cell in study.cells()} == set(methods_of(*questions)) <= set(ALL_METHODS)
        assert {(cell.table, cell.dataset) for cell in study.cells()} == {(2, "mnist"), (3, "mnist")}
    assert STUDIES["best-case"].training == TrainingSettings() and STUDIES["best-case"].n_train is None


def test_a_control_of_another_training_is_never_called_the_same_as_its_method():
    assert _label("hgmvae_g_warm", "default") == "HGMVAE-G, warm start"
    assert _label("vae_bce", "bce") == "VAE, BCE (with these weights the same as VAE)"


def test_a_smaller_error_is_an_advantage():
    trials = {}
    for seed in range(3):
        trials["mnist", 2, BASE, seed] = trial(0.5, error=0.2)
        trials["mnist", 2, f"{BASE}_no_fisher", seed] = trial(0.5, error=0.3 + 0.01 * seed)
    _, error = answers(trials, [FISHER])
    assert error.mean == pytest.approx(0.11) and error.answer is Answer.A_BETTER


@pytest.mark.parametrize(
    "of_seed, answer",
    [
        ([-0.02, -0.03, -0.02], Answer.B_BETTER),
        ([-0.02, 0.03, 0.01], Answer.OPEN),
        ([0.02, 0.02], Answer.TOO_FEW),
        ([0.02], Answer.TOO_FEW),
        ([math.nan], Answer.NO_PAIR),
        ([], Answer.NOT_RUN),
    ],
)
def test_every_answer_there_is(of_seed, answer):
    assert answers(pair([of_seed]), [FISHER])[0].answer is answer


def test_the_mean_is_over_the_largest_block_of_seeds_and_places_that_is_whole():
    trials = pair([[0.02, 0.03, 0.04], [0.5, 0.5, 0.5]])
    trials["mnist", 8, f"{BASE}_no_fisher", 1] = ENDED
    accuracy = answers(trials, [FISHER])[0]
    assert accuracy.mean == pytest.approx(0.03) and (accuracy.seeds, accuracy.places) == (3, 1)
    assert accuracy.left_out == {NO_RESULT: 1}
    frame = answers_frame([accuracy])
    assert list(frame["dataset"]) == ["all", "mnist", "mnist"] and list(frame["seeds"]) == [3, 3, 2]
    assert frame["advantage"].tolist() == pytest.approx([0.03, 0.03, 0.5])


def test_a_seed_that_only_one_place_has_and_one_lost_at_every_place_silence_no_answer():
    trials = pair([[0.02, 0.03, 0.04, 0.9], [0.02, 0.03, 0.04], [0.02, 0.03, 0.04]])
    accuracy = answers(trials, [FISHER])[0]
    assert (accuracy.mean, accuracy.seeds, accuracy.places) == (pytest.approx(0.03), 3, 3)
    trials = pair([[0.01] * 5, [0.01] * 5, [0.01] * 5])
    for seed, place in enumerate(PLACES):
        trials[*place, BASE, seed] = ENDED
    accuracy = answers(trials, [FISHER])[0]
    assert accuracy.seeds >= 3 and accuracy.answer is Answer.A_BETTER and accuracy.left_out == {NO_RESULT: 3}


def test_fewer_pairs_of_three_seeds_are_chosen_before_more_of_two():
    accuracy = answers(pair([[0.02, 0.03, 0.04], [0.5, 0.5], [0.5, 0.5]]), [FISHER])[0]
    assert (accuracy.mean, accuracy.seeds, accuracy.places) == (pytest.approx(0.03), 3, 1)


def test_a_value_at_a_rate_lies_on_the_curve_of_ideal_codes_and_nowhere_beyond():
    error = MEASURES["reconstruction_error"]
    points = [(rate, math.exp(-2 * rate / 8)) for rate in (8.0, 4.0, 16.0)]
    assert at_rate(11.0, points, error) == pytest.approx(math.exp(-2 * 11 / 8))
    for at_a_point in (4.0, 8.0, 16.0):
        assert at_rate(at_a_point, points, error) == pytest.approx(math.exp(-2 * at_a_point / 8))
    assert at_rate(3.9, points, error) is at_rate(16.1, points, error) is None
    accuracy = at_rate(6.0, [(4.0, 0.8), (8.0, 0.95)], MEASURES["svm_accuracy"])
    assert accuracy / (1 - accuracy) == pytest.approx(math.sqrt(4 * 19))  # the odds' geometric mean


def test_at_the_same_rate_every_seed_has_its_own_vaes_that_have_not_collapsed():
    contrast = QUESTIONS[0].contrasts[0]
    assert contrast.same_rate
    trials = {}
    for seed, rate in enumerate((4.0, 8.0, 20.0, 1.0)):
        trials["mnist", 2, BASE, seed] = trial(0.9, rate=rate)
        trials["mnist", 2, VAES[0], seed] = trial(0.6, rate=4.0)
        trials["mnist", 2, VAES[1], seed] = trial(0.95, rate=8.0)
        trials["mnist", 2, VAES[2], seed] = dataclasses.replace(trial(0.2, rate=0.5), collapsed=True)
    found, left_out = differences(contrast, "svm_accuracy", trials)
    assert found == {("mnist", 2): {0: pytest.approx(0.3), 1: pytest.approx(-0.05)}}
    assert left_out == {OUT_OF_REACH: 2}
    for seed in range(4):  # one VAE makes no line
        trials["mnist", 2, VAES[1], seed] = ENDED
    assert differences(contrast, "svm_accuracy", trials) == ({}, {NO_RESULT: 4})


def test_where_the_rate_of_the_image_alone_is_bounded_vaes_stand_against_the_middle():
    contrast, trials = QUESTIONS[0].contrasts[0], {}
    trials["mnist", 2, BASE, 0] = dataclasses.replace(trial(0.9, rate=9.0), rate_bounds=(5.0, 7.0))
    trials["mnist", 2, VAES[0], 0] = trial(0.6, rate=6.0)
    trials["mnist", 2, VAES[1], 0] = trial(0.95, rate=8.0)
    assert differences(contrast, "svm_accuracy", trials) == ({("mnist", 2): {0: pytest.approx(0.3)}}, {})
    said = page([QUESTIONS[0]], trials)
    assert "| 9.00 | 5.00 to 7.00 |" in said and "| 8.00 | 8.00 |" in said
    # The VAEs lie at 6 and 8: the lower bound is out of their reach, the upper one half-way, where odds are 1.5 and 19.
    accuracy = answers(trials, [QUESTIONS[0]])[0]
    assert [one.left_out for one in accuracy.at_bounds.values()] == [{OUT_OF_REACH: 1}, {}]
    odds = math.sqrt(1.5 * 19)
    assert accuracy.at_bounds["upper"].mean == pytest.approx(0.9 - odds / (1 + odds))
    assert "a VAE at its rate, lower bounds | SVM accuracy |  |  | no pair with a result |" in said
    trials["mnist", 2, BASE, 1] = dataclasses.replace(trial(0.9, rate=9.0), rate_bounds=None)
    assert differences(contrast, "svm_accuracy", trials)[1] == {MISSING: 1}  # and no VAE
    for vae in VAES[:2]:
        trials["mnist", 2, vae, 1] = trials["mnist", 2, vae, 0]
    assert differences(contrast, "svm_accuracy", trials)[1] == {NO_RATE: 1}
    said = page([QUESTIONS[0]], trials)
    assert "1 rate of the image not on record" in said and "| 9.00 |  |" in said  # no mean of some seeds' bounds
    for vae in VAES[:2]:
        trials["mnist", 2, vae, 0] = dataclasses.replace(trials["mnist", 2, vae, 0], rate_bounds=None)
    assert differences(contrast, "svm_accuracy", trials) == ({}, {NO_RATE: 2})


def test_an_interaction_is_the_difference_of_two_advantages():
    [contrast] = [one for question in QUESTIONS for one in question.contrasts if one.less]
    trials = {}
    for name, accuracy in ((contrast.a, 0.9), (contrast.b, 0.8), (contrast.less.a, 0.7), (contrast.less.b, 0.65)):
        trials["mnist", 2, name, 0] = trial(accuracy)
    found, _ = differences(contrast, "svm_accuracy", trials)
    assert found["mnist", 2][0] == pytest.approx(0.1 - 0.05)
    trials["mnist", 2, contrast.less.b, 0] = None
    assert differences(contrast, "svm_accuracy", trials) == ({}, {MISSING: 1})
    trials["mnist", 2, contrast.less.b, 0] = ENDED
    assert differences(contrast, "svm_accuracy", trials) == ({}, {NO_RESULT: 1})


def stored(folder, *accuracies: tuple[str, float]) -> Store:
    """A study on disk: methods with their accuracies, three seeds each, the last of which failed for BASE."""
    cells, store = [], Store(folder)
    for method, accuracy in accuracies:
        cell, keys = GridCell(2, "mnist", method, 8), {}
        for seed in range(3):
            study = STUDIES["laptop-controls"]
            trial = make_trial(study, cell, seed, expected_data(study, DATASETS["mnist"]), "cpu")
            health = {"active_units": 8, "collapsed": False, "explained_variance": 0.7, "rate": 12.5}
            one = empty_record(trial, "cpu").updated(
                metrics={"classification": {"svm_accuracy": accuracy + 0.01 * seed}},
                health=health | {"rate_bounds": [11.5, 12.0]},
                curves={"loss": [3.0, 2.0], "z_information": [9.0, 1.0], "z_dimension_kl": [9.0, 0.5]},
            )
            if (method, seed) == (BASE, 2):
                one = one.updated(status="failed", reason="on purpose")
            store.write_record(one)
            keys[str(seed)] = trial.key
        cells.append(cell._asdict() | {"keys": keys})
    store.write_manifest(Manifest.parse(manifest(cells)))
    return store


def test_what_is_measured_comes_from_records_that_are_whole(tmp_path):
    found = measured(stored(tmp_path, *TWO).read_study())
    assert len(found) == 6 and found["mnist", 8, BASE, 2] == ENDED
    assert found["mnist", 8, BASE, 1] == Measured(0.91, pytest.approx(0.3), 12.5, 1.5, False, (11.5, 12.0))


def test_the_rate_of_latents_above_the_code_is_unknown_if_one_of_its_terms_is(tmp_path):
    study = stored(tmp_path, *TWO).read_study()
    curves = {"z_information": [9.0, 1.0], "z_dimension_kl": [9.0, None]}
    unknown = {key: one.updated(curves=curves) for key, one in study.records.items()}
    found = measured(dataclasses.replace(study, records=unknown))
    assert found["mnist", 8, BASE, 1] == Measured(0.91, pytest.approx(0.3), 12.5, None, False, (11.5, 12.0))


def test_the_command_writes_its_answers_and_says_what_is_missing(tmp_path, capsys):
    stored(tmp_path, *TWO)
    assert main(["controls", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "(e) Does the Fisher term help?" in said
    assert "Not answered by what this folder holds: (a), (b), (c), (d), (f), (g), (h), (i), (j)." in said
    assert "| (e) Does the Fisher term help? | 1 of 1: fewer than 3 seeds |" in said
    assert "0 of 0 comparisons show a difference" in said
    assert "| 2 of 3; 1 without a result |" in said
    assert "| mnist | 8 | hgmvae_g | 2 | on purpose |" in said
    frame = pd.read_csv(tmp_path / "controls" / "answers.csv")
    whole = frame[(frame["dataset"] == "all") & (frame["measure"] == "svm_accuracy")].set_index(["question", "b"])
    assert whole.loc[("e", f"{BASE}_no_fisher"), "advantage"] == pytest.approx(0.1)
    assert whole.loc[("e", f"{BASE}_no_fisher"), "answer"] == "fewer than 3 seeds"
    both = [("e", f"{BASE}_no_fisher"), ("j", f"{BASE}_no_fisher")]  # two questions compare this pair
    assert set(whole.loc[both, "answer"]) == {"fewer than 3 seeds", "not run"}
    assert set(whole["answer"].drop(both)) == {"not run"}
    means = pd.read_csv(tmp_path / "controls" / "means.csv").set_index("method")
    assert means.loc[BASE, "seeds"] == 2 and means.loc[BASE, "z_rate"] == 1.5
    assert "12.50" in (tmp_path / "controls" / "controls.md").read_text()


def test_the_figure_of_rates_has_every_seed_at_its_rate_and_a_line_for_each_seeds_vaes():
    trials = {
        ("mnist", 2, BASE, 0): dataclasses.replace(trial(0.9, rate=9.0), rate_bounds=(5.0, 7.0)),
        ("mnist", 2, BASE, 1): ENDED,
        ("mnist", 2, VAES[0], 0): trial(0.8, rate=8.0),
        ("mnist", 2, VAES[1], 0): trial(0.7, rate=4.0),
        ("mnist", 2, VAES[2], 0): dataclasses.replace(trial(0.2, rate=0.5), collapsed=True),
        ("mnist", 2, VAES[3], 0): trial(0.6),
        ("mnist", 2, f"{BASE}_k2", 0): trial(0.85, rate=5.0),
        ("mnist", 8, BASE, 0): trial(0.9, rate=9.0),
        ("mnist", 2, VAES[0], 1): None,
    }
    panels = rate_panels(trials, MEASURES["svm_accuracy"])
    assert panels == {
        ("mnist", 2): RatesPanel({0: [(4.0, 0.7), (8.0, 0.8)]}, {0: ((6.0, 0.9), (9.0, 0.9))}, [(5.0, 0.85)]),
    }
    trials["fashion_mnist", 8, BASE, 4] = trial(0.5, rate=30.0)  # further than its seed's VAEs
    for vae, rate in zip(VAES[:2], (9.0, 10.0), strict=True):
        trials["fashion_mnist", 8, vae, 4] = trial(0.9, rate=rate)
    study = manifest([], seeds=2, notes=["few images"], marks={"mnist": ["procedural"]})
    pages = dict(rate_pages(Manifest.parse(study), trials))
    assert list(pages) == ["rates_svm_accuracy", "rates_reconstruction_error"]
    page = pages["rates_svm_accuracy"]
    assert "few images" in page.notes[0] and page.notes[1].startswith("[procedural]: ")
    axes = rates_figure(page).subfigs[0].axes
    shown = [{line.get_label(): line.get_xydata().tolist() for line in axis.lines} for axis in axes]
    assert [axis.get_title() for axis in axes] == ["MNIST [procedural], d = 2", "Fashion-MNIST, d = 8"]
    advantage = [points for label, points in shown[0].items() if label.startswith("_")]
    assert advantage == [[[6.0, 0.9], [6.0, at_rate(6.0, [(4.0, 0.7), (8.0, 0.8)], MEASURES["svm_accuracy"])]]]
    assert {label: points for label, points in shown[0].items() if not label.startswith("_")} == {
        "HGMVAE-G, changed": [[5.0, 0.85]],
        "VAE": [[4.0, 0.7], [8.0, 0.8]],
        "HGMVAE-G, rate given w": [[9.0, 0.9]],
        "HGMVAE-G": [[6.0, 0.9]],
    }
    assert list(shown[1]) == ["HGMVAE-G, changed", "VAE", "HGMVAE-G, rate given w", "HGMVAE-G"]


def test_the_command_draws_the_rates_where_there_are_vaes(tmp_path, capsys):
    stored(tmp_path, *TWO, *((vae, 0.8) for vae in VAES))
    assert main(["controls", str(tmp_path)]) == 0
    written = capsys.readouterr().out.splitlines()[-1]
    for name in ("rates_svm_accuracy.png", "rates_reconstruction_error.png"):
        assert name in written and (tmp_path / "controls" / name).stat().st_size > 10_000


def page(questions: list[Question], trials: dict) -> str:
    head = manifest([], study="controls", notes=[])
    found = answers(trials, questions)
    return render_answers(study_results(head, {}), found, means_frame(trials, measures_run(found)))


def test_in_short_says_what_is_shown_and_how_large_what_is_not_may_be():
    said = page([FISHER], pair([[0.02, 0.022, 0.018]]))
    assert f"| (e) Fisher? | {LABEL} better than {LABEL} w/o Fisher, by 0.020 | no difference shown; " in said
    assert "1 of 1 comparisons show a difference; if there were none, about 0.1 would, by chance." in said
    said = page([FISHER], pair([[-0.02, -0.022, -0.018]]))
    assert f"{LABEL} w/o Fisher better than {LABEL}, by 0.020" in said
    advantages = [-0.02, 0.03, 0.01]
    interval = stats.ttest_1samp(advantages, 0).confidence_interval(0.95)
    widest = math.ceil(1000 * max(-interval.low, interval.high)) / 1000
    assert f"| no difference shown; the 95 % intervals end within {widest:.3f} of zero |" in page(
        [FISHER], pair([advantages])
    )


def test_in_short_says_how_many_of_several_are_what_and_counts_none_twice():
    """As in the study `readings`: (j) has the comparison of (e) and others, of which one diverged."""
    readings = Question("j", "Readings? Of F", (*FISHER.contrasts, Contrast(f"{BASE}_ratio", f"{BASE}_no_fisher")))
    trials = pair([[-0.02, 0.03, 0.01]]) | {("mnist", 2, f"{BASE}_ratio", seed): ENDED for seed in range(3)}
    trials["mnist", 2, BASE, 3] = ENDED
    trials["mnist", 2, f"{BASE}_no_fisher", 3] = ENDED
    said = page([FISHER, readings], trials)
    row = next(line for line in said.splitlines() if line.startswith("| (j) Readings? |"))
    assert "in 1 of 2 no difference shown" in row and "1 of 2: no pair with a result" in row
    assert "at the least on 3 of 4 trials" in row
    assert "0 of 1 comparisons show a difference" in said  # errors are all the same, so that they tell nothing


def test_in_short_says_of_an_interaction_whose_gain_is_larger():
    [contrast] = [one for question in QUESTIONS for one in question.contrasts if one.less]
    trials = {}
    for seed in range(3):
        for name, accuracy in ((contrast.a, 0.9), (contrast.b, 0.8), (contrast.less.a, 0.7), (contrast.less.b, 0.65)):
            trials["mnist", 2, name, seed] = trial(accuracy + 0.001 * seed * (name == contrast.a))
    said = page([Question("h", "BCE?", (contrast,))], trials)
    assert f"{LABEL} gains by 0.051 more over VAE than {LABEL}, BCE over VAE, BCE" in said


def test_a_folder_without_controls_is_an_error_in_one_line(tmp_path, capsys):
    stored(tmp_path, ("swae", 0.9))
    assert main(["controls", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "run --study controls first" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "ended",
    [{"status": "diverged", "reason": "on purpose"}, {"metrics": {}, "health": {}}],
    ids=["diverged", "no score"],
)
def test_a_folder_without_a_result_is_an_error_in_one_line(ended, tmp_path, capsys):
    store = stored(tmp_path, *TWO)
    for record in store.read_study().records.values():
        store.write_record(record.updated(**ended, curves={}))
    assert main(["controls", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path}: no trial has a result; `status` and `tables` give the reasons\n" in error
    assert error.count("\n") == 1
