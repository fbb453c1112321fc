from mmmultas.utils.progress import progress


def test_a_log_file_gets_few_lines(capsys):
    assert list(progress(range(5000), what='Scenes')) == list(range(5000))
    written = capsys.readouterr().err
    assert 'Scenes' in written
    assert '5000/5000' in written
    assert written.count('\r') < 5


def test_by_hand(capsys):
    with progress(total=3, unit='update') as bar:
        bar.update(3)
    assert '3/3' in capsys.readouterr().err
