"""What helps a network learn and is unknown to inference."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmdet.structures import SampleList
from mmengine.model import BaseModule
from torch import Tensor

from mmmultas.utils.errors import ConfigError

from ..losses.loss_sum import LossSum
from ..tasks.base import Levels

if TYPE_CHECKING:
    from ..multitask.head_graph import HeadOutputs

__all__ = ['Asked', 'Companion', 'Plan', 'Update']


@dataclass(frozen=True)
class Plan:
    """What is known of a training before its first update.

    Attributes:
        metainfo: ``classes`` and ``kind`` of each task.
        epoch_length: Updates of an epoch.
        updates: Updates of the run.
        seed: Of what companions draw.
    """
    metainfo: Mapping[str, Any] = field(default_factory=dict)
    epoch_length: int = 1
    updates: int = 1
    seed: int = 0


@dataclass
class Update:
    """What is known of an update while its losses are computed.

    Attributes:
        model: The network that learns.
        inputs: (N, 3, H, W) per stream, normalised.
        samples: N samples per stream.
        feats: Levels of the neck per stream.
        encoder: Stream → path of a module → its output.
        outputs: Passes of each task's head; empty until the heads have run.
    """
    model: Any
    inputs: Mapping[str, Tensor]
    samples: Mapping[str, SampleList]
    feats: Mapping[str, Levels]
    encoder: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: 'Mapping[str, HeadOutputs]' = field(default_factory=dict)


@dataclass
class Asked:
    """What a companion wants of the heads.

    Attributes:
        rows: Task → stream → positions of images in its batch.
        taps: Task → modules of its head that are kept; ``''`` stands for
            the raw outputs.
    """
    rows: dict[str, dict[str, set[int]]] = field(default_factory=dict)
    taps: dict[str, set[str]] = field(default_factory=dict)

    def add(self, task: str, stream: str, rows: Iterable[int],
            tap: str | None = None) -> None:
        """Ask for some images, and for what a module puts out of them."""
        these = self.rows.setdefault(task, {}).setdefault(stream, set())
        these.update(rows)
        if tap is not None:
            self.taps.setdefault(task, set()).add(tap)

    def merge(self, other: 'Asked') -> None:
        """Ask for what another one asks for as well."""
        for task, streams in other.rows.items():
            for stream, rows in streams.items():
                self.add(task, stream, rows)
        for task, taps in other.taps.items():
            self.taps.setdefault(task, set()).update(taps)


class Companion(BaseModule):
    """Teachers, consistency between tasks, weak losses: one interface.

    Named in ``model.companions``. Its parameters are seen by the optimizer
    and by DDP, are kept in a checkpoint entry of their own, and are absent
    from the network's ``state_dict``, its average and what is published.

    In an update :meth:`needs` is called when the encoder has run, then the
    heads run once on all that anybody needs, then :meth:`sums` is called.
    """
    #: First parts of the names of its losses, ``kd`` of ``kd.loss_mse``.
    groups: Sequence[str] = ()
    #: Whether other companions may name losses of its groups, too.
    shares_groups = False
    #: Tasks whose images must say what a crop left in view of them.
    reads_view: Sequence[str] = ()
    #: Tasks whose labels a teacher gives where they lack, place by place: it
    #: must see an image as the network does, up to colours and size.
    same_view: Sequence[str] = ()
    #: Whether it looks at second views of images (:class:`SecondView`).
    needs_second_view = False
    #: Whether the network learns from labels, too.
    uses_labels = True
    #: Whether parts of the model may get no gradient in some update.
    may_skip_parts = True

    @property
    def encoder_taps(self) -> Sequence[str]:
        """Paths of modules outside of the heads whose outputs are kept."""
        return ()

    def prepare(self, model: Any) -> None:
        """Build what is needed for training only, and check that it fits.

        Called once, before data are read.

        Raises:
            ConfigError: It does not fit.
        """

    def meet(self, plan: Plan) -> None:
        """Learn what is trained on, and for how long.

        Called behind :meth:`prepare`, before the first update of a run.

        Raises:
            ConfigError: It does not fit.
        """

    def meet_average(self, average: Any) -> None:
        """Take the moving average of the network, where a run has one.

        Raises:
            ConfigError: There is none (None), and this companion needs it.
        """

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """Groups and terms of :meth:`sums` that processes count together.

        A process without images for a term counts 0 of it.
        """
        return []

    def needs(self, update: Update) -> Asked:
        """What the heads must say."""
        return Asked()

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Losses by group, one of :attr:`groups`, and term."""
        return {}

    def set_update(self, update: int) -> None:
        """Tell which update comes: schedules follow it."""

    def extra_state(self) -> dict[str, Any]:
        """What has to be kept to go on training: tensors and numbers."""
        state: dict[str, Any] = self.state_dict()
        return state

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`extra_state`.

        Raises:
            ConfigError: It is that of another one.
        """
        try:
            self.load_state_dict(dict(state))
        except RuntimeError as error:
            key = getattr(self, 'key', type(self).__name__)
            raise ConfigError(
                f'The checkpoint was written with another `{key}`: resume '
                'with the config of the first run, or start a new one with '
                '`load_from`.') from error

    def moved(self, function: Callable[[Tensor], Tensor]) -> None:
        """Do to what it keeps elsewhere what the model does to tensors."""

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Losses that no training image takes part in.

        Args:
            carried: The sets of labels that images carry.

        Returns:
            dict: Config key of the loss → what is wrong and how to mend it.
        """
        return {}
