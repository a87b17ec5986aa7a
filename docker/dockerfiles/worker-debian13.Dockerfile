# Icefall worker, Debian 13. Rendered from docker/ by "icefall images render"; edit it there.
# docker build -f docker/dockerfiles/worker-debian13.Dockerfile --target production .

FROM docker.io/library/debian:12-slim AS init
RUN printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/man/*' > /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && printf 'path-include=%s\n' '/usr/share/doc/*/copyright' '/usr/share/locale/locale.alias' >> /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && export DEBIAN_FRONTEND=noninteractive && apt-get update -q \
 && apt-get install -q -y --no-install-recommends \
    tini \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log

FROM docker.io/library/node:24.21.0-bookworm-slim AS node
RUN printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/man/*' > /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && printf 'path-include=%s\n' '/usr/share/doc/*/copyright' '/usr/share/locale/locale.alias' >> /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && export DEBIAN_FRONTEND=noninteractive && apt-get update -q \
 && apt-get install -q -y --no-install-recommends \
    binutils \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
RUN strip /usr/local/bin/node

FROM node AS build
WORKDIR /src
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY master/package.json master/
COPY worker/package.json worker/
COPY shared/package.json shared/
COPY config/package.json config/
COPY tests/package.json tests/
COPY docs/package.json docs/
COPY docker/package.json docker/
COPY k8s/package.json k8s/
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile --ignore-scripts --filter @icefall/worker... && rm -rf node_modules/.pnpm/node-linux-*
COPY shared shared/
COPY worker worker/
RUN node worker/scripts/bundle.ts

FROM docker.io/library/debian:13-slim AS base
RUN printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/man/*' > /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && printf 'path-include=%s\n' '/usr/share/doc/*/copyright' '/usr/share/locale/locale.alias' >> /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && export DEBIAN_FRONTEND=noninteractive && apt-get update -q \
 && apt-get install -q -y --no-install-recommends \
    ca-certificates \
    file \
    g++ \
    gcc \
    git \
    libc6-dev \
    make \
    patch \
    python3 \
    rsync \
    xz-utils \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
RUN groupadd --gid 10001 icefall \
 && useradd --uid 10001 --gid 10001 --create-home --shell /bin/sh icefall \
 && install -d -o icefall -g icefall /var/lib/icefall /cvmfs

FROM base AS runtime
WORKDIR /var/lib/icefall
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/worker/dist/icefall-worker.cjs /src/worker/dist/icefall-gateway.cjs /opt/icefall/
RUN printf '#!/bin/sh\nexec node /opt/icefall/icefall-gateway.cjs "$@"\n' > /usr/local/bin/icefall-gateway && chmod 755 /usr/local/bin/icefall-gateway

FROM runtime AS test
COPY docker/files/test-worker.sh /opt/icefall/
COPY --from=init /usr/bin/tini-static /usr/local/bin/tini
LABEL org.opencontainers.image.title="Icefall worker, Debian 13" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://git.example.org/software/icefall" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:13-slim" \
      icefall.cpus="4" \
      icefall.memory-mb="8000" \
      icefall.gpus="0"
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tini","-s","--","sh","/opt/icefall/test-worker.sh"]

FROM runtime AS production
COPY --from=init /usr/bin/tini-static /usr/local/bin/tini
LABEL org.opencontainers.image.title="Icefall worker, Debian 13" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://git.example.org/software/icefall" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:13-slim" \
      icefall.cpus="4" \
      icefall.memory-mb="8000" \
      icefall.gpus="0"
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["test","-e","/var/lib/icefall/.icefall/connected"]
ENTRYPOINT ["/usr/local/bin/tini","-s","--","node","/opt/icefall/icefall-worker.cjs"]
CMD ["--dir","/var/lib/icefall"]
