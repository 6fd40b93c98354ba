"""Names for weights that are made of several. Knows no IR."""

from collections.abc import Sequence
from itertools import takewhile


def fused_name(names: Sequence[str]) -> str:
    """
    The parts between dots that distinguish `names`, joined, among those that they share:
    "attn.q_proj.weight", "attn.k_proj.weight" -> "attn.q_proj_k_proj.weight"
    """
    parts = [name.split(".") for name in names]
    start = _shared(parts)
    middles = [part[start:] for part in parts]
    end = _shared([middle[::-1] for middle in middles])
    joined = "_".join(".".join(middle[: len(middle) - end]) for middle in middles)
    return ".".join([*parts[0][:start], joined, *parts[0][len(parts[0]) - end :]])


def _shared(sequences: Sequence[Sequence[str]]) -> int:
    """How many items the sequences have in common from the start."""
    columns = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
