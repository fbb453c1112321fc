import pytest

from mmmultas.datasets.listing import list_files
from mmmultas.utils.errors import DataError


def test_list_files(tmp_path):
    for name in ('b.JPG', 'a.png', 'sub/a.png', '.hidden.png', 'x.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found, problems = list_files(tmp_path)
    assert list(found) == ['a', 'b', 'sub/a'] and not problems
    (tmp_path / 'a.jpg').touch()
    [problem] = list_files(tmp_path)[1]
    assert 'a.jpg' in problem.reason and 'image_suffix' in problem.mend
    assert not list_files(tmp_path, '.png')[1]
    with pytest.raises(DataError, match='no folder'):
        list_files(tmp_path / 'gone')
