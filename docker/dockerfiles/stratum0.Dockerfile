# Icefall stratum 0, embedded publisher. Rendered from docker/ by "icefall images render"; edit it there.
# docker build -f docker/dockerfiles/stratum0.Dockerfile --target production .

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

FROM node AS dependencies
WORKDIR /opt/icefall
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY master/package.json master/
COPY worker/package.json worker/
COPY shared/package.json shared/
COPY config/package.json config/
COPY tests/package.json tests/
COPY docs/package.json docs/
COPY docker/package.json docker/
COPY k8s/package.json k8s/
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile --ignore-scripts --prod --filter @icefall/worker... && rm -rf node_modules/.pnpm/node-linux-*
COPY docker/files/prune.sh /tmp/
RUN sh /tmp/prune.sh node_modules

FROM docker.io/library/debian:12-slim AS base
RUN printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/man/*' > /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && printf 'path-include=%s\n' '/usr/share/doc/*/copyright' '/usr/share/locale/locale.alias' >> /etc/dpkg/dpkg.cfg.d/not-unpacked \
 && export DEBIAN_FRONTEND=noninteractive && apt-get update -q \
 && apt-get install -q -y --no-install-recommends \
    ca-certificates \
    git \
    rsync \
    wget \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
RUN groupadd --gid 10001 icefall \
 && useradd --uid 10001 --gid 10001 --create-home --shell /bin/sh icefall \
 && install -d -o icefall -g icefall /var/lib/icefall /var/lib/stratum0 /cvmfs-source

FROM base AS runtime
WORKDIR /var/lib/icefall
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /opt/icefall /opt/icefall
COPY shared /opt/icefall/shared/
COPY worker /opt/icefall/worker/
COPY docker/files /opt/icefall/docker/files/
RUN printf '#!/bin/sh\nexec node /opt/icefall/worker/src/stratum0/main.ts --dir "${ICEFALL_STRATUM0_DIR:-/var/lib/stratum0}" "$@"\n' > /usr/local/bin/icefall-stratum0 && chmod 755 /usr/local/bin/icefall-stratum0
RUN printf '#!/bin/sh\nexec node /opt/icefall/worker/src/gateway/main.ts "$@"\n' > /usr/local/bin/icefall-gateway && chmod 755 /usr/local/bin/icefall-gateway

FROM runtime AS test
COPY --from=init /usr/bin/tini-static /usr/local/bin/tini
LABEL org.opencontainers.image.title="Icefall stratum 0, embedded publisher" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://git.example.org/software/icefall" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:12-slim" \
      icefall.cpus="2" \
      icefall.memory-mb="4000" \
      icefall.gpus="0"
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tini","-s","--","sh","/opt/icefall/docker/files/test-stratum0.sh"]

FROM runtime AS production
COPY --from=init /usr/bin/tini-static /usr/local/bin/tini
LABEL org.opencontainers.image.title="Icefall stratum 0, embedded publisher" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://git.example.org/software/icefall" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:12-slim" \
      icefall.cpus="2" \
      icefall.memory-mb="4000" \
      icefall.gpus="0"
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["test","-e","/var/lib/icefall/.icefall/connected"]
ENTRYPOINT ["/usr/local/bin/tini","-s","--","sh","/opt/icefall/docker/files/stratum0.sh"]
CMD ["node","/opt/icefall/worker/src/main.ts","--dir","/var/lib/icefall"]
