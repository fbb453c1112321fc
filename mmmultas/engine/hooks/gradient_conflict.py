"""Whether the tasks pull the shared encoder the same way."""
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import ConfigError

from .company import loss_scale

__all__ = ['GradientConflictHook', 'conflicts', 'losses_by_task']


def losses_by_task(losses: Mapping[str, Any]) -> dict[str, Tensor]:
    """Sum the losses of each task.

    Args:
        losses: Scalars, or lists of them, named ``task.loss_term``. What is
            no loss, belongs to no task or has no gradient is left out.

    Returns:
        dict: Task to a scalar with a gradient.

    Example:
        >>> one = torch.ones((), requires_grad=True)
        >>> sums = losses_by_task({'det.loss_a': one, 'det.loss_b': [one],
        ...                        'seg.acc': one, 'loss_unlabelled': one})
        >>> {task: float(value) for task, value in sums.items()}
        {'det': 2.0}
    """
    sums: dict[str, Tensor] = {}
    for name, value in losses.items():
        task, dot, _ = name.partition('.')
        if not dot or 'loss' not in name:
            continue
        values = value if isinstance(value, (list, tuple)) else [value]
        for term in values:
            if term.requires_grad:
                mean = term.mean()
                sums[task] = sums[task] + mean if task in sums else mean
    return sums


def conflicts(gradients: Mapping[str, Tensor]) -> dict[str, float]:
    """Cosine and ratio of norms of each pair of gradients.

    Args:
        gradients: (P,) by task.

    Returns:
        dict: ``a-b.cosine`` in [-1, 1] and ``a-b.norm_ratio``, |a| / |b|;
        a pair with a gradient that is zero or not finite is left out.

    Example:
        >>> conflicts({'a': torch.tensor([3., 0.]),
        ...            'b': torch.tensor([-1., 0.])})
        {'a-b.cosine': -1.0, 'a-b.norm_ratio': 3.0}
    """
    norms = {task: float(grad.norm()) for task, grad in gradients.items()}
    found = {}
    for one, other in combinations(gradients, 2):
        if not all(0 < norms[task] < float('inf') for task in (one, other)):
            continue
        units = [gradients[task] / norms[task] for task in (one, other)]
        cosine = float(torch.dot(*units))
        found[f'{one}-{other}.cosine'] = min(max(cosine, -1.0), 1.0)
        found[f'{one}-{other}.norm_ratio'] = norms[one] / norms[other]
    return found


