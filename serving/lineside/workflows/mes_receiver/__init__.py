"""A small MES: takes Lineside's signed messages, shows orders, results and holds, and sends orders and holds back.

It speaks to Lineside in public words only: CloudEvents signed after Standard Webhooks come in, the HTTP API goes out.
"""

from lineside.workflows.mes_receiver.errors import (
    LineUnreachable,
    MailboxUnusable,
    MessageUnreadable,
    ReceiverError,
    SignatureRefused,
)
from lineside.workflows.mes_receiver.running import ReceiverSettings, RunningReceiver, delivery_lines, run_mes_receiver

__all__ = [
    "LineUnreachable",
    "MailboxUnusable",
    "MessageUnreadable",
    "ReceiverError",
    "ReceiverSettings",
    "RunningReceiver",
    "SignatureRefused",
    "delivery_lines",
    "run_mes_receiver",
]
