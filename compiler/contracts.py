"""
What passes require of a module and establish in it, and whether a pipeline's order keeps to that.

A fact is a word for what is true of a module. A pass says as class attributes which facts it
`requires`, which it `establishes`, and which it `ends`; one that says nothing may stand anywhere. A
pass of ours requires the operators of the level whose folder it is in. A fact that no pass of a
pipeline establishes is taken to be true of the module that comes in.

Which neighbours depend on their order was found by swapping each pair of the default pipelines
(tests/test_pass_order.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.passes import ModulePass

from tensorjoin.errors import TensorjoinError
from tensorjoin.stages import CANONICAL, Pipeline, passes_of

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Contract:
    """The facts that a pass has to do with."""

    requires: frozenset[str] = NOTHING
    establishes: frozenset[str] = NOTHING
    ends: frozenset[str] = NOTHING


OF_XDSL: Mapping[str, Contract] = {"canonicalize": Contract(establishes=frozenset({CANONICAL}))}
"""The contracts of xDSL's own passes, by their names."""

FOLDERS = "tensorjoin.passes."
LEVELS = {
    "nn": "nn",
    "ten": "ten",
    "ten_to_rel": "ten",
    "rel": "rel",
    "rel_to_sql": "rel",
    "sql": "sql",
}
"""By the folder of a pass, the dialect whose operators it works on."""


def contract_of(each: ModulePass) -> Contract:
    """What a pass says of itself, or is said here of xDSL's."""
    if each.name in OF_XDSL:
        return OF_XDSL[each.name]
    requires: frozenset[str] = getattr(each, "requires", NOTHING)
    module = type(each).__module__
    if module.startswith(FOLDERS):
        folder = module.removeprefix(FOLDERS).partition(".")[0]
        if folder in LEVELS:
            requires |= {f"operators of {LEVELS[folder]}"}
    return Contract(requires, getattr(each, "establishes", NOTHING), getattr(each, "ends", NOTHING))


def require_order(pipeline: Pipeline) -> None:
    """
    Raise TensorjoinError where a pass, or the end of a stage, requires a fact that only a later
    pass establishes, or that an earlier one ended.
    """
    to_come = [(each.name, contract_of(each)) for each in passes_of(pipeline)]
    established: set[str] = set()
    ended: dict[str, str] = {}

    def require(who: str, facts: frozenset[str]) -> None:
        for fact in sorted(facts - established):
            later = [name for name, contract in to_come if fact in contract.establishes]
            if fact in ended:
                raise TensorjoinError(f"{who} requires {fact}, which {ended[fact]} ends")
            if later:
                raise TensorjoinError(f"{who} requires {fact}, which {later[0]} establishes later")

    for stage in pipeline:
        for _ in stage.passes:
            name, contract = to_come.pop(0)
            require(name, contract.requires)
            established = (established - contract.ends) | contract.establishes
            ended |= dict.fromkeys(contract.ends, name)
            for fact in contract.establishes:
                ended.pop(fact, None)
        require(f"the end of {stage.name}", stage.establishes)
