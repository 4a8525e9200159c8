"""The running line in one command: server, virtual line, scripted reviews, summary."""

from lineside.workflows.demo.draining import SinkStanding
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.demo.run_rate import RunRate
from lineside.workflows.demo.running import run_demo
from lineside.workflows.demo.site import DemoSite
from lineside.workflows.demo.tally import DemoSummary, Outcome, Passage, Tally
from lineside.workflows.demo.view import LineView

__all__ = [
    "DemoPlan",
    "DemoSite",
    "DemoSummary",
    "LineView",
    "Outcome",
    "Passage",
    "RunRate",
    "SinkStanding",
    "Tally",
    "run_demo",
]
