"""The plant's defect catalogues, version by version."""

from lineside.serving.catalogue.schemas import CatalogueChanged
from lineside.serving.catalogue.service import CatalogueShelf, StoredCatalogue

__all__ = ["CatalogueChanged", "CatalogueShelf", "StoredCatalogue"]
