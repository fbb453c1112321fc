from mmmultas.report.blocks import (Bullets, Entry, Gallery, Legend, Panel,
                                    Report, Section, Skipped, Table, Text)
from mmmultas.report.markdown import to_markdown


def test_blocks():
    text = to_markdown(Report('T', 'lead', [Section('S', [
        Text('plain'), Text('box', 'note'), Text('h', 'head'),
        Skipped('why'), Bullets(['one', 'two']), Legend([('a', 1)]),
        Table(['n', 'x'], [[Entry('r'), Entry('1.5', best=True)]], ['see'],
              [('', 1), ('group', 1)], 'Fold'),
        Gallery([Panel('cat', caption='found 50 %')], 'Pics', 'below'),
        Gallery([])])]))
    assert text == (
        '# T\n\nlead\n\n## S\n\nplain\n\n> box\n\n### h\n\n*why*\n\n'
        '- one\n- two\n\n### Fold\n\nColumns after the first: group (1).'
        '\n\n| n | x |\n| :-- | --: |\n| r | **● 1.5** |\n\n- see\n\n'
        '### Pics\n\n*In index.html: cat.*\n\nfound 50 %\n\nbelow\n')


def test_nothing_is_markup():
    text = to_markdown(Report('<b>|x|', '', [Section('a\n# b', [
        Bullets(['*x* [l](m) `c` <script>'])])]))
    assert '# &lt;b>\\|x\\|' in text
    assert '## a # b' in text
    assert '- \\*x\\* \\[l\\](m) \\`c\\` &lt;script>' in text
