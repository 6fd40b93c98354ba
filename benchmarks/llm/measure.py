"""
One phase of one contender, in a process of its own: figures as lines of JSON, as they come.

Whoever starts it reads those lines, and may end it by SIGINT when it takes too long.
"""

import argparse
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from llm.checkpoints import CONFIG, SHAPES, weight_bytes
from llm.contender import Contender, Runner
from llm.contenders import CONTENDERS
from llm.memory import bytes_read

RUNS = 5
PATIENCE = 10.0
"""Seconds after which a figure is not measured once more."""
DECODED = 16
BATCHES = (1, 2, 4, 8, 16, 32)
PROMPT = 8
CHECKED = 4
"""Tokens after the prompt whose logits are compared too."""


def report(name: str, value: object) -> None:
    print(json.dumps({name: value}), flush=True)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def repeated(call: Callable[[], object], runs: int = RUNS) -> list[float]:
    """The seconds of each of up to `runs` calls; the first ones within `PATIENCE`."""
    taken: list[float] = []
    while len(taken) < runs and sum(taken) < PATIENCE:
        taken.append(seconds(call))
    return taken


def tokens(count: int, checkpoint: Path) -> list[int]:
    vocabulary = json.loads((checkpoint / CONFIG).read_text())["vocab_size"]
    return np.random.default_rng(1).integers(3, vocabulary, count).tolist()


def step(runner: Runner, batch: list[int]) -> None:
    runner.forward(batch)
    runner.token()


def load(contender: Contender, checkpoint: Path, folder: Path) -> None:
    report("load_seconds", seconds(lambda: contender.load(checkpoint, folder)))
    sizes = [file.stat().st_size for file in contender.files(checkpoint, folder)]
    report("file_bytes", sum(sizes))


def warm(contender: Contender, checkpoint: Path, folder: Path) -> None:
    """Every figure after a pass that is not counted."""
    text = tokens(256, checkpoint)
    with contender.open(checkpoint, folder) as runner:
        decode(runner, text)
        if contender.takes_empty_batches:
            report("empty_pass", repeated(lambda: runner.forward([])))
        compare(runner, contender.reference(checkpoint), text)
        if contender.only_decodes:
            return
        report("prefill_25", prefill(runner, text[:25]))
        batches(runner, text)
        report("prefill_200", prefill(runner, text[:200]))


def decode(runner: Runner, text: list[int]) -> None:
    """Tokens one at a time, after one that is not counted."""
    step(runner, text[:1])
    following = iter(text[1:])
    report("decode", repeated(lambda: step(runner, [next(following)]), DECODED))


def prefill(runner: Runner, prompt: list[int]) -> list[float]:
    """The seconds of passes with all of a prompt over an empty context."""
    taken: list[float] = []
    while len(taken) < RUNS and sum(taken) < PATIENCE:
        taken.append(fresh_pass(runner, prompt))
    return taken


def fresh_pass(runner: Runner, prompt: list[int]) -> float:
    runner.restart()
    return seconds(lambda: step(runner, prompt))


def batches(runner: Runner, text: list[int]) -> None:
    """Passes with M rows over an empty context, in turns: their ratios are what counts."""
    taken: dict[str, list[float]] = {f"rows_{rows}": [] for rows in BATCHES}
    for _ in range(RUNS):
        for rows in BATCHES:
            taken[f"rows_{rows}"].append(fresh_pass(runner, text[:rows]))
        for name, values in taken.items():
            report(name, values)
        if sum(map(sum, taken.values())) > PATIENCE * len(BATCHES):
            return


def compare(runner: Runner, reference: Runner, text: list[int]) -> None:
    """The largest difference to numpy's logits, and how many greedy tokens are the same."""
    runner.restart()
    difference, equal = 0.0, 0
    following = [text[PROMPT + number :][:1] for number in range(CHECKED)]
    for batch in (text[:PROMPT], *following):
        reference.forward(batch)
        runner.forward(batch)
        found = runner.logits()
        difference = max(difference, float(np.abs(found - reference.logits()).max()))
        equal += runner.token() == reference.token()
    report("logits_difference", difference)
    report("equal_tokens", [equal, CHECKED + 1])


def first(contender: Contender, checkpoint: Path, folder: Path) -> None:
    """The first token, from a closed file on."""
    text = tokens(1, checkpoint)
    started = time.perf_counter()
    with contender.open(checkpoint, folder) as runner:
        step(runner, text)
        report("first_token", [time.perf_counter() - started])


def capped_bytes(checkpoint: Path) -> int:
    """What a process may have in the phase `capped`."""
    return weight_bytes(SHAPES[checkpoint.name]) // 2


def capped(contender: Contender, checkpoint: Path, folder: Path) -> None:
    """Tokens one at a time, after one that is not counted, and what is read for each."""
    following = iter(tokens(256, checkpoint))
    with contender.open(checkpoint, folder, capped_bytes(checkpoint)) as runner:
        step(runner, [next(following)])
        read = bytes_read()
        taken = repeated(lambda: step(runner, [next(following)]), DECODED)
        report("decode", taken)
        if not contender.has_server:
            report("decode_bytes_read", (bytes_read() - read) / len(taken))


PHASES = {"load": load, "warm": warm, "cold": first, "capped": capped}


def main() -> None:
    # A shell that starts a command in the background has it ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    phase, contender = PHASES[arguments.phase], CONTENDERS[arguments.contender]
    phase(contender, arguments.checkpoint, arguments.folder)


if __name__ == "__main__":
    main()
