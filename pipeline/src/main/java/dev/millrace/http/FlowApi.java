package dev.millrace.http;

import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.FlowReport;
import dev.millrace.rejected.TableChange;
import dev.millrace.throttle.Throttle.Limit;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/// Pauses, limits and stops the flow: `pause`, `resume`, `kill` and `throttle` under `/api/v1/`. A
/// change has taken effect when the response arrives, and a repeated request sets the same again.
/// So the response contains the finished operation, and there is none to ask for later.
/// Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class FlowApi {

    private final MigrationHost host;

    FlowApi(MigrationHost host) {
        this.host = host;
    }

    /// @param what `backfill`, `apply` or `all`; `throttle` allows one part, and without it takes
    ///   `backfill`; not for `kill` and a `resume` of a table
    /// @param table the stopped target table, as `schema.name`, of `resume`
    /// @param acceptSchema the definition that its source table has now is accepted
    /// @param rowsPerSecond of `throttle`; 0 for no limit
    /// @param bytesPerSecond of `throttle`, in place of rows
    /// @param who the operator, for the journal
    record Change(
            @Nullable List<@Nullable String> what,
            @Nullable String table,
            @Nullable Boolean acceptSchema,
            @Nullable Long rowsPerSecond,
            @Nullable Long bytesPerSecond,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase,
            @Nullable Boolean dryRun) {}

    /// @param backfill the setting with the change; a dry run has no effect. `null` if the flow is
    ///   not concerned, and with `backfill: engine`
    /// @param apply the same of apply; `null` if the flow is not concerned
    record Answer(
            Operation operation,
            FlowReport.@Nullable Backfill backfill,
            FlowReport.@Nullable Apply apply) {}

    /// @param state `done`, or `dryRun` when nothing was changed
    record Operation(String kind, String state, String outcome) {}

    /// Stops reading existing rows, writing to the target tables, or both. Changes still reach the
    /// log.
    @PostMapping("/pause")
    Answer pause(@RequestBody Change change) {
        return take(new Action.Pause(parts("pause", change)), change);
    }

    /// Continues reading existing rows, writing to the target tables, or a stopped table.
    @PostMapping("/resume")
    Answer resume(@RequestBody Change change) {
        String table = change.table();
        if (table != null) {
            return resume(table, change);
        }
        return take(new Action.Resume(parts("resume", change)), change);
    }

    /// Stops all writes to the source and to the target tables at once.
    @PostMapping("/kill")
    Answer kill(@RequestBody Change change) {
        if (change.what() != null) {
            throw JournalText.invalid("'what' is not allowed here. 'kill' stops all writes.");
        }
        return take(new Action.Kill(), change);
    }

    /// Limits how much is read, or written to the target tables, per second, all tables together.
    @PostMapping("/throttle")
    Answer throttle(@RequestBody Change change) {
        Long rows = change.rowsPerSecond();
        Long bytes = change.bytesPerSecond();
        if ((rows == null) == (bytes == null)
                || Objects.requireNonNullElse(rows, 0L) < 0
                || Objects.requireNonNullElse(bytes, 0L) < 0) {
            throw JournalText.invalid(
                    "Send either 'rowsPerSecond' or 'bytesPerSecond': a number, at least 1, or 0 for no limit.");
        }
        Set<Part> parts = parts(change);
        if (parts.size() > 1) {
            throw JournalText.invalid(
                    "A limit is of one part. Use 'backfill' or 'apply' as 'what'.");
        }
        return take(
                new Action.Throttle(
                        parts.isEmpty() ? Part.BACKFILL : parts.iterator().next(),
                        new Limit(number(rows), number(bytes))),
                change);
    }

    private static OptionalLong number(@Nullable Long number) {
        return number == null || number == 0 ? OptionalLong.empty() : OptionalLong.of(number);
    }

    private Answer resume(String table, Change change) {
        if (change.what() != null
                || change.rowsPerSecond() != null
                || change.bytesPerSecond() != null) {
            throw JournalText.invalid(
                    "Send either {\"table\": \"schema.name\"} or {\"what\": [\"backfill\"]}.");
        }
        TableChange asked =
                new TableChange(
                        table,
                        Boolean.TRUE.equals(change.acceptSchema()),
                        JournalText.of("reason", change.reason()).orElse(""),
                        JournalText.of("who", change.who()),
                        Optional.ofNullable(change.expectedPhase()),
                        Boolean.TRUE.equals(change.dryRun()));
        String outcome = host.controlForChange().rejected().resume(asked);
        return new Answer(
                new Operation("table-resume", asked.dryRun() ? "dryRun" : "done", outcome),
                null,
                null);
    }

    private Answer take(Action action, Change change) {
        requireNoTable(change);
        requireNoRate(action, change);
        FlowChange asked =
                new FlowChange(
                        action,
                        JournalText.of("reason", change.reason()).orElse(""),
                        JournalText.of("who", change.who()),
                        Optional.ofNullable(change.expectedPhase()),
                        Boolean.TRUE.equals(change.dryRun()));
        FlowChange.Outcome outcome = host.controlForChange().change(asked);
        return new Answer(
                new Operation(action.kind(), asked.dryRun() ? "dryRun" : "done", outcome.text()),
                outcome.flow().backfill(),
                outcome.flow().apply());
    }

    private static void requireNoTable(Change change) {
        if (change.table() != null || change.acceptSchema() != null) {
            throw JournalText.invalid(
                    "'table' and 'acceptSchema' are not allowed here. Send both to"
                            + " POST /api/v1/resume to continue a stopped table.");
        }
    }

    private static void requireNoRate(Action action, Change change) {
        if (!(action instanceof Action.Throttle)
                && (change.rowsPerSecond() != null || change.bytesPerSecond() != null)) {
            throw JournalText.invalid("A limit is not allowed here. Use POST /api/v1/throttle.");
        }
    }

    private static Set<Part> parts(String kind, Change change) {
        requireNoTable(change);
        Set<Part> parts = parts(change);
        if (parts.isEmpty()) {
            throw JournalText.invalid(
                    "'what' is missing. Send {\"what\": [\"backfill\"]}, [\"apply\"] or [\"all\"] to %s."
                            .formatted(kind));
        }
        return parts;
    }

    private static Set<Part> parts(Change change) {
        List<@Nullable String> what = change.what() == null ? List.of() : change.what();
        Set<Part> parts = EnumSet.noneOf(Part.class);
        for (String name : what) {
            parts.addAll(
                    Part.of(String.valueOf(name))
                            .orElseThrow(
                                    () ->
                                            JournalText.invalid(
                                                    "Unknown part of the migration. Use 'backfill', 'apply' or 'all'.")));
        }
        return parts;
    }
}
