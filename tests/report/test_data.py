from datasets.files import write_json
from report.data import checks, prevalence_table, prevalences
from study.layout import StudyFolder
from tests.report.conftest import make_study


def test_prevalence_by_class_most_frequent_first(study_folder):
    (counted,) = prevalences(study_folder, ["digits", "not counted"])
    table = prevalence_table(counted)
    assert table.header == ["class", "1 %", "2.5 %", "5 %", "10 %", "20 %", "50 %", "100 %", "validation"]
    assert table.rows[0] == ["0", "25", "62", "125", "250", "500", "1,250", "2,500", "600"]
    assert [row[0] for row in table.rows] == list("0123456789")


def test_checks_name_leaks_and_classes_that_subsets_lack(study_folder):
    (counted,) = prevalences(study_folder, ["digits"])
    found = checks(study_folder, counted)
    assert found.verdict == ("digits: Of 2,500 training images, compared with 600 validation images by content, 2 are "
                             "in both. Classes are missing in: 1 %.")
    assert found.table.rows == [
        ["training images identical to a validation image", "train", "2",
         "train/1.png = val/7.png, train/2.png = val/8.png"],
        ["classes without a box in the subset of 1 %", "train", "1", "9"]]


def test_a_clean_data_set_needs_no_table(tmp_path):
    folder: StudyFolder = make_study(tmp_path)
    lines = folder.prevalence("digits").read_text().splitlines(keepends=True)
    folder.prevalence("digits").write_text("".join(line for line in lines if ",1.0," not in line and ",1," not in line))
    write_json(folder.checks("digits"), {"compared": [2500, 600], "shared": 0, "findings": []})
    found = checks(folder, prevalences(folder, ["digits"])[0])
    assert found.table is None and "none is in both. Every class has boxes" in found.verdict
    folder.checks("digits").unlink()
    assert "Not compared" in checks(folder, prevalences(folder, ["digits"])[0]).verdict
