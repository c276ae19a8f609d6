package dev.millrace.console;

import dev.millrace.http.MigrationHost;
import dev.millrace.lifecycle.Incident;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables.UnknownTableException;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// Serves the console. Pages only read; their buttons send requests to the HTTP API. A browser runs
/// and loads only what this class serves. Thread-safe.
@RestController
public final class Console {

    private static final Logger LOGGER = LoggerFactory.getLogger(Console.class);

    private static final TemplateEngine TEMPLATES =
            TemplateEngine.createPrecompiled(ContentType.Html);

    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                    + " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors"
                    + " 'none'";

    private static final String HTMX =
            "/META-INF/resources/webjars/htmx.org/2.0.8/dist/htmx.min.js";

    private final MigrationHost host;
    private final InstantSource clock;
    private final Samples samples = new Samples();

    /// A request may read a whole topic.
    private final Semaphore scans = new Semaphore(1);

    Console(MigrationHost host, InstantSource clock) {
        this.host = host;
        this.clock = clock;
    }

    @GetMapping("/")
    ResponseEntity<String> overview() {
        return page(
                Frame.Page.OVERVIEW,
                "overview",
                (_, status) -> {
                    samples.add(clock.instant(), status);
                    return Overview.of(status, samples);
                });
    }

    /// @param wrong whether the form had a wrong token
    /// @param wait seconds until the address may try again
    @GetMapping("/login")
    ResponseEntity<String> login(
            @RequestParam Optional<String> wrong, @RequestParam(defaultValue = "") String wait) {
        StringOutput out = new StringOutput();
        TEMPLATES.render(
                "console/login.jte",
                Map.of(
                        "csrf",
                        Visitor.pageToken(),
                        "said",
                        number(wait)
                                .map(
                                        seconds ->
                                                "This address has sent too many wrong tokens. Wait %d s."
                                                        .formatted(seconds))
                                .orElse(wrong.isPresent() ? "Wrong token." : "")),
                out);
        return html(out);
    }

    @GetMapping("/tables")
    ResponseEntity<String> tables() {
        return page(Frame.Page.TABLES, "tables", (_, status) -> Tables.of(status));
    }

    /// The definition and the verdict stay as they were when the page was opened.
    ///
    /// @param part `progress` leaves them out
    @GetMapping("/table")
    ResponseEntity<String> table(
            @RequestParam(defaultValue = "") String name,
            @RequestParam(defaultValue = "") String part) {
        return page(
                Frame.Page.TABLES,
                "table",
                (control, status) ->
                        part.equals("progress")
                                ? TableDetails.progress(status, name)
                                : TableDetails.of(control, status, host.definition(), name));
    }

    @GetMapping("/settings")
    ResponseEntity<String> settings() {
        return page(
                Frame.Page.SETTINGS,
                "settings",
                (_, _) -> Settings.of(host.definition().settings()));
    }

    @GetMapping("/reconciliations")
    ResponseEntity<String> reconciliations() {
        return page(
                Frame.Page.RECONCILIATIONS,
                "reconciliations",
                (control, _) -> Reconciliations.of(control));
    }

    @GetMapping("/reconciliation")
    ResponseEntity<String> reconciliation(@RequestParam(defaultValue = "") String id) {
        return page(
                Frame.Page.RECONCILIATIONS,
                "reconciliation",
                (control, _) ->
                        uuid(id).flatMap(known -> ComparedTables.of(control, known))
                                .orElseThrow(
                                        () ->
                                                new RefusedException(
                                                        "No finished reconciliation has this id."
                                                                + " See the page Reconciliations")));
    }

    @GetMapping("/repair")
    ResponseEntity<String> repair(@RequestParam(defaultValue = "") String id) {
        return page(
                Frame.Page.RECONCILIATIONS,
                "repair",
                (control, _) ->
                        uuid(id).flatMap(known -> RepairDetails.of(control.repairs(), known))
                                .orElseThrow(
                                        () ->
                                                new RefusedException(
                                                        "No repair has this id. See the page"
                                                                + " Reconciliations")));
    }

