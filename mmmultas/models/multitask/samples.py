"""Batches of samples: which are labelled, and their mirror images."""
from collections.abc import Iterable, Mapping

from mmdet.structures import DetDataSample, SampleList
from torch import Tensor

from mmmultas.structures import has_task

__all__ = ['is_supervised', 'labelled_rows', 'mirror_images']


def mirror_images(inputs: Tensor, samples: SampleList) -> Tensor:
    """Mirror each image of a batch; what pads it stays where it is.

    Args:
        inputs: (N, 3, H, W).
        samples: N samples with ``img_shape``.
    """
    mirrored = inputs.clone()
    for image, source, sample in zip(mirrored, inputs, samples):
        height, width = sample.metainfo['img_shape'][:2]
        image[:, :height, :width] = source[:, :height, :width].flip(-1)
    return mirrored


def labelled_rows(samples: Mapping[str, SampleList],
                  tasks: Iterable[str]) -> dict[str, dict[str, list[int]]]:
    """Positions of the samples from whose labels each task learns, by stream.

    A second view of an image carries labels, too; heads learn from them only
    where it says so.
    """
    return {
        task: {
            stream: [i for i, s in enumerate(batch)
                     if has_task(s, task) and is_supervised(s)]
            for stream, batch in samples.items()
        }
        for task in tasks
    }


def is_supervised(sample: DetDataSample) -> bool:
    """Whether heads learn from the labels of a sample."""
    return bool(sample.metainfo.get('supervised', True))
