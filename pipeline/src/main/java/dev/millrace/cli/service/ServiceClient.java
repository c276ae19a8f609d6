package dev.millrace.cli.service;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Pause;
import dev.millrace.cli.Terminal;
import dev.millrace.spec.Secret;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Calls the running service and waits up to a minute for a service that is starting. Errors become
/// a [CommandFailure] with reason and remedy. Not thread-safe.
public final class ServiceClient {

    public static final String JSON = "application/json";
    public static final String ANY = "*/*";

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration RETRY_INTERVAL = Duration.ofSeconds(1);
    private static final String PATH_REMEDY =
            "Set --url without a path, such as http://localhost:8080, unless a proxy in front of"
                    + " the service requires a path.";
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private final URI service;
    private final Secret token;
    private final Terminal terminal;
    private final Pause pause;
    private final HttpClient http;

    /// @param authority a PEM file with the certificates to trust; empty for those of the JDK
    public ServiceClient(
            URI service, Secret token, Optional<Path> authority, Terminal terminal, Pause pause) {
        this.service = service;
        this.token = token;
        this.terminal = terminal;
        this.pause = pause;
        HttpClient.Builder client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .connectTimeout(CONNECT_TIMEOUT);
        authority.map(TrustedAuthority::of).ifPresent(client::sslContext);
        this.http = client.build();
    }

    /// @param path path relative to `/api/v1/`, with an encoded query
    public String get(String path, String accept) {
        return send(request(path).header("Accept", accept).GET().build());
    }

    /// @param path path relative to `/api/v1/`, with an encoded query
    public String text(String path) {
        return get(path, ANY);
    }

    /// The metrics in the text format of Prometheus.
    public String metrics() {
        return send(authorized("/actuator/prometheus").header("Accept", "text/plain").build());
    }

    public JsonNode post(String path, Object body) {
        return post(path, body, Optional.empty());
    }

    /// @param key an idempotency key: the request is sent again for a minute if its reply is lost
    public JsonNode post(String path, Object body, Optional<UUID> key) {
        HttpRequest.Builder request =
                request(path)
                        .header("Accept", JSON)
                        .header("Content-Type", JSON)
                        .POST(HttpRequest.BodyPublishers.ofString(MAPPER.writeValueAsString(body)));
        key.ifPresent(id -> request.header("Idempotency-Key", id.toString()));
        return tree(send(request.build(), key.isPresent()));
    }

    public String delete(String path) {
        return send(request(path).header("Accept", JSON).DELETE().build());
    }

    /// Passes on each line as it arrives.
    public void lines(String path, Consumer<String> line) {
        HttpRequest request =
                request(path).header("Accept", "application/x-ndjson, " + JSON).build();
        exchange(
                request,
                HttpResponse.BodyHandlers.ofLines(),
                false,
                response -> {
                    try (Stream<String> lines = response.body()) {
                        if (response.statusCode() / 100 == 2) {
                            lines.forEach(line);
                            return "";
                        }
                        throw refused(response, lines.collect(Collectors.joining("\n")));
                    }
                });
    }

    public <T> T read(String body, Class<T> type) {
        try {
            return MAPPER.readValue(body, type);
        } catch (JacksonException e) {
            throw notMillrace(e);
        }
    }

    public JsonNode tree(String body) {
        return read(body, JsonNode.class);
    }

    private String send(HttpRequest request) {
        return send(request, false);
    }

