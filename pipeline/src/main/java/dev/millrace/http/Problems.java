package dev.millrace.http;

import dev.millrace.http.MigrationHost.NotReadyException;
import dev.millrace.lifecycle.Incident;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables.UnknownTableException;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/// Turns errors into RFC 9457 problems that say what is wrong and what to do. Details of internal
/// errors go to the log, not to the response. Thread-safe.
@RestControllerAdvice
public final class Problems extends ResponseEntityExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    private static final String COMPARISON_BODY =
            "{} to compare every table or {\"tables\": [\"schema.table\"]} for some, with"
                    + " \"incremental\", \"reason\" and \"who\" if needed.";
    private static final String FLOW_BODY =
            "{\"what\": [\"backfill\"]}, [\"apply\"] or [\"all\"], with \"reason\", \"who\","
                    + " \"expectedPhase\" and \"dryRun\" if needed.";
    private static final String KILL_BODY =
            "{\"reason\": \"…\"}, with \"who\", \"expectedPhase\" and \"dryRun\" if needed.";
    private static final String THROTTLE_BODY =
            "{\"rowsPerSecond\": 5000}, 0 for no limit, with \"reason\", \"who\", \"expectedPhase\""
                    + " and \"dryRun\" if needed.";

    private static final String MOVE_BODY =
            "{\"dryRun\": true} to see gates and steps, {} to move the traffic or {\"cancel\":"
                    + " true} to go back, with \"force\", \"reason\", \"who\" and \"expectedPhase\" if"
                    + " needed.";
    private static final String RESOLVE_BODY =
            "{\"answer\": \"routed\", \"reason\": \"…\"} or \"not-routed\", with \"who\","
                    + " \"expectedPhase\" and \"dryRun\" if needed.";

    private static final String ENDING_BODY =
            "{\"dryRun\": true} to see what would be removed or {} to end the migration, with"
                    + " \"force\", \"reason\", \"who\" and \"expectedPhase\" if needed.";

    private static final String APPROVAL_BODY =
            "{} with \"reason\", \"who\", \"expectedPhase\" and \"dryRun\" if needed.";

    private static final String REBACKFILL_BODY =
            "{\"table\": \"schema.name\"} to read one target table again or {} for every table,"
                    + " with \"reason\", \"who\", \"expectedPhase\" and \"dryRun\" if needed.";

    private static final String REPAIR_BODY =
            "{\"dryRun\": true} to list what differs, {\"reason\": \"…\"} to repair it or"
                    + " {\"cancel\": true} to end a repair, with \"tables\": [\"schema.name\"],"
                    + " \"only\": [\"insert\", \"update\", \"delete\"], \"limit\", \"rowsPerSecond\","
                    + " \"who\" and \"expectedPhase\" if needed.";

    private static final String RESUME_BODY =
            "{\"what\": [\"backfill\"]}, [\"apply\"] or [\"all\"], or {\"table\": \"schema.name\"} for a stopped table with"
                    + " \"acceptSchema\" if its source has changed, and \"reason\", \"who\","
                    + " \"expectedPhase\" and \"dryRun\" if needed.";

    private static final String PATHS =
            "Use / for the console, /api/v1/status, /api/v1/settings, /api/v1/tables,"
                    + " /api/v1/reconciliations, /api/v1/reconciliations/unfinished,"
                    + " /api/v1/log?topic=changes, /api/v1/pause, /api/v1/resume, /api/v1/kill,"
                    + " /api/v1/throttle, /api/v1/switchover,"
                    + " /api/v1/rollback, /api/v1/resolve, /api/v1/rebackfill, /api/v1/repair,"
                    + " /api/v1/repairs,"
                    + " /api/v1/rejected, /api/v1/approvals, /api/v1/abort, /api/v1/complete,"
                    + " /api/v1/operations/{id}, /api/v1/operations/{id}/keys, /api/v1/journal,"
                    + " /api/v1/openapi.json,"
                    + " /actuator/health/readiness and /actuator/prometheus.";

    /// A request that cannot be processed, with its problem.
    static final class ProblemException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final transient ProblemDetail problem;

        ProblemException(ProblemDetail problem) {
            super(problem.getTitle());
            this.problem = problem;
        }
    }

    /// Describes the body of a POST request.
    public static String body(String path) {
        return switch (path) {
            case "/api/v1/pause" -> FLOW_BODY;
            case "/api/v1/kill" -> KILL_BODY;
            case "/api/v1/resume" -> RESUME_BODY;
            case "/api/v1/rebackfill" -> REBACKFILL_BODY;
            case "/api/v1/repair" -> REPAIR_BODY;
            case "/api/v1/throttle" -> THROTTLE_BODY;
            case "/api/v1/switchover", "/api/v1/rollback" -> MOVE_BODY;
            case "/api/v1/resolve" -> RESOLVE_BODY;
            case String approval when approval.startsWith("/api/v1/approvals/") -> APPROVAL_BODY;
            case "/api/v1/abort", "/api/v1/complete" -> ENDING_BODY;
            default -> COMPARISON_BODY;
        };
    }

    public static ProblemDetail of(HttpStatus status, String title, String detail) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
        problem.setTitle(title);
        return problem;
    }

    public static URI instance(HttpServletRequest request) {
        return URI.create(request.getRequestURI());
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> refused(ProblemException refused) {
        return answer(refused.problem);
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> unknownTable(UnknownTableException unknown) {
        return answer(
                of(
                        HttpStatus.NOT_FOUND,
                        "Table not found in this migration",
                        unknown.getMessage()
                                + ". Run 'millrace status' or GET /api/v1/status to list the"
                                + " tables."));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> refused(RefusedException refused) {
        return answer(of(HttpStatus.CONFLICT, "Refused", refused.getMessage() + "."));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> notReady(NotReadyException notReady) {
        ProblemDetail problem =
                of(
                        HttpStatus.SERVICE_UNAVAILABLE,
                        "Service unavailable",
                        String.valueOf(notReady.getMessage()));
        problem.setProperty("state", notReady.state());
        return ResponseEntity.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .header(HttpHeaders.RETRY_AFTER, "1")
                .body(problem);
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> fault(RuntimeException fault) {
        Incident incident = Incident.log(LOG, "a request failed", fault);
        ProblemDetail problem =
                of(
                        HttpStatus.INTERNAL_SERVER_ERROR,
                        "Internal error",
                        "Internal error (incident "
                                + incident.id()
                                + "). Search the service's log for this id. The migration"
                                + " continues; run 'millrace status' to see its state.");
        problem.setProperty("incident", incident.id());
        return answer(problem);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException unreadable,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        return handleExceptionInternal(
                unreadable,
                of(
                        HttpStatus.BAD_REQUEST,
                        "Invalid body",
                        StrictJson.problem(unreadable.getCause())
                                + " Send JSON, "
                                + body(path(request))),
                headers,
                status,
                request);
    }

    private static String path(WebRequest request) {
        return request instanceof ServletWebRequest web ? web.getRequest().getRequestURI() : "";
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpRequestMethodNotSupported(
            HttpRequestMethodNotSupportedException unsupported,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String[] allowed = unsupported.getSupportedMethods();
        return handleExceptionInternal(
                unsupported,
                of(
                        HttpStatus.METHOD_NOT_ALLOWED,
                        "Method not allowed",
                        unsupported.getMethod()
                                + " is not allowed."
                                + (allowed == null
                                        ? ""
                                        : Stream.of(allowed)
                                                .sorted()
                                                .collect(Collectors.joining(", ", " Use ", ".")))),
                headers,
                status,
                request);
    }

    @Override
    protected ResponseEntity<Object> createResponseEntity(
            @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (body instanceof ProblemDetail problem && request instanceof ServletWebRequest web) {
            problem.setInstance(instance(web.getRequest()));
            if (status.isSameCodeAs(HttpStatus.NOT_FOUND)) {
                problem.setTitle("Path not found");
                problem.setDetail(PATHS);
            }
        }
        HttpHeaders answered = new HttpHeaders(headers);
        answered.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return super.createResponseEntity(body, answered, status, request);
    }

    private static ResponseEntity<ProblemDetail> answer(ProblemDetail problem) {
        return ResponseEntity.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }
}
