package dev.millrace.postgres.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.postgres.watch.ConnectionWatch.Check;
import dev.millrace.postgres.watch.ConnectionWatch.Suspicion;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class ConnectionWatchTest {

    private static final int CHECKS = 3;
    private static final int MANY = 20;

    private final AtomicInteger checks = new AtomicInteger();
    private final List<Suspicion> lost = new CopyOnWriteArrayList<>();

    private ConnectionWatch start(Check check) {
        return ConnectionWatch.start(
                "test",
                Duration.ofMillis(1),
                () -> {
                    Optional<Suspicion> found = check.run();
                    checks.incrementAndGet();
                    return found;
                },
                lost::add);
    }

    private static Optional<Suspicion> suspicion(String evidence) {
        return Optional.of(new Suspicion("lost", evidence, CHECKS));
    }

    @Test
    void theSameSignInSoManyChecksIsReportedOnce() {
        try (var _ = start(() -> suspicion("same"))) {
            Awaitility.await().until(() -> !lost.isEmpty());
        }

        assertThat(lost).hasSize(1);
        assertThat(lost.getFirst().reason()).isEqualTo("lost");
        assertThat(checks).hasValue(CHECKS);
    }

    @Test
    void aConnectionThatMakesProgressIsNotLost() {
        try (var _ = start(() -> suspicion("" + checks.get()))) {
            Awaitility.await().until(() -> checks.get() > MANY);
        }

        assertThat(lost).isEmpty();
    }

    @Test
    void oneCheckWithoutTheSignStartsTheCountAgain() {
        try (var _ =
                start(() -> checks.get() % CHECKS == 0 ? Optional.empty() : suspicion("same"))) {
            Awaitility.await().until(() -> checks.get() > MANY);
        }

        assertThat(lost).isEmpty();
    }
}
