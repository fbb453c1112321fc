"""Stock heads that cannot be a task's head, and why (docs/heads.md)."""
import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.registry import Registry

from mmmultas.utils.errors import ConfigError

__all__ = ['NO_SCORES', 'check_decode_head', 'check_dense_head']

#: Names of a head or of what it derives from → what is in the way.
_DENSE = {
    'BaseMaskHead MaskFormerHead CondInstBboxHead RTMDetInsHead YOLACTHead':
    'learns masks of instances, which no sample carries',
    'RPNHead CascadeRPNHead EmbeddingRPNHead GARPNHead':
    'proposes boxes without classes to a second stage',
    'DETRHead': 'reads the queries of a transformer',
    'ATSSVLFusionHead': 'reads text',
    'LDHead LADHead':
    'asks a teacher within the head (docs/distillation.md has teachers for '
    'any head)',
    'CLRHead': 'finds lanes',
    'GuidedAnchorHead':
    'predicts by an operator that works on a GPU and on one image only'
}
_DECODE = {
    'BaseCascadeDecodeHead': 'refines what another head has predicted',
    'DDRHead PIDHead':
    'reads branches of a backbone of its own, whose number differs between '
    'training and prediction',
    'DPTHead': 'reads the class tokens of a transformer',
    'SideAdapterCLIPHead': 'reads CLIP features',
    'VPDDepthHead': 'predicts depth',
    'KernelUpdateHead KernelUpdator': 'is a part of another head'
}

#: Heads whose first outputs are no raw scores of classes, and why.
NO_SCORES = dict(
    TOODHead='gives probabilities', CenterNetHead='gives probabilities',
    YOLOXHead='judges by objectness, too',
    YOLOV3Head='judges by objectness, too',
    AutoAssignHead='judges by objectness, too')


def check_dense_head(cfg: Mapping[str, Any], registry: Registry,
                     key: str = 'model.heads.det') -> None:
    """Refuse a detection head that would fail in the first update.

    Args:
        cfg: Its config.
        registry: Knows its type.
        key: Config key, for messages.

    Raises:
        ConfigError: It learns from something else than features and boxes.
    """
    kind = _kind(cfg, registry)
    _check(key, kind, _DENSE, dict(loss=2, predict=2),
           'RetinaHead, FCOSHead or mmmultas.MultiLevelAnchorHead')


def check_decode_head(cfg: Mapping[str, Any], registry: Registry,
                      key: str = 'model.heads.seg') -> None:
    """Refuse a segmentation head that would fail in the first update.

    Args:
        cfg: Its config.
        registry: Knows its type.
        key: Config key, for messages.

    Raises:
        ConfigError: It learns from something else than features and masks.
    """
    kind = _kind(cfg, registry)
    _check(key, kind, _DECODE, dict(loss=3, predict=3),
           'FPNHead, UPerHead or mmmultas.PanopticFPNSegHead')


def _kind(cfg: Mapping[str, Any], registry: Registry) -> Any:
    """The class that a config names; None if there is none."""
    kind = cfg.get('type')
    if not isinstance(kind, str):
        return kind
    found: Any = registry.get(kind)
    return found


def _check(key: str, kind: Any, known: dict[str, str], given: dict[str, int],
           others: str) -> None:
    if not inspect.isclass(kind):
        return  # building says it
    names = {base.__name__ for base in kind.__mro__}
    reason = next((why for heads, why in known.items()
                   if names & set(heads.split())), None)
    for method, count in given.items():
        if reason is None:
            reason = _strange(kind, method, count)
    if reason is not None:
        raise ConfigError(
            f'`{key}.type` {kind.__name__} {reason}: take '
            f'{others}, for example; docs/heads.md lists what works.')


def _strange(kind: Any, method: str, count: int) -> str | None:
    """What a method of a head asks for beyond ``count`` arguments."""
    if hasattr(kind, 'loss_sums') and method == 'loss':
        return None
    function = getattr(kind, method, None)
    if function is None:
        return f'has no method `{method}`'
    wanted = [
        name for name, p in inspect.signature(function).parameters.items()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    if len(wanted) <= count + 1:  # and self
        return None
    return (f'asks for more than features and samples in `{method}` '
            f'({", ".join(wanted[1:])})')
