"""Which of the processes of `torchrun` this one is. It imports no torch.

`torchrun` starts one program several times. Rank zero alone speaks and writes.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of a process among those of a run; 0 of 1 without torchrun."""

    number: int = 0
    of: int = 1
    of_machine: int = 1
    """Processes of this machine."""

    def __str__(self) -> str:
        return f"process {self.number + 1} of {self.of}"


def own_rank() -> Rank:
    """The rank that torchrun gave to this process."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return Rank()
    number, of, of_machine = (
        int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    )
    return Rank(number, of, of_machine)
