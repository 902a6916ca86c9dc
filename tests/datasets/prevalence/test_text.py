import pandas as pd
import pytest

from datasets.prevalence.text import columns_of, describe, shorten

FRACTIONS = [0.1, 0.2, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 50, 75, 100]


def a_table(names, fractions=(100,), validation=True, images=118_287):
    """Class k has images / (k + 2) boxes, a tenth of them small, in half as many images; of validation a third less."""
    splits = [("train", f, int(images * f / 100)) for f in fractions]
    splits += [("validation", 100, 5000)] if validation else []
    rows = [(split, float(f), n, name, b := 10 * (n // (10 * (k + 2))), b // 2, b // 10, b // 2, b - b // 10 - b // 2)
            for split, f, n in splits for k, name in enumerate(names)]
    columns = ["split", "fraction", "subset", "class", "boxes", "images", "small", "medium", "large"]
    return pd.DataFrame(rows, columns=columns)


def cells(text, name, occurrence=0):
    return [line for line in text.splitlines() if line.startswith(name)][occurrence].split()[len(name.split()):]


def test_the_whole_stands_on_top():
    text = describe(a_table(["cat", "dog"], [50, 100]))
    assert text.splitlines()[0] == ("118,287 training images with 98,560 boxes, 5,000 validation images with "
                                    "4,160 boxes; classes: 2")
    assert cells(text, "cat")[:11] == ["59,140", "29,570", "10.0", "%", "50.0", "%", "40.0", "%", "25.0", "%", "25.0"]
    assert cells(text, "total") == ["98,560", "10.0", "%", "50.0", "%", "40.0", "%"]


def test_subsets_stand_side_by_side_with_their_images():
    text = describe(a_table(["cat", "traffic light"], [1, 100]))
    assert cells(text, "boxes in") == ["1", "%", "100", "%", "validation"]
    assert cells(text, "images") == ["1,182", "118,287", "5,000"]
    assert cells(text, "traffic light", 1) == ["390", "39,420", "1,660"]
    assert cells(text, "total", 1) == ["980", "98,560", "4,160"]


def test_classes_are_sorted_by_the_largest_training_subset():
    table = a_table(["rare", "common"])
    table.loc[table["split"] == "train", "boxes"] = [1, 2]
    order = [line.split()[0] for line in describe(table).splitlines() if line.startswith(("rare", "common"))]
    assert order[:2] == ["common", "rare"]


def test_one_subset_alone_needs_no_second_table():
    text = describe(a_table(["cat"], validation=False))
    assert "boxes in" not in text and "validation" not in text and "lacks" not in text


def test_classes_that_a_subset_lacks_are_named_and_shown_as_0():
    table = a_table(["cat", "dog", "owl"], [1, 10, 100])
    absent = (table["class"] != "cat") & (table["fraction"] < 2)
    table.loc[absent, ["boxes", "images"]] = 0
    text = describe(table)
    assert "1 % lacks 2 of 3 classes: dog, owl" in text.splitlines()
    assert "10 % lacks" not in text and cells(text, "owl", 1)[0] == "0"


@pytest.mark.parametrize("names", [[f"class {k}" for k in range(80)], ["an exceedingly long name of a class " * 2] * 1,
                                   ["交通标志" * 9, "x"], [f"{'n' * 50} {k}" for k in range(30)]])
def test_thirteen_subsets_fit_a_terminal(names):
    table = a_table(names, FRACTIONS)
    table.loc[table["fraction"] < 10, ["boxes", "images"]] = 0
    table.loc[table["split"] == "validation", "images"] //= 3
    text = describe(table)
    assert max(map(columns_of, text.splitlines())) <= 120
    assert "k" in cells(text, "total", 1)[-2]  # abbreviated
    assert "as many images of" in text


def test_a_terminal_is_not_driven_by_names():
    assert "\x1b" not in describe(a_table(["\x1b[31mred\n\n"]))


def test_the_shift_is_said_in_sentences():
    table = a_table([f"class {k}" for k in range(5)])
    validation = table["split"] == "validation"
    table.loc[validation, "images"] = [2300, 833, 0, 500, 416]
    table.loc[(table["split"] == "train") & (table["class"] == "class 3"), "images"] = 0
    lines = describe(table).splitlines()
    assert "class 3: in 500 validation images and in no training image." in lines
    assert "class 2: in no validation image, where the training set would give 625." in lines
    assert [line for line in lines if line.startswith("The validation set has 1.84 times (1.")][0].endswith(
        ") as many images of class 0 as the training set would give.")
    assert sum(line.endswith("*") for line in lines) == 3
    assert not any("class 4 as" in line for line in lines)


def test_nothing_is_said_of_chance():
    assert "No class is more or less frequent in validation than chance explains." in describe(a_table(["a", "b"]))


def test_many_shifted_classes_are_summed_up():
    table = a_table([f"class {k}" for k in range(30)])
    table.loc[table["split"] == "validation", "images"] *= 2
    text = describe(table)
    said = text.count("as many images of")
    assert said == 10 and f"The same holds of {text.count(') *') - said} more classes" in text


def test_a_table_without_any_box():
    table = a_table(["cat", "dog"])
    table[["boxes", "images", "small", "medium", "large"]] = 0
    text = describe(table)
    assert cells(text, "cat") == ["0", "0", "-", "-", "-", "0.0", "%", "0.0", "%", "-"]
    assert "100 % lacks 2 of 2 classes: cat, dog" in text and "apart" not in text


@pytest.mark.parametrize(("text", "width", "short"), [
    ("short", 5, "short"), ("abcdefghij", 5, "ab…ij"), ("车" * 9, 7, "车车…车"), ("a\tb", 9, "a?b")])
def test_names_are_shortened_in_their_middle(text, width, short):
    assert shorten(text, width) == short and columns_of(short) <= width


def test_a_huge_name_is_shortened_at_once():
    assert len(shorten("x" * 10_000_000, 40)) == 40
