"""serve.py under load: python -m benchmarks.serving [--seconds 60] [--runs 3] [--output FILE.json] [-- OPTION ...]

The server and the clients are processes of their own. 16 connections, each with a key and its own thread, ask for what
clients ask for: most detect a photograph and identify who is in it, some enrol a further one. The photographs are those
of ../shared/data/people, where they are, otherwise drawn. An answer other than success ends it. What follows ``--`` are
options of serve.py. Prints tables and writes a JSON file; the machine's load is noted beside the figures.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]

from benchmarks.photographs import DATA
from benchmarks.scaling import load
from faces.cli import running, text, values
from faces.commands import sample
from faces.errors import FacesError
from faces.evaluation.searches.trials import by_person
from faces.files.writing import check_writable, write_bytes

ROOT = Path(__file__).resolve().parents[1]
PEOPLE, ENROLLED, OTHERS = 20, 3, 4  # people, and photographs of each
FACES = 200  # of a person, whom others follow then
MIX = ("detect", "detect", "detect", "identify", "identify", "identify", "add")
HEADER = "Ocp-Apim-Subscription-Key"
MB = 1e6
Row = dict[str, Any]
Timed = list[tuple[str, float]]
Picture = tuple[bytes, str]  # and which face is meant


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=values.count, default=60, help="of each run")
    parser.add_argument("--runs", type=values.count, default=3, help="one after the other, with one server")
    parser.add_argument("--connections", type=values.count, default=16, help="at the same time")
    parser.add_argument("--output", type=Path, default=Path("output/serving.json"))
    parser.add_argument("options", nargs="*", help="of serve.py, after --")
    args = parser.parse_args(argv)
    check_writable(args.output)
    runs = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        people = photographs(folder)
        process, port, key = started(folder, args.options)
        try:
            client = Client(port, key)
            pictures = enrolled(client, people)
            with ProcessPoolExecutor(1, get_context("spawn")) as other:  # than the server's and this one
                for number in range(1, args.runs + 1):
                    before, worked = memory(process), cpu(process)
                    work = other.submit(asked, port, key, pictures, args.connections, args.seconds)
                    row = {"run": number, **summary(work.result(), args.seconds)}
                    row["CPU ms each"] = round((cpu(process) - worked) * 1e3 / row["operations"][0]["requests"])
                    row |= {"MB before": before, "MB after": memory(process), "load": load()}
                    runs.append(row)
                    print(
                        f"run {number}, load average {row['load']}; memory {before} -> {row['MB after']} MB;"
                        f" {row['CPU ms each']} ms of CPU a request"
                    )
                    print(text.table(list(row["operations"][0]), [list(one.values()) for one in row["operations"]]))
                    print(flush=True)
        finally:
            process.terminate()
            process.wait(30)
    write_bytes(args.output, json.dumps({"options": args.options, "runs": runs}, indent=1).encode())
    print(f"{os.cpu_count()} cores -> {args.output}")
    return 0


class Client:
    """One connection, which stays open."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._key = key

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        """Raises FacesError for an answer other than success."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, f"/face/v1.0/{path}", data, {HEADER: self._key})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 202):
            raise FacesError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None


def photographs(folder: Path) -> dict[str, list[Path]]:
    """Of people by name; drawn ones where there are no others."""
    if not (DATA / "people").is_dir():
        here = Path.cwd()
        os.chdir(folder)
        sample.main(["--people", "8", "--photos", "8"])
        os.chdir(here)
        return by_person(folder / "dataset")
    return dict(list(by_person(DATA / "people").items())[:PEOPLE])


def started(folder: Path, options: Sequence[str]) -> tuple[subprocess.Popen[str], int, str]:
    """A server in a folder of its own, and where it listens, and its key."""
    command = [sys.executable, str(ROOT / "serve.py"), "--port", "0", "--log", "none", "--rate-limit", "none", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address, key = process.stdout.readline(), process.stdout.readline()
    if not key:
        raise FacesError("the server did not start")
    return process, int(address.rpartition(":")[2]), key.split()[1].rstrip(",")


def enrolled(client: Client, people: dict[str, list[Path]]) -> list[Picture]:
    """Enrols the first photographs of each, in a group that is trained; some of the others, to ask with."""
    client("PUT", "persongroups/load", {"name": "load"})
    others: list[Picture] = []
    for name, paths in people.items():
        person = client("POST", "persongroups/load/persons", {"name": name})["personId"]
        pictures = [picture for path in paths[: ENROLLED + OTHERS] if (picture := largest(client, path))]
        for data, target in pictures[:ENROLLED]:
            client("POST", f"persongroups/load/persons/{person}/persistedfaces?{target}", data)
        others += pictures[ENROLLED:]
    client("POST", "persongroups/load/train")
    while client("GET", "persongroups/load/training")["status"] != "succeeded":
        time.sleep(0.05)
    return others


def largest(client: Client, path: Path) -> Picture | None:
    """A photograph, and which of its faces is meant, if there is one."""
    data = path.read_bytes()
    for found in client("POST", "detect?returnFaceId=false", data)[:1]:
        box = found["faceRectangle"]
        return data, f"targetFace={box['left']},{box['top']},{box['width']},{box['height']}"
    return None


def asked(port: int, key: str, pictures: list[Picture], connections: int, seconds: float) -> Timed:
    """What was asked and how long each took, s; by so many at once, in the process that this is called in."""
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(connections) as pool:
        jobs = [pool.submit(_one, Client(port, key), pictures, seed, end) for seed in range(connections)]
        return [one for job in jobs for one in job.result()]


def _one(client: Client, pictures: list[Picture], seed: int, end: float) -> Timed:
    choice = random.Random(seed)
    some, kinds = cycle(choice.sample(pictures, len(pictures))), cycle(choice.sample(MIX, len(MIX)))
    faces: list[str] = []
    person, added = "", 0
    done: Timed = []
    while time.monotonic() < end:
        kind, (data, target) = next(kinds), next(some)
        kind = "detect" if kind == "identify" and not faces else kind
        if kind == "add" and added % FACES == 0:
            person = client("POST", "persongroups/load/persons", {"name": "somebody"})["personId"]
        start = time.perf_counter()
        if kind == "detect":
            faces = [one["faceId"] for one in client("POST", "detect", data)][:10] or faces
        elif kind == "identify":
            client("POST", "identify", {"faceIds": faces, "personGroupId": "load"})
        else:
            client("POST", f"persongroups/load/persons/{person}/persistedfaces?{target}", data)
            added += 1
        done.append((kind, time.perf_counter() - start))
    return done


def summary(done: Timed, seconds: float) -> Row:
    rows = []
    for kind in ("all", *dict.fromkeys(MIX)):
        times = np.array([took for what, took in done if kind in ("all", what)]) * 1e3
        p50, p95, p99 = np.percentile(times, [50, 95, 99]) if len(times) else (np.nan,) * 3
        rows.append(
            {
                "operation": kind,
                "requests": len(times),
                "a second": round(len(times) / seconds, 1),
                "p50 ms": round(float(p50), 1),
                "p95 ms": round(float(p95), 1),
                "p99 ms": round(float(p99), 1),
            }
        )
    return {"operations": rows}


def cpu(process: subprocess.Popen[str]) -> float:
    """Seconds that it has computed."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def memory(process: subprocess.Popen[str]) -> int:
    """Resident, MB."""
    return round(float(psutil.Process(process.pid).memory_info().rss) / MB)


if __name__ == "__main__":
    running.run(main)
