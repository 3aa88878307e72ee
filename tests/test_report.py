"""The page and the text of a study's verdicts: what they say, that data cannot become markup, and how it looks."""

import base64
import json
import re
import resource
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from study_samples import ODD_NAME, sample, study_results
from verdict_samples import LAPTOP, claims_of, every_verdict
from verdict_samples import laptop as laptop_study

from benchmark.cli import main
from benchmark.commands import judged_study
from benchmark.figures.study_source import CannotDraw
from benchmark.files import REPOSITORY
from benchmark.paper.tables import paper_numbers
from benchmark.report.html import Picture, render_report
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements
from benchmark.verdict.verdict_page import VERDICT_SIGNS, verdicts_text

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
HOSTILE = "<script>alert(\"1\")</script> & 'x' <img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Every start tag with its attributes, and the text (styles and the script left out)."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] not in ("style", "script"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def one_picture(source, names, folder, formats):
    """In place of make_figures: a pixel a figure, and one that cannot be drawn."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}_mnist_d8.png").write_bytes(PIXEL)
        yield f"{name}_mnist_d8", ()
    yield "curves_chairs_d128", CannotDraw("no trial")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory):
    """A copy of the laptop study's folder, reported on."""
    folder = tmp_path_factory.mktemp("laptop") / "out"
    shutil.copytree(LAPTOP, folder, ignore=shutil.ignore_patterns("figures", "verdicts", "report.html"))
    (folder / "figures").mkdir()
    (folder / "figures" / "holiday.png").write_bytes(PIXEL)  # nothing that the suite has made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_study, "make_figures", one_picture)
        assert main(["report", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def laptop_page(laptop):
    return (laptop / "report.html").read_text(encoding="utf-8")


def test_each_verdict_stands_in_its_cell_as_sign_and_word():
    page = render_report(study_results(*every_verdict()))
    cell = (
        r'<td class="cell ([a-z-]+)">.*?<small>\(-?[\d.]+\) <span role="img" aria-label="([a-z ]+)">(.)</span></small>'
    )
    found = set(re.findall(cell, page))
    first = {css: verdict for css, verdict, _ in found}
    assert first == {
        "reproduced": "reproduced",
        "contradicted": "contradicted",
        "undecided": "undecided",
        "out-of-reach": "out of reach",
        "not-comparable": "not comparable",
        "not-run": "not run",
    }
    for verdict, sign in VERDICT_SIGNS.items():
        assert {shown for _, of, shown in found if of == verdict} == {sign}
        assert f'<th scope="col">{sign} {verdict}</th>' in page
    paper = paper_numbers().query("table == 1 and metric == 'silhouette' and method == 'gmvae' and latent_dim == 8")
    assert f'<small>({paper["value"].item():.3f}) <span role="img" aria-label="reproduced">✓</span></small>' in page
    assert "<li>✓ reproduced: all of the difference&#39;s interval is within the tolerance (GMVAE d = 8)</li>" in page


def test_data_cannot_become_markup():
    study, records = sample()
    study |= {"study": HOSTILE, "notes": [HOSTILE], "dataset_labels": {"mnist": HOSTILE}, "weight_set": HOSTILE}
    study["method_labels"] |= {"gmvae": HOSTILE}
    study["marks"] |= {"mnist": [HOSTILE]}
    study["unavailable"] = {"chairs": HOSTILE}
    study["runs"] = [{"command": HOSTILE, "device": HOSTILE, "versions": {HOSTILE: HOSTILE}}]
    study["data"] = {HOSTILE: {"source": HOSTILE, "digest": HOSTILE, "n_train": 1, "n_test": 1}}
    for run in records.values():
        if run["status"] != "ok":
            run["reason"] = HOSTILE
        elif run["unavailable"]:
            run["unavailable"] = {name: dict.fromkeys(found, HOSTILE) for name, found in run["unavailable"].items()}
    made = study_results(study, records)
    text = render_report(made, [Picture(HOSTILE, PIXEL)], [(HOSTILE, HOSTILE)])
    page = Page(text)
    assert page.all("script") == [{}] and len(page.all("img")) == 1  # the page's own
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;" in text and "alert(1)>" not in text
    assert page.text.count(HOSTILE) >= 20  # shown as it is
    assert any(f"{HOSTILE} [{HOSTILE}]" in box.get("aria-label", "") for box in page.all("div"))
    assert page.all("img")[0]["alt"] == HOSTILE
    assert f"{ODD_NAME}, d = 128" in page.text and ODD_NAME.replace("&", "&amp;") in text
    markdown = verdicts_text(made.manifest, cell_verdicts(made), rank_agreements(made), claims_of(made))
    assert not re.search(r"(?<!\\)<", markdown)


@pytest.mark.parametrize("make", [sample, every_verdict])
def test_the_page_of_a_made_study_loads_nothing(make):
    page = Page(render_report(study_results(*make())))
    assert loads_nothing(page)
    assert "None could be made." in page.text and "No run is noted." in page.text


def loads_nothing(page: Page) -> bool:
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object", "embed", "video", "base")]
    assert page.all("script") == [{}]
    assert all(
        re.match("data:image/(png|webp);base64,", attributes["src"])
        for _, attributes in page.tags
        if "src" in attributes
    )
    return all(
        re.match("#|https://doi.org/", attributes["href"]) for _, attributes in page.tags if "href" in attributes
    )


def test_the_laptop_page_is_whole_and_small(laptop_page):
    page = Page(laptop_page)
    assert loads_nothing(page)
    assert "url(" not in laptop_page and "@import" not in laptop_page
    assert len(laptop_page.encode()) < 400_000
    assert [image["alt"].split(":")[0].split(" (")[0] for image in page.all("img")] == [
        "Clustering scores over the latent dimension d",
        "Training curves, every term of the loss",
        "Scores of reconstructions over each method’s one weight, with the paper’s numbers",
        "Scores over the rate of the code, each method along its one weight",
    ]
    assert "curves_chairs_d128: no trial" in page.text
    assert "6e34e0c23a" in page.text and "4,869.3" in page.text


def test_every_table_row_claim_and_figure_has_an_anchor_of_its_own(laptop_page):
    page = Page(laptop_page)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for attributes in page.all("a")}
    assert links <= set(ids)
    named = {
        "table": [box["id"] for box in page.all("div") if "block" in box.get("class", "").split()],
        "row": re.findall(r'<tbody>\s*<tr id="([^"]+)"', laptop_page),
        "claim": [f"claim-c{number}" for number in range(1, 10)],
        "figure": [
            f"figure-{name}" for name in ("clustering-mnist-d8", "curves-mnist-d8", "weights-mnist-d8", "answer")
        ],
    }
    for kind, names in named.items():
        assert set(names) <= links, kind
    assert "table-1-mnist-silhouette-hgmvae-g" in links and "table-3-celeba-d128-lacking" in links
    assert not re.search(r"<tbody>(?:(?!</tbody>).)*<tr>", laptop_page.split('id="methods"')[0], re.DOTALL)


def test_what_the_page_says_needs_neither_hovering_nor_colour_nor_a_script(laptop_page):
    page = Page(laptop_page)
    assert not [tag for tag, attributes in page.tags if "title" in attributes]
    assert all("scope" in head for head in Page(laptop_page.split('id="methods"')[0]).all("th"))
    assert [tag for tag, attributes in page.tags if "hidden" in attributes] == ["div"]  # the script's own controls
    assert page.all("a")[0] == {"class": "skip", "href": "#tables"}
    signs = {box["aria-label"] for box in page.all("span") if box.get("role") == "img"}
    assert signs == {"not comparable", "not run"}


def test_the_answer_comes_first_with_the_claims_and_their_comparisons(laptop_page):
    answer = "0 of the paper’s 392 numbers decided, 7 of its 9 claims open (1 supported, 1 refuted) for this study"
    order = [
        answer,
        'id="figure-answer"',
        'id="claim-c1"',
        'id="claim-c9"',
        'id="worth"',
        'id="verdicts"',
        'id="table-1"',
    ]
    at = [laptop_page.index(text) for text in order]
    assert at == sorted(at)
    assert re.findall(r'<span class="rule">([^<]+)</span>', laptop_page) == [
        f"{number} comparisons" for number in (21, 21, 54, 14, 112, 42, 32, 74, 2)
    ]


def test_what_repeats_or_is_empty_is_folded_or_left_out(laptop_page):
    page = Page(laptop_page)
    assert page.text.count("Reduced against the paper") == 1
    assert "3D Chairs, d = 128: no data" in page.text
    assert "CelebA [subset], d = 128: FID ↓, LPIPS ↓: weights unavailable" in page.text
    assert not re.search(r'<th scope="col">(rate|distortion|entropy of w|leading components)</th>', laptop_page)
    assert "3.05" not in page.text.split("Cost #")[1].split("Failures")[0] and "seconds each" not in page.text


def test_drawn_images_have_no_verdict_and_no_number_of_the_paper_beside_them():
    study, records = sample()
    study["cells"] = [one for one in study["cells"] if one["dataset"] == "mnist"]
    text = render_report(study_results(study, records))
    page = Page(text)
    assert "Nothing about the paper: all images of this study are procedural" in page.text
    assert 'id="claims"' not in text and 'id="verdicts"' not in text and "<small>(" not in text
    assert "#verdicts" not in text


@pytest.mark.slow
def test_the_laptop_page_with_its_real_figures_stays_below_5_mb(tmp_path):
    shutil.copytree(LAPTOP, tmp_path / "out")
    assert main(["report", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    pictures = Page(text).all("img")
    assert len(pictures) == 2 + 7 and all(len(picture["src"]) > 50_000 for picture in pictures)
    assert len(text.encode()) < 5_000_000


def test_the_laptop_page_says_what_its_numbers_are_worth(laptop_page):
    text = Page(laptop_page).text
    assert "Study laptop, 3 seeds, weight set default: MNIST, CIFAR-10, 3D Chairs, CelebA [subset]" in text
    assert "3 seeds, the paper has 10: too few to call a number reproduced." in text
    assert "CelebA: a subset of the images." in text
    assert "Reduced against the paper: at most 8,000 training images;" in text
    verdicts = cell_verdicts(study_results(*laptop_study()))["verdict"].value_counts()
    assert f"Therefore {verdicts['not comparable']} of the paper's 392 numbers are not comparable" in text
    assert f"All as printed#3920000{verdicts['not comparable']}{verdicts['not run']}" in text
    assert text.count("if there is no difference") == 9
    assert text.count("the study does not have this cell") == 1


MEASURE = """<!doctype html><body><script>
for (const [name, address, width] of PAGES) {
  const frame = document.createElement("iframe");
  frame.style.width = width + "px";
  frame.onload = () => {
    const page = frame.contentDocument, root = page.documentElement;
    const broken = [...page.images].filter(image => !(image.complete && image.naturalWidth)).length;
    const boxes = [...page.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth).length;
    const line = document.createElement("p");
    line.textContent = [name, root.scrollWidth <= root.clientWidth, page.images.length, broken, boxes].join(" ");
    document.body.append(line);
  };
  frame.src = address;
  document.body.append(frame);
}
</script></body>"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("texts", "ascending", "descending"),
    [
        (["0.5 ±0.1", "–", "1,000", "† 2 of 3", "-1"], "-1|0.5 ±0.1|† 2 of 3|1,000|–", "1,000|† 2 of 3|0.5 ±0.1|-1|–"),
        (["6e34e0c", "b2", "4f1", ""], "|4f1|6e34e0c|b2", "b2|6e34e0c|4f1|"),
        (["2026-11-27", "2025-12-01"], "2025-12-01|2026-11-27", "2026-11-27|2025-12-01"),
        (["MNIST", "3D Chairs", "CelebA"], "3D Chairs|CelebA|MNIST", "MNIST|CelebA|3D Chairs"),
    ],
)
def test_a_column_sorts_both_ways_by_numbers_only_where_cells_are_numbers(texts, ascending, descending):
    file = REPOSITORY / "benchmark" / "report" / "templates" / "report.js"
    script = file.read_text(encoding="utf-8").split("for (const table")[0]
    rows = [{"cells": [{"firstChild": {"textContent": text}}]} for text in texts]
    script += f"""for (const down of [false, true])
        console.log(sorted({json.dumps(rows)}, 0, down).map(row => row.cells[0].firstChild.textContent).join("|"));"""
    said = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.splitlines() == [ascending, descending]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY,
    reason="chromium reserves more address space than `ulimit -v` allows",
)
def test_in_a_browser_nothing_scrolls_sideways_but_tables_and_every_picture_shows(laptop, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text('<div style="width: 500px">wide</div><img src="data:image/png;base64,AAAA">')
    report = (laptop / "report.html").as_uri()
    pages = [["wide", report, 1280], ["narrow", report, 400], ["bad", bad.as_uri(), 400]]
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(MEASURE.replace("PAGES", json.dumps(pages)))
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    flags += " --disable-component-update --allow-file-access-from-files --virtual-time-budget=5000 --dump-dom"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = ["chromium", *flags.split(), profile, "--window-size=1400,900", wrapper.as_uri()]
    dump = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = {name: rest.split() for name, rest in re.findall(r"<p>(\w+) ([^<]+)</p>", dump)}
    assert found["bad"] == ["false", "1", "1", "0"]  # what is measured can fail
    assert found["wide"][:3] == ["true", "4", "0"]
    assert found["narrow"][:3] == ["true", "4", "0"]
    assert int(found["narrow"][3]) > int(found["wide"][3])  # wide tables scroll inside their own box
