from datetime import date

import msgspec
import pytest
import yaml

from datasets.errors import InputError
from datasets.yaml12 import dump
from study import load
from study.config import DatasetConfig, Recipe
from study.load import check_fraction, dump_study, load_study, read_study
from tests.small import make_study, write_config

DATASET = {"name": "paint", "root": "/data/paint"}
DETECTOR = {"name": "tiny", "recipes": {"scaled": {"epochs": 2}}}
PLAIN = {"name": "small", "datasets": [DATASET], "detectors": [DETECTOR]}


@pytest.fixture
def save(tmp_path):
    def write(content):
        path = tmp_path / "study.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


def with_detector(**settings):
    return PLAIN | {"detectors": [DETECTOR | settings]}


def with_recipe(**settings):
    return with_detector(recipes={"scaled": settings})


def test_settings_have_defaults_and_yaml_goes_before_them(save):
    study = load_study(save(PLAIN | {"fractions": [1, 2.5, 100], "draws": {"up_to": 5, "count": 3}}))
    assert study.fractions == (1, 2.5, 100) and (study.draws.up_to, study.draws.count) == (5, 3)
    assert study.seeds.count == 1 and study.recipe == "scaled"
    assert study.detectors[0].recipes["scaled"] == Recipe(epochs=2)
    assert study.datasets[0].train.annotations == "annotations/instances_train.json"


def test_numbers_have_one_type(save):
    """A run's fingerprint hashes them as text, where 1 and 1.0 differ."""
    for study in (load_study(save(PLAIN)), load_study(save(PLAIN | {"fractions": [1, 2, 100]}))):
        assert {type(f) for f in study.fractions} == {float}


@pytest.mark.parametrize("plain", [
    PLAIN, PLAIN | {"fractions": [0.001, 13.3, 100], "strategy": "random", "bootstrap": 50},
    with_recipe(learning_rate=1e-7, weight_decay=0, steps=5, augment=["flip"]),
    PLAIN | {"name": "1e3", "datasets": [DATASET | {"classes": ["no", "1e3", "träffic: light"]}]},
])
def test_a_dumped_study_is_read_back_the_same(save, tmp_path, plain):
    study = load_study(save(dump(plain)))
    (tmp_path / "again.yaml").write_text(dump_study(study))
    again = read_study(tmp_path / "again.yaml")
    assert again == study and dump_study(again) == dump_study(study)


