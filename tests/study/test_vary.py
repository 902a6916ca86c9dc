import msgspec
import pytest
import yaml

from datasets.errors import InputError
from study import config
from study.config import Recipe
from study.load import dump_study, load_study, read_study

DATASET = {"name": "paint", "root": "/data/paint"}
DETECTOR = {"name": "tiny", "recipes": {"scaled": {"epochs": 2}}}
PLAIN = {"name": "small", "datasets": [DATASET], "detectors": [DETECTOR]}
RESNET = {"kind": "ssd_resnet101_fpn"}


@pytest.fixture
def load(tmp_path):
    def load(content, **settings):
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return load_study(path, **settings)

    return load


def detectors(*entries):
    return PLAIN | {"detectors": [DETECTOR | entry for entry in entries]}


def datasets(**settings):
    return PLAIN | {"datasets": [DATASET | settings]}


@pytest.mark.parametrize(("entry", "setting", "expected"), [
    ({"vary": {"width": [0.25, 0.35, 1]}}, lambda d: d.width,
     {"tiny-width-0.25": 0.25, "tiny-width-0.35": 0.35, "tiny-width-1": 1}),
    (RESNET | {"vary": {"depth": [50, 101, 152]}}, lambda d: d.depth,
     {"tiny-depth-50": 50, "tiny-depth-101": 101, "tiny-depth-152": 152}),
    ({"vary": {"input_size": [128, 64]}}, lambda d: d.input_size, {"tiny-input_size-128": 128,
                                                                   "tiny-input_size-64": 64}),
    ({"vary": {"steps": [100, 2000]}}, lambda d: d.recipes["scaled"].steps, {"tiny-steps-100": 100,
                                                                             "tiny-steps-2000": 2000}),
    ({"vary": {"epochs": [5, 0.5]}}, lambda d: d.recipes["scaled"].epochs, {"tiny-epochs-5": 5,
                                                                            "tiny-epochs-0.5": 0.5}),
    ({"vary": {"width": [1, 2], "epochs": [3, 4]}}, lambda d: (d.width, d.recipes["scaled"].epochs),
     {"tiny-width-1-epochs-3": (1, 3), "tiny-width-1-epochs-4": (1, 4), "tiny-width-2-epochs-3": (2, 3),
      "tiny-width-2-epochs-4": (2, 4)}),
    (RESNET | {"vary": {"depth": {50: {"checkpoint": "a"}, 101: {"checkpoint": "b"}, 152: {}}}},
     lambda d: (d.depth, d.checkpoint), {"tiny-depth-50": (50, "a"), "tiny-depth-101": (101, "b"),
                                         "tiny-depth-152": (152, "")}),
    ({"vary": {"width": {1: {}, 2: {"recipes": {"scaled": {"learning_rate": 0.5}}}}}},
     lambda d: d.recipes["scaled"].learning_rate, {"tiny-width-1": 0.01, "tiny-width-2": 0.5}),
])
def test_values_become_detectors(load, entry, setting, expected):
    study = load(detectors(entry))
    assert {detector.name: setting(detector) for detector in study.detectors} == expected
    assert [d.name for d in study.detectors] == list(expected) and {d.of for d in study.detectors} == {"tiny"}
    for detector in study.detectors:
        assert detector.name == "-".join(["tiny", *(f"{key}-{value:g}" for key, value in detector.varied.items())])


def test_vocabularies_become_data_sets_at_one_place(load, tmp_path):
    varied = datasets(root="", vary={"vocabulary": [2, 3]})
    study = load(varied, roots={"paint": str(tmp_path)})
    assert [(d.name, d.vocabulary, d.varied, d.root) for d in study.datasets] == [
        (f"paint-vocabulary-{n}", n, {"vocabulary": n}, str(tmp_path)) for n in (2, 3)]
    with pytest.raises(InputError, match="where is data set 'paint'[?] give --data paint=FOLDER"):
        load(varied)
    made = load(datasets(root="", generator="digits", vary={"vocabulary": [2, 3]}))
    assert {d.root for d in made.datasets} == {"data/paint"}


def test_the_resolved_study_holds_what_vary_stands_for(load, tmp_path):
    study = load(detectors({"vary": {"width": [0.5, 1], "steps": [7]}}) | datasets(vary={"vocabulary": [2, 3]}) |
                 {"detectors": [DETECTOR | {"vary": {"width": [0.5, 1]}}, DETECTOR]})
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_study(study))
    assert read_study(path) == load_study(path) == study and "vary:" not in path.read_text()
    assert [d.name for d in study.detectors] == ["tiny-width-0.5", "tiny-width-1", "tiny"]
    assert study.detectors[2].varied == {} and study.detectors[2].of == ""


