# The service and the simulator as an image; docs/deploy.md runs it.
#
# Any base with Python 3.11 to 3.14 as `python3` will do; both stages need the same one:
#     docker build --build-arg BASE=registry.example/python:3.13 --tag verify-service .
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /app
COPY requirements.txt .
# Wheels alone: nothing is compiled, so neither stage needs a compiler. pip installs into the
# environment from outside, and is not part of it.
RUN python3 -m venv --without-pip .venv \
    && python3 -m pip --python .venv install --no-cache-dir --no-compile --only-binary :all: \
        --require-hashes --requirement requirements.txt
COPY verify_service verify_service
COPY config/gunicorn.conf.py config/
COPY wsgi.py .
# The root file system is read-only where this runs: Python could not keep its bytecode.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash .

FROM ${BASE}
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH
# A number: Kubernetes cannot tell from a name that it is not root (runAsNonRoot).
USER 10001:10001
EXPOSE 8000
# On the loopback interface, and through no proxy, whatever the environment says.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "\
import os, urllib.request as request; \
direct = request.build_opener(request.ProxyHandler({})); \
direct.open(f\"http://127.0.0.1:{os.environ.get('PORT', 8000)}/healthz\", timeout=4)"]
# gunicorn is process 1, so SIGTERM reaches it. It ends within 25 s: stop it after 30, not 10.
CMD ["gunicorn", "--config", "config/gunicorn.conf.py", "wsgi:app"]
