# Cairn in a container. Two stages: the first builds the Debian package, the second installs it and what it depends on.
#
#     docker build -t cairn .
#     docker run -d --name cairn -p 127.0.0.1:5111:5111 -v cairn-data:/var/lib/cairn cairn
#     docker exec cairn cairn auth token --project web      # callers show it: Authorization: Bearer …
#
# Inside it listens on all addresses, or nothing outside could reach it, and therefore asks every caller for a token.
FROM debian:12-slim AS build
WORKDIR /src
COPY tools/setup tools/libraries tools/
RUN apt-get update && apt-get install -y --no-install-recommends dpkg-dev && tools/setup build
COPY . .
RUN make -j"$(nproc)" all && make deb

FROM debian:12-slim
COPY --from=build /src/build/deb/cairn_*.deb /tmp/
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates /tmp/cairn_*.deb \
    && rm -rf /tmp/cairn_*.deb /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/cairn --shell /usr/sbin/nologin cairn \
    && install -d -o cairn -g cairn -m 700 /var/lib/cairn
USER cairn
ENV CAIRN_DATA=/var/lib/cairn CAIRN_LISTEN=0.0.0.0:5111 CAIRN_AUTH=true
VOLUME /var/lib/cairn
EXPOSE 5111
# Asks the server through the socket in its data folder, which needs no token.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["cairn", "status"]
ENTRYPOINT ["cairn"]
CMD ["serve"]
