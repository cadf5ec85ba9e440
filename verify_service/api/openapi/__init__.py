"""The OpenAPI document: written once from the schemas and the table of errors, then kept.

By ``apispec``, which looks at the schemas and is done; frameworks that write the document
themselves wrap every request for it.
"""

from verify_service.api.openapi.document import TAGS, document, text
from verify_service.api.openapi.reference import operations

__all__ = ["TAGS", "document", "operations", "text"]
