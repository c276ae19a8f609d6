package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.lifecycle.RestartPolicy;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a failure means while the gate ends a transaction.
@Timeout(60)
class WriterTest {

    private final WriteGate gate =
            new WriteGate(
                    () -> {
                        throw new SQLException("no session is open");
                    },
                    InstantSource.system());
    private final ApplierCounters counters = new ApplierCounters(InstantSource.system());

    /// The gate ends each attempt, so that the writer must tell the two causes apart.
    private Writer writer(Error failure) {
        return new Writer(
                _ -> {
                    endPassage();
                    throw failure;
                },
                gate,
                new RestartPolicy(Duration.ofMillis(1), Duration.ofMillis(1), 1),
                InstantSource.system(),
                counters);
    }

    private void endPassage() {
        gate.close();
        try {
            assertThat(gate.end(Duration.ZERO)).isEmpty();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        gate.open();
    }

    @Test
    void anErrorIsReportedAlsoIfTheGateEndedTheTransaction() {
        Error failure = new StackOverflowError("a defect");

        try (Writer writer = writer(failure)) {
            assertThatThrownBy(() -> writer.run(new TargetTask.ReadOffsets()))
                    .isInstanceOf(Writer.GivenUp.class)
                    .hasCause(failure);
        }
        assertThat(counters.counts().lastError()).isPresent();
    }
}
