package dev.millrace.repair;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.millrace.control.repair.RepairStore.Asked;
import dev.millrace.control.repair.RepairStore.Count;
import dev.millrace.control.repair.RepairStore.StoredRepair;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The operation that repairs rows, as the API shows it: the same fields as [Operation], and what
/// differs. Immutable.
///
/// @param kind always `repair`
/// @param state a dry run is `running` while it compares, then `dryRun`
/// @param only the actions that are made; empty for all
/// @param tables the target tables with keys to repair
/// @param leftOut keys that differ and are not repaired, because of `only` or the limit
/// @param gates always empty
/// @param pauseMs always `null`: no traffic is moved
/// @param verdict `equal`, `different` or `undecided`: about the keys that differed, after the
///   repair; `null` while the operation runs
/// @param outcome what was reached; `null` while the operation runs
public record Repair(
        UUID id,
        String kind,
        State state,
        boolean dryRun,
        List<String> only,
        List<Table> tables,
        long leftOut,
        List<Operation.Step> steps,
        List<Gate> gates,
        @Nullable Long pauseMs,
        @Nullable String verdict,
        @Nullable String outcome) {

    public static final String KIND = "repair";

    public Repair {
        only = List.copyOf(only);
        tables = List.copyOf(tables);
        steps = List.copyOf(steps);
        gates = List.copyOf(gates);
    }

    /// The keys of one target table.
    ///
    /// @param insert rows that the target lacks
    /// @param update rows that differ
    /// @param delete rows that the SELECT does not give
    /// @param written keys whose rows were read again and are in the log
    /// @param differing written keys that still differ
    public record Table(
            String target, long insert, long update, long delete, long written, long differing) {

        long keys() {
            return insert + update + delete;
        }
    }

    /// A repair without its keys and their numbers.
    ///
    /// @param targets the target tables that were named; empty for all
    /// @param finishedAt `null` while it runs
    public record Summary(
            UUID id,
            State state,
            boolean dryRun,
            List<String> targets,
            String who,
            String reason,
            Instant startedAt,
            @Nullable Instant finishedAt,
            @Nullable String verdict,
            @Nullable String outcome) {

        /// As many as are listed.
        static final int LISTED = 10;

        public Summary {
            targets = List.copyOf(targets);
        }

        static Summary of(StoredRepair stored) {
            return new Summary(
                    stored.id(),
                    Repair.state(stored),
                    stored.asked().dryRun(),
                    stored.asked().targets(),
                    stored.asked().who(),
                    stored.asked().reason(),
                    stored.startedAt(),
                    stored.finishedAt().orElse(null),
                    stored.verdict().orElse(null),
                    stored.outcome().orElse(null));
        }
    }

    /// One key to repair.
    ///
    /// @param number from 1, in the order in which the keys are repaired
    /// @param key the target key's columns and their texts
    /// @param columns that differ, as far as they were compared
    public record Key(
            long number,
            String target,
            Action action,
            Map<String, @Nullable String> key,
            List<String> columns,
            boolean written,
            boolean differs) {

        public Key {
            key = Collections.unmodifiableMap(new LinkedHashMap<>(key));
            columns = List.copyOf(columns);
        }
    }

    /// What a repair does to a row of the target. If the source has changed meanwhile, the key gets
    /// what the source has then.
    public enum Action {
        /// First, because other rows may need the unique values of these.
        DELETE,
        UPDATE,
        INSERT;

        /// The name in JSON and in the control schema.
        @JsonValue
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// @return empty for an unknown name
        public static Optional<Action> of(String id) {
            for (Action action : values()) {
                if (action.id().equals(id)) {
                    return Optional.of(action);
                }
            }
            return Optional.empty();
        }

        static Action of(Kind difference) {
            return switch (difference) {
                case MISSING -> INSERT;
                case DIFFERENT -> UPDATE;
                case EXTRA -> DELETE;
            };
        }
    }

    /// What an operator asks for.
    ///
    /// @param tables target tables as `schema.name`; empty for all
    /// @param only the actions that are made; empty for all
    /// @param limit keys that are repaired at most, 1 or more
    /// @param rowsPerSecond keys that are read again per second, 1 or more
    /// @param dryRun only lists the keys
    /// @param reason why, for the journal; empty if none is given
    /// @param who the operator, as the journal names them; empty for the service's own name
    /// @param expectedPhase name of the phase in which it may begin; empty for every phase
    /// @param requestKey the client's idempotency key
    public record Request(
            List<String> tables,
            Set<Action> only,
            OptionalLong limit,
            OptionalLong rowsPerSecond,
            boolean dryRun,
            String reason,
            Optional<String> who,
            Optional<String> expectedPhase,
            Optional<String> requestKey) {

        public Request {
            tables = List.copyOf(tables);
            only = Set.copyOf(only);
        }
    }

    /// The steps in their order. Each can be repeated after a kill.
    enum Step {
        COMPARE("compare", "Find the rows of the target that differ."),
        WRITE("write", "Read these rows again and send them through the log."),
        VERIFY("verify", "Compare them again."),
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

        static Step of(String id) {
            for (Step step : values()) {
                if (step.id.equals(id)) {
                    return step;
                }
            }
            throw new IllegalArgumentException("Unknown step of a repair: '" + id + "'.");
        }
    }

    /// @param counts of its keys
    /// @param note what the step that runs has done so far, or waits for
    static Repair of(StoredRepair stored, List<Count> counts, String note) {
        Asked asked = stored.asked();
        return new Repair(
                stored.id(),
                KIND,
                state(stored),
                asked.dryRun(),
                asked.only(),
                tables(counts),
                stored.leftOut(),
                steps(stored, note),
                List.of(),
                null,
                stored.verdict().orElse(null),
                stored.outcome().orElse(null));
    }

    private static State state(StoredRepair stored) {
        return stored.finishedAt().isEmpty()
                ? State.RUNNING
                : stored.asked().dryRun() ? State.DRY_RUN : State.DONE;
    }

    private static List<Operation.Step> steps(StoredRepair stored, String note) {
        List<Operation.Step> steps = new ArrayList<>();
        Step reached = Step.of(stored.step());
        boolean isBefore = true;
        for (Step step : Step.values()) {
            boolean isReached = step == reached;
            isBefore &= !isReached;
            if (step != Step.DONE && (step == Step.COMPARE || !stored.asked().dryRun())) {
                steps.add(
                        new Operation.Step(
                                step.id,
                                isBefore ? "done" : isReached ? "started" : "planned",
                                step == Step.COMPARE ? stored.startedAt() : null,
                                null,
                                isReached && !note.isEmpty() ? note : step.text));
            }
        }
        return steps;
    }

    /// The counts of each table in one.
    static List<Table> tables(List<Count> counts) {
        Map<String, Table> tables = new LinkedHashMap<>();
        for (Count count : counts) {
            tables.merge(count.target(), table(count), Repair::plus);
        }
        return List.copyOf(tables.values());
    }

    private static Table table(Count count) {
        Action action = Action.of(count.action()).orElseThrow();
        return new Table(
                count.target(),
                action == Action.INSERT ? count.keys() : 0,
                action == Action.UPDATE ? count.keys() : 0,
                action == Action.DELETE ? count.keys() : 0,
                count.written(),
                count.differing());
    }

    private static Table plus(Table one, Table other) {
        return new Table(
                one.target(),
                one.insert() + other.insert(),
                one.update() + other.update(),
                one.delete() + other.delete(),
                one.written() + other.written(),
                one.differing() + other.differing());
    }
}
