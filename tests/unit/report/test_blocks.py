from mmmultas.report.blocks import Report, Section


def test_sections_do_not_share_blocks():
    first, second = Section('A b'), Section('A b')
    first.blocks.append('x')
    assert second.blocks == []
    assert first.anchor == 'a-b'
    report = Report('t', 'l', [first])
    report.sections.append(second)
    assert len(report.sections) == 2
