"""The review place: parts that people read, one at a time, and how well they do."""

from lineside.serving.verification.service import VerificationService
from lineside.serving.verification.store import SecondReadings
from lineside.serving.verification.waiting import Wait, WaitKind, what_waits

__all__ = ["SecondReadings", "VerificationService", "Wait", "WaitKind", "what_waits"]
