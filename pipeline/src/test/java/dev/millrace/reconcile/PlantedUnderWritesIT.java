package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// A pass in chunks while the rows that it compares are written, some of them all the time: it
/// finds the planted faults and nothing else.
class PlantedUnderWritesIT {

    private static final List<Integer> HOT = List.of(11, 12, 157, 298, 299);

    @AutoClose private final UsersScene scene = new UsersScene();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong written = new AtomicLong();
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    private Thread writer = Thread.ofVirtual().unstarted(() -> {});

    @BeforeEach
    void write() {
        scene.source.execute(
                "UPDATE users SET name = '' WHERE id = 5",
                "UPDATE users SET name = U&'\\00e9' WHERE id = 6");
        scene.target.execute(
                "UPDATE crm.customer SET full_name = '' WHERE id = 5",
                "UPDATE crm.customer SET full_name = U&'\\00e9' WHERE id = 6");
        scene.analyze();
        scene.limits = UsersScene.inChunks(20, 1_000);
        writer = Thread.ofVirtual().start(this::writeUntilStopped);
    }

    @AfterEach
    void stop() throws InterruptedException {
        stop.set(true);
        writer.join();
        assertThat(failure.get()).as("of the writer").isNull();
    }

    /// Requires that the rows were written while they were compared.
    private TableReport compare() {
        long before = written.get();
        TableReport table = scene.table();
        assertThat(written.get()).as("writes").isGreaterThan(before + 2 * HOT.size());
        scene.requireChunks();
        return table;
    }

    /// All rows except the first ten and those from 130 to 139, the hot ones every second time.
    private void writeUntilStopped() {
        try {
            for (int i = 0; !stop.get(); i++) {
                scene.progress.throttle();
                int other = 11 + i * 7 % 290;
                int id = i % 2 == 0 ? HOT.get(i / 2 % HOT.size()) : other / 10 == 13 ? 15 : other;
                scene.progress.write(
                        "UPDATE users SET name = 'w%d', amount = %d, deleted = false WHERE id = %d"
                                .formatted(i, i, id),
                        user(id, "w" + i, Integer.toString(i)));
                written.incrementAndGet();
            }
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    @RepeatedTest(10)
    void findsNothingWhereNothingIsPlanted() {
        TableReport table = compare();

        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
    }

    static List<Arguments> faults() {
        return List.of(
                fault("missing", "DELETE FROM crm.customer WHERE id = 4", "missing 4"),
                fault("extra", "INSERT INTO crm.customer VALUES (-1, 'x', 1)", "extra -1"),
                fault(
                        "after the last",
                        "INSERT INTO crm.customer VALUES (301, 'x', 1)",
                        "extra 301"),
                fault("changed", set("full_name = 'name 03'", 3), "different 3"),
                fault("NULL for empty", set("full_name = NULL", 5), "different 5"),
                fault("trailing blank", set("full_name = 'name 3 '", 3), "different 3"),
                fault("scale", set("amount = 4.5", 3), "different 3"),
                fault("NaN", set("amount = 'NaN'", 3), "different 3"),
                fault("letter in two forms", set("full_name = U&'e\\0301'", 6), "different 6"),
                fault(
                        "rows of two chunks exchanged",
                        "UPDATE crm.customer SET full_name = 'name ' || (136 - id),"
                                + " amount = (136 - id) * 1.50 WHERE id IN (3, 133)",
                        "different 3",
                        "different 133"),
                fault(
                        "swapped rows",
                        "UPDATE crm.customer SET full_name = 'name ' || (5 - id),"
                                + " amount = (5 - id) * 1.50 WHERE id IN (2, 3)",
                        "different 2",
                        "different 3"),
                fault(
                        "two that cancel in an exclusive or",
                        "INSERT INTO crm.customer VALUES (-1, 'x', 1), (-2, 'x', 1)",
                        "extra -1",
                        "extra -2"));
    }

    private static Arguments fault(String name, String sql, String... found) {
        return Arguments.of(name, sql, List.of(found));
    }

    private static String set(String value, int id) {
        return "UPDATE crm.customer SET " + value + " WHERE id = " + id;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("faults")
    void findsThePlantedFaultAndNothingElse(String name, String sql, List<String> found) {
        scene.target.execute(sql);

        TableReport table = compare();

        assertThat(keys(table)).containsExactlyInAnyOrderElementsOf(found);
        assertThat(table.undecided()).as(table.cause()).isZero();
    }
}
