package dev.millrace.runbook;

import dev.millrace.change.TableId;
import dev.millrace.runbook.Runbook.Field;
import dev.millrace.runbook.Runbook.Step;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchStep;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Fills the template of the runbooks in from a migration file. Asks a server only for its version.
public final class RunbookWriter {

    private static final Pattern DATABASE = Pattern.compile("jdbc:postgresql://([^?]*)(?:\\?.*)?");
    private static final Pattern CONDITION = Pattern.compile("stop-when\\[(\\d+)]\\.(.*)");
    private static final String BLANK = Runbook.BLANK;

    private final String file;
    private final SpecResult.Valid valid;
    private final MigrationSpec spec;
    private final Function<Endpoint, String> version;

    private RunbookWriter(String file, SpecResult.Valid valid, Function<Endpoint, String> version) {
        this.file = file;
        this.valid = valid;
        this.spec = valid.spec();
        this.version = version;
    }

    /// @param file as commands name it
    /// @param version of a server, or why it is not known
    public static Runbook write(
            String file, SpecResult.Valid valid, Function<Endpoint, String> version) {
        RunbookWriter writer = new RunbookWriter(file, valid, version);
        return new Runbook(valid.spec().migration(), writer.fields(), writer.steps());
    }

    private List<Field> fields() {
        Switchover move = spec.switchover();
        return List.of(
                new Field(
                        "Change",
                        List.of(
                                "Move the tables below from "
                                        + place(spec.source())
                                        + " to "
                                        + place(spec.target())
                                        + " while applications write.")),
                new Field(
                        "Owner",
                        List.of(
                                "decides: " + BLANK,
                                "operates: " + BLANK,
                                "owner of the applications: " + BLANK,
                                "administrators of source, target and Kafka: " + BLANK)),
                new Field(
                        "Risk",
                        List.of(
                                "Writes wait or are refused for at most "
                                        + words(move.timeout())
                                        + " during a switchover, and again during a rollback.",
                                "The source retains WAL while capture does not run.",
                                "own risks: " + BLANK)),
                new Field("Tables", tables()),
                new Field("Versions", versions()),
                new Field("Flags", routes()),
                new Field("Backfill", backfill()),
                new Field("Fence", List.of(fence())),
                new Field(
                        "Limits",
                        List.of(
                                "lag below " + words(move.lagBelow()),
                                "last verdict at most " + words(move.verdictMaxAge()) + " old",
                                "timeout " + words(move.timeout()),
                                "reverse window " + words(move.reverseWindow()))),
                new Field("Canary", canary()),
                new Field("Metrics", METRICS),
                new Field(
                        "Rollback",
                        List.of(
                                "before the step permanent: millrace switchover --cancel, or the timeout",
                                "in the reverse window: millrace rollback; decided by " + BLANK,
                                "columns that do not come back exactly: see the check mapping.inverse of millrace plan")),
                new Field("Stop conditions", stopConditions()),
                new Field(
                        "Clean-up",
                        List.of(
                                "millrace complete --rename-old _old, after the reverse window",
                                "archive "
                                        + spec.dataDir()
                                                .resolve(spec.migration() + ".archive.json"),
                                "old tables dropped on: " + BLANK,
                                "flag removed from the applications on: " + BLANK)));
    }

    private static final List<String> METRICS =
            List.of(
                    "millrace_phase, millrace_part_well",
                    "millrace_lag_end_to_end_seconds, millrace_lag_records, millrace_lag_source_bytes",
                    "millrace_wal_retained_bytes, millrace_log_bytes",
                    "millrace_rejected_keys, millrace_table_stopped",
                    "millrace_reconciliation_verdict, millrace_target_foreign_rows",
                    "after the switchover: millrace_reverse_lag_end_to_end_seconds, millrace_rollback_seconds",
                    "of the applications: error rate " + BLANK + ", latency " + BLANK);