def test_names_mean_files_in_configs_and_base_may_be_overruled(save, tmp_path, monkeypatch):
    model = DETECTOR | {"width": 0.5, "recipes": {"scaled": {"epochs": 2, "steps": 90}}}
    for room, content in (("datasets", DATASET), ("models", model)):
        (tmp_path / "configs" / room).mkdir(parents=True)
        (tmp_path / "configs" / room / "mine.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(load, "CONFIGS", tmp_path / "configs")
    other = {"base": "mine", "name": "wide", "width": 2, "recipes": {"scaled": {"epochs": 7}, "new": {}}}
    study = load_study(save({"name": "x", "datasets": ["mine"], "detectors": ["mine", other]}))
    assert study.datasets[0] == msgspec.convert(DATASET, DatasetConfig)
    assert [(d.name, d.width, d.recipes["scaled"].epochs) for d in study.detectors] == [("tiny", 0.5, 2),
                                                                                       ("wide", 2, 7)]
    assert list(study.detectors[1].recipes) == ["scaled", "new"]
    assert study.detectors[1].recipes["scaled"].steps is None
    with pytest.raises(InputError, match="no data set 'mime' in configs/datasets; did you mean 'mine'?"):
        load_study(save({"name": "x", "datasets": ["mime"], "detectors": ["mine"]}))


@pytest.mark.parametrize("path", sorted(load.CONFIGS.glob("studies/*.yaml")), ids=lambda path: path.stem)
def test_every_study_that_comes_along_can_be_loaded(path, tmp_path):
    raw = yaml.safe_load(path.read_text())
    names = [entry if isinstance(entry, str) else entry["name"] for entry in raw["datasets"]]
    study = load_study(path, roots={name: str(tmp_path) for name in names})
    assert study.name == path.stem


def test_name_and_roots_given_go_before_the_file(save, tmp_path):
    study = load_study(save(PLAIN), name="other", roots={"paint": str(tmp_path / "x" / ".." / "y")})
    assert study.name == "other" and study.datasets[0].root == str((tmp_path / "y").resolve())


def test_an_embedded_data_set_has_a_root_of_its_own(save):
    study = load_study(save(PLAIN | {"datasets": [{"name": "dots", "generator": "digits"}]}))
    assert study.datasets[0].root == "data/dots"


BAD = {
    "unknown key": (PLAIN | {"draw": {}}, "unknown key 'draw'; did you mean 'draws'?"),
    "unknown key within": (PLAIN | {"draws": {"upto": 3}}, "unknown key 'draws.upto'; did you mean 'up_to'?"),
    "unknown key in a list": (with_detector(widht=1), "unknown key 'detectors[0].widht'; did you mean 'width'?"),
    "unknown key in a recipe": (with_recipe(epoch=1),
                                "unknown key 'detectors[0].recipes.scaled.epoch'; did you mean 'epochs'?"),
    "unknown key in a split": (PLAIN | {"datasets": [DATASET | {"train": {"annotations": "a", "image": "b"}}]},
                               "unknown key 'datasets[0].train.image'; did you mean 'images'?"),
    "key that is a number": (PLAIN | {3: 4}, "unknown key '3'"),
    "text for a number": (with_recipe(epochs="many"), "$.detectors[0].recipes[...].epochs"),
    "number for text": (PLAIN | {"name": 2019}, "$.name"),
    "date for text": (PLAIN | {"name": date(2019, 1, 1)}, "$.name"),
    "boolean for a number": (with_recipe(learning_rate=True), "got `bool`"),
    "boolean for a count": (with_recipe(batch_size=True), "got `bool`"),
    "boolean for a fraction": (PLAIN | {"fractions": [True, 100]}, "got `bool`"),
    "number for a class": (PLAIN | {"datasets": [DATASET | {"classes": [1]}]}, "$.datasets[0].classes[0]"),
    "fractional count": (with_recipe(batch_size=1.5), "got `float`"),
    "nothing for a number": (with_recipe(batch_size=None), "got `null`"),
    "nan": (with_recipe(learning_rate=float("nan")), "$.detectors[0].recipes[...].learning_rate"),
    "infinity": (with_recipe(learning_rate=float("inf")), "learning_rate"),
    "nan fraction": (PLAIN | {"fractions": [float("nan")]}, "outside (0, 100]"),
    "zero": (with_recipe(learning_rate=0), "> 0.0"),
    "negative": (with_recipe(weight_decay=-1), ">= 0.0"),
    "momentum one": (with_recipe(momentum=1), "< 1.0"),
    "a strategy without its ranking": (PLAIN | {"strategy": "order-file"}, "'paint' has none, the strategy is order"),
    "a ranking without its strategy": (PLAIN | {"datasets": [DATASET | {"ranking": "r.txt"}]},
                                       "'paint' has one, the strategy is random"),
    "a ranking drawn twice": (PLAIN | {"strategy": "order-file", "datasets": [DATASET | {"ranking": "r.txt"}],
                                       "draws": {"count": 2}}, "draws.count is 2"),
    "an unknown strategy": (PLAIN | {"strategy": "stratfied"}, "did you mean 'stratified'?"),
    "everything held out": (PLAIN | {"datasets": [DATASET | {"hold_out": 100}]}, "$.datasets[0].hold_out"),
    "unknown choice": (with_recipe(optimizer="adamw"), "adamw"),
    "unknown augmentation": (with_recipe(augment=["flop"]),
                             "detectors[0].recipes.scaled.augment[0]: no 'flop'; did you mean 'flip'?"),
    "unknown generator": (PLAIN | {"datasets": [DATASET | {"generator": "didgits"}]}, "did you mean 'digits'?"),
    "nothing to forecast from": (PLAIN | {"fractions": [10, 50, 100]}, "two fractions or more up to"),
    "unknown metric": (PLAIN | {"forecast": {"metric": "AP75"}}, "AP75"),
    "a service twice": (PLAIN | {"tracking": [{"kind": "mlflow", "uri": "a"}, {"kind": "clearml"}, {"kind": "mlflow"}]},
                        "tracking names one kind of service twice"),
    "a search on several machines": (PLAIN | {"search": {"space": {"learning_rate": [0.1]}},
                                              "runtime": {"distribution": "multi_worker"}},
                                     "'search' does not go with runtime.distribution multi_worker"),
    "a search of no subset": (PLAIN | {"fractions": [5, 10, 100], "search": {"space": {"learning_rate": [0.1]},
                                                                             "up_to": 4}},
                              "search.up_to 4 is below the smallest fraction, 5"),
    "fraction zero": (PLAIN | {"fractions": [0, 1]}, "fraction 0 is outside"),
    "fraction over a hundred": (PLAIN | {"fractions": [1, 100.5]}, "fraction 100.5 is outside"),
    "falling fractions": (PLAIN | {"fractions": [5, 1]}, "must rise"),
    "repeated fractions": (PLAIN | {"fractions": [5, 5.0]}, "must rise"),
    "no fractions": (PLAIN | {"fractions": []}, "must rise"),
    "one fraction, no list": (PLAIN | {"fractions": 100}, "$.fractions"),
    "name with a slash": (PLAIN | {"name": "a/b"}, "$.name"),
    "name with a line's end": (PLAIN | {"name": "a\n"}, "$.name"),
    "name from above": (PLAIN | {"name": ".."}, "$.name"),
    "empty name": (PLAIN | {"name": ""}, "$.name"),
    "data set with a slash": (PLAIN | {"datasets": [DATASET | {"name": "../x"}]}, "$.datasets[0].name"),
    "detector with a space": (with_detector(name="a b"), "$.detectors[0].name"),
    "recipe with a slash": (PLAIN | {"recipe": "a/b"}, "$.recipe"),
    "data set twice": (PLAIN | {"datasets": [DATASET, DATASET | {"name": "PAINT"}]}, "'paint' is named twice"),
    "detector twice": (PLAIN | {"detectors": [DETECTOR, DETECTOR]}, "'tiny' is named twice"),
    "data set like a folder": (PLAIN | {"datasets": [DATASET | {"name": "Charts"}]}, "like a folder of the study"),
    "data set nowhere": (PLAIN | {"datasets": [{"name": "paint"}]}, "give --data paint=FOLDER"),
    "unknown recipe": (PLAIN | {"recipe": "scald"}, "no recipe 'scald'; did you mean 'scaled'?"),
    "stored below input": (with_detector(input_size=300, stored_size=299), "stored_size 299 is below"),
    "three sizes": (PLAIN | {"datasets": [DATASET | {"generator": "digits", "generated": [1, 2, 3]}]}, "generated"),
    "no detectors": (PLAIN | {"detectors": []}, "'detectors' must be a list"),
    "data sets no list": (PLAIN | {"datasets": "digits"}, "'datasets' must be a list"),
    "data set a number": (PLAIN | {"datasets": [3]}, "$.datasets[0]"),
    "unknown base": (PLAIN | {"datasets": [{"base": "digit"}]}, "did you mean 'digits'?"),
    "base of another kind": (PLAIN | {"detectors": [{"base": ["x"]}]}, "no detector '['x']' in configs/models"),
    "key twice": ("name: a\nname: b", "key 'name' is given twice"),
    "not yaml": ("name: [", "not valid YAML"),
    "endless": ("[" * 100_000, "not valid YAML"),
    "a list": ("[1, 2]", "expected a mapping"),
    "empty": ("", "expected a mapping"),
    "control characters": ("name: a\x00b", "not valid YAML"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_named_in_one_line(save, name):
    content, fragment = BAD[name]
    path = save(content)
    with pytest.raises(InputError) as error:
        load_study(path)
    assert str(path) in str(error.value) or "recipe" in name
    assert fragment in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(("settings", "fragment"), [
    ({"roots": {"pint": "/x"}}, r"--data pint=/x: .* did you mean 'paint'\?"),
    ({"name": "a/b"}, r"\$\.name"), ({"name": ""}, r"\$\.name"),
])
def test_bad_arguments_are_refused(save, settings, fragment):
    with pytest.raises(InputError, match=fragment):
        load_study(save(PLAIN), **settings)


@pytest.mark.parametrize(("fraction", "good"), [(1e-9, True), (100, True), (0, False), (-1, False), (100.1, False),
                                                (float("nan"), False), (float("inf"), False)])
def test_a_fraction_is_more_than_0_and_at_most_100(fraction, good):
    if good:
        assert check_fraction(fraction, "here") == fraction
    else:
        with pytest.raises(InputError, match=r"here: fraction .* is outside \(0, 100\]"):
            check_fraction(fraction, "here")


def test_a_config_file_made_of_a_study_is_that_study(tmp_path):
    study = make_study(tmp_path / "paint")
    assert load_study(write_config(tmp_path / "study.yaml", study)) == study
