"""mmdet's ``DetDataSample`` with the fields of two worlds."""
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from torch import Tensor

from mmmultas.utils.errors import ConfigError

__all__ = ['has_task', 'sem_seg_data']


def has_task(sample: DetDataSample, task: str) -> bool:
    """Whether ``sample`` carries the label of ``task``.

    Reads the metainfo ``tasks`` alone: an empty ``gt_instances`` says "no
    boxes", a missing task says "not annotated" (DESIGN 2).

    Raises:
        ConfigError: The metainfo has no ``tasks``. That is not "unlabelled",
            but a sample that was packed without them.
    """
    meta = sample.metainfo
    if 'tasks' not in meta:
        raise ConfigError(
            f'{meta.get("img_path", "A sample")} does not say what it is '
            "annotated for: pack samples with dict(type='mmmultas.PackInputs'"
            "), or add 'tasks' to the `meta_keys` of what packs them.")
    return task in meta['tasks']


def sem_seg_data(labels: Tensor) -> PixelData:
    """Wrap an (H, W) or (1, H, W) label map under both of its names.

    mmseg's heads read ``.data``, mmdet's tools ``.sem_seg``; both are the
    same tensor.
    """
    data = PixelData(sem_seg=labels)
    data.data = data.sem_seg
    return data
