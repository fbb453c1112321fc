"""What a model keeps beside its weights while it trains."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import CheckpointError

__all__ = ['CompanyHook']

ENTRY = 'distiller'


@HOOKS.register_module()
class CompanyHook(Hook):
    """Tell a distilled model the update; save and restore its connectors.

    The runner registers it by itself.
    """
    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Any, batch_idx: int,
                          data_batch: Any = None) -> None:
        """Schedules of losses follow the count of updates alone."""
        _network(runner).set_update(runner.iter)

    def before_save_checkpoint(self, runner: Any,
                               checkpoint: dict[str, Any]) -> None:
        """Connectors have an entry of their own."""
        checkpoint[ENTRY] = _network(runner).extra_state()

    def after_load_checkpoint(self, runner: Any,
                              checkpoint: dict[str, Any]) -> None:
        """Restore the connectors of a run that goes on.

        Raises:
            CheckpointError: The checkpoint has none.
        """
        if not runner._resume:
            return
        if ENTRY not in checkpoint:
            raise CheckpointError(
                'The checkpoint was written without distillation and cannot '
                'be resumed with it: give its path as `load_from` to start a '
                'new run from its weights.')
        _network(runner).load_extra_state(checkpoint[ENTRY])


def _network(runner: Any) -> Any:
    model = runner.model
    return model.module if is_model_wrapper(model) else model
