"""How large a model is, and what one image costs, part by part."""
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmmultas.evaluation.tables import text_table
from mmmultas.models.multitask import MultiTaskDetSeg

__all__ = ['complexity_table', 'model_complexity']


@torch.no_grad()
def model_complexity(model: MultiTaskDetSeg,
                     size: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Trainable parameters and operations of each part of a model.

    Args:
        model: The model, single-task or multi-task.
        size: Height and width of the image, in pixels.

    Returns:
        dict: Part (``backbone``, ``neck``, one per task) to its trainable
        parameters and its floating-point operations for one image; a
        multiplication and an addition count as two. Convolutions and matrix
        products are counted, post-processing is not.
    """
    model.eval()
    image = torch.zeros(1, 3, *size, device=next(model.parameters()).device)
    parts: dict[str, tuple[int, int]] = {}

    def run(name: str, module: nn.Module, call: Callable, given: Any) -> Any:
        with FlopCounterMode(display=False) as counter:
            result = call(given)
        # auxiliary heads are not asked in prediction
        learned = sum(p.numel() for key, p in module.named_parameters()
                      if p.requires_grad and not key.startswith('auxiliary.'))
        parts[name] = (learned, counter.get_total_flops())
        return result

    feats = run('backbone', model.backbone, model.backbone, image)
    if model.neck is not None:
        feats = run('neck', model.neck, model.neck, feats)
    rows = {name: {'': [0]} for name in model.tasks}
    found = model.run_heads({'': tuple(feats)}, rows)
    for name, task in model.tasks.items():
        head = model.heads[name]
        run(name, head, lambda x, t=task, h=head: t.forward(h, x),
            found[name][0].read.inputs)
    return parts


def complexity_table(parts: dict[str, tuple[int, int]]) -> str:
    """The parts and their sum as a table."""
    total = tuple(map(sum, zip(*parts.values())))
    rows = [(name, f'{learned:,}', f'{flops / 2e9:.3f}',
             f'{flops / 1e9:.3f}')
            for name, (learned, flops) in {**parts, 'total': total}.items()]
    return text_table(('part', 'parameters', 'GMAC', 'GFLOP'), rows)
