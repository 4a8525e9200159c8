"""The day's labelling queue: which inspections a person should look at, each with its reason and its chance.

Reports and audits come first. What is left of the budget is shared out among a random arm, whose labels may judge
models and set thresholds, and reasons that look for what a model can learn from, whose labels may not.

```python
plan = pick(candidates, budget=50, shares=QueueShares(), seed=20261123)
for picked in plan.picks:
    print(picked.inspection_id, picked.reason, picked.probability, picked.why)
```
"""

from lineside.datasets.sampling.answers import read_candidate
from lineside.datasets.sampling.copies import Glance, find_copies
from lineside.datasets.sampling.descriptors import NO_DESCRIPTORS, Descriptors
from lineside.datasets.sampling.disagreements import score_disagreement, tile_disagreement
from lineside.datasets.sampling.looks import Describer, PlainDescriber, open_describer
from lineside.datasets.sampling.picking import pick
from lineside.datasets.sampling.planning import Labelled, plan_queue
from lineside.datasets.sampling.records import (
    Candidate,
    CandidateDefect,
    CandidateView,
    Disagreement,
    DroppedCopy,
    Pick,
    PickReason,
    QueuePlan,
    origin_of,
)
from lineside.datasets.sampling.share_file import load_shares
from lineside.datasets.sampling.shares import QueueShares

__all__ = [
    "NO_DESCRIPTORS",
    "Candidate",
    "CandidateDefect",
    "CandidateView",
    "Describer",
    "Descriptors",
    "Disagreement",
    "DroppedCopy",
    "Glance",
    "Labelled",
    "Pick",
    "PickReason",
    "PlainDescriber",
    "QueuePlan",
    "QueueShares",
    "find_copies",
    "load_shares",
    "open_describer",
    "origin_of",
    "pick",
    "plan_queue",
    "read_candidate",
    "score_disagreement",
    "tile_disagreement",
]
