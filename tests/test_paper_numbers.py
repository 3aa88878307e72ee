"""results/paper/tables.csv against the counts its README states."""

from benchmark.metrics import METRICS
from benchmark.paper.tables import paper_numbers
from benchmark.table_specs import OWN_TABLES, TABLES


def test_printed_and_distinct_counts():
    numbers = paper_numbers()
    assert numbers.groupby("table").size().to_dict() == {1: 63, 2: 16, 3: 128, 4: 105, 5: 80}
    assert len(numbers) == 392
    assert len(numbers.drop_duplicates(["dataset", "metric", "method", "latent_dim", "value"])) == 288
    # Seven cells stand with two values: the contradictions between Tables 3 and 5.
    assert len(numbers.drop_duplicates(["dataset", "metric", "method", "latent_dim"])) == 288 - 7


def test_every_number_has_its_place_in_a_table():
    found = {(r.table, r.dataset, r.metric, r.method, r.latent_dim) for r in paper_numbers().itertuples()}
    places = {
        (table.number, dataset, metric, method, dim)
        for table in TABLES.values()
        for dataset in table.datasets
        for metric in table.metrics
        for method in table.methods
        for dim in table.latent_dims
    }
    assert found == places
    ours = {metric for table in OWN_TABLES.values() for metric in table.metrics}
    assert not ours & {place[2] for place in places}
    assert {place[2] for place in places} | ours == set(METRICS)
