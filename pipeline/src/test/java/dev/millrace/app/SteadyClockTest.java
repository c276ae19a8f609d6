package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class SteadyClockTest {

    private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void ignoresAChangeOfTheMachinesClock() {
        AtomicReference<Instant> machine = new AtomicReference<>(START);
        AtomicLong nanos = new AtomicLong(-17);
        InstantSource clock = new SteadyClock(machine::get, nanos::get);
        assertThat(clock.instant()).isEqualTo(START);

        machine.set(START.minus(Duration.ofHours(2)));
        nanos.addAndGet(Duration.ofSeconds(3).toNanos());

        assertThat(clock.instant()).isEqualTo(START.plusSeconds(3));
    }
}
