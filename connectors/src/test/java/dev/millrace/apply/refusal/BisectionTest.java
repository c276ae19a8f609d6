package dev.millrace.apply.refusal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BisectionTest {

    private static final TableId TABLE = new TableId("public", "item");
    private final Set<Integer> written = new TreeSet<>();
    private int attempts;

    private static Optional<RowRefusal> refusal(Consequence consequence) {
        return Optional.of(RowRefusal.of(TABLE, consequence, new SQLException("no", "23514")));
    }

    private Map<Integer, RowRefusal> write(int keys, Set<Integer> bad, long most) throws Exception {
        List<Integer> all = IntStream.range(0, keys).boxed().toList();
        return Bisection.write(
                all,
                some -> {
                    attempts++;
                    if (some.stream().anyMatch(bad::contains)) {
                        return refusal(Consequence.PARK);
                    }
                    assertThat(some).as("each key once").noneMatch(written::contains);
                    written.addAll(some);
                    return Optional.empty();
                },
                most);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void writesEveryKeyThatIsNotRefused(long seed) throws Exception {
        Random random = new Random(seed);
        int keys = 1 + random.nextInt(500);
        Set<Integer> bad = new HashSet<>();
        for (int i = random.nextInt(20); i > 0; i--) {
            bad.add(random.nextInt(keys));
        }

        Map<Integer, RowRefusal> refused = write(keys, bad, Long.MAX_VALUE);

        assertThat(refused.keySet()).isEqualTo(bad);
        assertThat(written).hasSize(keys - bad.size());
    }

    @Test
    void needsFewAttempts() throws Exception {
        write(40_000, Set.of(17), 1_000);

        assertThat(attempts).isLessThanOrEqualTo(2 * 16 + 1);
    }

    @ParameterizedTest
    @CsvSource({"9, false", "10, true", "0, false"})
    void endsWhenMoreAreRefusedThanMayWait(int most, boolean complete) throws Exception {
        Set<Integer> bad = new HashSet<>(IntStream.range(0, 10).map(i -> 7 * i).boxed().toList());

        int refused = write(100, bad, most).size();

        assertThat(refused).isEqualTo(complete ? 10 : most + 1);
        assertThat(written.size() + refused == 100).isEqualTo(complete);
    }

    /// Key 0 needs the value that key 9 gives up.
    @Test
    void triesAgainWhatAnotherKeyOfTheBatchWasInTheWayOf() throws Exception {
        List<Integer> order = new ArrayList<>();

        Map<Integer, RowRefusal> refused =
                Bisection.write(
                        IntStream.range(0, 10).boxed().toList(),
                        some -> {
                            if (some.contains(0) && !order.contains(9)) {
                                return refusal(Consequence.HOLD);
                            }
                            order.addAll(some);
                            return Optional.empty();
                        },
                        100);

        assertThat(refused).isEmpty();
        assertThat(order).hasSize(10).endsWith(0);
    }
}
