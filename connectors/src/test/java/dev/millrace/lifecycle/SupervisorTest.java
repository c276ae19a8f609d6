package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.lifecycle.ComponentState.Activity;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SupervisorTest {

    private static final RestartPolicy FAST =
            new RestartPolicy(Duration.ofMillis(5), Duration.ofMillis(5), 3);

    private final Recorded component = new Recorded();
    private final Supervisor supervisor =
            new Supervisor("test", component, InstantSource.system(), FAST);

    @AfterEach
    void close() {
        component.hold.countDown();
        supervisor.close(Duration.ofSeconds(5));
    }

    @Test
    void keepsTheReasonOfTheLastFailureWhileTheNextRunStarts() {
        component.failure = new SQLException("connection refused", "08001");
        component.holdsFromRun = 3;
        supervisor.start();

        await().until(() -> component.runs.get() == 3);

        assertThat(supervisor.state().text())
                .isEqualTo("waiting: connection refused (SQLSTATE 08001)");
        assertThat(supervisor.startWaitsFor(Optional.of("pid 7"))).isTrue();
        assertThat(supervisor.state().text()).contains("starting: waits for pid 7");
        supervisor.running(Activity.STREAMING);
        assertThat(supervisor.startWaitsFor(Optional.of("pid 7"))).isFalse();
        assertThat(supervisor.state().isHealthy()).isTrue();
    }

    @Test
    void endsAtTheThirdUnexplainedFailureWhileServersAnswer() {
        component.failure = new IllegalStateException("a bug");
        supervisor.start();

        await().until(() -> supervisor.state() instanceof ComponentState.Failed);
        supervisor.close(Duration.ofSeconds(5));

        assertThat(component.runs).hasValue(3);
        assertThat(supervisor.state().text()).contains("IllegalStateException", "3 times in a row");
    }

    @Test
    void retriesAnUnexplainedFailureWhileAServerDoesNotAnswer() {
        component.failure = new IllegalStateException("a bug");
        component.answers = false;
        supervisor.start();

        await().until(() -> component.runs.get() > 10);

        assertThat(supervisor.state()).isInstanceOf(ComponentState.Waiting.class);
    }

    @Test
    void doesNotRunAgainWhileItIsBlocked() {
        component.failure = new SQLException("connection refused", "08001");
        component.blocked = new Failure.OperatorNeeded("not the owner", "Restore the target.");
        supervisor.start();

        await().until(() -> supervisor.state().text().contains("not the owner"));
        assertThat(component.runs).hasValue(1);

        component.blocked = null;
        await().until(() -> component.runs.get() > 1);
    }

    @Test
    void runThatReturnsWithoutBeingStoppedIsAFailure() {
        supervisor.start();

        await().until(() -> supervisor.state() instanceof ComponentState.Failed);
    }

    /// A component that cannot say what its failure means must not look like one that was closed.
    @Test
    void faultInTheDecisionEndsTheComponentWithAReason() {
        component.failure = new IllegalStateException("a bug");
        component.fault = new IllegalArgumentException("a secret");
        supervisor.start();

        await().until(() -> supervisor.state() instanceof ComponentState.Failed);

        assertThat(supervisor.state().text())
                .contains("IllegalArgumentException", "restart Millrace")
                .doesNotContain("secret");
        assertThat(component.runs).hasValue(1);
    }

    @Test
    void interruptedCloseKeepsTheInterrupt() {
        component.holdsFromRun = 1;
        supervisor.start();
        await().until(() -> component.runs.get() == 1);

        Thread.currentThread().interrupt();
        supervisor.close(Duration.ofHours(1));

        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void closesBeforeItStarts() {
        supervisor.close(Duration.ofSeconds(5));

        assertThat(supervisor.state()).isInstanceOf(ComponentState.Stopped.class);
        assertThat(component.runs).hasValue(0);
    }

    @Test
    void stopsDuringADelay() {
        Supervisor slow =
                new Supervisor(
                        "slow",
                        component,
                        InstantSource.system(),
                        new RestartPolicy(Duration.ofHours(1), Duration.ofHours(1), 3));
        component.failure = new SQLException("connection refused", "08001");
        slow.start();
        await().until(() -> slow.state() instanceof ComponentState.Waiting);

        slow.close(Duration.ofSeconds(5));

        assertThat(slow.state()).isInstanceOf(ComponentState.Stopped.class);
    }

    /// Fails each run with the given failure, or returns.
    private static final class Recorded implements Component {

        final AtomicInteger runs = new AtomicInteger();
        final CountDownLatch hold = new CountDownLatch(1);
        volatile int holdsFromRun = Integer.MAX_VALUE;
        volatile @Nullable Exception failure;
        volatile boolean answers = true;
        volatile @Nullable RuntimeException fault;
        volatile Failure.@Nullable Recoverable blocked;

        @Override
        public void run(Supervisor supervisor) throws Exception {
            if (runs.incrementAndGet() >= holdsFromRun) {
                hold.await();
            }
            Exception now = failure;
            if (now != null) {
                throw now;
            }
        }

        @Override
        public boolean serversAnswer() {
            RuntimeException now = fault;
            if (now != null) {
                throw now;
            }
            return answers;
        }

        @Override
        public Optional<Failure.Recoverable> blocked() {
            return Optional.ofNullable(blocked);
        }
    }
}
