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

/// Talks to the running service, and waits a while for one that is being started. What doesn't come
/// back well is a [CommandFailure] that says why and what to do. Used by one thread.
final class ServiceClient {

    static final String JSON = "application/json";
    static final String HTML = "text/html";

    private static final Duration TO_CONNECT = Duration.ofSeconds(5);
    private static final Duration TO_ANSWER = Duration.ofSeconds(60);
    private static final Duration TO_START = Duration.ofSeconds(60);
    private static final Duration TO_ASK_AGAIN = Duration.ofSeconds(1);
    private static final String PATH_REMEDY =
            "Write --url without a path, like http://localhost:8080, unless a proxy before the"
                    + " service asks for one.";
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private final URI service;
    private final Secret token;
    private final Terminal terminal;
    private final Pause pause;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(TO_CONNECT)
                    .build();

    ServiceClient(URI service, Secret token, Terminal terminal, Pause pause) {
        this.service = service;
        this.token = token;
        this.terminal = terminal;
        this.pause = pause;
    }

    /// @param path below `/api/v1/`, its query encoded
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

    /// Gives each line as it comes.
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
            throw foreign(e);
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

    /// A service that is being started has done nothing yet, so any request may be sent again.
    private <B> String exchange(
            HttpRequest request,
            HttpResponse.BodyHandler<B> handler,
            Function<HttpResponse<B>, String> judge) {
        Instant patience = terminal.clock().instant().plus(TO_START);
        boolean told = false;
        while (true) {
            try {
                return ask(request, handler, judge);
            } catch (BeingStarted e) {
                if (!terminal.clock().instant().isBefore(patience)) {
                    throw e.failure;
                }
                if (!told) {
                    told = true;
                    terminal.err()
                            .println(
                                    "The service is being started; waiting up to "
                                            + TO_START.toSeconds()
                                            + " s for it.");
                }
                pause.between(TO_ASK_AGAIN);
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
            throw unreachable("it can't be reached within " + TO_CONNECT.toSeconds() + " s", e);
        } catch (HttpTimeoutException e) {
            throw unreachable("it gave no answer within " + TO_ANSWER.toSeconds() + " s", e);
        } catch (ConnectException e) {
            throw unreachable("nothing listens there, or its name is unknown", e);
        } catch (IOException e) {
            throw unreachable("the connection broke", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.FAILED, "interrupted while asking", "", e);
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(service + "/api/v1/" + path)).timeout(TO_ANSWER);
        if (token.isPresent()) {
            try {
                request.header("Authorization", "Bearer " + token.reveal());
            } catch (IllegalArgumentException _) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "MILLRACE_TOKEN holds characters that no HTTP header may hold",
                        "Does it end with a newline?");
            }
        }
        return request;
    }

    private CommandFailure unreachable(String why, Exception cause) {
        return new CommandFailure(
                ExitCode.FAILED,
                "no Millrace answers at " + service + ": " + why,
                "Start it with 'millrace run -c millrace.yaml', or name its address with --url.",
                cause);
    }

    private CommandFailure foreign(Exception cause) {
        return new CommandFailure(
                ExitCode.FAILED,
                "what answers at " + service + " isn't a Millrace service of this version",
                hasPath() ? PATH_REMEDY : "Name the service's address with --url.",
                cause);
    }

    private boolean hasPath() {
        return service.getPath() != null && !service.getPath().isEmpty();
    }

    /// A problem as RFC 9457 describes it, or whatever else came back.
    private RuntimeException refused(HttpResponse<?> response, String body) {
        int status = response.statusCode();
        if (status == 401 || status == 403) {
            return new CommandFailure(
                    ExitCode.USAGE,
                    "the service at " + service + " refuses this caller" + reason(response, body),
                    "Set MILLRACE_TOKEN to the token that the service was started with.");
        }
        String reason = reason(response, body);
        if (reason.isEmpty()) {
            return foreign(new IOException("HTTP status " + status));
        }
        if (status == 503
                && problem(response, body).path("state").asString("").equals("starting")) {
            return new BeingStarted(
                    new CommandFailure(
                            exitCode(status),
                            "the service refuses" + reason,
                            "If it goes on like this, the service's log says what it waits for."));
        }
        return new CommandFailure(
                exitCode(status),
                "the service refuses" + reason,
                status == 404 && hasPath() ? PATH_REMEDY : "");
    }

    /// It listens and will answer; `failure` is what to say when that takes too long.
    private static final class BeingStarted extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final CommandFailure failure;

        BeingStarted(CommandFailure failure) {
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
