import pytest

from mmmultas.utils.console import sentence_of
from mmmultas.utils.workers import note_workers, sentence_of_death

DEATH = 'DataLoader worker (pid 70123) is killed by signal: {}. '


@pytest.mark.parametrize('text, how, mend', [
    (DEATH.format('Killed'), 'was killed by signal: Killed', 'cache_mb'),
    (DEATH.format('Bus error') + "It is possible that dataloader's workers "
     'are out of shared memory. Please try to raise your shared memory '
     'limit.', 'was killed by signal: Bus error', '/dev/shm'),
    (DEATH.format('Segmentation fault'), 'Segmentation fault',
     '`train_dataloader.det.num_workers=0` shows where'),
    ('DataLoader worker (pid(s) 70123) exited unexpectedly',
     'exited unexpectedly', 'num_workers=0'),
])
def test_a_death_names_the_stream_and_a_mend(text, how, mend):
    note_workers('train_dataloader.det', [70123, None])
    sentence = sentence_of(RuntimeError(text))
    assert sentence.startswith('A process that read `train_dataloader.det` '
                               '(pid 70123) ')
    assert how in sentence and mend in sentence and '\n' not in sentence


def test_processes_of_others():
    text = DEATH.format('Killed').replace('70123', '70999')
    assert 'read data (pid 70999)' in sentence_of_death(text)
    assert sentence_of_death('CUDA error') is None
    late = sentence_of_death('DataLoader timed out after 30 seconds')
    assert 'within 30 seconds' in late and '`timeout`' in late
