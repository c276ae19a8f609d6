package dev.millrace.cli.service;

import dev.millrace.cli.ExitCode;
import java.net.http.HttpResponse;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/// An error response of the service. Immutable.
///
/// @param reason empty, or a colon and why the service refused the request (RFC 9457)
/// @param state of a service that is not ready, such as `starting`; otherwise empty
record ServiceProblem(int status, String reason, String state) {

    static ServiceProblem of(HttpResponse<?> response, String body) {
        JsonNode problem = problem(response, body);
        String title = problem.path("title").asString("");
        String detail = problem.path("detail").asString("");
        return new ServiceProblem(
                response.statusCode(),
                problem.isMissingNode() ? "" : ": " + (detail.isEmpty() ? title : detail),
                problem.path("state").asString(""));
    }

    private static JsonNode problem(HttpResponse<?> response, String body) {
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (!type.startsWith("application/problem+json")) {
            return MissingNode.getInstance();
        }
        try {
            return JsonMapper.shared().readTree(body);
        } catch (JacksonException _) {
            return MissingNode.getInstance();
        }
    }

    boolean isDenied() {
        return status == 401;
    }

    boolean isStarting() {
        return status == 503 && state.equals("starting");
    }

    /// True if the service may have processed the request.
    boolean isUnclear() {
        return status >= 500;
    }

    int exitCode() {
        return switch (status) {
            case 400, 404, 422 -> ExitCode.USAGE;
            case 409 -> ExitCode.REFUSED;
            default -> ExitCode.FAILED;
        };
    }
}
