package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.types.Proofs.Sides;
import dev.millrace.types.TypeScene.Rows;
import dev.millrace.types.TypeTable.Type;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A type is called exact only if every pair of servers has proved it by page ranges, by the
/// engine's snapshot and by the stream.
class ProofsTest {

    private static final Type TYPE =
            TypeTable.TYPES.stream()
                    .filter(
                            type ->
                                    !type.key()
                                            && !type.refused()
                                            && type.since() == 0
                                            && type.large().isEmpty())
                    .findFirst()
                    .orElseThrow();

    /// The rows of all ways: those of an existing row begin with 1, of an insert with 2.
    private static Rows rows(String... others) {
        List<List<String>> rows =
                Stream.concat(
                                Stream.of(
                                        List.of("id", "n", "v" + TYPE.number(), "d"),
                                        List.of("1000", "0", "x", "x"),
                                        List.of("2000", "0", "x", "x"),
                                        List.of("3000", "0", "x", "x")),
                                Stream.of(others).map(id -> List.of(id, "0", "x", "x")))
                        .toList();
        return new Rows(Map.of(TypeScene.table(TYPE), rows));
    }

    private static Rows without(Rows rows, String id) {
        return new Rows(
                Map.of(
                        TypeScene.table(TYPE),
                        rows.byTable().getOrDefault(TypeScene.table(TYPE), List.of()).stream()
                                .filter(row -> !row.getFirst().equals(id))
                                .toList()));
    }

    private static Map<Backfill, Sides> sides(Backfill one, Sides ofOne, Sides ofOthers) {
        Map<Backfill, Sides> sides = new EnumMap<>(Backfill.class);
        for (Backfill backfill : Backfill.values()) {
            sides.put(backfill, backfill == one ? ofOne : ofOthers);
        }
        return sides;
    }

    /// @param missing id of a row that the target of one backfill lacks; empty for none
    private static void run(Proofs proofs, Backfill one, String missing) {
        Rows first = rows("6000");
        Rows last = rows();
        proofs.judge(
                "a run",
                TYPE,
                sides(one, new Sides(first, without(first, missing)), new Sides(first, first)),
                sides(one, new Sides(last, without(last, missing)), new Sides(last, last)));
    }

    @Test
    void aTypeThatEveryPairHasProvedIsExact() {
        Proofs proofs = new Proofs();
        run(proofs, Backfill.WINDOWS, "");
        proofs.count(14);
        run(proofs, Backfill.WINDOWS, "");
        proofs.count(18);

        assertThat(proofs.differences()).isEmpty();
        assertThat(proofs.isExact(TYPE)).isTrue();
    }

    @Test
    void aTypeThatOnePairHasNotTriedIsNotExact() {
        Proofs proofs = new Proofs();
        run(proofs, Backfill.WINDOWS, "");
        proofs.count(14);
        proofs.count(15);

        assertThat(proofs.isExact(TYPE)).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void aTypeThatOneWayDoesNotCarryIsNotExact(Backfill backfill) {
        for (String missing : List.of("1000", "2000", "3000")) {
            Proofs proofs = new Proofs();
            run(proofs, backfill, missing);
            proofs.count(18);

            assertThat(proofs.isExact(TYPE)).as(missing).isFalse();
            assertThat(proofs.differences()).isNotEmpty();
        }
    }
}
