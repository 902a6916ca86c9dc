import csv

import pytest

from datasets.errors import InputError
from predict.tables.rows import read_sheet, to_number, write_rows


@pytest.mark.parametrize("text, decimal, number", [
    ("118287", ".", 118287), ("118,287", ".", 118287), ("118.287", ",", 118287), ("118 287", ".", 118287),
    ("118\u202f287", ",", 118287), ("118'287", ".", 118287), ("1,234,567.5", ".", 1234567.5), ("12,5", ",", 12.5),
    ("0.104", ".", 0.104), (".5", ".", 0.5), ("1e-3", ".", 0.001), ("26.2 %", ".", 26.2), ("2,5%", ",", 2.5),
    ("118k", ".", 118_000), ("1.2M", ".", 1_200_000), ("-3", ".", -3),
    ("12,5", ".", None), ("1.5", ",", None), ("many", ".", None), ("inf", ".", None), ("nan", ".", None),
    ("1e999", ".", None), ("1_000", ".", None), ("k", ".", None), ("", ".", None), ("1 2", ".", None),
])
def test_numbers_as_spreadsheets_write_them(text, decimal, number):
    assert to_number(text, decimal) == number


@pytest.mark.parametrize("text", [
    "images,mAP\n100,0.1\n1000,0.3\n",
    "\ufeffimages,mAP\r\n100,0.1\r\n\r\n1000,0.3\r\n",
    "images;mAP\n100;0,1\n1000;0,3\n",
    "sep=;\nimages;mAP\n100;0,1\n1000;0,3\n",
    "images\tmAP\n100\t0.1\n1000\t0.3\n",
    "images  mAP\n 100  0.1\n1000  0.3\n",
    'images,mAP\n"100","0.1"\n"1,000",0.3\n',
])
def test_any_delimiter_and_either_decimal_mark(sheet, text):
    table = sheet(text)
    assert table.header == ("images", "mAP")
    assert [[table.number(row, column) for column in (0, 1)] for row in table.rows] == [[100, 0.1], [1000, 0.3]]


@pytest.mark.parametrize("text", ["100,0.1\n1000,0.3\n", "100;0,1\n1000;0,3\n", "1.0e+02 1.0e-01\n1.0e+03 3.0e-01\n"])
def test_a_table_without_a_header_gets_one(sheet, text):
    table = sheet(text)
    assert table.header == ("size", "column 2") and table.number(table.rows[0], 0) == 100


def test_utf_16_as_spreadsheets_export_it(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("images\tmAP ±\n100\t0.1\n", encoding="utf-16")
    assert read_sheet(path).header == ("images", "mAP ±")


def test_an_error_bar_may_stand_in_the_cell(sheet):
    table = sheet("images;mAP\n1;9,05 ± 0,16\n2;20+-1\n3;30\n")
    assert table.measured(table.rows[0], 1) == (9.05, 0.16)
    assert table.measured(table.rows[1], 1) == (20, 1)
    assert table.measured(table.rows[2], 1)[0] == 30


@pytest.mark.parametrize("text, said", [
    ("", "no data rows"),
    ("images,mAP\n", "no data rows"),
    ("images,mAP\n1,182,0.1\n118,287,0.3\n", "table.csv:2: 3 cells under a header of 2; a number with a comma"),
    ("images,mAP\n100,12,5\n1000,30,1\n", "table.csv:2: 3 cells"),
])
def test_what_is_no_table_is_refused_with_its_place(sheet, text, said):
    with pytest.raises(InputError, match=said):
        sheet(text)


def test_a_cell_that_is_no_number_is_named_with_line_and_column(sheet):
    table = sheet("images;mAP\n100;0,1\n500;0,2\n1000;0.3\n")
    with pytest.raises(InputError, match=r"csv:4: column 'mAP': '0.3' is not a number \(decimals come after a comma"):
        table.number(table.rows[2], 1)
    table = sheet("images,mAP\n100,9 ± x\n")
    with pytest.raises(InputError, match="table.csv:2: column 'mAP': '9 ± x' is not a number with its error bar"):
        table.measured(table.rows[0], 1)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_sheet(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="directory"):
        read_sheet(tmp_path)
    for data in (b"\xff\xd8\x00", b"PK\x03\x04\xff\xfe", b"\xff\xfea"):
        (tmp_path / "image.csv").write_bytes(data)
        with pytest.raises(InputError, match="not a text file"):
            read_sheet(tmp_path / "image.csv")
    (tmp_path / "long.csv").write_text("a,b\n" + "x" * 200_000 + ",1\n")
    with pytest.raises(InputError, match="not a table"):
        read_sheet(tmp_path / "long.csv")


def test_rows_are_written_whole_with_their_keys_as_columns(tmp_path):
    write_rows(tmp_path / "deep" / "t.csv", [{"a": 1, "b": "x,y"}, {"a": 2, "b": ""}])
    with open(tmp_path / "deep" / "t.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]
