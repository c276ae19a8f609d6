package dev.millrace.console;

import dev.millrace.approval.Approvals.Person;
import dev.millrace.http.MigrationHost;
import dev.millrace.http.access.Caller;
import dev.millrace.replication.RefusedException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.View;

/// Serves the console. Pages only read; their buttons send requests to the HTTP API. A browser runs
/// and loads only what this class serves. Thread-safe.
@Controller
public final class Console {

    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                    + " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors"
                    + " 'none'";

    private static final String CONTENT_POLICY = "Content-Security-Policy";
    private static final String HTML = "text/html;charset=UTF-8";

    private static final String HTMX =
            "/META-INF/resources/webjars/htmx.org/2.0.8/dist/htmx.min.js";

    private static final Duration QUERIED = Duration.ofSeconds(2);
    private static final Duration RARELY = Duration.ofSeconds(5);

    private final MigrationHost host;
    private final InstantSource clock;
    private final Samples samples = new Samples();
    private final Tables.Sources tables = new Tables.Sources(samples, new PastVerdicts());
    private final Pages pages;
    private final Updates updates;

    /// A request may read a whole topic.
    private final Semaphore scans = new Semaphore(1);

    Console(MigrationHost host, InstantSource clock) {
        this.host = host;
        this.clock = clock;
        this.pages = new Pages(host, samples, clock);
        this.updates = new Updates(clock);
    }

    /// Ends the open streams before the server waits for its last requests.
    @EventListener(ContextClosedEvent.class)
    void close() {
        updates.close();
    }

    @GetMapping("/")
    View overview() {
        return shown(
                PageSource.of(
                        Frame.Page.OVERVIEW,
                        "overview",
                        (_, status) -> Overview.of(status, samples)));
    }

    /// @param wrong whether the form had a wrong token
    /// @param wait seconds until the address may try again
    @GetMapping("/login")
    ResponseEntity<String> login(
            @RequestParam Optional<String> wrong, @RequestParam(defaultValue = "") String wait) {
        String said =
                number(wait)
                        .map("This address has sent too many wrong tokens. Wait %d s."::formatted)
                        .orElse(wrong.isPresent() ? "Wrong token." : "");
        return ResponseEntity.ok()
                .header(HttpHeaders.CONTENT_TYPE, HTML)
                .header(CONTENT_POLICY, POLICY)
                .body(Pages.login(said, Visitor.pageToken()));
    }

    @GetMapping("/tables")
    View tables() {
        return shown(
                PageSource.of(
                                Frame.Page.TABLES,
                                "tables",
                                (control, status) ->
                                        Tables.of(control, status, host.definition(), tables))
                        .every(QUERIED));
    }

    /// The definition and the verdict stay as they were when the page was opened.
    ///
    /// @param rows `yes` to show rows of the source
    @GetMapping("/table")
    View table(
            @RequestParam(defaultValue = "") String name,
            @RequestParam(defaultValue = "") String rows) {
        return shown(
                PageSource.of(
                                Frame.Page.TABLES,
                                "table",
                                (control, status) -> {
                                    TableDetails details =
                                            TableDetails.of(
                                                    control,
                                                    status,
                                                    host.definition(),
                                                    tables,
                                                    name);
                                    return rows.equals("yes")
                                            ? details.with(host.preview().of(name))
                                            : details;
                                })
                        .at("/table?name=" + encoded(name))
                        .changing((_, status) -> TableDetails.progress(status, tables, name)));
    }

    @GetMapping("/settings")
    View settings() {
        return shown(
                PageSource.of(
                        Frame.Page.SETTINGS,
                        "settings",
                        (_, _) -> Settings.of(host.definition().settings())));
    }

    @GetMapping("/reconciliations")
    View reconciliations() {
        return shown(
                PageSource.of(
                                Frame.Page.RECONCILIATIONS,
                                "reconciliations",
                                (control, _) -> Reconciliations.of(control))
                        .every(QUERIED));
    }

    @GetMapping("/reconciliation")
    View reconciliation(@RequestParam(defaultValue = "") String id) {
        return shown(
                PageSource.of(
                        Frame.Page.RECONCILIATIONS,
                        "reconciliation",
                        (control, _) ->
                                uuid(id).flatMap(known -> ComparedTables.of(control, known))
                                        .orElseThrow(
                                                () ->
                                                        new RefusedException(
                                                                "No finished reconciliation has"
                                                                        + " this id. See the page"
                                                                        + " Reconciliations"))));
    }

