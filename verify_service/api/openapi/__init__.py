"""The OpenAPI document, generated once from the schemas and the table of errors.

``apispec`` reads the schemas and does nothing at a request. Frameworks that generate the document
themselves wrap every request.
"""

from verify_service.api.openapi.document import document, text

__all__ = ["document", "text"]