@HOOKS.register_module()
class GradientConflictHook(Hook):
    """Log how the tasks' gradients on the shared encoder agree.

    In every ``interval``-th update the gradient of each task's weighted
    losses is taken from the graph of the update itself; training stays what
    it is, to the bit. The update costs a backward pass more per task, and
    memory for one gradient of the encoder per task.

    Logged with the losses are ``conflict/det-seg.cosine`` (1: the same way,
    0: at right angles, -1: against one another) and
    ``conflict/det-seg.norm_ratio`` (above 1: detection pulls harder). A
    record repeats the latest value until the next one; where an update gives
    none (a task without labels in it, all of the encoder frozen), nothing is
    logged until the next one. With several processes these are the gradients
    of the joint batch; all processes must have labels of a task.

    Args:
        interval: Updates from one value to the next.
        module: Parts of the model whose parameters count, as dotted paths;
            frozen parameters do not.

    Raises:
        ConfigError: ``interval`` is no positive number.
    """

    #: Before the logger.
    priority = 'NORMAL'

    def __init__(self,
                 interval: int = 50,
                 module: Sequence[str] | str = ('backbone', 'neck')) -> None:
        if isinstance(interval, bool) or not isinstance(
                interval, int) or interval < 1:
            raise ConfigError('`interval` of GradientConflictHook wants a '
                              f'positive number of updates, not {interval!r}.')
        self.interval = interval
        self.module = (module, ) if isinstance(module, str) else tuple(module)
        self._gradients: dict[str, Tensor] = {}
        self._warned = False

    def before_train(self, runner: Any) -> None:
        """Refuse what has no update with all tasks' losses in one graph.

        Raises:
            ConfigError: Sequential updates, alternation by epochs, a
                compiled or checkpointed model, or an unknown part.
        """
        model = _plain(runner.model)
        parts = self._parts(model)
        streams = runner.train_loop.dataloader
        if getattr(model, 'sequential', False):
            raise ConfigError(
                'GradientConflictHook compares losses of one graph, but '
                '`model.sequential` frees that of each stream before the '
                'next: set `model.sequential=False` or remove the hook.')
        if len(streams.schedule.streams_at(0)) < len(streams.streams):
            raise ConfigError(
                'GradientConflictHook compares the losses of one update, but '
                "with `train_cfg.alternate='epoch'` each has one stream's: "
                "set it to 'iteration' or remove the hook.")
        if runner.cfg.get('compile'):
            raise ConfigError(
                'GradientConflictHook goes back through the graph once per '
                'task, which a compiled model does not allow: set '
                '`compile=False` or remove the hook.')
        if any(getattr(m, 'with_cp', False) for p in parts
               for m in p.modules()):
            raise ConfigError(
                'GradientConflictHook cannot look into a part with '
                '`with_cp=True`, which keeps no graph: set it to False or '
                'remove the hook.')

    def before_train_iter(self,
                          runner: Any,
                          batch_idx: int,
                          data_batch: Any = None) -> None:
        """Ask for the losses of this update where it is one to measure."""
        # only now: EMA copies the model before, and this hook with it
        _plain(runner.model).on_losses = None
        if (runner.iter + 1) % self.interval:
            return
        self._gradients = {}
        factor = loss_scale(runner.optim_wrapper)

        def measure(losses: Mapping[str, Any]) -> None:
            self._measure(_plain(runner.model), losses, factor)

        _plain(runner.model).on_losses = measure

    def after_train_iter(self,
                         runner: Any,
                         batch_idx: int,
                         data_batch: Any = None,
                         outputs: Any = None) -> None:
        """Hand what was measured to the log."""
        if (runner.iter + 1) % self.interval:
            return
        _plain(runner.model).on_losses = None
        hub = runner.message_hub
        for name in list(hub.log_scalars):
            if name.startswith('train/conflict/'):
                del hub.log_scalars[name]
        found = conflicts(self._gradients)
        self._gradients = {}
        for name, value in found.items():
            hub.update_scalar(f'train/conflict/{name}', value)
        if not found and not self._warned:
            self._warned = True
            print_log(
                'GradientConflictHook measured nothing in update '
                f'{runner.iter + 1}: no two tasks have losses there that '
                f'move {" or ".join(self.module)}.',
                logger='current',
                level=30)

    def _measure(self, model: Any, losses: Mapping[str, Any],
                 factor: float) -> None:
        sums = losses_by_task(losses)
        device = next(model.parameters()).device
        tasks = self._common(sums, device)
        if len(tasks) > 1:
            self._gradients = model.task_gradients(
                {task: sums[task] for task in tasks}, self.module, factor)

    @staticmethod
    def _common(sums: Mapping[str, Tensor],
                device: torch.device) -> list[str]:
        """Tasks that all processes have losses of, in one order.

        A backward pass may wait for the other processes (synchronised batch
        norm), so all must make the same ones.
        """
        if get_world_size() == 1:
            return list(sums)
        everyone = all_gather_object(list(sums))
        return [task for task in everyone[0]
                if all(task in tasks for tasks in everyone)]

    def _parts(self, model: nn.Module) -> list[nn.Module]:
        """The modules; a model without a neck has none."""
        parts = []
        for path in self.module:
            if getattr(model, path, self) is None:
                continue
            try:
                parts.append(model.get_submodule(path))
            except AttributeError as error:
                names = sorted(name for name, _ in model.named_children())
                raise ConfigError(
                    f'`module` of GradientConflictHook names {path!r}, which '
                    f'the model does not have: its parts are {names}.'
                ) from error
        return parts


def _plain(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model
