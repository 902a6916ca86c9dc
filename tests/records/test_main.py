import pytest

from records.__main__ import main
from tests.small import make_study, write_config


@pytest.fixture
def arguments(root, tmp_path):
    config = write_config(tmp_path / "study.yaml", make_study(root))
    return [str(config), "--studies", str(tmp_path / "studies")]


def test_records_are_made_and_described(arguments, tmp_path, capsys):
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["paint: 7 images in 1 files", "paint: 20 images in 3 files"]
    study = tmp_path / "studies/small"
    assert (study / "study.yaml").exists() and (study / "paint/order.json").exists()
    before = {p: p.stat().st_mtime_ns for p in study.rglob("*") if p.is_file()}
    assert main(arguments) == 0 and capsys.readouterr().out.splitlines() == lines
    assert before == {p: p.stat().st_mtime_ns for p in study.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("extra", "fragment"), [
    (["--data", "paint=/no/such"], "no folder /no/such"),
    (["--data", "pint=/tmp"], "did you mean 'paint'?"),
    (["--data", "paint=/tmp"], "instances_train.json: No such file"),
    (["--name", "a/b"], "$.name"),
])
def test_a_mistake_is_one_line(arguments, capsys, extra, fragment):
    assert main([*arguments, *extra]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and fragment in err and err.count("\n") == 1


def test_an_image_that_cannot_be_read_is_one_line(arguments, root, capsys):
    (root / "val/3.jpg").write_bytes(b"\xff\xd8 not a picture")
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert f"{root}/val/3.jpg: cannot be decoded" in err and err.rstrip("\n").splitlines()[-1].startswith("error: ")
