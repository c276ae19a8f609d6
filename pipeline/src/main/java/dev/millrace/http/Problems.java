package dev.millrace.http;

import dev.millrace.http.MigrationHost.NotReadyException;
import dev.millrace.lifecycle.Incident;
import dev.millrace.migration.MigrationControl.UnknownTableException;
import dev.millrace.migration.RefusedException;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
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
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/// Every answer that isn't the one asked for, as RFC 9457 describes it: what is wrong, and what to
/// do next. What went wrong inside is in the log, not in the answer.
@RestControllerAdvice
public final class Problems extends ResponseEntityExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    /// What the one POST that there is takes.
    static final String COMPARISON_BODY =
            "{} to compare every table or {\"tables\": [\"schema.table\"]} for some.";

    private static final String PLACES =
            "See /api/v1/status, /api/v1/reconciliations, /api/v1/log?topic=changes,"
                    + " /actuator/health/readiness and /actuator/prometheus.";

    /// A request that can't be carried out as it is.
    static final class ProblemException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final transient ProblemDetail problem;

        ProblemException(ProblemDetail problem) {
            super(problem.getTitle());
            this.problem = problem;
        }
    }

    static ProblemDetail of(HttpStatus status, String title, String detail) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
        problem.setTitle(title);
        return problem;
    }

    static URI instance(HttpServletRequest request) {
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
                        "No such table in this migration",
                        unknown.getMessage()
                                + ". 'millrace status' and GET /api/v1/status name the tables."));
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
                        "Not now",
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
                        "The request failed",
                        "Internal error (incident "
                                + incident.id()
                                + "). The service's log shows under this id where it happened. The"
                                + " migration continues; 'millrace status' shows its state.");
        problem.setProperty("incident", incident.id());
        return answer(problem);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException unreadable,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String wrong =
                unreadable.getCause() instanceof UnrecognizedPropertyException unknown
                        ? "There is no field '" + unknown.getPropertyName() + "' here."
                        : "It is no JSON, or not of the form that is expected.";
        return handleExceptionInternal(
                unreadable,
                of(
                        HttpStatus.BAD_REQUEST,
                        "The body can't be read",
                        wrong + " Send JSON, " + COMPARISON_BODY),
                headers,
                status,
                request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpRequestMethodNotSupported(
            HttpRequestMethodNotSupportedException unsupported,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String[] taken = unsupported.getSupportedMethods();
        return handleExceptionInternal(
                unsupported,
                of(
                        HttpStatus.METHOD_NOT_ALLOWED,
                        "This method isn't taken here",
                        unsupported.getMethod()
                                + " isn't taken here"
                                + (taken == null ? "." : "; " + String.join(", ", taken) + " is.")),
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
                problem.setTitle("Nothing is here");
                problem.setDetail(PLACES);
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
