package dev.millrace.http;

import dev.millrace.http.Problems.ProblemException;
import dev.millrace.lifecycle.Incident;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.migration.StatusReport;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.reconcile.report.ReportFormat;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The HTTP API under `/api/v1/`: translates requests to calls of [MigrationControl] and results to
/// JSON, HTML or problems. Thread-safe.
@RestController
@RequestMapping("/api/v1")
public final class MigrationApi {

    private static final Logger LOG = LoggerFactory.getLogger(MigrationApi.class);
    private static final String LIMIT = "100";
    private static final int MAX_LIMIT = 100_000_000;
    private static final String PAGE_POLICY =
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

    private final MigrationHost host;
    private final JsonMapper json;

    MigrationApi(MigrationHost host, JsonMapper json) {
        this.host = host;
        this.json = json;
    }

    /// @param tables tables to compare; an empty or absent list means all
    /// @param incremental whether only touched keys and numbers of rows are compared
    /// @param who the operator, for the journal
    record Comparison(
            @Nullable List<String> tables,
            @Nullable Boolean incremental,
            @Nullable String reason,
            @Nullable String who) {}

    record Accepted(UUID id, String state, String href) {}

    /// This document. It is part of the program, and a test compares it with the code.
    @GetMapping(path = "/openapi.json", produces = MediaType.APPLICATION_JSON_VALUE)
    byte[] document() {
        try (InputStream document =
                Objects.requireNonNull(MigrationApi.class.getResourceAsStream("openapi.json"))) {
            return document.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Phase, progress, lag, blockers and the next allowed commands.
    @GetMapping(path = "/status", produces = MediaType.APPLICATION_JSON_VALUE)
    StatusReport status() {
        return host.status();
    }

    /// Begins to compare the target with the source. The answer names where the report will be.
    @PostMapping(path = "/reconciliations", produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<Accepted> reconcile(@RequestBody Comparison comparison) {
        MigrationControl control = host.controlForChange();
        List<String> tables = comparison.tables() == null ? List.of() : comparison.tables();
        if (tables.stream().anyMatch(table -> table == null || table.isBlank())) {
            throw badRequest("A table name is empty. Write each name as schema.table.");
        }
        Method method =
                Boolean.TRUE.equals(comparison.incremental())
                        ? Method.TOUCHED_KEYS
                        : Method.ALL_ROWS;
        UUID id = control.reconcile(tables, method, asker(comparison.who(), comparison.reason()));
        String href = "/api/v1/reconciliations/" + id;
        return ResponseEntity.accepted()
                .location(URI.create(href))
                .body(new Accepted(id, state(control.reconciliation(id)), href));
    }

    /// A reconciliation: its report when it is finished, its state before. The format of the report
    /// is json, html, md or junit; without it, a browser gets HTML.
    @GetMapping("/reconciliations/{id}")
    void reconciliation(
            @PathVariable String id,
            @RequestParam Optional<String> format,
            @RequestHeader(name = HttpHeaders.ACCEPT, defaultValue = "*/*") String accept,
            HttpServletResponse response)
            throws IOException {
        ReconciliationState state =
                host.control().reconciliation(uuid(id)).orElseThrow(() -> unknownId(id));
        ReportFormat wanted = format(format, accept);
        switch (wanted) {
            case JSON ->
                    write(
                            response,
                            MediaType.APPLICATION_JSON_VALUE,
                            json.writeValueAsString(body(id, state)));
            case HTML, MARKDOWN, JUNIT -> document(wanted, state, response);
        }
    }

    /// The last finished reconciliations, the newest first.
    @GetMapping(path = "/reconciliations", produces = MediaType.APPLICATION_JSON_VALUE)
    List<PastVerdict> reconciliations() {
        return host.control().reconciliations();
    }

    private static Asker asker(@Nullable String who, @Nullable String reason) {
        return new Asker(JournalText.who(who), JournalText.of("reason", reason).orElse(""));
    }

    /// The one that runs, with its progress, then those that wait.
    @GetMapping("/reconciliations/unfinished")
    List<Unfinished> unfinished() {
        return host.control().unfinishedReconciliations();
    }

    /// Cancels a comparison and returns its state: usually the report, which is undecided.
    @DeleteMapping("/reconciliations/{id}")
    void cancel(
            @PathVariable String id,
            @RequestParam Optional<String> who,
            @RequestParam Optional<String> reason,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        ReconciliationState state =
                host.controlForChange()
                        .cancelReconciliation(
                                uuid(id), asker(who.orElse(null), reason.orElse(null)))
                        .orElseThrow(() -> unknownId(id));
        write(response, MediaType.APPLICATION_JSON_VALUE, json.writeValueAsString(body(id, state)));
    }

    /// Records of the log, oldest first within each partition. The parameter topic is changes or
    /// target. Records are written as they are read: a failure before the first bytes becomes a
    /// problem. A later failure breaks the connection, so that a client never takes a truncated log
    /// for a complete one.
    @GetMapping("/log")
    void log(
            @RequestParam String topic,
            @RequestParam Optional<String> table,
            @RequestParam Optional<String> key,
            @RequestParam(defaultValue = LIMIT) int limit,
            HttpServletResponse response)
            throws IOException {
        if (!topic.equals("changes") && !topic.equals("target")) {
            throw badRequest("Unknown topic. Use 'changes' or 'target'.");
        }
        if (limit < 1 || limit > MAX_LIMIT) {
            throw badRequest("Invalid limit. Use a number from 1 to " + MAX_LIMIT + ".");
        }
        MigrationControl control = host.control();
        response.setContentType(MediaType.APPLICATION_NDJSON_VALUE);
        try {
            control.log(topic, table, key, limit, line -> send(response, line + "\n"));
            response.flushBuffer();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (RuntimeException e) {
            if (response.isCommitted()) {
                Incident.log(LOG, "reading the log for a client failed", e);
                throw new IOException("Reading the log failed.");
            }
            response.resetBuffer();
            throw e;
        }
    }

    private ObjectNode body(String id, ReconciliationState state) {
        ObjectNode body = json.createObjectNode().put("id", id).put("state", name(state));
        switch (state) {
            case ReconciliationState.Waiting waiting ->
                    body.put("askedAt", waiting.askedAt().toString());
            case ReconciliationState.Running running ->
                    body.put("startedAt", running.startedAt().toString());
            case ReconciliationState.Finished(ReconciliationReport report) ->
                    body.setAll((ObjectNode) json.readTree(ReportJson.write(report)));
            case ReconciliationState.Failed(String reason) -> throw failed(id, reason);
        }
        return body;
    }

    private void document(
            ReportFormat format, ReconciliationState state, HttpServletResponse response)
            throws IOException {
        if (!(state instanceof ReconciliationState.Finished(ReconciliationReport report))) {
            throw new ProblemException(
                    Problems.of(
                            HttpStatus.CONFLICT,
                            "No report yet",
                            "The comparison is "
                                    + name(state)
                                    + ". Request the report again when"
                                    + " it is finished."));
        }
        List<PastVerdict> earlier =
                host.control().reconciliations().stream()
                        .filter(past -> past.finishedAt().isBefore(report.finishedAt()))
                        .toList();
        if (format == ReportFormat.HTML) {
            response.setHeader("Content-Security-Policy", PAGE_POLICY);
        }
        write(response, format.mediaType(), format.write(report, earlier));
    }

    private static ReportFormat format(Optional<String> format, String accept) {
        if (format.isPresent()) {
            return ReportFormat.of(format.get())
                    .orElseThrow(
                            () ->
                                    badRequest(
                                            "Unknown format. Use 'json', 'html', 'md' or"
                                                    + " 'junit'."));
        }
        return MediaType.parseMediaTypes(accept).stream()
                        .findFirst()
                        .filter(MediaType.TEXT_HTML::equalsTypeAndSubtype)
                        .isPresent()
                ? ReportFormat.HTML
                : ReportFormat.JSON;
    }

    private static String state(Optional<ReconciliationState> state) {
        return state.map(MigrationApi::name).orElse("waiting");
    }

    private static String name(ReconciliationState state) {
        return switch (state) {
            case ReconciliationState.Waiting _ -> "waiting";
            case ReconciliationState.Running _ -> "running";
            case ReconciliationState.Finished _ -> "finished";
            case ReconciliationState.Failed _ -> "failed";
        };
    }

    private static UUID uuid(String id) {
        try {
            return UUID.fromString(id);
        } catch (IllegalArgumentException _) {
            throw unknownId(id);
        }
    }

    private static ProblemException unknownId(String id) {
        return new ProblemException(
                Problems.of(
                        HttpStatus.NOT_FOUND,
                        "Reconciliation not found",
                        "No reconciliation has the id '"
                                + id
                                + "'. Start one with POST"
                                + " /api/v1/reconciliations."));
    }

    private static ProblemException failed(String id, String reason) {
        ProblemDetail problem =
                Problems.of(
                        HttpStatus.INTERNAL_SERVER_ERROR,
                        "Reconciliation failed",
                        reason
                                + ". No verdict is available. Fix what 'millrace status'"
                                + " reports, then start a new reconciliation.");
        problem.setProperties(Map.of("id", id, "state", "failed"));
        return new ProblemException(problem);
    }

    private static ProblemException badRequest(String detail) {
        return new ProblemException(Problems.of(HttpStatus.BAD_REQUEST, "Invalid request", detail));
    }

    private static void write(HttpServletResponse response, String type, String body)
            throws IOException {
        response.setContentType(type);
        response.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpServletResponse response, String text) {
        try {
            response.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
