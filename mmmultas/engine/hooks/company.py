"""What a model keeps beside its weights while it trains."""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import CheckpointError

from ..seeds import draws_of

__all__ = ['CompanyHook', 'company_of', 'loss_scale']

ENTRY = 'companions'
#: Its name when teachers were the only companions.
_OLD = 'distiller'


@HOOKS.register_module()
class CompanyHook(Hook):
    """Tell companions the update; save and restore what they keep.

    The runner registers it by itself, where a model has companions.
    """
    priority = 'VERY_HIGH'
    _clip: Any = None

    def before_train(self, runner: Any) -> None:
        """Hand the moving average to those who ask it, and do what the
        balancer needs around the steps of the optimizer.

        Raises:
            ConfigError: One needs it, and no ``EMAHook`` keeps one.
        """
        averages = [h.ema_model for h in runner.hooks
                    if getattr(h, 'ema_model', None) is not None]
        network = _network(runner)
        network.meet_average(averages[0].module if averages else None)
        network.keep_batches()

        def before_step(optimizer: Any, *_: Any) -> None:
            scale = getattr(optimizer, 'grad_scale', None)  # fused, scaled
            network.clip_shared(1.0 if scale is None else float(scale))

        if network.balancer.max_norm is not None:
            # behind the sum over processes, batches and the loss scale
            optimizer = runner.optim_wrapper.optimizer
            self._clip = optimizer.register_step_pre_hook(before_step)

    def after_train(self, runner: Any) -> None:
        """Leave the optimizer and the network as they were."""
        if self._clip is not None:
            self._clip.remove()
        # who goes on training by hand reads no batch again
        _network(runner).second_reading = None

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: Any = None) -> None:
        """Schedules of losses follow the count of updates alone."""
        network = _network(runner)
        network.set_update(runner.iter)
        network.loss_scale = loss_scale(runner.optim_wrapper)

    def after_train_iter(self, runner: Any, batch_idx: int,
                         data_batch: Any = None,
                         outputs: Any = None) -> None:
        """Let a balancer read the batches of a step again.

        They are read in the precision and with the random numbers that they
        were learnt with.
        """
        network, optim = _network(runner), runner.optim_wrapper
        if network.second_reading is None or not optim.should_update():
            return

        @contextmanager
        def as_before(update: int) -> Iterator[None]:
            with draws_of(runner.seed or 0, update), optim.optim_context(
                    runner.model):
                yield

        network.look_again(as_before)

    def before_save_checkpoint(self, runner: Any,
                               checkpoint: dict[str, Any]) -> None:
        """Companions have an entry of their own."""
        checkpoint[ENTRY] = _network(runner).extra_state()

    def after_load_checkpoint(self, runner: Any,
                              checkpoint: dict[str, Any]) -> None:
        """Restore the companions of a run that goes on.

        Raises:
            CheckpointError: The checkpoint has none.
        """
        if not runner._resume:
            return
        state = company_of(checkpoint)
        if state is None:
            raise CheckpointError(
                'The checkpoint was written without companions '
                '(distillation, for example) and cannot be resumed with '
                'them: give its path as `load_from` to start a new run from '
                'its weights.')
        _network(runner).load_extra_state(state)


def company_of(checkpoint: Mapping[str, Any]) -> Any:
    """What a checkpoint holds of companions; None where it has none."""
    return checkpoint.get(ENTRY, checkpoint.get(_OLD))


def loss_scale(optim_wrapper: Any) -> float:
    """Mixed precision's factor, without which small gradients vanish."""
    scaler = getattr(optim_wrapper, 'loss_scaler', None)
    return 1.0 if scaler is None else float(scaler.get_scale())


def _network(runner: Any) -> Any:
    model = runner.model
    return model.module if is_model_wrapper(model) else model
