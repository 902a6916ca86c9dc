import numpy as np
import pytest

from datasets.class_map import CLASS_MAPS, choose, keep_all, map_classes, read_class_map
from datasets.errors import InputError

COCO = ["person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light", "bird",
        "cat", "dog", "horse", "sheep", "cow", "bottle", "chair", "couch", "potted plant", "dining table", "tv"]
BDD_2018 = ["person", "rider", "car", "truck", "bus", "train", "motor", "bike", "traffic light", "traffic sign",
            "drivable area", "lane"]
BDD_2020 = ["pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle", "traffic light",
            "traffic sign", "other person", "other vehicle", "trailer"]


@pytest.fixture
def save(tmp_path):
    def write(text):
        path = tmp_path / "map.yaml"
        path.write_text(text)
        return read_class_map(path)
    return write


def apply(class_map, categories):
    """Return each category's class, with a mark where it is ignored, and all the classes."""
    mapping = map_classes(class_map, categories, range(1, len(categories) + 1), "file")
    becomes = {name: mapping.names[k] + "!" * bool(ignored) if k >= 0 else None
               for name, k, ignored in zip(categories, mapping.target, mapping.ignored)}
    return becomes, mapping


def test_the_twenty_classes_of_voc_come_out_of_coco_under_either_spelling():
    becomes, mapping = apply(read_class_map("voc"), COCO)
    assert len(mapping.names) == 20 and becomes["tv"] == "tvmonitor" and becomes["couch"] == "sofa"
    assert becomes["truck"] is None and becomes["traffic light"] is None
    vocs = list(mapping.names)
    assert apply(read_class_map("voc"), vocs)[0] == {name: name for name in vocs}


def test_both_layouts_of_bdd_end_in_the_same_classes():
    old, first = apply(read_class_map("bdd"), BDD_2018)
    new, second = apply(read_class_map("bdd"), BDD_2020)
    assert first.names == second.names == ("person", "bike", "motor", "car", "bus", "truck", "train", "traffic light",
                                           "traffic sign")
    assert old["rider"] == new["rider"] == "person" and old["lane"] is None and old["drivable area"] is None
    assert (new["pedestrian"], new["bicycle"], new["motorcycle"]) == ("person", "bike", "motor")
    assert (new["other person"], new["other vehicle"], new["trailer"]) == ("person!", "car!", "truck!")


MAPS = {
    "keep": ("classes: {b: , a: }", {"a": "a", "b": "b", "c": None}, ("b", "a"), (2, 1)),
    "rename": ("classes: {x: a}\nothers: keep", {"a": "x", "b": "b", "c": "c"}, ("x", "b", "c"), (1, 2, 3)),
    "merge": ("classes: {x: [c, a]}", {"a": "x", "b": None, "c": "x"}, ("x",), (1,)),
    "drop": ("drop: [b]", {"a": "a", "b": None, "c": "c"}, ("a", "c"), (1, 3)),
    "swap": ("classes: {a: b, b: a}", {"a": "b", "b": "a", "c": None}, ("a", "b"), (2, 1)),
    "spellings": ("classes: {x: z | b}", {"a": None, "b": "x", "c": None}, ("x",), (2,)),
    "ignore": ("classes: {x: a}\nignore: {q: x, b: x}", {"a": "x", "b": "x!", "c": None}, ("x",), (1,)),
    "ignore the rest's": ("ignore: {b: a}", {"a": "a", "b": "a!", "c": "c"}, ("a", "c"), (1, 3)),
}


@pytest.mark.parametrize("name", MAPS)
def test_classes_are_kept_renamed_merged_ignored_and_dropped(save, name):
    text, expected, names, ids = MAPS[name]
    becomes, mapping = apply(save(text), ["a", "b", "c"])
    assert (becomes, mapping.names, mapping.ids) == (expected, names, ids)


@pytest.mark.parametrize(("text", "message"), [
    ("classes: {x: appl}", "no class 'appl', which the class map names; did you mean 'apple'?"),
    ("drop: [pear]", "no class 'pear'"),
    ("classes: {x: z | pearl}", "no class 'z | pearl'"),
    ("classes: {x: apple, y: apple}", "uses 'apple' twice"),
    ("classes: {x: apple}\ndrop: [apple]", "uses 'apple' twice"),
    ("classes: {b: apple}\nothers: keep", "makes 'b', which the file also has"),
    ("classes: {x: apple}\nignore: {b: z}", "ignores 'b' as 'z'"),
])
def test_a_map_that_does_not_fit_the_file_is_refused(save, text, message):
    with pytest.raises(InputError) as error:
        map_classes(save(text), ["apple", "b"], [1, 2], "labels.json")
    assert str(error.value).startswith("labels.json: ") and message in str(error.value)


@pytest.mark.parametrize(("text", "message"), [
    ("clases: {}", "unknown key 'clases'; did you mean 'classes'"), ("drop: 3", r"\$\.drop"),
    ("classes: {x: [1]}", r"\$\.classes"), ("others: kep", "did you mean 'keep'"), ("- a", "expected a mapping"),
])
def test_a_malformed_map_is_refused(save, text, message):
    with pytest.raises(InputError, match=message):
        save(text)


def test_an_unknown_map_is_refused():
    with pytest.raises(InputError, match=r"no class map 'vocs' in configs/class_maps; did you mean 'voc'\?"):
        read_class_map("vocs")
    assert {path.stem for path in CLASS_MAPS.glob("*.yaml")} >= {"voc", "bdd"}


def test_classes_are_chosen_in_the_order_asked_for():
    every = keep_all(["late", "early", "middle"], [9, 1, 4])
    assert every.names == ("early", "middle", "late") and every.ids == (1, 4, 9)
    assert every.target.tolist() == [2, 0, 1]
    some = choose(every, ["late", "early"], "file", complete=True)
    assert some.ids == (9, 1) and some.target.tolist() == [0, 1, -1]


def test_a_class_that_no_box_names_gets_an_id_where_boxes_make_the_list():
    every = keep_all(["a", "b"], [1, 2])
    assert choose(every, ["b", "new"], "file", complete=False).ids == (2, 3)
    with pytest.raises(InputError, match="file: no class 'new'"):
        choose(every, ["b", "new"], "file", complete=True)
    with pytest.raises(InputError, match="'b' appears twice"):
        choose(every, ["b", "b"], "file", complete=True)


def test_a_dropped_category_stays_dropped(save):
    mapping = map_classes(save("drop: [b]"), ["a", "b"], [1, 2], "file")
    assert np.array_equal(choose(mapping, ["a"], "file", complete=True).target, [0, -1])


def test_names_that_a_validation_set_lacks_may_be_passed_over(save):
    class_map = save("classes: {vehicle: [car, truck], bird: }\ndrop: [lane]")
    mapping = map_classes(class_map, ["person", "car"], [3, 7], "file", complete=False)
    assert mapping.names == ("vehicle", "bird") and mapping.ids == (7, 8) and mapping.target.tolist() == [-1, 0]
    with pytest.raises(InputError, match="file: no class 'truck'"):
        map_classes(class_map, ["person", "car"], [3, 7], "file")
