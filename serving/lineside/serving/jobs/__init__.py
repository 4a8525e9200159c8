"""Single measurements that somebody asks a station for; the part's inspection ends them."""

from lineside.serving.jobs.schemas import JobChanged, JobIn, JobOut, JobState
from lineside.serving.jobs.service import JobBook

__all__ = ["JobBook", "JobChanged", "JobIn", "JobOut", "JobState"]