    private List<String> tables() {
        return spec.tables().stream()
                .map(
                        entry ->
                                switch (entry) {
                                    case TableEntry.Select select ->
                                            text(select.target())
                                                    + " from "
                                                    + select.statement()
                                                            .schema()
                                                            .map(schema -> schema + ".")
                                                            .orElse("")
                                                    + select.statement().table();
                                    case TableEntry.Wildcard all ->
                                            "all other tables of "
                                                    + all.targetSchema()
                                                    + " from "
                                                    + all.sourceSchema();
                                })
                .toList();
    }

    private static String text(TableId table) {
        return table.schema() + "." + table.name();
    }

    private List<String> versions() {
        return List.of(
                "source " + place(spec.source()) + ": " + version.apply(spec.source()),
                "target " + place(spec.target()) + ": " + version.apply(spec.target()),
                switch (spec.kafka()) {
                    case Kafka.Embedded _ -> "Kafka: embedded in the service";
                    case Kafka.External external ->
                            "Kafka " + external.bootstrapServers() + ": " + BLANK;
                },
                "application that reads and writes the source: " + BLANK,
                "application that can use both sides: " + BLANK,
                "application that needs the target: " + BLANK);
    }

    private List<String> routes() {
        List<Route> routes = spec.switchover().route();
        if (routes.isEmpty()) {
            return List.of(
                    "The file declares no route: "
                            + BLANK
                            + " connects the applications to the target during the switchover.");
        }
        return routes.stream().map(RunbookWriter::described).toList();
    }

