import pytest

from ttclab.files import atomic, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [*tmp_path.iterdir()] == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "model"
    for name in ("old", "new"):
        with atomic(folder) as partial:
            partial.mkdir()
            (partial / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"] and [*tmp_path.iterdir()] == [folder]


def test_what_a_killed_process_left_is_no_obstacle(tmp_path):
    (tmp_path / "a.partial").mkdir()
    (tmp_path / "a.partial" / "half").touch()
    write_text(tmp_path / "a", "whole\r\n")
    assert (tmp_path / "a").read_bytes() == b"whole\r\n"
