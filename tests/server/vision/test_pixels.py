"""The limit of the pixels in work: first come, first served, also where clients leave, fail, or the server stops."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from flask import Flask

from faces.server.listening import Listener
from faces.server.vision.pixels import PixelLimit
from tests.conftest import patience


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + patience(30)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


class Pictures:
    """Pictures that stay in work until they are done, with the order in which they came into work."""

    def __init__(self, most: int) -> None:
        self.limit, self.order = PixelLimit(most), list[str]()
        self._pool, self._done, self._jobs = ThreadPoolExecutor(8), dict[str, Event](), dict[str, Future[None]]()

    def come(self, name: str, pixels: int) -> None:
        """Let a picture come; return once it waits or is in work."""
        self._done[name], waiting = Event(), len(self.limit.waiting)
        self._jobs[name] = self._pool.submit(self._work, name, pixels)
        until(lambda: name in self.order or len(self.limit.waiting) > waiting)

    def _work(self, name: str, pixels: int) -> None:
        with self.limit.admit(pixels):
            self.order.append(name)
            assert self._done[name].wait(patience(30))

    def finish(self, name: str) -> None:
        self._done[name].set()
        self._jobs[name].result(patience(30))

    def wait_for(self, *order: str) -> None:
        until(lambda: len(self.order) == len(order))
        assert self.order == list(order)


def test_pictures_are_in_work_together_within_the_limit() -> None:
    pictures = Pictures(10)
    for name, pixels in (("a", 4), ("b", 6), ("c", 1)):
        pictures.come(name, pixels)
    assert pictures.order == ["a", "b"] and pictures.limit.in_work == 10 and len(pictures.limit.waiting) == 1
    pictures.finish("a")
    pictures.wait_for("a", "b", "c")
    assert pictures.limit.in_work == 7
    pictures.finish("b")
    pictures.finish("c")
    assert pictures.limit.in_work == 0


def test_first_come_first_served() -> None:
    """A small picture would fit, but a large one came before it."""
    pictures = Pictures(10)
    for name, pixels in (("a", 5), ("large", 8), ("small", 2)):
        pictures.come(name, pixels)
    assert pictures.order == ["a"]
    pictures.finish("a")
    pictures.wait_for("a", "large", "small")
    for name in ("small", "large"):
        pictures.finish(name)


def test_a_picture_larger_than_the_limit_is_in_work_alone() -> None:
    pictures = Pictures(10)
    for name, pixels in (("a", 1), ("huge", 1000), ("b", 1)):
        pictures.come(name, pixels)
    assert pictures.order == ["a"]
    pictures.finish("a")
    pictures.wait_for("a", "huge")
    assert len(pictures.limit.waiting) == 1
    pictures.finish("huge")
    pictures.wait_for("a", "huge", "b")
    pictures.finish("b")


def test_a_picture_that_fails_makes_room() -> None:
    limit = PixelLimit(10)
    with pytest.raises(ValueError), limit.admit(10):
        raise ValueError
    assert limit.in_work == 0


class Site:
    """A server of four threads whose pictures fill the limit; each is in work until ``go`` is set."""

    def __init__(self) -> None:
        self.limit, self.go = PixelLimit(10), Event()
        app = Flask("site")

        @app.get("/picture")
        def picture() -> str:
            with self.limit.admit(10):
                assert self.go.wait(patience(30))
            return "seen"

        @app.get("/broken")
        def broken() -> str:
            with self.limit.admit(10):
                raise ValueError("a picture that fails")

        self.listener = Listener(app, "127.0.0.1", 0, 4)
        self.thread = Thread(target=self.listener.run)
        self.thread.start()

    def ask(self, path: str = "/picture") -> socket.socket:
        """Send a request; return once its picture waits or is in work."""
        before = self._here()
        connection = socket.create_connection(("127.0.0.1", int(self.listener.url.rpartition(":")[2])), patience(30))
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        until(lambda: self._here() > before)
        return connection

    def _here(self) -> int:
        return len(self.limit.waiting) + (self.limit.in_work > 0)


def status(connection: socket.socket) -> int:
    with connection:
        return int(b"".join(iter(lambda: connection.recv(65536), b"")).split()[1])


@contextmanager
def serving() -> Iterator[Site]:
    site = Site()
    try:
        yield site
    finally:
        site.go.set()
        site.listener.stop()
        site.thread.join()


def test_only_the_request_that_fails_gets_an_error() -> None:
    with serving() as site:
        first, broken, last = site.ask(), site.ask("/broken"), site.ask()
        site.go.set()
        assert [status(first), status(broken), status(last)] == [200, 500, 200]
        assert site.limit.in_work == 0


def test_clients_that_are_gone_leave_no_pixels_behind() -> None:
    with serving() as site:
        in_work, waiting, last = (site.ask() for _ in range(3))
        in_work.close()
        waiting.close()
        site.go.set()
        assert status(last) == 200
        until(lambda: site.limit.in_work == 0 and not site.limit.waiting)


def test_requests_that_wait_are_answered_when_the_server_stops() -> None:
    with serving() as site:
        connections = [site.ask() for _ in range(4)]
        site.listener.stop()
        site.go.set()
        assert [status(connection) for connection in connections] == [200] * 4
        site.thread.join(patience(30))
        assert not site.thread.is_alive() and site.limit.in_work == 0
