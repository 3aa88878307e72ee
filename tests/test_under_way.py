"""Studies that are not whole yet: what is committed of them can be gone on with."""

import pytest

from benchmark.files import REPOSITORY
from benchmark.results.records import DONE
from benchmark.results.store import Store
from benchmark.studies.named_studies import STUDIES

UNDER_WAY = REPOSITORY / "results" / "under-way"


@pytest.mark.parametrize("folder", sorted(UNDER_WAY.iterdir()), ids=lambda folder: folder.name)
def test_every_record_is_of_the_study_ended_and_made_at_a_clean_commit(folder):
    said = []
    store = Store(folder, said.append, look_only=True)
    study = store.read_study()
    assert study.manifest.study in STUDIES
    sides = [study, *([study.paired] if study.paired else [])]
    records = [record for side in sides for record in side.records.values()]
    assert said == [] and len(records) == len(store.packed_records_path.read_text().splitlines()) > 0
    for record in records:
        assert record.status in DONE and record.provenance.plain["git_dirty"] is False
        assert record.identity.data["kind"] == "real"
