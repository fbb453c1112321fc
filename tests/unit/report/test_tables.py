from mmmultas.report.tables import (main_section, main_table, seed_table,
                                    summary_section, value_text)


def texts(table):
    return [[entry.text for entry in row] for row in table.rows]


def test_main_table_by_hand(table):
    found = main_table(table)
    assert found.header == [
        'cell', 'det AP', 'seg IoU', 'Δ det AP', 'Δ seg IoU', 'Δm',
        'det mAP', 'seeds', 'updates', 'minutes'
    ]
    # 12 ± sqrt(8), 16 ± sqrt(7), 45 ± 1
    assert texts(found) == [
        ['boxes', '12.00 ± 2.83', '–', '–', '–', '–', '42.81', '2', '100',
         '2.0'],
        ['masks', '–', '50.00 ± 0.00', '–', '–', '–', '42.81', '2', '100',
         '2.0'],
        ['both', '16.00 ± 2.65', '45.00 ± 1.00', '+4.00', '−5.00',
         '+11.67 %', '42.81', '3', '100', '2.0'],
        ['once', '9.00 ¹', '60.00 ¹', '−3.00', '+10.00', '−2.50 %', '42.81',
         '1', '100', '2.0'],
    ]
    best = [(row[0].text, head) for row in found.rows
            for head, entry in zip(found.header, row) if entry.best]
    assert best == [('both', 'det AP'), ('both', 'Δm'), ('once', 'seg IoU')]
    moods = [entry.mood for entry in found.rows[2]][3:6]
    assert moods == ['up', 'down', 'up']
    assert sum(width for _, width in found.groups) == len(found.header)


def test_notes(table):
    notes = ' '.join(main_table(table).notes)
    assert '[P0] Table 1' in notes and 'not their values' in notes
    assert 'one seed' in notes and '(M − B) / B' in notes
    assert 'Other seeds than those of “boxes”: both, once' in notes
    bare = type(table)('', '', '', table.metrics, dict(det='gone'),
                       table.groups[1:2])
    assert "'gone' is not here" in ' '.join(main_table(bare).notes)


def test_sections(table):
    blocks = main_section(table).blocks
    assert (blocks[0].text, blocks[0].kind) == ('Small data.', 'note')
    assert blocks[1].panels[0].title == 'detection: AP'
    lines = [item for block in summary_section(table).blocks
             for item in getattr(block, 'items', ())]
    assert '4 cells, 8 runs; seeds 0, 1, 2.' in lines
    assert 'Without a result, not begun: late (seed 0).' in lines


def test_every_run(table):
    rows = texts(seed_table(table))
    assert len(rows) == 8
    assert rows[6][:3] == ['mtl_seed2', '19.00', '46.00']


def test_values():
    assert value_text(None) == '–'
