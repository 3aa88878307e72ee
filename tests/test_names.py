"""Names as others write them: what is the same as the suite's own name, what is not, and what is offered for a slip."""

import dataclasses

import pytest

from benchmark.cli import main
from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.names import asked_name, may_mean, meanings, resolved, resolved_rows
from benchmark.paper.tables import DATASET_LABELS
from benchmark.studies.grid import Selection
from benchmark.text import folded

KNOWN = {"dataset": list(DATASET_LABELS), "metric": list(METRICS), "method": list(ALL_METHODS)}


@pytest.mark.parametrize(("axis", "names"), KNOWN.items())
def test_every_name_and_label_means_one_thing_in_any_case_and_with_any_separator(axis, names):
    labels = {name: ALL_METHODS[name].label if axis == "method" else name for name in names}
    assert len({folded(name) for name in names}) == len({folded(label) for label in labels.values()}) == len(names)
    for name, label in labels.items():
        spaced = "".join(
            " " if sign == "_" and not (before.isdigit() and after.isdigit()) else sign
            for before, sign, after in zip(" " + name, name, name[1:] + " ", strict=False)
        )
        for written in (name, name.upper(), spaced, label, label.lower()):
            assert meanings(axis, written) == (name,), written


@pytest.mark.parametrize(
    ("axis", "written", "name"),
    [
        ("method", "HGMVAE_G", "hgmvae_g"),
        ("method", "HGMVAE-U", "hgmvae_u"),
        ("method", "Hgmvae – G", "hgmvae_g"),
        ("method", "Beta-VAE", "beta_vae"),
        ("method", "β-VAE", "beta_vae"),
        ("method", "$\\beta$-VAE", "beta_vae"),
        ("method", "WAE_IMQ", "wae_imq"),
        ("method", "G w/o F_{reg}", "hgmvae_g_no_fisher"),
        ("method", "HGMVAE-U w/o $F_{reg}$", "hgmvae_u_no_fisher"),
        ("method", "VAE, beta 0.1", "vae_beta_0.1"),
        ("dataset", "MNIST", "mnist"),
        ("dataset", "Fashion MNIST", "fashion_mnist"),
        ("dataset", "FashionMNIST", "fashion_mnist"),
        ("dataset", "CIFAR10", "cifar10"),
        ("dataset", "CIFAR-10", "cifar10"),
        ("dataset", "3D Chair", "chairs"),
        ("dataset", "3D Chairs", "chairs"),
        ("dataset", "celeba64", "celeba"),
        ("metric", "SVM accuracy", "svm_accuracy"),
        ("metric", "SVM.accuracy", "svm_accuracy"),
        ("metric", "SC ↑", "silhouette"),
        ("metric", "CH", "calinski_harabasz"),
        ("metric", "davies_bouldin_score", "davies_bouldin"),
        ("metric", "MS-SSIM↑", "ms_ssim"),
        ("metric", "SSI↑", "ssim"),
        ("metric", "FID (↓)", "fid"),
        ("metric", "lpips", "lpips"),
    ],
)
def test_names_as_the_paper_and_others_print_them(axis, written, name):
    assert resolved(axis, written) == name


@pytest.mark.parametrize(
    ("axis", "written"),
    [
        ("method", "VAE+"),
        ("method", "VAE-"),
        ("method", "VAE*"),
        ("method", "vae_beta_001"),
        ("method", "vae_beta_0_1"),
        ("method", "hgmvae_g_k2_0"),
        ("method", "日本"),
        ("dataset", "CIFAR-100"),
        ("dataset", "CelebA-HQ"),
        ("dataset", "mnist2"),
        ("metric", "SVM accuracy (%)"),
        ("metric", "ssim loss"),
    ],
)
def test_another_name_stays_what_it_is(axis, written):
    assert meanings(axis, written) == () and resolved(axis, written) == written


def rows(metric, *methods):
    return [{"dataset": "mnist", "metric": metric, "method": method} for method in methods]


