"""Worker processes: a function over many tasks, results in the order of the tasks, a bounded number of them waiting."""

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import TypeVar

from crekit.errors import WorkError

log = logging.getLogger("crekit")
Task = TypeVar("Task")
Result = TypeVar("Result")
Mapper = Callable[[Callable[[Task], Result], Iterable[Task]], Iterator[Result]]

_WAITING_PER_WORKER = 2


@contextmanager
def workers(number: int, preload: list[str]) -> Iterator[Mapper]:
    """A function ``map(function, tasks)`` that runs in `number` processes; with one, in this process.

    However the block is left, by Ctrl-C or SIGTERM too, the processes end at once.

    Parameters
    ----------
    number : int
    preload : list of str
        Modules that the processes need: imported once for all of them.

    Raises
    ------
    WorkError
        If a process is killed.
    """
    if number == 1:
        yield map
        return
    # Not "fork": a fork of a process with threads (progress bar, torch) can hang, and on macOS crash.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(number, mp_context=context, initializer=_begin)
    finished = False
    try:
        yield lambda function, tasks: _in_order(executor, function, tasks, number * _WAITING_PER_WORKER)
        finished = True
    except BrokenProcessPool as error:
        raise WorkError(
            "a worker process was killed, by the system for want of memory perhaps; run again with fewer --threads"
        ) from error
    finally:
        if not finished:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(
    executor: ProcessPoolExecutor, function: Callable[[Task], Result], tasks: Iterable[Task], most: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    for task in tasks:
        waiting.append(executor.submit(function, task))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _begin() -> None:
    """In each process: leave Ctrl-C to the parent, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
