"""Do people and the detector call the same part the same way, and the right way?"""

from lineside.statistics.agreement.bands import (
    EFFECTIVENESS,
    FALSE_ALARM_RATE,
    KAPPA,
    MISS_RATE,
    Band,
    Bands,
    worst,
)
from lineside.statistics.agreement.kappa import Kappa, clustered_cohen_kappa, cohen_kappa, fleiss_kappa
from lineside.statistics.agreement.planning import AgreementPlan, plan_agreement
from lineside.statistics.agreement.shares import CallShare, share_of_calls
from lineside.statistics.agreement.study import (
    AgreementStudy,
    Appraisal,
    AppraiserFigures,
    Call,
    ConflictingCalls,
    IncompleteStudy,
    PairFigures,
    analyse_agreement,
)

__all__ = [
    "EFFECTIVENESS",
    "FALSE_ALARM_RATE",
    "KAPPA",
    "MISS_RATE",
    "AgreementPlan",
    "AgreementStudy",
    "Appraisal",
    "AppraiserFigures",
    "Band",
    "Bands",
    "Call",
    "CallShare",
    "ConflictingCalls",
    "IncompleteStudy",
    "Kappa",
    "PairFigures",
    "analyse_agreement",
    "clustered_cohen_kappa",
    "cohen_kappa",
    "fleiss_kappa",
    "plan_agreement",
    "share_of_calls",
    "worst",
]
