from report.__main__ import main


def test_writes_the_page_and_says_where(study_folder, capsys):
    assert main([str(study_folder.root)]) == 0
    assert capsys.readouterr().out == f"written: {study_folder.report}\n"


def test_a_folder_without_results_is_a_users_mistake(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "run the study first" in capsys.readouterr().err
