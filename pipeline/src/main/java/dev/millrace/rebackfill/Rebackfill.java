package dev.millrace.rebackfill;

import dev.millrace.control.RebackfillStore.StoredRebackfill;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The operation that reads rows again, as the API shows it: the same fields as [Operation], and
/// the table. Immutable.
///
/// @param id `null` for a dry run
/// @param kind always `rebackfill`
/// @param table the target table; `null` for the whole migration
/// @param gates always empty
/// @param pauseMs always `null`: no traffic is moved
/// @param outcome what was reached; `null` while the operation runs
public record Rebackfill(
        @Nullable UUID id,
        String kind,
        State state,
        @Nullable String table,
        List<Operation.Step> steps,
        List<Gate> gates,
        @Nullable Long pauseMs,
        @Nullable String outcome) {

    public static final String KIND = "rebackfill";

    public Rebackfill {
        steps = List.copyOf(steps);
        gates = List.copyOf(gates);
    }

    /// What an operator asks for.
    ///
    /// @param table the target table as `schema.name`; empty for the whole migration
    /// @param reason why, for the journal; empty if none is given
    /// @param who the operator, as the journal names them; empty for the service's own name
    /// @param expectedPhase name of the phase in which it may begin; empty for every phase
    /// @param requestKey the client's idempotency key
    /// @param dryRun checks the request and begins nothing
    public record Request(
            Optional<String> table,
            String reason,
            Optional<String> who,
            Optional<String> expectedPhase,
            Optional<String> requestKey,
            boolean dryRun) {}

    /// Rows that are, or must be, read again, as the status shows it.
    ///
    /// @param required why the migration cannot continue before that; `null` if it can
    /// @param operation the operation that reads them; `null` if none runs
    /// @param table the target table; `null` for the whole migration, or if no operation runs
    /// @param step the step of the operation that runs; `null` if no operation runs
    public record Summary(
            @Nullable String required,
            @Nullable String operation,
            @Nullable String table,
            @Nullable String step) {}

    /// The steps in their order. Each can be repeated after a kill.
    enum Step {
        /// A new log, slot and publication. Only of the whole migration.
        GENERATION("generation", "Begin a new log with a new slot and publication."),
        START("start", "Wait for transactions whose changes the stream may lack."),
        SWEEP("sweep", "Delete rows of the target that the source does not have."),
        /// Only of one table: those of a new generation are read by themselves.
        BEGIN("begin", "Let the table be read from its first page."),
        READ("read", "Read every row again."),
        /// A row that is read has what an incomplete change of it lacked, and the unique values of
        /// other rows.
        RETRY("retry", "Apply changes again that the target refused."),
        DONE("done", "");

        private final String id;
        private final String text;

        Step(String id, String text) {
            this.id = id;
            this.text = text;
        }

        /// The name in JSON and in the control schema.
        String id() {
            return id;
        }

        static List<Step> of(boolean whole) {
            return whole
                    ? List.of(GENERATION, START, SWEEP, READ, RETRY)
                    : List.of(START, SWEEP, BEGIN, READ, RETRY);
        }

        static Step of(String id) {
            for (Step step : values()) {
                if (step.id.equals(id)) {
                    return step;
                }
            }
            throw new IllegalArgumentException("Unknown step of a re-backfill: '" + id + "'.");
        }

        Step next(boolean whole) {
            List<Step> steps = of(whole);
            int next = steps.indexOf(this) + 1;
            return next == steps.size() ? DONE : steps.get(next);
        }
    }

    /// What would be done.
    static Rebackfill planned(Optional<String> table) {
        List<Operation.Step> steps = new ArrayList<>();
        for (Step step : Step.of(table.isEmpty())) {
            steps.add(new Operation.Step(step.id(), "planned", null, null, step.text));
        }
        return new Rebackfill(
                null,
                KIND,
                State.DRY_RUN,
                table.orElse(null),
                steps,
                List.of(),
                null,
                "%s would be read again, and no table would be emptied"
                        .formatted(table.orElse("Every table")));
    }

    /// @param note what the step that runs has done so far
    static Rebackfill of(StoredRebackfill stored, String note) {
        Step reached = Step.of(stored.step());
        List<Step> all = Step.of(stored.target().isEmpty());
        int at = reached == Step.DONE ? all.size() : all.indexOf(reached);
        List<Operation.Step> steps = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Step step = all.get(i);
            Instant startedAt = i == 0 ? stored.startedAt() : null;
            steps.add(
                    new Operation.Step(
                            step.id(),
                            i < at ? "done" : i == at ? "started" : "planned",
                            startedAt,
                            null,
                            i == at
                                    ? note
                                    : step == Step.SWEEP && i < at
                                            ? found(stored.sweep())
                                            : step.text));
        }
        return new Rebackfill(
                stored.id(),
                KIND,
                stored.finishedAt().isPresent() ? State.DONE : State.RUNNING,
                stored.target().orElse(null),
                steps,
                List.of(),
                null,
                stored.outcome().orElse(null));
    }

    /// What a sweep found, in words.
    static String found(Sweep sweep) {
        String looked =
                "%d rows of the target were looked up and %d deleted"
                        .formatted(sweep.keys(), sweep.removed());
        return sweep.unreadable() == 0
                ? looked
                : looked
                        + ". Rows whose key the source's types do not allow remain: %d. Find them with the column types of the source, and delete them if nothing else has written them"
                                .formatted(sweep.unreadable());
    }
}
