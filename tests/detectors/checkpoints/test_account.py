from detectors.checkpoints.account import RestoreReport, Row


def test_reasons_are_grouped_and_shapes_among_them():
    rows = (Row("a", "restored"), Row("b", "re-initialised", "shape [1] and not [2]"),
            Row("c", "re-initialised", "shape [3, 1] and not [3, 2]"), Row("d", "re-initialised", "absent"),
            Row("e", "ignored", "global_step"))
    assert str(RestoreReport(rows)) == ("1 variable restored; 3 variables re-initialised (shape: 2, absent: 1); "
                                        "1 variable ignored (global_step: 1)")
    assert RestoreReport(rows).names("re-initialised") == ("b", "c", "d")


def test_the_table_quotes_what_has_commas():
    report = RestoreReport((Row("b", "re-initialised", "shape [1, 2] and not [2, 2]"),), (("cow", "Cattle"), ("x", "")))
    assert report.to_csv() == ('what,name,fate,reason\nvariable,b,re-initialised,"shape [1, 2] and not [2, 2]"\n'
                               "class,cow,carried,Open Images label Cattle\n"
                               "class,x,re-initialised,no such Open Images label\n")


def test_one_class_is_no_classes():
    assert str(RestoreReport((), (("dog", "Dog"),))).endswith("Open Images knows 1 of 1 class: dog (Dog)")


def test_many_classes_are_cut_short():
    report = RestoreReport((), tuple((f"c{k}", "Dog") for k in range(80)))
    assert str(report).endswith("Open Images knows 80 of 80 classes: "
                                + ", ".join(f"c{k} (Dog)" for k in range(10)) + " and 70 more")
