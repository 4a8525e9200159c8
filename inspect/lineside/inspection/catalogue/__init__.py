"""Defect catalogues: the versioned list of a plant's defect classes."""

from lineside.inspection.catalogue.loading import builtin_catalogue, catalogue_json_schema, load_catalogue
from lineside.inspection.catalogue.records import Catalogue, DefectClass, LimitSample, Migration, Severity

__all__ = [
    "Catalogue",
    "DefectClass",
    "LimitSample",
    "Migration",
    "Severity",
    "builtin_catalogue",
    "catalogue_json_schema",
    "load_catalogue",
]
