import pytest
import yaml

from datasets.errors import InputError
from study.load import dump_study, load_study, read_study
from tests.small import make_study, write_config

RATE = {"low": 0.0003, "high": 0.03, "scale": "log"}


def _load(tmp_path, space, recipe=None, detector=None, **search):
    path = write_config(tmp_path / "study.yaml", make_study(tmp_path))
    content = yaml.safe_load(path.read_text())
    content["search"] = {"space": space} | search
    content["detectors"][0] |= {"recipes": {"scaled": recipe or {}}} | (detector or {})
    path.write_text(yaml.safe_dump(content))
    return load_study(path)


@pytest.mark.parametrize("space", [
    {"learning_rate": RATE}, {"learning_rate": [1, 0.1]}, {"steps": {"low": 10, "high": 20}}, {"steps": [None, 50]},
    {"epochs": {"low": 1, "high": 30.5}, "min_steps": [10, 20]}, {"augment": [[], ["flip"], ["flip", "ssd_crop"]]},
    {"width": {"low": 0.1, "high": 1}}, {"optimizer": ["sgd", "adam"]}, {"weight_decay": {"low": 0, "high": 0.1}},
    {"batch_norm_momentum": [None, 0.9]}, {"batch_size": {"low": 1, "high": 64, "scale": "log"}},
])
def test_what_can_be_searched(tmp_path, space):
    study = _load(tmp_path, space)
    assert study.search.space == space
    (tmp_path / "again.yaml").write_text(dump_study(study))
    assert read_study(tmp_path / "again.yaml") == study


@pytest.mark.parametrize(("space", "message"), [
    ({}, "search.space: names no setting; give at least one"),
    ({"learning_rat": [0.1]}, "search.space: no setting 'learning_rat'; did you mean 'learning_rate'?"),
    ({"tuning": [None]}, "no setting 'tuning'; valid: .*augment.*width"),
    ({"learning_rate": []}, "search.space.learning_rate: has no choice; give at least one"),
    ({"learning_rate": [0.1, -0.1]}, r"search.space.learning_rate: -0.1: Expected `float` > 0.0"),
    ({"learning_rate": [float("nan")]}, "learning_rate: nan: Expected"),
    ({"learning_rate": ["fast"]}, "learning_rate: 'fast': Expected `float`, got `str`"),
    ({"augment": ["flip"]}, "augment: 'flip': Expected `array`, got `str`"),
    ({"augment": [["flop"]]}, "augment: .*Invalid enum value 'flop'"),
    ({"steps": [10.5]}, "steps: 10.5: Expected `int . null`, got `float`"),
    ({"steps": {"low": 10, "high": 20.5}}, "steps: 20.5: Expected `int . null`, got `float`"),
    ({"batch_size": {"low": 0, "high": 8}}, "batch_size: 0: Expected `int` >= 1"),
    ({"width": [5]}, "width: 5: Expected `float` <= 4.0"),
    ({"learning_rate": {"low": 0.1, "high": 0.1}}, "learning_rate: low 0.1 is not below high 0.1"),
    ({"learning_rate": {"low": 0.2, "high": 0.1}}, "learning_rate: low 0.2 is not below high 0.1"),
    ({"weight_decay": {"low": 0, "high": 0.1, "scale": "log"}}, "weight_decay: a logarithmic scale begins above 0, low "
                                                                "is 0; raise it, or choose linear"),
    ({"learning_rate": {"low": 0.1, "high": 1, "scale": "ln"}}, "learning_rate: scale: no 'ln'; did you mean 'linear'"),
    ({"learning_rate": {"lo": 0.1, "high": 1}}, "learning_rate: unknown key 'lo'; did you mean 'low'?"),
    ({"learning_rate": {"low": 0.1}}, "learning_rate: Object missing required field `high`"),
    ({"optimizer": {"low": 1, "high": 2}}, "optimizer: 1: Expected"),
    (["learning_rate"], "search.space: must map each setting to its choices or its range, such as learning_rate: {low"),
    ({"learning_rate": 0.1}, "search.space.learning_rate: must be a list of choices, or a range such as {low: 0.0003"),
    ({"epochs": [5], "steps": [100]}, "'epochs' changes nothing where the number of steps is fixed"),
])
def test_a_space_that_cannot_be_searched_is_refused(tmp_path, space, message):
    with pytest.raises(InputError, match=message) as error:
        _load(tmp_path, space)
    assert str(error.value).startswith(f"{tmp_path / 'study.yaml'}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(("space", "recipe", "detector", "message"), [
    ({"epochs": [5]}, {"steps": 100}, {}, "'epochs' changes nothing where .* detector 'tiny' or in the space; leave"),
    ({"width": [0.2]}, {}, {"checkpoint": "x"}, "'width' cannot be searched for detector 'tiny', whose checkpoint has"),
])
def test_settings_that_no_trial_could_have_are_refused(tmp_path, space, recipe, detector, message):
    with pytest.raises(InputError, match=message):
        _load(tmp_path, space, recipe, detector)


@pytest.mark.parametrize(("up_to", "good"), [(9.9, False), (10, True)])
def test_a_search_of_no_subset_is_refused(tmp_path, up_to, good):
    if good:
        assert _load(tmp_path, {"learning_rate": RATE}, up_to=up_to).search.up_to == 10
    else:
        with pytest.raises(InputError, match="search.up_to 9.9 is below the smallest fraction, 10, so nothing"):
            _load(tmp_path, {"learning_rate": RATE}, up_to=up_to)


@pytest.mark.parametrize(("key", "value"), [("trials", 0), ("every", 0), ("hold_out", 100), ("reduction", 1),
                                            ("strategy", "bayes"), ("then", "all"), ("trails", 3)])
def test_a_search_itself_is_checked(tmp_path, key, value):
    with pytest.raises(InputError):
        _load(tmp_path, {"learning_rate": RATE}, **{key: value})
