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
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Talks to the running service. What doesn't come back well is a [CommandFailure] that says why
/// and what to do. Used by one thread.
final class ServiceClient {

    static final String JSON = "application/json";
    static final String HTML = "text/html";

    private static final Duration TO_CONNECT = Duration.ofSeconds(5);
    private static final Duration TO_ANSWER = Duration.ofSeconds(60);
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private final URI service;
    private final Secret token;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(TO_CONNECT)
                    .build();

    ServiceClient(URI service, Secret token) {
        this.service = service;
        this.token = token;
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

    private <B> String exchange(
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
                "Name the service's address with --url.",
                cause);
    }

    /// A problem as RFC 9457 describes it, or whatever else came back.
    private CommandFailure refused(HttpResponse<?> response, String body) {
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
        return new CommandFailure(exitCode(status), "the service refuses" + reason, "");
    }

    private static int exitCode(int status) {
        return switch (status) {
            case 400, 404, 422 -> ExitCode.USAGE;
            case 409 -> ExitCode.REFUSED;
            default -> ExitCode.FAILED;
        };
    }

    private static String reason(HttpResponse<?> response, String body) {
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (!type.startsWith("application/problem+json")) {
            return "";
        }
        try {
            JsonNode problem = MAPPER.readTree(body);
            String title = problem.path("title").asString("");
            String detail = problem.path("detail").asString("");
            return ": " + (detail.isEmpty() ? title : detail);
        } catch (JacksonException _) {
            return "";
        }
    }
}
