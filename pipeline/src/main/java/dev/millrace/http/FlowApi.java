package dev.millrace.http;

import dev.millrace.migration.BackfillChange;
import dev.millrace.migration.BackfillChange.Action;
import dev.millrace.migration.StatusReport;
import dev.millrace.rejected.TableChange;
import dev.millrace.replication.RefusedException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/// The operator's hand on the flow: `pause`, `resume` and `throttle` under `/api/v1/`. A change is
/// in force when the response arrives, and a repeated request sets the same again. So the response
/// contains the finished operation, and there is none to ask for later. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class FlowApi {

    private static final String BACKFILL = "backfill";

    private final MigrationHost host;

    FlowApi(MigrationHost host) {
        this.host = host;
    }

    /// @param what `backfill`; `throttle` does not need it, nor does a `resume` of a table
    /// @param table the stopped target table, as `schema.name`, of `resume`
    /// @param acceptSchema the definition that its source table has now is accepted
    /// @param rowsPerSecond of `throttle`; 0 for no limit
    /// @param who the operator, for the journal
    record Change(
            @Nullable List<@Nullable String> what,
            @Nullable String table,
            @Nullable Boolean acceptSchema,
            @Nullable Long rowsPerSecond,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase,
            @Nullable Boolean dryRun) {}

    /// @param backfill the setting with the change; not in force after a dry run. `null` if it is
    ///   not concerned
    record Answer(Operation operation, StatusReport.@Nullable Flow backfill) {}

    /// @param state `done`, or `dryRun` when nothing was changed
    record Operation(String kind, String state, String outcome) {}

    /// Stops reading existing rows. Changes are still replicated.
    @PostMapping("/pause")
    Answer pause(@RequestBody Change change) {
        return take(new Action.Pause(), change);
    }

    /// Continues reading existing rows, or a stopped table.
    @PostMapping("/resume")
    Answer resume(@RequestBody Change change) {
        String table = change.table();
        if (table != null) {
            return resume(table, change);
        }
        return take(new Action.Resume(), change);
    }

    /// Limits how many existing rows are read per second, all tables together.
    @PostMapping("/throttle")
    Answer throttle(@RequestBody Change change) {
        Long rows = change.rowsPerSecond();
        if (rows == null || rows < 0) {
            throw JournalText.invalid(
                    "'rowsPerSecond' must be a number of rows, at least 1, or 0 for no limit.");
        }
        return take(
                new Action.Throttle(rows == 0 ? OptionalLong.empty() : OptionalLong.of(rows)),
                change);
    }

    private Answer resume(String table, Change change) {
        if (change.what() != null || change.rowsPerSecond() != null) {
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
                new Operation("table-resume", asked.dryRun() ? "dryRun" : "done", outcome), null);
    }

    private Answer take(Action action, Change change) {
        checkParts(action, change);
        BackfillChange asked =
                new BackfillChange(
                        action,
                        JournalText.of("reason", change.reason()).orElse(""),
                        JournalText.of("who", change.who()),
                        Optional.ofNullable(change.expectedPhase()),
                        Boolean.TRUE.equals(change.dryRun()));
        BackfillChange.Outcome outcome = host.controlForChange().change(asked);
        return new Answer(
                new Operation(action.kind(), asked.dryRun() ? "dryRun" : "done", outcome.text()),
                outcome.backfill());
    }

    private static void checkParts(Action action, Change change) {
        boolean isThrottle = action instanceof Action.Throttle;
        if (change.table() != null || change.acceptSchema() != null) {
            throw JournalText.invalid(
                    "'table' and 'acceptSchema' are not allowed here. Send both to"
                            + " POST /api/v1/resume to continue a stopped table.");
        }
        if (!isThrottle && change.rowsPerSecond() != null) {
            throw JournalText.invalid(
                    "'rowsPerSecond' is not allowed here. Use POST /api/v1/throttle.");
        }
        List<@Nullable String> what = change.what() == null ? List.of() : change.what();
        if (what.isEmpty() && !isThrottle) {
            throw JournalText.invalid("'what' is missing. Send {\"what\": [\"backfill\"]}.");
        }
        for (String part : what) {
            checkPart(action.kind(), String.valueOf(part));
        }
    }

    private static void checkPart(String kind, String part) {
        switch (part) {
            case BACKFILL -> {}
            case "apply", "all" ->
                    throw new RefusedException(
                            "'%s %s' is not supported in this version. Use '%s backfill'; to stop everything, stop the service, which continues at its stored positions"
                                    .formatted(kind, part, kind));
            default ->
                    throw JournalText.invalid(
                            "Cannot " + kind + " this part of the migration. Use 'backfill'.");
        }
    }
}
