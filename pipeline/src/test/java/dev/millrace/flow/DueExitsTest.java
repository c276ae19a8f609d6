package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// When a rollback of a stop condition is asked for.
class DueExitsTest {

    private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");
    private static final Hold HOLD = new Hold("waits is 12", START);
    private static final StopCondition CONDITION =
            new StopCondition(
                    "waits",
                    new Measure.BuiltIn(Metric.TARGET_LOCK_WAITS),
                    10,
                    Duration.ofSeconds(1),
                    Consequence.ROLLBACK);

    private volatile boolean above = true;
    private volatile String phase = "REVERSIBLE";
    private volatile Instant now = START;
    private volatile Optional<String> refusal = Optional.of("Gate lag is closed");
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicLong rounds = new AtomicLong();
    private final List<String> told = new CopyOnWriteArrayList<>();

    private final DueExits exits =
            DueExits.start(
                    List.of(CONDITION),
                    new StopConditions.Actions() {
                        @Override
                        public Optional<String> rollBack(String reason) {
                            assertThat(reason).isEqualTo("stop condition waits: waits is 12");
                            asked.incrementAndGet();
                            return refusal;
                        }

                        @Override
                        public boolean mayDropSlot() {
                            throw new AssertionError("no slot is due");
                        }

                        @Override
                        public void dropSlot() {
                            throw new AssertionError("no slot is due");
                        }
                    },
                    _ -> above,
                    () -> {
                        // Asked once in each round while a rollback is due.
                        rounds.incrementAndGet();
                        return phase;
                    },
                    (condition, hold, isFirst) ->
                            told.add(condition + " " + isFirst + " " + hold.reason()),
                    () -> now);

    @AfterEach
    void close() {
        exits.close();
    }

    private void awaitRounds(long more) {
        long before = rounds.get();
        Awaitility.await().atMost(Waits.LIMIT).until(() -> rounds.get() >= before + more);
    }

    private void awaitAsked(int times) {
        Awaitility.await().atMost(Waits.LIMIT).until(() -> asked.get() == times);
    }

    /// Gates whose values are not known after a start open by themselves.
    @Test
    void aRefusedRollbackIsAskedForAgainUntilItBegins() {
        exits.begin(CONDITION, HOLD);
        awaitAsked(1);
        awaitRounds(2);
        assertThat(asked).hasValue(1);

        now = now.plusSeconds(3);
        awaitAsked(2);
        refusal = Optional.empty();
        now = now.plusSeconds(3);
        awaitAsked(3);

        String refused = " waits is 12. The rollback was refused: Gate lag is closed";
        assertThat(told).containsExactly("waits true" + refused, "waits false" + refused);
        // It has begun: another one needs another beginning of the condition.
        exits.begin(CONDITION, HOLD);
        awaitAsked(4);
    }

    @Test
    void nothingIsAskedForWhileTheValueIsNotAbove() {
        above = false;
        exits.begin(CONDITION, HOLD);
        awaitRounds(2);
        assertThat(asked).hasValue(0);

        above = true;
        awaitAsked(1);
        exits.end("waits");
        now = now.plusSeconds(60);
        exits.begin(CONDITION, new Hold("waits is 12", now));
        awaitAsked(2);
        assertThat(told).allMatch(each -> each.startsWith("waits true"));
    }

    /// Somebody has moved the traffic back, and may move it again later.
    @Test
    void aMoveOfTheOperatorEndsIt() {
        phase = "SWITCHING_OVER";
        exits.begin(CONDITION, HOLD);
        awaitRounds(2);
        phase = "REVERSIBLE";
        awaitAsked(1);
        phase = "IN_SYNC";
        awaitRounds(1);
        phase = "REVERSIBLE";
        now = now.plusSeconds(60);

        exits.begin(CONDITION, new Hold("waits is 12", now));
        awaitAsked(2);
        assertThat(told).allMatch(each -> each.startsWith("waits true"));
    }
}