    @GetMapping("/repair")
    View repair(@RequestParam(defaultValue = "") String id) {
        return shown(
                PageSource.of(
                                Frame.Page.RECONCILIATIONS,
                                "repair",
                                (control, _) ->
                                        uuid(id).flatMap(
                                                        known ->
                                                                RepairDetails.of(
                                                                        control.repairs(),
                                                                        known,
                                                                        clock.instant()))
                                                .orElseThrow(
                                                        () ->
                                                                new RefusedException(
                                                                        "No repair has this id. See"
                                                                                + " the page"
                                                                                + " Reconciliations")))
                        .at("/repair?id=" + encoded(id)));
    }

    private static String encoded(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    private static Optional<UUID> uuid(String id) {
        try {
            return Optional.of(UUID.fromString(id));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// Judging the gates runs a whole preflight, so a page does it once, when it is opened.
    @GetMapping("/switchover")
    View switchover() {
        Caller caller = Caller.current();
        return shown(
                PageSource.of(
                                Frame.Page.SWITCHOVER,
                                "switchover",
                                (control, status) ->
                                        Switchover.of(control, status, clock.instant())
                                                .with(
                                                        host.approvals(),
                                                        new Person(caller.id(), caller.name())))
                        .changing(
                                (control, status) ->
                                        Switchover.operation(control, status, clock.instant())));
    }

    /// A dry run shows what an end would remove, so a page does it once, when it is opened.
    ///
    /// @param kind `complete` or `abort`
    /// @param id of the end that was begun
    @GetMapping("/end")
    View end(
            @RequestParam(defaultValue = "") String kind,
            @RequestParam(defaultValue = "") String id) {
        return shown(
                PageSource.of(
                        Frame.Page.SWITCHOVER,
                        "end",
                        (_, _) ->
                                id.isEmpty()
                                        ? EndDetails.preview(
                                                host.endForChange(), kind, clock.instant())
                                        : EndDetails.of(
                                                uuid(id).flatMap(host::ending), clock.instant())));
    }

    @GetMapping("/rejected")
    View rejected() {
        return shown(
                PageSource.of(
                                Frame.Page.REJECTED,
                                "rejected",
                                (control, _) ->
                                        Rejected.of(
                                                control.rejected()
                                                        .list(
                                                                Optional.empty(),
                                                                Rejected.SHOWN + 1)))
                        .every(RARELY));
    }

    @GetMapping("/rejected/{id}")
    View rejectedKey(@PathVariable String id) {
        return shown(
                PageSource.of(
                                Frame.Page.REJECTED,
                                "rejected-key",
                                (control, _) ->
                                        number(id)
                                                .flatMap(each -> control.rejected().find(each))
                                                .map(RejectedChanges::of)
                                                .orElseThrow(
                                                        () ->
                                                                new RefusedException(
                                                                        "No rejected key has this"
                                                                                + " id. It may have been"
                                                                                + " retried or"
                                                                                + " skipped")))
                        .at("/rejected/" + encoded(id)));
    }

    @GetMapping("/log")
    View log(
            @RequestParam(defaultValue = "") String topic,
            @RequestParam(defaultValue = "") String table,
            @RequestParam(defaultValue = "") String key,
            @RequestParam(defaultValue = "") String sourceKey) {
        return shown(
                PageSource.of(
                        Frame.Page.LOG,
                        "log",
                        (control, _) -> {
                            if (!scans.tryAcquire()) {
                                throw new RefusedException(
                                        "Another page reads the log now. Ask again in a moment");
                            }
                            try {
                                return LogLines.of(
                                        control,
                                        host.definition(),
                                        new LogLines.Asked(topic, table, key, sourceKey));
                            } finally {
                                scans.release();
                            }
                        }));
    }

    /// @param before a number that is not valid shows the newest entries
    @GetMapping("/journal")
    View journal(@RequestParam(defaultValue = "") String before) {
        return shown(
                PageSource.of(
                        Frame.Page.JOURNAL,
                        "journal",
                        (control, _) ->
                                Journal.of(control, Optional.of(before).flatMap(Console::number))));
    }

    private static Optional<Long> number(String text) {
        return Optional.of(text).filter(each -> each.matches("\\d{1,18}")).map(Long::valueOf);
    }

    /// The parameter `part` is `live` for the part that changes, and `stream` for the events that
    /// bring it.
    private View shown(PageSource source) {
        return (_, request, response) -> {
            String part = request.getParameter("part");
            if ("stream".equals(part)) {
                updates.send(() -> pages.live(source), source.every(), response);
                return;
            }
            response.setContentType(HTML);
            response.setHeader(CONTENT_POLICY, POLICY);
            String page = "live".equals(part) ? pages.live(source) : pages.whole(source);
            response.getOutputStream().write(page.getBytes(StandardCharsets.UTF_8));
        };
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
