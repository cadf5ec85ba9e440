"""A login by phone, as a site would write it with ``verify_service.client``. See README.md."""
