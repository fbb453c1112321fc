"""Commands in the background, some at a time, and how far they are."""
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mmmultas.utils.errors import UserError
from mmmultas.utils.progress_block import ProgressBlock, Row

__all__ = ['Job', 'noted_seconds', 'run_jobs', 'scalar_steps']

_SECONDS = 'seconds.txt'

Command = Sequence[str] | Callable[[], Sequence[str]]


@dataclass
class Job:
    """Commands to run one after the other, their output in a file.

    Attributes:
        name: What progress calls it.
        commands: Each a list of arguments, or a function that makes one
            when its turn has come.
        work_dir: Where the training writes; the log is ``console.log``.
        updates: Updates of the training.
        needs: Names of jobs that must be done before.
        files: Open files that the commands keep open, such as a lock.
        weight: What an update takes, against those of other jobs.
        seconds: Of the first command.
    """
    name: str
    commands: Sequence[Command]
    work_dir: Path
    updates: int
    needs: Sequence[str] = ()
    files: Sequence[int] = ()
    weight: float = 1.0
    seconds: float = 0.0
    _todo: list[Command] = field(default_factory=list)
    _env: dict[str, str] = field(default_factory=dict)
    _running: Sequence[str] = ()
    _process: subprocess.Popen | None = None
    _started: float = 0.0

    @property
    def log(self) -> Path:
        """Everything that the commands print."""
        return self.work_dir / 'console.log'

    @property
    def state(self) -> str:
        """Whether it waits, runs its first command, or a later one."""
        if self._process is None:
            return 'waits'
        later = len(self._todo) < len(self.commands) - 1
        return 'is tested' if later else 'runs'

    def note_seconds(self) -> None:
        """Keep how long the first command took; times of calls add up."""
        if self.seconds:
            with (self.work_dir / _SECONDS).open('a') as file:
                file.write(f'{self.seconds:.1f}\n')
            self.seconds = 0.0

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Begin with the first command.

        Args:
            env: Environment variables beside those of this process.
        """
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.log.write_text('')
        self._env = dict(env or {})
        self._todo = list(self.commands)
        self._started = time.time()
        self._next()

    def poll(self) -> bool:
        """Go on to the next command; True when all are done.

        Raises:
            UserError: A command failed.
        """
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return False
        if self.seconds == 0:
            self.seconds = time.time() - self._started
        if code:
            lines = self.log.read_text(errors='replace').splitlines()
            raise UserError(
                f'`{shlex.join(self._running)}` failed:\n  ' +
                '\n  '.join(lines[-8:]) + f'\nAll of its output: {self.log}')
        if self._todo:
            self._next()
            return False
        return True

    def stop(self) -> None:
        """Let a running command end, so that it can be resumed."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
            if self.seconds == 0:
                self.seconds = time.time() - self._started

    def _next(self) -> None:
        command = self._todo.pop(0)
        self._running = command() if callable(command) else command
        with self.log.open('a') as out:
            self._process = subprocess.Popen(
                self._running,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(os.environ, PYTHONWARNINGS='ignore', **self._env),
                pass_fds=tuple(self.files),
                # Ctrl-C reaches this process alone, which then asks once
                start_new_session=True)


class _Queue:
    """Jobs that wait, run, are done or have failed."""

    def __init__(self, jobs: Sequence[Job],
                 slots: Sequence[Mapping[str, str]],
                 keep_going: bool) -> None:
        self.keep_going = keep_going
        self.waiting = list(jobs)
        self.running: dict[str, tuple[Job, int]] = {}
        self.failed: dict[str, str] = {}
        self.known = {job.name for job in jobs}
        self.done: set[str] = set()
        self.slots = slots
        self.rows = {
            job.name: Row(job.name, _steps(job), job.updates, 'waits',
                          job.weight) for job in jobs
        }
        self.block = ProgressBlock('Training', 'updates')

    def start(self) -> None:
        """Fill the free slots with jobs whose needs are met."""
        for job in list(self.waiting):
            blocked = [n for n in job.needs if n in self.failed]
            if blocked:
                self.failed[job.name] = f'{blocked[0]}, which it needs, failed'
                self.waiting.remove(job)
                continue
            taken = {slot for _, slot in self.running.values()}
            free = [n for n in range(len(self.slots)) if n not in taken]
            ready = all(n in self.done for n in job.needs if n in self.known)
            if not free or not ready:
                continue
            self.waiting.remove(job)
            self.running[job.name] = job, free[0]
            with self._noting(job.name):
                job.start(self.slots[free[0]])
                self.rows[job.name].state = job.state

    def poll(self, on_done: Callable[[Job], None] | None) -> None:
        """Take note of jobs that ended."""
        for name, (job, _) in list(self.running.items()):
            with self._noting(name):
                done = job.poll()
                if done and on_done is not None:
                    on_done(job)
            if name in self.failed:
                continue
            row = self.rows[name]
            row.done = job.updates if done else _steps(job)
            row.state = 'done' if done else job.state
            if done:
                del self.running[name]
                self.done.add(name)

    def show(self) -> None:
        """Show how far all of them are."""
        for name in self.failed:
            self.rows[name].state = 'failed'
        self.block.show(list(self.rows.values()),
                        last=not self.waiting and not self.running)

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """Take a job off that fails, or let its failure stop all."""
        try:
            yield
        except UserError as error:
            if not self.keep_going:
                raise
            self.failed[name] = str(error)
            del self.running[name]


def run_jobs(jobs: Sequence[Job],
             parallel: int = 2,
             *,
             slots: Sequence[Mapping[str, str]] | None = None,
             keep_going: bool = False,
             on_done: Callable[[Job], None] | None = None) -> dict[str, str]:
    """Run jobs, some at a time, and show how far they are.

    Args:
        jobs: What to run, in this order as far as their needs allow. A need
            that is no job here counts as met.
        parallel: Jobs at a time.
        slots: Instead: environment variables of each place in which a job
            runs, for example the GPU that it sees.
        keep_going: Whether the others go on after a failure.
        on_done: Called with each job that is done; its ``UserError`` is a
            failure of the job.

    Returns:
        What went wrong, by name (with ``keep_going``).

    Raises:
        UserError: One failed; the others are stopped.
    """
    if slots is None:
        # a thread each: several jobs share the cores, and threads that spin
        # for one another while a third process runs are far slower than one
        slots = [dict(OMP_NUM_THREADS='1')] * parallel
    queue = _Queue(jobs, slots, keep_going)
    with ExitStack() as stack:
        for job in jobs:
            stack.callback(job.stop)
        while queue.waiting or queue.running:
            queue.start()
            queue.show()
            time.sleep(0.3)
            queue.poll(on_done)
        queue.show()
    return queue.failed


def noted_seconds(work_dir: Path) -> float:
    """How long the training in a folder took in all calls, in seconds."""
    path = work_dir / _SECONDS
    return sum(map(float, path.read_text().split())) if path.exists() else 0.0


def _steps(job: Job) -> int:
    return min(job.updates, max(scalar_steps(job.work_dir), default=0))


def scalar_steps(work_dir: Path) -> Iterator[int]:
    """Updates that a run has logged so far."""
    for path in work_dir.glob('*/vis_data/scalars.json'):
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # half a line, being written
                continue
            if 'iter' in record:
                yield int(record['iter'])