@pytest.mark.parametrize(("own", "cap"), [({}, None), ({"recipes": {"scaled": {"max_steps": 60}}}, 60)])
def test_varied_epochs_take_the_place_of_steps_and_of_the_cap_in_the_detector_s_file(load, tmp_path, monkeypatch, own,
                                                                                      cap):
    (tmp_path / "models").mkdir()
    recipe = {"steps": 90, "min_steps": 20, "max_steps": 50, "learning_rate": 0.5}
    (tmp_path / "models/mine.yaml").write_text(yaml.safe_dump(DETECTOR | {"recipes": {"scaled": recipe}}))
    monkeypatch.setattr("study.load.CONFIGS", tmp_path)
    study = load(PLAIN | {"detectors": [own | {"base": "mine", "vary": {"epochs": [3, 9]}}]})
    assert [d.recipes["scaled"] for d in study.detectors] == [
        Recipe(epochs=epochs, min_steps=20, max_steps=cap, learning_rate=0.5) for epochs in (3.0, 9.0)]


def test_detectors_of_one_shape_may_share_a_checkpoint(load):
    study = load(detectors({"checkpoint": "a", "vary": {"epochs": [3, 4]}}))
    assert [d.checkpoint for d in study.detectors] == ["a", "a"]


BAD = {
    "an unknown setting": (detectors({"vary": {"widht": [1]}}), "detector 'tiny': 'widht' cannot vary; did you mean "
                                                                "'width'?"),
    "a setting of the other kind": (datasets(vary={"width": [1]}), "'width' cannot vary; valid: vocabulary"),
    "no setting": (detectors({"vary": {}}), "vary must map settings to their values, such as width: [0.5, 1]"),
    "no mapping": (datasets(vary=[5, 10]), "vary must map settings to their values, such as vocabulary: [5, 10]"),
    "no values": (detectors({"vary": {"width": []}}), "vary.width must list numbers, at least one"),
    "one value, no list": (detectors({"vary": {"width": 1}}), "vary.width must list numbers"),
    "text": (detectors({"vary": {"width": ["wide"]}}), "vary.width must list numbers"),
    "a boolean": (detectors({"vary": {"width": [True]}}), "vary.width must list numbers"),
    "nothing": (detectors({"vary": {"width": [None]}}), "vary.width must list numbers"),
    "nan": (detectors({"vary": {"width": [float("nan")]}}), "vary.width must list numbers"),
    "a value twice": (detectors({"vary": {"width": [0.5, 1, 1.0]}}), "vary.width has 1 twice; keep one"),
    "both budgets": (detectors({"vary": {"steps": [1], "epochs": [1]}}), "both steps and epochs; keep one"),
    "too wide": (detectors({"vary": {"width": [1, 9]}}), "'tiny-width-9': Expected `float` <= 4.0 - at `$.width`"),
    "a depth that there is not": (detectors(RESNET | {"vary": {"depth": [34]}}),
                                   "'tiny-depth-34': depth: no '34'; valid: 50, 101, 152"),
    "a depth alone": (detectors(RESNET | {"vary": {"depth": 77}}), "vary.depth must list numbers, at least one, such "
                                                                   "as [50, 101, 152]"),
    "a depth of a kind without": (detectors({"vary": {"depth": [50]}}), "ssd_mobilenet_v2 has no depth 50"),
    "half an epoch of steps": (detectors({"vary": {"steps": [0.5]}}), "Expected `int | null`, got `float`"),
    "no class": (datasets(vary={"vocabulary": [0]}), "'paint-vocabulary-0': Expected `int` >= 1"),
    "another mistake": (detectors({"widht": 1, "vary": {"width": [1]}}), "unknown key 'widht'; did you mean 'width'?"),
    "no recipe": (detectors({"recipes": {"scald": {}}, "vary": {"epochs": [1]}}),
                  "epochs cannot vary: it has no recipe 'scaled'; did you mean 'scald'?"),
    "no mapping beside": (detectors({"vary": {"width": {1: 2}}}), "vary.width.1 must be a mapping of further settings"),
    "a name beside": (detectors({"vary": {"width": {1: {"name": "x"}}}}), "vary.width.1 must be a mapping"),
    "names that collide": (detectors({"vary": {"width": [1]}}, {"name": "tiny-width-1"}), "'tiny-width-1' is named "
                                                                                         "twice"),
    "a name too long": (detectors({"name": "x" * 95, "vary": {"width": [1]}}), "length <= 100"),
    "one checkpoint for several widths": (
        detectors({"checkpoint": "a", "vary": {"width": [1, 2]}}),
        "vary.width: the checkpoint 'a' fits one width alone; start them all from scratch (checkpoint: \"\") or give "
        "each its own, as in width: {1: {checkpoint: FOLDER}, …}"),
    "one checkpoint for several depths": (detectors(RESNET | {"checkpoint": "a", "vary": {"epochs": [1],
                                                                                          "depth": [50, 101]}}),
                                          "vary.depth: the checkpoint 'a' fits one depth alone"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_vary_is_named_in_one_line(load, tmp_path, name):
    content, fragment = BAD[name]
    with pytest.raises(InputError) as error:
        load(content)
    assert str(error.value).startswith(f"{tmp_path}/study.yaml: ") and "\n" not in str(error.value)
    assert fragment in str(error.value)


def test_every_setting_that_varies_is_one_of_the_structs():
    from study.vary import AXES, BUDGETS

    fields = {"data set": config.DatasetConfig, "detector": config.DetectorConfig}
    for what, settings in AXES.items():
        for setting in settings:
            struct = config.Recipe if setting in BUDGETS else fields[what]
            assert setting in {field.name for field in msgspec.structs.fields(struct)}
