"""CPU and memory of processes and of the machine, from /proc. Times are in seconds."""
import os

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # the process or thread has just ended
        return ""


def _stat(pid):
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def tree(pid):
    """The process and all its descendants."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(name)
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(name))
    found = [pid]
    for known in found:
        found += parents.get(known, [])
    return found


class Cpu:
    """CPU time that a set of processes has used. `total` is exact to the nanosecond where no process or thread of theirs ends
    meanwhile; user and system are split by the kernel in steps of a tick."""

    def __init__(self, pids, with_children=False):
        self.user = self.system = self.exact = 0.0
        for pid in pids:
            fields = _stat(pid)
            if not fields:
                continue
            self.user += (int(fields[11]) + (int(fields[13]) if with_children else 0)) / TICK
            self.system += (int(fields[12]) + (int(fields[14]) if with_children else 0)) / TICK
            self.exact += sum(_on_cpu(pid, task) for task in _tasks(pid))
        self.with_children = with_children

    def since(self, before):
        user, system = self.user - before.user, self.system - before.system
        total = user + system if self.with_children else self.exact - before.exact
        split = user / (user + system) if user + system > 0 else 0.0
        return {"total": total, "user": total * split, "system": total * (1 - split)}


def _tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended since its stat was read
        return []


def _on_cpu(pid, task):
    fields = _read(f"/proc/{pid}/task/{task}/schedstat").split()
    return int(fields[0]) / 1e9 if fields else 0.0


def resident(pids):
    """Bytes."""
    pages = (_read(f"/proc/{pid}/statm").split() for pid in pids)
    return sum(int(fields[1]) * PAGE for fields in pages if fields)


def machine_busy():
    """(seconds that all cores together were busy, seconds stolen by the hypervisor)."""
    fields = [int(value) / TICK for value in _read("/proc/stat").splitlines()[0].split()[1:]]
    return sum(fields[:3]) + sum(fields[5:8]), fields[7]
