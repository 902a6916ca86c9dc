import pytest

from datasets.__main__ import main


def test_check_says_what_is_there(coco, save, tmp_path, capsys):
    for name in ("b.jpg", "sub/a.jpg", "c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert main(["check", str(save(coco)), "--images", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("3 images, 3 boxes, 3 classes\n") and out.endswith("every image is there\n")


def test_make_makes_once(tmp_path, capsys):
    arguments = ["make", "digits", str(tmp_path / "digits"), "--train", "2", "--validation", "1"]
    assert main(arguments) == main(arguments) == 0
    assert "made in" in (out := capsys.readouterr().out) and "there already" in out


@pytest.mark.parametrize(("arguments", "fragment"), [
    (["check", "absent.json"], "absent.json: No such file"),
    (["make", "digits", "x", "--train", "0"], "--train 0"),
])
def test_bad_input_is_one_line(arguments, fragment, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and fragment in err and err.count("\n") == 1


def test_missing_images_are_an_error(coco, save, tmp_path, capsys):
    assert main(["check", str(save(coco)), "--images", str(tmp_path)]) == 2
    assert "absent" in capsys.readouterr().err
