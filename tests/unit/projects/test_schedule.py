import pytest

from mmmultas.projects.inputs import Inputs
from mmmultas.projects.project import Project
from mmmultas.projects.schedule import EPOCHS, say_inputs, set_schedule


@pytest.mark.parametrize('count, warmup, said', [
    (20, 6, '60 updates of 10 images of each task, which is little: '
     '`max_epochs = 500`'),
    (4000, 500, '12000 updates of 10 images of each task'),
])
def test_the_length_follows_the_data(count, warmup, said):
    project = Project('x.py', train=dict(det=count, depth=9))
    project.inputs = Inputs(320, 10, True, None, [])
    set_schedule(project, project.inputs)
    assert project.values['warmup'] == warmup
    short = dict(optimizer='AdamW', lr=2e-3) if count < 1000 else {}
    assert {k: v for k, v in project.values.items()
            if k in ('optimizer', 'lr')} == short
    assert (project.values['img_size'], project.values['batch_size']) == (
        320, 10)
    say_inputs(project, 'rn18_fpn (--model)')
    [(heading, facts)] = project.facts
    assert heading == 'config: x.py'
    assert facts[:2] == ['model rn18_fpn (--model)',
                         'the network sees 320×320']
    assert facts[2].startswith(f'{EPOCHS} epochs are {said}')
