"""A Slurm cluster of one node: munge, slurmctld and slurmd of its own, in a folder of its own, on ports of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PARTITION = "tests"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scancel")
# Debian keeps daemons where the PATH of a user does not lead.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

# Times are short, so that a node that is gone is soon known as such. Memory is shared out, as on most clusters. Jobs
# that ended are kept in mind.
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MinJobAge=86400
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName={partition} Nodes=node Default=YES MaxTime=INFINITE State=UP
"""


class Absent(Exception):
    """There can be no cluster here; the text says why."""


class Trouble(Exception):
    """The cluster did not do as told; the text says what was waited for, and where its logs are."""


@dataclass
class Cluster:
    """A cluster that runs.

    Parameters
    ----------
    folder : Path
        Its configuration, keys, state and logs.
    cpus, memory : int
        Of the node; memory in MB.
    environment : dict of str to str
        To be added to the environment of all that speaks to the cluster.
    """

    folder: Path
    cpus: int
    memory: int
    environment: dict[str, str]
    _daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def ask(self, *words: object) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            [str(word) for word in words], env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        if done.returncode:
            raise Trouble(f"{words[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def jobs(self, *states: str) -> dict[int, str]:
        """Names of the jobs in these states (default: waiting or running) by their numbers."""
        chosen = [f"--states={','.join(states)}"] if states else []
        rows = self.ask("squeue", "--noheader", "--format=%i %j", *chosen).splitlines()
        return {int(number): name for number, name in (row.split(maxsplit=1) for row in rows)}

    def node_is(self, *states: str) -> bool:
        return self.ask("sinfo", "--noheader", "--format=%T").rstrip("*") in states

    def start_node(self) -> None:
        """Start slurmd and wait until the cluster has it."""
        self._start("slurmd", "-D", "-N", "node", "-f", self.folder / "slurm.conf")
        self.wait(lambda: self.node_is("idle", "mixed", "allocated"), "the node to be up", 60)

    def kill_node(self) -> list[int]:
        """As if the machine had lost power: SIGKILL to slurmd and to all that it started; waits until this is noticed.

        Returns the ids of what was killed beside slurmd.
        """
        tasks = self.task_processes()
        daemon = self._daemons.pop("slurmd")
        daemon.kill()
        daemon.wait()
        for process in tasks:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.wait(lambda: self.node_is("down"), "the node to be missed", 90)
        return tasks

    def task_processes(self) -> list[int]:
        """Jobs' processes and the slurmstepd above them, these first, so that none can tell how its job ended."""
        mine = f"SLURM_CONF={self.environment['SLURM_CONF']}"
        tasks = [process for process, words in _environments() if mine in words and _job_of(words)]
        above = {parent for parent in map(_parent, tasks) if parent and _name(parent).startswith("slurmstepd")}
        return [*sorted(above), *sorted({*tasks} - above)]

    def wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `done` says so."""
        ends = time.monotonic() + seconds
        while not done():
            fallen = [name for name, process in self._daemons.items() if process.poll() is not None]
            if fallen or time.monotonic() > ends:
                reason = f"{fallen[0]} ended" if fallen else f"not within {seconds:.0f} s"
                raise Trouble(f"waited for {what}: {reason}; logs are in {self.folder}")
            time.sleep(0.2)

    def _start(self, name: str, *words: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                [shutil.which(name, path=PATH) or name, *map(str, words)],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def _start_all(self) -> None:
        key, sock = self.folder / "munge" / "key", self.folder / "munge" / "socket"
        # --force: the folder may lie below one that others may not enter, which is nothing to munge of a test.
        files = [f"--{what}-file={self.folder}/munge/{what}" for what in ("key", "pid", "seed", "log")]
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self._start("munged", "--foreground", "--force", f"--socket={sock}", *files)
        self.wait(sock.exists, "munged", 20)
        self._start("slurmctld", "-D", "-i", "-f", self.folder / "slurm.conf")
        self.wait(self._controller_answers, "slurmctld", 60)
        self.start_node()

    def _controller_answers(self) -> bool:
        try:
            return bool(self.ask("sinfo", "--noheader"))
        except Trouble:
            return False

    def _stop_all(self) -> None:
        """End the jobs, then the daemons, the last started first."""
        if "slurmctld" in self._daemons and self._daemons["slurmctld"].poll() is None:
            left = self.jobs()
            if left:
                self.ask("scancel", *left)
                if "slurmd" in self._daemons:
                    self.wait(lambda: not self.jobs(), "jobs to end", 30)
        for process in reversed(self._daemons.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A running cluster; the folder must be empty.

    Raises
    ------
    Absent
        If Slurm or munge are not installed, or the user is not root.
    Trouble
        If it does not start.
    """
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        raise Absent(f"{', '.join(missing)} not found; Debian: apt-get install slurm-wlm munge")
    if os.geteuid():
        raise Absent("slurmctld and slurmd are started by root only")
    # As slurmd sees the machine, less what the system itself needs.
    seen = dict(word.split("=", 1) for word in _output("slurmd", "-C").split() if "=" in word)
    cpus, memory = int(seen["CPUs"]), int(seen["RealMemory"]) * 9 // 10
    configuration = folder / "slurm.conf"
    controller_port, node_port = _free_ports(2)
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    text = CONFIGURATION.format(
        folder=folder, host=socket.gethostname(), cpus=cpus, memory=memory, partition=PARTITION,
        controller_port=controller_port, node_port=node_port,
    )  # fmt: skip
    configuration.write_text(text)
    made = Cluster(folder, cpus, memory, {"SLURM_CONF": str(configuration)})
    with ExitStack() as stack:
        stack.callback(made._stop_all)
        made._start_all()
        yield made


def _output(name: str, *words: str) -> str:
    return subprocess.run(
        [shutil.which(name, path=PATH) or name, *words], check=True, capture_output=True, text=True
    ).stdout


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _environments() -> Iterator[tuple[int, list[str]]]:
    """Process ids and the environments that the processes started with."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            yield int(folder.name), words


def _job_of(words: list[str]) -> str:
    """The number of the Slurm job that an environment is of, or nothing."""
    return next((word.partition("=")[2] for word in words if word.startswith("SLURM_JOB_ID=")), "")


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""
