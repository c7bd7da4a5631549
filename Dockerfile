# Two images, one for each program: --target lag-adapter, --target lag-exporter. `make image` builds both.
# Elsewhere than on the internet, BUILDER is any image with Go 1.26 and a shell, and BASE any image, even an empty one.
ARG BUILDER=docker.io/library/golang:1.26
ARG BASE=gcr.io/distroless/static:nonroot

FROM --platform=$BUILDPLATFORM ${BUILDER} AS source
ARG GOPROXY
WORKDIR /src
# Apart from the sources, so that a change of those downloads nothing.
COPY go.mod go.sum ./
COPY pkg/conntrack pkg/conntrack
RUN go mod download
COPY cmd cmd
COPY pkg pkg
ENV CGO_ENABLED=0
# As in the Makefile, which says why.
ENV GOFLAGS="-trimpath -tags=grpcnotrace"

FROM source AS build-lag-adapter
ARG TARGETOS TARGETARCH LDFLAGS="-s -w"
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags "$LDFLAGS" -o /out/ ./cmd/lag-adapter

FROM source AS build-lag-exporter
ARG TARGETOS TARGETARCH LDFLAGS="-s -w"
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags "$LDFLAGS" -o /out/ ./cmd/lag-exporter

FROM ${BASE} AS lag-adapter
ARG VERSION REVISION
LABEL org.opencontainers.image.title="lag-adapter" \
      org.opencontainers.image.description="Kafka consumer lag for HorizontalPodAutoscalers and Prometheus" \
      org.opencontainers.image.source="https://github.com/kafka-lag-adapter/kafka-lag-adapter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build-lag-adapter /out/lag-adapter /lag-adapter
# nonroot in distroless; as a number, for runAsNonRoot cannot judge a name.
USER 65532:65532
EXPOSE 6443 9308
ENTRYPOINT ["/lag-adapter"]

FROM ${BASE} AS lag-exporter
ARG VERSION REVISION
LABEL org.opencontainers.image.title="lag-exporter" \
      org.opencontainers.image.description="Kafka consumer lag for Prometheus" \
      org.opencontainers.image.source="https://github.com/kafka-lag-adapter/kafka-lag-adapter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build-lag-exporter /out/lag-exporter /lag-exporter
USER 65532:65532
EXPOSE 9308
ENTRYPOINT ["/lag-exporter"]
