package dev.millrace.cli;

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
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/// Calls the running service and waits up to a minute for a service that is starting. Errors become
/// a [CommandFailure] with reason and remedy. Not thread-safe.
final class ServiceClient {

    static final String JSON = "application/json";
    static final String HTML = "text/html";

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
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(CONNECT_TIMEOUT)
                    .build();

    ServiceClient(URI service, Secret token, Terminal terminal, Pause pause) {
        this.service = service;
        this.token = token;
        this.terminal = terminal;
        this.pause = pause;
    }

    /// @param path path relative to `/api/v1/`, with an encoded query
    String get(String path, String accept) {
        return send(request(path).header("Accept", accept).GET().build());
    }

    JsonNode post(String path, Object body) {
        HttpRequest request =
                request(path)
                        .header("Accept", JSON)
                        .header("Content-Type", JSON)
                        .POST(HttpRequest.BodyPublishers.ofString(MAPPER.writeValueAsString(body)))
                        .build();
        return tree(send(request));
    }

    String delete(String path) {
        return send(request(path).header("Accept", JSON).DELETE().build());
    }

    /// Passes on each line as it arrives.
    void lines(String path, Consumer<String> line) {
        HttpRequest request =
                request(path).header("Accept", "application/x-ndjson, " + JSON).build();
        exchange(
                request,
                HttpResponse.BodyHandlers.ofLines(),
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

    <T> T read(String body, Class<T> type) {
        try {
            return MAPPER.readValue(body, type);
        } catch (JacksonException e) {
            throw notMillrace(e);
        }
    }

    JsonNode tree(String body) {
        return read(body, JsonNode.class);
    }

    private String send(HttpRequest request) {
        return exchange(
                request,
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8),
                response -> {
                    if (response.statusCode() / 100 == 2) {
                        return response.body();
                    }
                    throw refused(response, response.body());
                });
    }

    /// Retries while the service is starting. A starting service has not processed the request, so
    /// any request can be repeated.
    private <B> String exchange(
            HttpRequest request,
            HttpResponse.BodyHandler<B> handler,
            Function<HttpResponse<B>, String> judge) {
        Instant deadline = terminal.clock().instant().plus(START_TIMEOUT);
        boolean announced = false;
        while (true) {
            try {
                return ask(request, handler, judge);
            } catch (ServiceStarting e) {
                if (!terminal.clock().instant().isBefore(deadline)) {
                    throw e.failure;
                }
                if (!announced) {
                    announced = true;
                    terminal.err()
                            .println(
                                    "The service is starting. Waiting up to "
                                            + START_TIMEOUT.toSeconds()
                                            + " s.");
                }
                pause.between(RETRY_INTERVAL);
            }
        }
    }

    private <B> String ask(
            HttpRequest request,
            HttpResponse.BodyHandler<B> handler,
            Function<HttpResponse<B>, String> judge) {
        try {
            return judge.apply(http.send(request, handler));
        } catch (HttpConnectTimeoutException e) {
            throw unreachable("no connection within " + CONNECT_TIMEOUT.toSeconds() + " s", e);
        } catch (HttpTimeoutException e) {
            throw unreachable("no response within " + REQUEST_TIMEOUT.toSeconds() + " s", e);
        } catch (ConnectException e) {
            throw unreachable("connection refused or unknown host", e);
        } catch (IOException e) {
            throw unreachable("connection lost", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(
                    ExitCode.FAILED, "Interrupted while waiting for the service.", "", e);
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(service + "/api/v1/" + path))
                        .timeout(REQUEST_TIMEOUT);
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

    private CommandFailure unreachable(String why, Exception cause) {
        return new CommandFailure(
                ExitCode.FAILED,
                "No Millrace service at " + service + ": " + why + ".",
                "Start it with 'millrace run -c millrace.yaml', or set --url to its address.",
                cause);
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
        int status = response.statusCode();
        if (status == 401 || status == 403) {
            return new CommandFailure(
                    ExitCode.USAGE,
                    "The service at " + service + " denied access" + reason(response, body),
                    "Set MILLRACE_TOKEN to the token with which the service was started.");
        }
        String reason = reason(response, body);
        if (reason.isEmpty()) {
            return notMillrace(new IOException("HTTP status " + status));
        }
        if (status == 503
                && problem(response, body).path("state").asString("").equals("starting")) {
            return new ServiceStarting(
                    new CommandFailure(
                            exitCode(status),
                            "The service refused the request" + reason,
                            "If this continues, read the service's log to see what the start"
                                    + " waits for."));
        }
        return new CommandFailure(
                exitCode(status),
                "The service refused the request" + reason,
                status == 404 && hasPath() ? PATH_REMEDY : "");
    }

    /// The service listens but has not started yet. `failure` is reported if that takes too long.
    private static final class ServiceStarting extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final CommandFailure failure;

        ServiceStarting(CommandFailure failure) {
            super(failure);
            this.failure = failure;
        }
    }

    private static int exitCode(int status) {
        return switch (status) {
            case 400, 404, 422 -> ExitCode.USAGE;
            case 409 -> ExitCode.REFUSED;
            default -> ExitCode.FAILED;
        };
    }

    private static String reason(HttpResponse<?> response, String body) {
        JsonNode problem = problem(response, body);
        if (problem.isMissingNode()) {
            return "";
        }
        String title = problem.path("title").asString("");
        String detail = problem.path("detail").asString("");
        return ": " + (detail.isEmpty() ? title : detail);
    }

    private static JsonNode problem(HttpResponse<?> response, String body) {
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (!type.startsWith("application/problem+json")) {
            return MissingNode.getInstance();
        }
        try {
            return MAPPER.readTree(body);
        } catch (JacksonException _) {
            return MissingNode.getInstance();
        }
    }
}