    /// Without statements, values and paths, which may be secrets.
    private static String described(Route route) {
        return switch (route) {
            case Route.Flag flag ->
                    "flag: "
                            + text(flag.table())
                            + "."
                            + flag.column()
                            + " on the "
                            + word(flag.side());
            case Route.Sql sql -> "sql: one statement on the " + word(sql.side());
            case Route.Exec exec -> "exec: " + exec.forward();
            case Route.Webhook webhook -> "webhook: " + webhook.origin();
            case Route.PgBouncer pool -> "pgbouncer: database " + pool.database();
        };
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private List<String> backfill() {
        return List.of(
                "existing rows are read by " + word(spec.backfill()),
                "indexes of the target: "
                        + word(spec.indexes().standard()).replace('_', '-')
                        + (spec.indexes().tables().isEmpty() ? "" : ", some tables differ"),
                "first limit of rows per second: " + BLANK);
    }

    private String fence() {
        return spec.switchover().fence() == Fence.LEASE
                ? "Triggers on the source read a lease. It expires by itself if the service dies before the point of no return."
                : "External: "
                        + BLANK
                        + " keeps every writer away from the source from the step hold on.";
    }

    private List<String> canary() {
        List<String> plan = new ArrayList<>();
        plan.add("rehearsal on restored copies of both databases on: " + BLANK);
        plan.add("millrace switchover --dry-run on the day before, at the same hour");
        plan.add(
                spec.queries().isEmpty()
                        ? "statements of the application to compare (queries in the file): " + BLANK
                        : spec.queries().size()
                                + " statements of the application are compared on both sides by millrace reconcile");
        plan.add("first users or tenants on the new version: " + BLANK);
        return plan;
    }

    /// Those of the file, as it says them.
    private List<String> stopConditions() {
        Map<String, Map<String, String>> conditions = new LinkedHashMap<>();
        for (EffectiveSetting setting : valid.settings()) {
            Matcher part = CONDITION.matcher(setting.key());
            if (part.matches()) {
                conditions
                        .computeIfAbsent(part.group(1), _ -> new LinkedHashMap<>())
                        .put(part.group(2), setting.value());
            }
        }
        List<String> lines = new ArrayList<>();
        conditions
                .values()
                .forEach(
                        each ->
                                lines.add(
                                        "%s above %s for %s: %s"
                                                .formatted(
                                                        each.getOrDefault(
                                                                "metric",
                                                                each.getOrDefault("name", "sql")),
                                                        each.getOrDefault("above", BLANK),
                                                        each.getOrDefault("for", "10s"),
                                                        each.getOrDefault("then", BLANK))));
        lines.add(
                spec.flow().walBudget().isPresent()
                        ? "WAL budget of the source "
                                + setting("wal-budget")
                                + ": at 80 % the backfill pauses"
                        : "no wal-budget in the file: max_slot_wal_keep_size of the source decides");
        lines.add("what ends the switchover, decided before it: " + BLANK);
        return lines;
    }

    private String setting(String key) {
        return valid.settings().stream()
                .filter(setting -> setting.key().equals(key))
                .map(EffectiveSetting::value)
                .findFirst()
                .orElse(BLANK);
    }

    private List<Step> steps() {
        String config = " -c " + file;
        return List.of(
                new Step(
                        "Prepare",
                        "Both servers have wal_level logical, the target tables exist, the logins exist.",
                        List.of(
                                "millrace grants" + config + " --side source",
                                "millrace grants" + config + " --side target")),
                new Step(
                        "Check",
                        "The file is valid, and no check is blocked.",
                        List.of("millrace validate" + config, "millrace plan" + config)),
                new Step(
                        "Start",
                        "The service runs; its metrics and alerts arrive.",
                        List.of("millrace run" + config, "millrace status")),
                new Step(
                        "Backfill",
                        "Existing rows are read. Load on both servers stays within the limits.",
                        List.of("millrace status --watch", "millrace lag")),
                new Step(
                        "Compare",
                        "The phase is IN_SYNC and the verdict is equal.",
                        List.of("millrace reconcile --html " + spec.migration() + ".html")),
                new Step(
                        "Rehearse",
                        "Every gate is open.",
                        List.of("millrace switchover --dry-run")),
                new Step(
                        "Switch over",
                        "The applications write to the target. Steps: "
                                + names(Kind.SWITCHOVER)
                                + ". From permanent on, there is no way back but a rollback.",
                        List.of("millrace switchover --reason \"change " + BLANK + "\"")),
                new Step(
                        "Watch",
                        "The way back is open until the reverse window ends. Decide.",
                        List.of(
                                "millrace status",
                                "millrace reconcile",
                                "millrace rollback --dry-run")),
                new Step(
                        "Roll back, only if decided",
                        "The applications write to the source again. Steps: "
                                + names(Kind.ROLLBACK)
                                + ".",
                        List.of("millrace rollback --reason \"" + BLANK + "\"")),
                new Step(
                        "Complete",
                        "The old tables are not used any more. There is no way back after this step.",
                        List.of(
                                "millrace complete --dry-run",
                                "millrace complete --rename-old _old --reason \"change "
                                        + BLANK
                                        + "\"")),
                new Step(
                        "In an incident",
                        "Stop all writes of Millrace at once, and continue later; or bundle what others need to help.",
                        List.of(
                                "millrace kill --reason \"incident " + BLANK + "\"",
                                "millrace resume all",
                                "millrace doctor" + config + " --out doctor.zip")));
    }

    private static String names(Kind kind) {
        return SwitchStep.of(kind).stream().map(SwitchStep::id).collect(Collectors.joining(", "));
    }

    /// Host, port and database, without the parameters of the URL.
    private static String place(Endpoint endpoint) {
        Matcher url = DATABASE.matcher(endpoint.url());
        return url.matches() ? url.group(1) : BLANK;
    }

    private static String words(Duration duration) {
        return Stream.of(
                        part(duration.toDaysPart(), "d"),
                        part(duration.toHoursPart(), "h"),
                        part(duration.toMinutesPart(), "min"),
                        part(duration.toSecondsPart(), "s"),
                        part(duration.toMillisPart(), "ms"))
                .filter(text -> !text.isEmpty())
                .collect(Collectors.joining(" "));
    }

    private static String part(long number, String unit) {
        return number == 0 ? "" : number + " " + unit;
    }
}
