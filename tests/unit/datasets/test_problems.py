import pytest

from mmmultas.datasets.problems import Problem, first_of, problem_of
from mmmultas.utils.errors import DataError


@pytest.mark.parametrize('text, reason, mend', [
    ('a.png is cut; replace it.', 'is cut', 'replace it'),
    ('a.png is cut.', 'is cut', 'mend or replace it'),
    ('Cannot read a.png (No; really); add it.',
     'Cannot read a.png (No; really)', 'add it'),
])
def test_sentences_come_apart(text, reason, mend):
    assert problem_of(DataError(text), 'a.png') == Problem(
        'a.png', reason, mend)


def test_first_of_counts_the_others():
    first_of([])
    with pytest.raises(DataError, match='^a is cut; replace it.$'):
        first_of([Problem('a', 'is cut', 'replace it')])
    for count, words in ((2, 'There is 1 more problem: .*check.data.* tells'),
                         (3, 'are 2 more problems: .*check.data.* <your con')):
        with pytest.raises(DataError, match=f'a is cut.* {words}'):
            first_of([Problem('a', 'is cut', 'replace it')] * count)
