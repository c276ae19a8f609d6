package dev.millrace.usage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.switchover.Gate;
import dev.millrace.usage.UseStatistics.Counts;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class UseGateTest {

    private static final Counts NO_STATEMENTS = Counts.missing("No pg_stat_statements.");

    private static UseStatistics at(Counts tables, Counts statements) {
        return new UseStatistics(Instant.parse("2026-11-21T06:00:02.5Z"), tables, statements);
    }

    private static Counts counts(String life, Map<String, Long> counts) {
        return new Counts(null, life, counts);
    }

    private static Counts scans(long scans) {
        return counts("1", Map.of("16384", scans));
    }

    private static Gate judge(UseStatistics before, UseStatistics now) {
        Gate gate = UseGate.judge(Optional.of(before), now);
        assertThat(gate.ok() || gate.forceable()).isTrue();
        return gate;
    }

    private static void assertUnknown(Gate gate, String reason) {
        assertThat(gate.ok()).isFalse();
        assertThat(gate.value()).isEqualTo("unknown");
        assertThat(gate.reason()).contains(reason);
    }

    @Test
    void tablesThatNobodyScannedAreUnused() {
        Gate gate = judge(at(scans(7), NO_STATEMENTS), at(scans(7), NO_STATEMENTS));

        assertThat(gate.ok()).isTrue();
        assertThat(gate.value()).isEqualTo("no scan of a table since 2026-11-21T06:00:02Z");
    }

    /// A session reports its scans later than its statements.
    @Test
    void aStatementCountsBeforeItsScan() {
        assertThat(
                        judge(
                                        at(scans(7), counts("1", Map.of())),
                                        at(scans(7), counts("1", Map.of("app, statement 1", 1L))))
                                .ok())
                .isFalse();
    }

    /// Millrace scans the tables too.
    @Test
    void scansWithoutStatementsAreUnknown() {
        assertUnknown(
                judge(at(scans(7), NO_STATEMENTS), at(scans(8), NO_STATEMENTS)),
                "No pg_stat_statements.");
    }

    @Test
    void scansThatNoStatementOfOthersExplainsAreMillraces() {
        Counts before = counts("1", Map.of("app, statement 1", 5L));

        Gate gate = judge(at(scans(7), before), at(scans(8), before));

        assertThat(gate.ok()).isTrue();
        assertThat(gate.value()).startsWith("no statement of others");
    }

    @Test
    void aStatementOfOthersIsNamedWithItsCalls() {
        Gate gate =
                judge(
                        at(scans(7), counts("1", Map.of("app, statement 1", 5L))),
                        at(
                                scans(9),
                                counts(
                                        "1",
                                        Map.of("app, statement 1", 6L, "ann, statement 2", 3L))));

        assertThat(gate.ok()).isFalse();
        assertThat(gate.value())
                .isEqualTo(
                        "ann, statement 2: 3 calls, app, statement 1: 1 calls since 2026-11-21T06:00:02Z");
    }

    @Test
    void aResetOfTheStatementsIsUnknown() {
        Counts before = counts("1", Map.of("app, statement 1", 5L));

        assertUnknown(judge(at(scans(7), before), at(scans(8), counts("2", Map.of()))), "reset");
        // One entry was reset: its count is lower, or it is gone.
        assertUnknown(
                judge(
                        at(scans(7), before),
                        at(scans(8), counts("1", Map.of("app, statement 1", 4L)))),
                "reset");
        assertUnknown(judge(at(scans(7), before), at(scans(8), counts("1", Map.of()))), "reset");
    }

    @Test
    void aResetOfTheTableCountersProvesNothing() {
        assertUnknown(
                judge(
                        at(scans(7), NO_STATEMENTS),
                        at(counts("2", Map.of("16384", 7L)), NO_STATEMENTS)),
                "No pg_stat_statements.");
        assertUnknown(
                judge(at(scans(7), NO_STATEMENTS), at(scans(6), NO_STATEMENTS)),
                "No pg_stat_statements.");
    }

    /// Its counters begin with its creation.
    @Test
    void aPartitionThatWasAddedCountsWhole() {
        assertUnknown(
                judge(
                        at(scans(7), NO_STATEMENTS),
                        at(counts("1", Map.of("16384", 7L, "16390", 1L)), NO_STATEMENTS)),
                "No pg_stat_statements.");
    }

    @Test
    void whatWasNotReadIsUnknown() {
        UseStatistics read = at(scans(7), NO_STATEMENTS);

        assertUnknown(UseGate.judge(Optional.empty(), read), "at the switchover");
    }

    @Test
    void statisticsAreReadAsTheyWereStored() {
        UseStatistics stored = at(scans(7), NO_STATEMENTS);

        assertThat(UseStatistics.parse(stored.json())).isEqualTo(stored);
    }
}
