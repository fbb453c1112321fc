import math

from mmmultas.evaluation.tables import score_text, text_table


def test_names_left_figures_right():
    table = text_table(('class', 'IoU'), [('tvmonitor', '7.10'),
                                          ('cat', '61.20')])
    assert table.splitlines() == [
        'class     |   IoU',
        '----------+------',
        'tvmonitor |  7.10',
        'cat       | 61.20',
    ]


def test_nothing_to_score_is_not_zero():
    assert score_text(math.nan) == 'n/a'
    assert score_text(0.0) == '0.00'
