# syntax=docker/dockerfile:1
# Builds the wheel, then installs it with hash-pinned dependencies into a slim image that does not run as root.
# `motcua serve` with outside servers: set DATABASE_URL and REDIS_URL (or …_FILE).

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements.txt ./
RUN python -m venv /opt/motcua \
 && /opt/motcua/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY tracking tracking
COPY queue queue
COPY office office
COPY kit kit
COPY metrics metrics
RUN /opt/motcua/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/motcua/bin/pip install --no-cache-dir --no-deps /dist/motcua-*.whl \
 && /opt/motcua/bin/pip uninstall --yes hatchling editables trove-classifiers pathspec pluggy

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/motcua motcua
COPY --from=build /opt/motcua /opt/motcua
ENV PATH=/opt/motcua/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MOTCUA_HOST=0.0.0.0 \
    MOTCUA_PORT=8080 \
    MOTCUA_ADMIN_HOST=0.0.0.0 \
    MOTCUA_DATA_DIR=/var/lib/motcua/data
USER 10001
WORKDIR /var/lib/motcua
VOLUME /var/lib/motcua
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os,urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('MOTCUA_ADMIN_PORT', '9464') + '/livez', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["motcua", "serve"]
