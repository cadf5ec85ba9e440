"""Runs the service, a Valkey and the simulator for the tests of a login flow.

``python -m verify_service.testing`` starts them for every language. pytest loads the fixture
``verify_sandbox`` where the package is installed with its extra ``testing``.
"""
