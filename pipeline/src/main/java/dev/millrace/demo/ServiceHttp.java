package dev.millrace.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A minimal client of the service's JSON API under `/api/v1/`. Thread-safe.
public final class ServiceHttp {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final URI address;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final JsonMapper json = JsonMapper.shared();

    public ServiceHttp(URI address) {
        this.address = address;
    }

    public JsonNode status() throws IOException {
        return send(request("status").GET().build());
    }

    /// Starts a comparison of all tables.
    ///
    /// @return its id
    public String reconcile() throws IOException {
        return reconcile(false);
    }

    /// @param incremental whether only touched keys and numbers of rows are compared
    /// @return the id of the comparison
    public String reconcile(boolean incremental) throws IOException {
        JsonNode accepted =
                send(
                        request("reconciliations")
                                .header("Content-Type", "application/json")
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"tables\":[],\"incremental\":"
                                                        + incremental
                                                        + "}"))
                                .build());
        return accepted.path("id").asString("");
    }

    public JsonNode reconciliation(String id) throws IOException {
        return send(request("reconciliations/" + id).GET().build());
    }

    /// Begins an operation that moves the application's writes.
    ///
    /// @param kind `switchover` or `rollback`
    /// @return the operation
    /// @throws IOException also if a gate is closed
    JsonNode move(String kind) throws IOException {
        return send(request(kind)
                        .header("Content-Type", "application/json")
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        "{\"reason\":\"demo\",\"who\":\"demo\"}"))
                        .build())
                .path("operation");
    }

    JsonNode operation(String id) throws IOException {
        return send(request("operations/" + id).GET().build());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(address.resolve("/api/v1/" + path))
                .header("Accept", "application/json")
                .timeout(TIMEOUT);
    }

    private JsonNode send(HttpRequest request) throws IOException {
        try {
            HttpResponse<String> response =
                    http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() / 100 != 2) {
                throw new IOException(
                        request.uri()
                                + " returned "
                                + response.statusCode()
                                + ": "
                                + response.body().lines().findFirst().orElse(""));
            }
            return json.readTree(response.body());
        } catch (JacksonException e) {
            throw new IOException(request.uri() + " did not return JSON", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for the service.", e);
        }
    }
}
