import pytest

from datasets.errors import InputError
from study.config import Recipe, find_dataset, find_detector, find_recipe
from tests.small import make_study


def test_things_are_found_by_name_or_the_nearest_is_named(tmp_path):
    study = make_study(tmp_path)
    assert find_dataset(study, "paint") is study.datasets[0] and find_detector(study, "tiny") is study.detectors[0]
    assert find_recipe(study, study.detectors[0]) == Recipe()
    with pytest.raises(InputError, match="no data set 'pint' in the study; did you mean 'paint'?"):
        find_dataset(study, "pint")
    with pytest.raises(InputError, match="no detector 'tine' in the study; did you mean 'tiny'?"):
        find_detector(study, "tine")
