package dev.millrace.switchover;

import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.OperationState;
import dev.millrace.control.OperationStore.StepState;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OperationStore.StoredStep;
import dev.millrace.lifecycle.Reason;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The journal of one operation: which steps may have had an effect. Not thread-safe; confined to
/// the operation's thread.
final class OperationJournal {

    private static final Logger LOG = LoggerFactory.getLogger(OperationJournal.class);
    private static final String PHASE = "SWITCHING_OVER";

    private final OperationStore store;
    private final StoredOperation operation;
    private final Duration reverseWindow;
    private final Map<SwitchStep, Mark> marks = new EnumMap<>(SwitchStep.class);

    /// The state of a step.
    enum Mark {
        STARTED("started"),
        DONE("done"),
        FAILED("failed"),
        UNDONE("undone");

        private final String id;

        Mark(String id) {
            this.id = id;
        }

        boolean isEnd() {
            return this != STARTED;
        }

        private static Mark of(StoredStep stored) {
            for (Mark mark : values()) {
                if (mark.id.equals(stored.state())) {
                    return mark;
                }
            }
            throw new IllegalArgumentException(
                    "The journal contains an unknown state of a step: '" + stored.state() + "'.");
        }
    }

    /// @param reverseWindow how long the way back is meant to be kept after a switchover
    OperationJournal(OperationStore store, StoredOperation operation, Duration reverseWindow) {
        this.store = store;
        this.operation = operation;
        this.reverseWindow = reverseWindow;
        operation
                .steps()
                .forEach(stored -> marks.put(SwitchStep.of(stored.name()), Mark.of(stored)));
    }

    StoredOperation operation() {
        return operation;
    }

    boolean isDone(SwitchStep step) {
        return marks.get(step) == Mark.DONE;
    }

    /// The steps that may have had an effect, the latest first.
    List<SwitchStep> toUndo() {
        return marks.entrySet().stream()
                .filter(entry -> entry.getValue() != Mark.UNDONE)
                .map(Map.Entry::getKey)
                .toList()
                .reversed();
    }

    /// True if the step may have had its effect.
    boolean isBegun(SwitchStep step) {
        return toUndo().contains(step);
    }

    /// @throws SQLException when the entry was not confirmed; the step counts as begun then
    void enter(SwitchStep step, Mark mark, String note) throws SQLException {
        marks.merge(step, mark, (known, next) -> next);
        store.enter(
                operation,
                new StepState(
                        step.ordinal(),
                        step.id(),
                        mark.id,
                        mark.isEnd(),
                        Optional.of(note).filter(text -> !text.isEmpty())),
                PHASE);
    }

    /// Makes an entry that nothing depends on. Without it, the next process repeats what can be
    /// repeated.
    void note(SwitchStep step, Mark mark, String note) {
        try {
            enter(step, mark, note);
        } catch (SQLException e) {
            unwritten(e);
        }
    }

    void enter(State state, Optional<String> outcome, OptionalLong pauseMs) throws SQLException {
        store.enter(
                operation,
                new OperationState(state.id(), state.isFinished(), outcome, pauseMs, window(state)),
                PHASE);
    }

    private Optional<Duration> window(State state) {
        return switch (Kind.of(operation.kind())) {
            case SWITCHOVER -> Optional.of(reverseWindow).filter(_ -> state == State.DONE);
            case ROLLBACK -> Optional.empty();
        };
    }

    /// Like [#note] for the operation.
    void note(State state, String outcome) {
        try {
            enter(state, Optional.of(outcome), OptionalLong.empty());
        } catch (SQLException e) {
            unwritten(e);
        }
    }

    private void unwritten(SQLException failure) {
        LOG.atWarn()
                .addKeyValue("operation", operation.id())
                .addKeyValue("reason", Reason.of(failure))
                .log("An entry of the journal could not be written.");
    }
}
