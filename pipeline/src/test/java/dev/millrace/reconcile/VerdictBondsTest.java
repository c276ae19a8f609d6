package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.digest.ServerPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.evidence.VerdictBonds;
import dev.millrace.reconcile.evidence.VerdictBonds.Broken;
import dev.millrace.reconcile.evidence.VerdictBonds.Present;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A verdict holds as long as everything is as it was, and one change breaks its bond alone.
class VerdictBondsTest {

    private static final ServerPosition SOURCE = side("7/1", 500, Map.of("public.users", "a"));
    private static final ServerPosition TARGET = side("8/1", 900, Map.of("crm.customer", "b"));
    private static final Map<Integer, Long> ENDS = Map.of(0, 10L, 1, 20L);
    private static final Present SAME = present("cafe", 3, ENDS, SOURCE, TARGET);

    private static ServerPosition side(String server, long next, Map<String, String> tables) {
        return new ServerPosition(server, next - 1, next, tables);
    }

    private static Present present(
            String hash,
            int generation,
            Map<Integer, Long> ends,
            ServerPosition source,
            ServerPosition target) {
        return new Present(
                hash, generation, Optional.of(ends), Optional.of(new Servers(source, target)));
    }

    private static ReconciliationReport report(@Nullable StartPosition start) {
        ReconciliationReport of = ReportTest.report(ReportTest.equal("crm.customer"));
        return new ReconciliationReport(
                of.migration(),
                of.verdict(),
                of.startedAt(),
                of.finishedAt(),
                of.sourceLsn(),
                "cafe",
                of.tables(),
                null,
                start);
    }

    private static ReconciliationReport report() {
        return report(new StartPosition(3, ENDS, SOURCE, TARGET));
    }

    private record Change(String bond, String reason, Present now) {
        @Override
        public String toString() {
            return bond + ": " + reason;
        }
    }

    private static Stream<Change> changes() {
        return Stream.of(
                new Change("spec", "other mappings", present("beef", 3, ENDS, SOURCE, TARGET)),
                new Change("generation", "and 4 runs", present("cafe", 4, ENDS, SOURCE, TARGET)),
                new Change(
                        "offsets",
                        "ends before",
                        present("cafe", 3, Map.of(0, 9L, 1, 99L), SOURCE, TARGET)),
                new Change(
                        "offsets",
                        "ends before",
                        present("cafe", 3, Map.of(1, 20L), SOURCE, TARGET)),
                new Change(
                        "offsets",
                        "cannot be read",
                        new Present("cafe", 3, Optional.empty(), SAME.servers())),
                new Change(
                        "source-position",
                        "replaced, restored or promoted",
                        present("cafe", 3, ENDS, side("7/2", 500, SOURCE.tables()), TARGET)),
                new Change(
                        "source-position",
                        "went back",
                        present("cafe", 3, ENDS, side("7/1", 499, SOURCE.tables()), TARGET)),
                new Change(
                        "target-position",
                        "replaced, restored or promoted",
                        present("cafe", 3, ENDS, SOURCE, side("9/1", 900, TARGET.tables()))),
                new Change(
                        "target-position",
                        "went back",
                        present("cafe", 3, ENDS, SOURCE, side("8/1", 899, TARGET.tables()))),
                new Change(
                        "source-schema",
                        "the definition of public.users",
                        present(
                                "cafe",
                                3,
                                ENDS,
                                side("7/1", 500, Map.of("public.users", "other")),
                                TARGET)),
                new Change(
                        "source-schema",
                        "the definition of public.users",
                        present("cafe", 3, ENDS, side("7/1", 500, Map.of()), TARGET)),
                new Change(
                        "target-schema",
                        "the definition of crm.added",
                        present(
                                "cafe",
                                3,
                                ENDS,
                                SOURCE,
                                side("8/1", 900, Map.of("crm.customer", "b", "crm.added", "c")))));
    }

    @Test
    void nothingIsBrokenWhileBothServersAndTheLogOnlyGoOn() {
        Present later =
                present(
                        "cafe",
                        3,
                        Map.of(0, 11L, 1, 20L),
                        side("7/1", 501, SOURCE.tables()),
                        side("8/1", 9_000, TARGET.tables()));

        assertThat(VerdictBonds.broken(report(), SAME)).isEmpty();
        assertThat(VerdictBonds.broken(report(), later)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("changes")
    void oneChangeBreaksItsBondAlone(Change change) {
        List<Broken> broken = VerdictBonds.broken(report(), change.now());

        assertThat(broken)
                .singleElement()
                .satisfies(
                        one -> {
                            assertThat(one.name()).isEqualTo(change.bond());
                            assertThat(one.reason()).contains(change.reason());
                        });
    }

    @Test
    void whatIsNotKnownIsBroken() {
        Present unread = new Present("cafe", 3, Optional.of(ENDS), Optional.empty());

        assertThat(VerdictBonds.broken(report(), unread))
                .extracting(Broken::name)
                .containsExactly("source-position", "target-position");
        assertThat(VerdictBonds.broken(report(null), SAME))
                .extracting(Broken::name)
                .containsExactly("offsets");
    }
}
