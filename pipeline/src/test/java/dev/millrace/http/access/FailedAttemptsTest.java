package dev.millrace.http.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FailedAttemptsTest {

    private Instant now = Instant.parse("2026-01-02T12:00:00Z");
    private final FailedAttempts attempts = new FailedAttempts(() -> now);

    private void fail(String address, int times) {
        for (int time = 0; time < times; time++) {
            assertThat(attempts.begin(address)).isEmpty();
        }
    }

    @Test
    void theLimitIsReachedAndForgivenStepByStep() {
        fail("10.0.0.1", FailedAttempts.AT_ONCE);

        assertThat(attempts.begin("10.0.0.1")).contains(FailedAttempts.INTERVAL);
        now = now.plus(Duration.ofSeconds(4));
        assertThat(attempts.begin("10.0.0.1")).contains(Duration.ofSeconds(2));
        now = now.plus(Duration.ofSeconds(2));
        fail("10.0.0.1", 1);
        assertThat(attempts.begin("10.0.0.1")).isPresent();
        now = now.plus(Duration.ofMinutes(10));
        fail("10.0.0.1", FailedAttempts.AT_ONCE);
        assertThat(attempts.begin("10.0.0.1")).isPresent();
    }

    @Test
    void aRightTokenForgivesOnlyItsOwnAttempt() {
        fail("10.0.0.1", FailedAttempts.AT_ONCE - 1);
        for (int time = 0; time < 50; time++) {
            fail("10.0.0.1", 1);
            attempts.succeeded("10.0.0.1");
        }
        fail("10.0.0.1", 1);

        assertThat(attempts.begin("10.0.0.1")).isPresent();
        attempts.succeeded("10.0.0.2");
        assertThat(attempts.size()).isOne();
    }

    @Test
    void whoNeverFailsIsNotRemembered() {
        fail("10.0.0.1", 1);
        attempts.succeeded("10.0.0.1");

        assertThat(attempts.size()).isZero();
    }

    @Test
    void anAddressOfIPv6CountsWithItsNetwork() {
        fail("2001:db8:0:1:0:0:0:1", FailedAttempts.AT_ONCE - 1);
        fail("2001:db8:0:1:aaaa:bbbb:cccc:dddd", 1);

        assertThat(attempts.begin("2001:db8:0:1:0:0:0:2")).isPresent();
        assertThat(attempts.begin("2001:db8:0:2:0:0:0:1")).isEmpty();
        assertThat(attempts.begin("no address")).isEmpty();
    }

    @Test
    void theMemoryIsBounded() {
        IntStream.range(0, 3 * FailedAttempts.ADDRESSES)
                .forEach(
                        number ->
                                attempts.begin(
                                        "10.%d.%d.%d"
                                                .formatted(
                                                        number >> 16,
                                                        number >> 8 & 255,
                                                        number & 255)));

        assertThat(attempts.size()).isEqualTo(FailedAttempts.ADDRESSES);
    }

    /// Each attempt counts before its token is checked.
    @Test
    void attemptsAtTheSameTimeCount() {
        AtomicInteger allowed = new AtomicInteger();
        IntStream.range(0, 500)
                .parallel()
                .forEach(
                        _ -> {
                            if (attempts.begin("10.0.0.1").isEmpty()) {
                                allowed.incrementAndGet();
                            }
                        });

        assertThat(allowed).hasValue(FailedAttempts.AT_ONCE);
    }
}
