from mmmultas.utils.spelling import alike, quoted, spellings


def test_pairs_of_two_label_spaces():
    assert alike(('TV-set', 'cat', 'Cat'), ('tv set', 'tv_set', 'cat')) == {
        'TV-set': 'tv set', 'Cat': 'cat'}
    assert not alike(('cat', ), ('cat', 'Cat'))


def test_all_spellings_of_one_name():
    assert list(spellings(('a', 'b', 'A ', ' a', 'c'))) == [('a', 'A ', ' a')]


def test_spaces_that_would_not_be_seen():
    assert [quoted(n) for n in ('a b', ' a', 'a  b')] == [
        'a b', "' a'", "'a  b'"]
