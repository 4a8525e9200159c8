"""The labelling loop between our server and Label Studio: queue, push, pull, follow.

All state that must last is the server's. Each step may be killed anywhere and run again: nothing is lost or doubled.
"""

from lineside.workflows.labelling.child_revisions import DEFAULT_LICENCE_NOTE, RevisionTerms
from lineside.workflows.labelling.connecting import connect_labels
from lineside.workflows.labelling.following import follow_labels
from lineside.workflows.labelling.labelled_views import GroupBy
from lineside.workflows.labelling.needing_people import Code, Need
from lineside.workflows.labelling.picks import LabelProject
from lineside.workflows.labelling.pulling import PullOptions, PullReport, pull_labels
from lineside.workflows.labelling.pushing import PushOptions, PushReport, push_labels
from lineside.workflows.labelling.queueing import Queued, QueueOptions, queue_labels
from lineside.workflows.labelling.rechecking import RecheckReport, send_back
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.working_alone import Workplace

__all__ = [
    "DEFAULT_LICENCE_NOTE",
    "Code",
    "GroupBy",
    "LabelProject",
    "LabelSite",
    "Need",
    "PullOptions",
    "PullReport",
    "PushOptions",
    "PushReport",
    "QueueOptions",
    "Queued",
    "RecheckReport",
    "RevisionTerms",
    "Workplace",
    "connect_labels",
    "follow_labels",
    "pull_labels",
    "push_labels",
    "queue_labels",
    "send_back",
]
