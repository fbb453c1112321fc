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


def test_images_of_a_task_that_is_left_out_are_known(tmp_path):
    (tmp_path / 'in').mkdir()
    for name in ('a_sat.jpg', 'in/b.png', 'in/c.png'):
        (tmp_path / name).touch()
    cfg = dict(seg_images=str(tmp_path), image_suffix='_sat.jpg', x=1)
    lists = [('x', ['a', 'b', 'in/c', 'd'])]
    assert '(d)' in unknown_names(lists, cfg)['x']
    assert not unknown_names([('x', ['a', 'in/c'])], cfg)
    assert '(a, b, d, …)' in unknown_names(lists, {})['x']
