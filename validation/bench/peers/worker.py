"""Contenders in processes of their own: a time limit that holds, a choice of cores, memory apart."""

import multiprocessing
import os
import signal

from .contenders import make_contender


class Unavailable(Exception):
    """The package is not there."""


class OverLimit(Exception):
    """It took longer than it was given."""


class Failed(Exception):
    """It raised an error or died."""


def serve(connection, name, program):
    """Answers (method, arguments) with ("ok", value) or (kind, message), until it is killed."""
    os.setpgrp()  # so that stop() also ends what the contender started
    try:
        contender = make_contender(name, program)
    except ImportError as missing:
        connection.send(("missing", str(missing)))
        return
    connection.send(("ok", contender.version))
    while True:
        method, arguments = connection.recv()
        try:
            connection.send(("ok", getattr(contender, method)(*arguments)))
        except Exception as trouble:  # whatever a peer may raise is a result
            connection.send(("failed", f"{type(trouble).__name__}: {trouble}".splitlines()[0][:80]))


class Worker:
    """One contender, started when first asked and again after it had to be killed."""

    def __init__(self, name, program, cores=None):
        self.name, self.process = name, None
        self.arguments, self.cores = (name, program), cores
        self.version = ""

    def ask(self, method, *arguments, limit):
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self.process = context.Process(target=serve, args=(theirs, *self.arguments), daemon=True)
            every = os.sched_getaffinity(0)
            os.sched_setaffinity(0, sorted(every)[: self.cores])  # inherited: libraries count cores when loaded
            self.process.start()
            os.sched_setaffinity(0, every)
            theirs.close()
            self.version = self.receive(60)
        self.connection.send((method, arguments))
        return self.receive(limit)

    def receive(self, limit):
        try:
            # in slices, so that time in which everything here is stopped does not count
            if not any(self.connection.poll(0.25) for _ in range(int(4 * limit))):
                self.stop()
                raise OverLimit(f"over {limit:.0f} s")
            kind, value = self.connection.recv()
        except (EOFError, ConnectionError):
            self.stop()
            raise Failed("the process died") from None
        if kind == "missing":
            self.stop()
            raise Unavailable(value)
        if kind == "failed":
            raise Failed(value)
        return value

    def stop(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.join()
            self.connection.close()
        self.process = None