def test_wae_mmd_is_resolved_only_beside_the_other_kernel_as_in_table_2():
    known, notes = resolved_rows([*rows("SVM accuracy", "WAE_MMD", "WAE_RBF"), *rows("fid", "WAE_IMQ", "WAE_RBF")])
    assert [row["method"] for row in known] == ["wae_imq", "wae_rbf", "wae_imq", "wae_rbf"]
    assert notes == ["read SVM accuracy as svm_accuracy, WAE_MMD as wae_imq, WAE_RBF as wae_rbf, WAE_IMQ as wae_imq"]
    for others in ((), ("wae_imq",), ("wae_imq", "wae_rbf")):
        known, notes = resolved_rows(rows("fid", "WAE-MMD", *others))
        assert known[0]["method"] == "WAE-MMD"
        assert notes == ["WAE-MMD may be wae_imq or wae_rbf: treated as a separate name"]
    assert resolved_rows(rows("NMI", "vae"))[1] == [
        "NMI may be weights_nmi or kmeans_nmi or gmm_nmi: treated as a separate name"
    ]


def test_what_may_be_meant_is_offered():
    assert may_mean("method", "hgmave_g", ALL_METHODS) == "hgmvae_g"
    assert may_mean("method", "HGMVAE", ALL_METHODS) == "hgmvae_g or hgmvae_u"
    assert may_mean("dataset", "qqqq", DATASET_LABELS) == ""
    with pytest.raises(UserError, match=r"^--x: no; there are vae, swae; did you mean vae\?$"):
        asked_name("method", "vaee", ["vae", "swae"], "--x: no;")


def test_a_selection_is_asked_for_in_any_spelling():
    asked = Selection.parse("Method=HGMVAE-G, method=β-VAE,Data set=MNIST,dataset=mine,d=8,Table=2").axes
    assert asked == {
        "method": {"hgmvae_g", "beta_vae"},
        "dataset": {"mnist", "mine"},
        "latent_dim": {"8"},
        "table": {"2"},
    }
    own = Selection.parse(
        "dataset=Cifar_10,dataset=CIFAR-10", {"Cifar_10"}
    )  # a file of that name is in the data folder
    assert own.axes == {"dataset": {"Cifar_10", "cifar10"}}
    with pytest.raises(
        UserError, match=r"--only method=WAE_MMD: no such method; .*; did you mean wae_imq or wae_rbf\?"
    ):
        Selection.parse("method=WAE_MMD")


def test_an_exact_name_is_that_one_and_a_method_added_later_is_known_by_its_label_too(monkeypatch):
    own = dataclasses.replace(ALL_METHODS["vae"], name="wae", label="My WAE")
    assert meanings("method", "wae") == ("wae_imq", "wae_rbf")
    monkeypatch.setitem(ALL_METHODS, "wae", own)
    assert [resolved("method", written) for written in ("wae", "my-wae", "WAE_IMQ")] == ["wae", "wae", "wae_imq"]
    monkeypatch.setitem(ALL_METHODS, "betavae", dataclasses.replace(own, name="betavae", label="Mine"))
    assert [resolved("method", written) for written in ("betavae", "beta_vae")] == ["betavae", "beta_vae"]
    assert asked_name("method", "betavae", ALL_METHODS, "--x: no;") == "betavae"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("methods", "HGMVA-G"), "methods HGMVA-G: no such method; there are vae, beta_vae"),
        (("methods", "HGMVA-G"), "; did you mean hgmvae_g?"),
        (
            ("fetch", "--offline", "mnst"),
            "fetch mnst: there are mnist, fashion_mnist, cifar10, celeba, chairs, weights",
        ),
        (("fetch", "--offline", "mnst"), "; did you mean mnist?"),
        (("calibrate", "--smoke", "--method", "hgmvae"), "; did you mean hgmvae_g or hgmvae_u?"),
        (("plan", "--only", "dataset=mnst"), "mnst.npz does not exist in the data folder"),
        (("plan", "--only", "dataset=mnst"), "; did you mean mnist?"),
    ],
)
def test_commands_offer_the_nearest_name(capfd, arguments, said):
    try:
        status = main([*arguments])
    except SystemExit as ended:
        status = ended.code
    error = capfd.readouterr().err
    assert status == 2 and said in error and len(error.splitlines()) == 1


def test_a_card_is_printed_under_the_papers_name(capfd):
    assert main(["methods", "HGMVAE_G"]) == 0
    printed = capfd.readouterr().out
    assert main(["methods", "hgmvae_g"]) == 0
    assert capfd.readouterr().out == printed != ""