    private String send(HttpRequest request, boolean isRepeatable) {
        return exchange(
                request,
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8),
                isRepeatable,
                response -> {
                    if (response.statusCode() / 100 == 2) {
                        return response.body();
                    }
                    throw refused(response, response.body());
                });
    }

    /// Retries while the service is starting. A starting service has not processed the request, so
    /// any request can be repeated.
    ///
    /// @param isRepeatable the service does not process the request twice, so it is also sent again
    ///   if its reply is lost
    private <B> String exchange(
            HttpRequest request,
            HttpResponse.BodyHandler<B> handler,
            boolean isRepeatable,
            Function<HttpResponse<B>, String> judge) {
        Instant deadline = terminal.clock().instant().plus(START_TIMEOUT);
        EnumSet<Why> seen = EnumSet.noneOf(Why.class);
        while (true) {
            try {
                return ask(request, handler, judge);
            } catch (Unanswered e) {
                boolean isNew = seen.add(e.why);
                boolean isLost = seen.contains(Why.LOST);
                boolean isAskedAgain =
                        switch (e.why) {
                            case STARTING -> true;
                            case LOST, NOT_SENT -> isRepeatable && isLost;
                        };
                if (!isAskedAgain) {
                    throw e.failure;
                }
                if (!terminal.clock().instant().isBefore(deadline)) {
                    throw isLost ? unclear(e.failure) : e.failure;
                }
                if (isNew) {
                    terminal.err().println(announcement(e));
                }
                pause.between(RETRY_INTERVAL);
            }
        }
    }

    private static String announcement(Unanswered e) {
        return switch (e.why) {
            case STARTING ->
                    "The service is starting. Waiting up to " + START_TIMEOUT.toSeconds() + " s.";
            case LOST, NOT_SENT ->
                    "No reply: "
                            + e.failure.getMessage()
                            + " Sending the request again; nothing is begun twice.";
        };
    }

    private static CommandFailure unclear(CommandFailure last) {
        return new CommandFailure(
                ExitCode.UNDECIDED,
                "It is not known whether the service has accepted the request. "
                        + last.getMessage(),
                "Run 'millrace status' to see whether an operation was begun.",
                last);
    }

    private <B> String ask(
            HttpRequest request,
            HttpResponse.BodyHandler<B> handler,
            Function<HttpResponse<B>, String> judge) {
        try {
            return judge.apply(http.send(request, handler));
        } catch (HttpConnectTimeoutException e) {
            throw unreachable(
                    Why.NOT_SENT, "no connection within " + CONNECT_TIMEOUT.toSeconds() + " s", e);
        } catch (HttpTimeoutException e) {
            throw unreachable(
                    Why.LOST, "no response within " + REQUEST_TIMEOUT.toSeconds() + " s", e);
        } catch (SSLHandshakeException e) {
            throw new Unanswered(
                    Why.NOT_SENT,
                    new CommandFailure(
                            ExitCode.USAGE,
                            "The certificate of the service at %s is not trusted, or not of this host."
                                    .formatted(service),
                            "Name its authority with --ca or MILLRACE_CA, and use a host name of"
                                    + " the certificate in --url.",
                            e));
        } catch (ConnectException e) {
            throw unreachable(Why.NOT_SENT, "connection refused or unknown host", e);
        } catch (IOException e) {
            throw unreachable(Why.LOST, "connection lost", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(
                    ExitCode.FAILED, "Interrupted while waiting for the service.", "", e);
        }
    }

    private HttpRequest.Builder request(String path) {
        return authorized("/api/v1/" + path);
    }

    private HttpRequest.Builder authorized(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(service + path)).timeout(REQUEST_TIMEOUT);
        if (token.isPresent()) {
            try {
                request.header("Authorization", "Bearer " + token.reveal());
            } catch (IllegalArgumentException _) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "MILLRACE_TOKEN contains characters that are not allowed in an HTTP"
                                + " header.",
                        "Remove them. A common cause is a newline at the end.");
            }
        }
        return request;
    }

    private Unanswered unreachable(Why why, String reason, Exception cause) {
        return new Unanswered(
                why,
                new CommandFailure(
                        ExitCode.FAILED,
                        "No Millrace service at " + service + ": " + reason + ".",
                        "Start it with 'millrace run -c millrace.yaml', or set --url to its"
                                + " address.",
                        cause));
    }

    private CommandFailure notMillrace(Exception cause) {
        return new CommandFailure(
                ExitCode.FAILED,
                "The server at " + service + " is not a Millrace service of this version.",
                hasPath() ? PATH_REMEDY : "Set --url to the address of the service.",
                cause);
    }

    private boolean hasPath() {
        return service.getPath() != null && !service.getPath().isEmpty();
    }

    /// Turns an RFC 9457 problem or any other error response into an exception.
    private RuntimeException refused(HttpResponse<?> response, String body) {
        ServiceProblem problem = ServiceProblem.of(response, body);
        if (problem.isDenied()) {
            return new CommandFailure(
                    ExitCode.USAGE,
                    "The service at " + service + " denied access" + problem.reason(),
                    "Set MILLRACE_TOKEN to the token with which the service was started.");
        }
        String refused = "The service refused the request" + problem.reason();
        if (problem.isStarting()) {
            return new Unanswered(
                    Why.STARTING,
                    new CommandFailure(
                            problem.exitCode(),
                            refused,
                            "If this continues, read the service's log to see what the start"
                                    + " waits for."));
        }
        CommandFailure failure =
                problem.reason().isEmpty()
                        ? notMillrace(new IOException("HTTP status " + problem.status()))
                        : new CommandFailure(
                                problem.exitCode(),
                                refused,
                                problem.status() == 404 && hasPath() ? PATH_REMEDY : "");
        return problem.isUnclear() ? new Unanswered(Why.LOST, failure) : failure;
    }

    /// Why a request has no answer.
    private enum Why {
        /// The service listens but has not started yet. It has not processed the request.
        STARTING,
        NOT_SENT,
        /// The service may have processed the request.
        LOST
    }

    /// Another attempt may have an answer. `failure` is reported if none is made.
    private static final class Unanswered extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final Why why;
        private final CommandFailure failure;

        Unanswered(Why why, CommandFailure failure) {
            super(failure);
            this.why = why;
            this.failure = failure;
        }
    }
}
