"""The registry: releases built, signed and kept, and the deployments that put them on lines."""

from lineside.training.registry.deployments import DeploymentLog, SignedDeployment
from lineside.training.registry.promotion import Promotion, PromotionPlan, Signer, promote
from lineside.training.registry.releases import RegisteredRelease, Registry, Retirement
from lineside.training.registry.rollback import Rollback, RollbackPlan, roll_back
from lineside.training.registry.signing_keys import TRUST_NAME, create_key, read_key, revoke_key, write_trust

__all__ = [
    "TRUST_NAME",
    "DeploymentLog",
    "Promotion",
    "PromotionPlan",
    "RegisteredRelease",
    "Registry",
    "Retirement",
    "Rollback",
    "RollbackPlan",
    "SignedDeployment",
    "Signer",
    "create_key",
    "promote",
    "read_key",
    "revoke_key",
    "roll_back",
    "write_trust",
]
