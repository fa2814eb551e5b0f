# The agent's image. The cache mounts need BuildKit, Docker's default since 23.0.

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
# Both caches outlive a change of the sources, so dependencies are compiled once. The target folder is no part of the
# layer: what the next stage takes must leave it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist -p langdeck-agent \
    && cp target/dist/langdeck-agent /usr/local/bin/

# Debian 12 like the builder: the binary asks for the libc that it was linked with.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /usr/local/bin/langdeck-agent /usr/local/bin/langdeck-agent
# By number: `runAsNonRoot` cannot tell from a name that it is not root's.
USER 65532:65532
ENV LANGDECK_LISTEN=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["langdeck-agent"]
