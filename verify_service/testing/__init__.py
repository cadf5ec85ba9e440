"""For the tests of login flows: the service, a Valkey and the simulator, for as long as a test run.

``python -m verify_service.testing`` starts them for every language; pytest finds the fixture
``verify_sandbox`` by itself wherever the package is installed with its extra ``testing``.
"""
