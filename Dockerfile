# Two images from one file, both without a shell and with nothing but what they
# run. `make image` builds them; docs/deploy.md says how to run them.
#
#   --target lambda       the Lambda function (ECR)
#   --target loanscorer   everything else (default): serve, api, worker, and the commands
#
# Reproducible: the same commit gives the same digest with
# `buildah bud --timestamp 0` or, with docker buildx, SOURCE_DATE_EPOCH=0 and
# rewrite-timestamp=true.
ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Where both images begin: a user, certificates, a place for data and one for temporary files.
RUN mkdir -p /base/etc/ssl/certs /base/tmp /base/data /lambda /loanscorer && \
    echo 'loanscorer:x:65532:65532:loanscorer:/data:/none' > /base/etc/passwd && \
    echo 'loanscorer:x:65532:' > /base/etc/group && \
    cp /etc/ssl/certs/ca-certificates.crt /base/etc/ssl/certs/ && \
    chmod 1777 /base/tmp && chown 65532:65532 /base/data && chmod 755 /base /base/etc /lambda /loanscorer

FROM build AS build-lambda
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=dev
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags lambda.norpc \
      -ldflags "-s -w -X main.version=$VERSION" -o /lambda/bootstrap ./cmd/bootstrap

FROM build AS build-loanscorer
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=dev
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath \
      -ldflags "-s -w -X main.version=$VERSION" -o /loanscorer/loanscorer ./cmd/loanscorer

FROM scratch AS lambda
COPY --from=build /base/ /
COPY --from=build-lambda /lambda/ /
USER 65532:65532
ENTRYPOINT ["/bootstrap"]

FROM scratch AS loanscorer
COPY --from=build /base/ /
COPY --from=build-loanscorer /loanscorer/ /
USER 65532:65532
ENV LOANSCORER_DATA=/data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/loanscorer", "health"]
ENTRYPOINT ["/loanscorer"]
CMD ["serve"]
