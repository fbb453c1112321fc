from types import SimpleNamespace

from mmmultas.utils.name_lists import lists_within, unknown_names


def test_a_name_that_one_stream_has_is_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lists = [('val.txt', 'ab'), (str(tmp_path / 'val.txt'), 'b')]
    assert list(unknown_names(lists)) == ['val.txt']
    assert '(b); mend the name' in unknown_names(lists)['val.txt']
    assert not unknown_names([('x', 'a'), ('x', 'b'), ('y', '')])
    many = unknown_names([('x', 'abcd')])['x']
    assert many.startswith('names 4 images that no stream has (a, b, c, …)')


def test_lists_of_data_sets_that_are_wrapped():
    one, two = (SimpleNamespace(lost_names=(n, 'a')) for n in 'xy')
    plain = SimpleNamespace(lost_names=None)
    joined = SimpleNamespace(datasets=[one, SimpleNamespace(dataset=two)])
    assert list(lists_within(joined)) == [('x', 'a'), ('y', 'a')]
    assert not list(lists_within(SimpleNamespace(dataset=plain)))