    private static Optional<UUID> uuid(String id) {
        try {
            return Optional.of(UUID.fromString(id));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// Judging the gates runs a whole preflight, so a page does it once, when it is opened. It then
    /// requests only the part with the running operation again.
    ///
    /// @param gates `no` leaves them out
    @GetMapping("/switchover")
    ResponseEntity<String> switchover(@RequestParam(defaultValue = "") String gates) {
        return page(
                Frame.Page.SWITCHOVER,
                "switchover",
                (control, status) ->
                        gates.equals("no")
                                ? Switchover.operation(control, status)
                                : Switchover.of(control, status, clock.instant())
                                        .with(host.approvals().pending()));
    }

    @GetMapping("/rejected")
    ResponseEntity<String> rejected() {
        return page(
                Frame.Page.REJECTED,
                "rejected",
                (control, _) ->
                        Rejected.of(control.rejected().list(Optional.empty(), Rejected.SHOWN + 1)));
    }

    @GetMapping("/rejected/{id}")
    ResponseEntity<String> rejected(@PathVariable String id) {
        return page(
                Frame.Page.REJECTED,
                "rejected-key",
                (control, _) ->
                        number(id)
                                .flatMap(each -> control.rejected().find(each))
                                .map(RejectedChanges::of)
                                .orElseThrow(
                                        () ->
                                                new RefusedException(
                                                        "No rejected key has this id. It may have"
                                                                + " been retried or skipped")));
    }

    @GetMapping("/log")
    ResponseEntity<String> log(
            @RequestParam(defaultValue = "") String topic,
            @RequestParam(defaultValue = "") String table,
            @RequestParam(defaultValue = "") String key) {
        return page(
                Frame.Page.LOG,
                "log",
                (control, _) -> {
                    if (!scans.tryAcquire()) {
                        throw new RefusedException(
                                "Another page reads the log now. Ask again in a moment");
                    }
                    try {
                        return LogLines.of(control, topic, table, key);
                    } finally {
                        scans.release();
                    }
                });
    }

    /// @param before a number that is not valid shows the newest entries
    @GetMapping("/journal")
    ResponseEntity<String> journal(@RequestParam(defaultValue = "") String before) {
        return page(
                Frame.Page.JOURNAL,
                "journal",
                (control, _) -> Journal.of(control, Optional.of(before).flatMap(Console::number)));
    }

    private static Optional<Long> number(String text) {
        return Optional.of(text).filter(each -> each.matches("\\d{1,18}")).map(Long::valueOf);
    }

    @GetMapping("/console/style.css")
    ResponseEntity<byte[]> style() {
        return file("/dev/millrace/console/style.css", "text/css;charset=utf-8");
    }

    @GetMapping("/console/icon.svg")
    ResponseEntity<byte[]> icon() {
        return file("/dev/millrace/console/icon.svg", "image/svg+xml");
    }

    @GetMapping("/console/actions.js")
    ResponseEntity<byte[]> actions() {
        return file("/dev/millrace/console/actions.js", "text/javascript;charset=utf-8");
    }

    @GetMapping("/console/htmx.js")
    ResponseEntity<byte[]> htmx() {
        return file(HTMX, "text/javascript;charset=utf-8");
    }

    private ResponseEntity<String> page(
            Frame.Page page,
            String template,
            BiFunction<MigrationControl, StatusReport, Object> content) {
        Optional<MigrationControl> control = host.running();
        StringOutput out = new StringOutput();
        if (control.isEmpty()) {
            TEMPLATES.render("console/starting.jte", Frame.starting(page, Visitor.current()), out);
        } else {
            StatusReport status = host.status();
            Frame frame = Frame.of(status, page, Visitor.current());
            try {
                render(template, frame, content.apply(control.get(), status), out);
            } catch (RefusedException e) {
                render("unreadable", frame, e.getMessage() + ".", out);
            } catch (UnknownTableException e) {
                render("unreadable", frame, e.getMessage() + ".", out);
            } catch (RuntimeException e) {
                Incident incident = Incident.log(LOGGER, "a page could not be rendered", e);
                render(
                        "unreadable",
                        frame,
                        "The values of this page cannot be read now (incident "
                                + incident.id()
                                + "). Search the service's log for this id. The migration"
                                + " continues.",
                        out);
            }
        }
        return html(out);
    }

    private static ResponseEntity<String> html(StringOutput out) {
        return ResponseEntity.ok()
                .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
                .header("Content-Security-Policy", POLICY)
                .body(out.toString());
    }

    private static void render(String template, Frame frame, Object page, StringOutput out) {
        TEMPLATES.render("console/" + template + ".jte", Map.of("frame", frame, "page", page), out);
    }

    private static ResponseEntity<byte[]> file(String resource, String type) {
        try (InputStream in = Objects.requireNonNull(Console.class.getResourceAsStream(resource))) {
            return ResponseEntity.ok()
                    .header(HttpHeaders.CONTENT_TYPE, type)
                    .body(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
