package dev.millrace.http.access;

import dev.millrace.http.Problems;
import dev.millrace.lifecycle.Incident;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/// Answers with a problem what the server itself refuses, before any filter: a malformed address, a
/// method that no part of the service has. The server's own answer would be an HTML page without
/// headers. Thread-safe.
final class ProblemValve extends ErrorReportValve {

    private static final Logger LOG = LoggerFactory.getLogger(ProblemValve.class);

    private final JsonMapper json;

    ProblemValve(JsonMapper json) {
        this.json = json;
    }

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
        HttpStatus status = HttpStatus.resolve(response.getStatus());
        if (status == null
                || !status.isError()
                || response.getContentWritten() > 0
                || !response.setErrorReported()) {
            return;
        }
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        try {
            response.getOutputStream()
                    .write(
                            json.writeValueAsBytes(
                                    Problems.of(
                                            status,
                                            status.getReasonPhrase(),
                                            detail(status, failure))));
            response.finishResponse();
        } catch (IOException e) {
            // The client is gone; the valve that called this one closes the connection.
            throw new UncheckedIOException(e);
        }
    }

    private static String detail(HttpStatus status, @Nullable Throwable failure) {
        if (status.is5xxServerError() && failure != null) {
            return "Internal error (incident "
                    + Incident.log(LOG, "a request failed", failure).id()
                    + "). Search the service's log for this id.";
        }
        return "The server does not accept this request line or a header of the request. Write the"
                + " address without encoded '/', use a method that"
                + " /api/v1/openapi.json names, and send one Host header.";
    }
}
