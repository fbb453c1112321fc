import re

from mmmultas.report.style import STYLE
from mmmultas.report.svg import HUES


def test_every_colour_has_a_light_and_a_dark_form():
    light, dark = re.findall(r':root {(.*?)}', STYLE, re.S)[:2]
    names = set(re.findall(r'(--[\w]+):', light))
    assert names == set(re.findall(r'(--[\w]+):', dark))
    used = set(re.findall(r'var\((--\w+)', STYLE))
    assert used - names <= {'--c', '--panel', '--shade'}
    hues = {f'--c{k}' for k in range(HUES)}
    assert hues == {n for n in names if re.fullmatch(r'--c\d', n)}
    assert all(f'.s{k} {{ --c:var(--c{k}) }}' in STYLE for k in range(HUES))


def test_nothing_is_fetched_and_braces_match():
    assert 'url(' not in STYLE and '@import' not in STYLE
    assert STYLE.count('{') == STYLE.count('}')
    assert '@media print' in STYLE and 'max-width:640px' in STYLE
    assert '</' not in STYLE
