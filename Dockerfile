# One accredit node, or any other accredit command.
#
# Not built by us yet: no container engine was available where this was written. Its pip commands were run by hand in a
# virtual environment, the rest was not; whoever builds it first is asked to say so in the changelog and remove this.
#
#     docker build -t accredit .
#     docker run --rm accredit --help
#
# A node keeps its configuration, keys and database in /data, and must bind 0.0.0.0 there instead of the loopback
# address, or nobody outside the container reaches it. Put TLS in front of it (a reverse proxy) or give it a certificate.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/accredit
# The lock first: a change of code alone does not install the packages again. It is complete: nothing is resolved anew,
# and no later release of a package can break the build.
COPY requirements/run.txt requirements/run.txt
RUN /opt/accredit/bin/pip install --no-deps --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY registry registry
COPY governance governance
COPY gossip gossip
COPY node node
COPY simulations simulations
COPY cli cli
COPY examples examples
COPY accredit accredit
RUN /opt/accredit/bin/pip install --no-build-isolation --no-deps .

FROM python:3.12-slim
# The same uid in every image, so that a volume can be given to it beforehand: chown 10001:10001
RUN groupadd --gid 10001 accredit \
    && useradd --uid 10001 --gid accredit --no-create-home --home-dir /data accredit \
    && install --directory --owner=accredit --group=accredit --mode=0700 /data
COPY --from=build /opt/accredit /opt/accredit
ENV PATH=/opt/accredit/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER accredit
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Alive is not ready: a node that catches up is alive, and must not be restarted for it; /readyz is for load balancers.
# Another port: HEALTH_URL. A proxy in the environment has no business between a node and itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(os.environ.get('HEALTH_URL', 'http://127.0.0.1:8080/healthz'), timeout=4)"]
ENTRYPOINT ["accredit"]
CMD ["--help"]
