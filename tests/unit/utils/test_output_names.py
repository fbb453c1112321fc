import pytest

from mmmultas.utils.output_names import output_names


@pytest.mark.parametrize('paths, names', [
    (['a/1.jpg', 'b/2.jpg'], ['1', '2']),
    (['x/a/1.jpg', 'x/b/1.jpg'], ['a/1', 'b/1']),
    (['a/x/1.jpg', 'b/x/1.jpg'], ['a/x/1', 'b/x/1']),
    (['a/1.jpg', 'a/1.png'], ['1.jpg', '1.png']),
    (['a/1.jpg', 'b/1.jpg', 'b/1.png'], ['a/1.jpg', 'b/1.jpg', 'b/1.png']),
    (['a/1.jpg', 'a/1.jpg'], ['1']),
    (['/1.jpg', '/a/1.jpg'], ['1', 'a/1']),
    (['a/2.jpg', 'a/2.png', 'b/2.jpg.png'],
     ['a/2.jpg', '2.png', 'b/2.jpg.png']),
])
def test_names_tell_files_apart(paths, names):
    found = output_names(paths)
    assert list(found.values()) == names
    assert len(set(found.values())) == len(set(paths))


def test_names_never_lead_out_of_the_folder():
    found = output_names(['../x/1.jpg', 'x/1.jpg', 'a/../b/2.jpg', 'b/2.jpg',
                          'c/2.jpg'])
    assert not any('..' in name for name in found.values())
    # one file under two names has one
    assert found['a/../b/2.jpg'] == found['b/2.jpg'] == 'b/2'
    assert found['../x/1.jpg'] != found['x/1.jpg']
