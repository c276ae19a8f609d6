package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.Watermarks;
import dev.millrace.rebackfill.Rebackfill.Request;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Full passes with the usual limits while 2,000 changes of the compared keys commit per second,
/// and ten hot keys change 50 times a second: every pass is equal, and each planted fault is found
/// with its key and nothing else.
///
/// Faults are planted in idle keys, which no writer changes: the stream would replace what was
/// planted. They are everywhere in the table, among keys that are written. A pass that finds one
/// fault of each kind does not show that each is found alone, because another one can make its
/// chunk differ. So each kind is also planted alone.
@Tag("faults")
@Timeout(1800)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SteadyWritesIT {

    private static final int PASSES = Integer.getInteger("passes", 20);
    private static final int WATERMARKS = Integer.getInteger("watermarks", 300_000);
    private static final int ROWS = 300_000;

    /// Every key that is a multiple of it is idle.
    private static final int IDLE = 100;

    private static final String TABLE =
            "id bigint PRIMARY KEY, n int NOT NULL, name text NOT NULL, note text, amount numeric,"
                    + " ratio double precision, at timestamptz NOT NULL";

    /// An idle row has a value for each kind of fault.
    private static final String ROW =
            "g, 0, CASE WHEN g % 100 = 0 THEN U&'\\00e9' ELSE 'name' END || ' of ' || g,"
                    + " CASE WHEN g % 100 = 0 THEN '' ELSE md5(g::text) END, g * 1.50,"
                    + " CASE WHEN g % 100 = 0 THEN 0 ELSE g / 7.0 END,"
                    + " timestamptz '2024-01-01 00:00Z' + g * interval '1 second'";

    private MigrationScene scene;
    private Writers writers;

    @BeforeAll
    void start() throws Exception {
        scene = new MigrationScene().backfill(Backfill.WINDOWS).table("item", TABLE);
        scene.source.execute(
                "INSERT INTO item SELECT " + ROW + " FROM generate_series(1, " + ROWS + ") g");
        scene.start();
        awaitInSync();
        scene.target.execute("ANALYZE item");
    }

    private void awaitInSync() {
        Awaitility.await()
                .atMost(Duration.ofMinutes(5))
                .until(() -> scene.running().status().phase().equals("IN_SYNC"));
    }

    @AfterAll
    void close() {
        scene.close();
    }

    @BeforeEach
    void write() {
        writers = new Writers(scene.source);
    }

    @AfterEach
    void stopWriters() {
        writers.close();
        System.out.printf(Locale.ROOT, "Steady writes: %,.0f changes/s%n", writers.perSecond());
    }

    /// Fifty times a second, in two transactions: forty keys of all, and the ten hot ones. The
    /// schedule does not wait for the servers. No value grows.
    private static final class Writers implements AutoCloseable {

        private static final long PERIOD = TimeUnit.SECONDS.toNanos(1) / 50;
        private static final int KEYS = 40;
        private static final List<Long> HOT =
                IntStream.rangeClosed(1, 10).mapToObj(i -> written(i * (ROWS / 11L))).toList();

        private final AtomicBoolean writing = new AtomicBoolean(true);
        private final AtomicLong changes = new AtomicLong();
        private final long begin = System.nanoTime();
        private final CompletableFuture<Void> ended;

        Writers(TestDatabase source) {
            ended =
                    CompletableFuture.runAsync(
                            () -> write(source), Thread.ofPlatform().name("writers")::start);
        }

        /// The key, or the next one if it is idle.
        private static long written(long key) {
            return key % IDLE == 0 ? key + 1 : key;
        }

        private void write(TestDatabase source) {
            Random random = new Random(7);
            try (Connection connection = source.connect();
                    PreparedStatement update =
                            connection.prepareStatement(
                                    "UPDATE item SET n = n + 1, name = 'name ' || n,"
                                            + " note = md5(note), amount = amount + 0.01,"
                                            + " ratio = -ratio, at = at + interval '1 us'"
                                            + " WHERE id = ANY (?)")) {
                for (long due = begin; writing.get(); due += PERIOD) {
                    LockSupport.parkNanos(due - System.nanoTime());
                    List<Long> keys = new ArrayList<>();
                    for (int i = 0; i < KEYS; i++) {
                        keys.add(written(1L + random.nextInt(ROWS - 1)));
                    }
                    for (List<Long> some : List.of(keys, HOT)) {
                        update.setArray(1, connection.createArrayOf("int8", some.toArray()));
                        changes.addAndGet(update.executeUpdate());
                    }
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        double perSecond() {
            return changes.get() * 1e9 / (System.nanoTime() - begin);
        }

        @Override
        public void close() {
            writing.set(false);
            ended.join();
        }
    }

    /// What is planted in the target. `$a` and `$b` are neighbours among the idle keys, `$far` is
    /// half of the table away, in another chunk.
    private enum Fault {
        MISSING("DELETE FROM item WHERE id = $a", "missing $a []"),
        EXTRA(copied("-$a"), "extra -$a []"),
        CHANGED(set("n = n + 1"), "different $a [n]"),
        TRAILING_SPACE(set("name = name || ' '"), "different $a [name]"),
        NULL_FOR_EMPTY(set("note = NULL"), "different $a [note]"),
        DECOMPOSED_LETTER(
                set("name = replace(name, U&'\\00e9', U&'e\\0301')"), "different $a [name]"),
        NEGATIVE_ZERO(set("ratio = '-0'"), "different $a [ratio]"),
        MICROSECOND(set("at = at + interval '1 us'"), "different $a [at]"),
        NAN(set("ratio = 'NaN'"), "different $a [ratio]"),
        NUMERIC_NAN(set("amount = 'NaN'"), "different $a [amount]"),
        NUMERIC_SCALE(set("amount = trim_scale(amount)"), "different $a [amount]"),
        ROWS_SWAPPED(
                exchanged("$a", "$b"),
                "different $a [name, amount]",
                "different $b [name, amount]"),
        CHUNKS_EXCHANGED(
                exchanged("$a", "$far"),
                "different $a [name, amount]",
                "different $far [name, amount]"),
        CANCEL_IN_EXCLUSIVE_OR(
                copied("-$a") + "; " + copied("-$b"), "extra -$a []", "extra -$b []");

        private final String sql;
        private final List<String> found;

        Fault(String sql, String... found) {
            this.sql = sql;
            this.found = List.of(found);
        }

        private static String set(String value) {
            return "UPDATE item SET " + value + " WHERE id = $a";
        }

        /// Another key with the values of `$a`.
        private static String copied(String key) {
            return "INSERT INTO item SELECT "
                    + key
                    + ", n, name, note, amount, ratio, at FROM item WHERE id = $a";
        }

        private static String exchanged(String one, String other) {
            return "UPDATE item a SET name = b.name, amount = b.amount FROM item b WHERE a.id IN ("
                    + one
                    + ", "
                    + other
                    + ") AND b.id = "
                    + one
                    + " + "
                    + other
                    + " - a.id";
        }

        /// Two slots of idle keys for each kind.
        private static int slots() {
            return 2 * values().length;
        }

        private static int keysOfSlot() {
            return ROWS / IDLE / slots();
        }

        /// Other keys in each pass.
        private static int key(int slot, int pass, int number) {
            int index = (2 * pass + number) % keysOfSlot();
            return IDLE * (1 + slot * keysOfSlot() + index);
        }

        List<Integer> keys(int pass) {
            int far = (2 * ordinal() + 1 + slots() / 2) % slots();
            return List.of(
                    key(2 * ordinal(), pass, 0), key(2 * ordinal(), pass, 1), key(far, pass, 0));
        }

        String sql(int pass) {
            return inserted(sql, pass);
        }

        Stream<String> found(int pass) {
            return found.stream().map(text -> inserted(text, pass));
        }

        private String inserted(String text, int pass) {
            List<Integer> keys = keys(pass);
            return text.replace("$a", keys.get(0).toString())
                    .replace("$b", keys.get(1).toString())
                    .replace("$far", keys.get(2).toString());
        }
    }

    /// One pass, in chunks and under writes.
    private TableReport pass() throws Exception {
        long before = writers.changes.get();
        TableReport table = scene.reconcile(Duration.ofMinutes(5)).tables().getFirst();
        assertThat(writers.changes.get()).as("writes").isGreaterThan(before + Writers.KEYS);
        return table;
    }

    private void passesAreEqual() throws Exception {
        long inFlight = 0;
        double seconds = 0;
        for (int pass = 1; pass <= PASSES; pass++) {
            TableReport table = pass();
            assertThat(table.verdict())
                    .as("pass %d: %s %s", pass, table.cause(), table.mismatches())
                    .isEqualTo(Verdict.EQUAL);
            assertThat(table.differences()).isZero();
            assertThat(table.undecided()).isZero();
            assertThat(table.chunks()).hasSizeGreaterThan(1);
            assertThat(table.sourceRows()).isEqualTo(ROWS);
            assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
            inFlight += table.inFlight();
            seconds += table.seconds();
        }
        assertThat(inFlight).as("keys in flight").isPositive();
        System.out.printf(
                Locale.ROOT,
                "%d of %d passes equal, %.1f s each, %,d keys in flight%n",
                PASSES,
                PASSES,
                seconds / PASSES,
                inFlight);
    }

    /// Each pass finds one fault of each kind.
    private void passesFindEveryFault() throws Exception {
        double seconds = 0;
        for (int pass = 1; pass <= PASSES; pass++) {
            seconds += finds(List.of(Fault.values()), pass);
        }
        System.out.printf(
                Locale.ROOT,
                "%d of %d passes found %d faults and nothing else, %.1f s each%n",
                PASSES,
                PASSES,
                Fault.values().length,
                seconds / PASSES);
    }

    /// @return the seconds of the pass
    private double finds(List<Fault> faults, int pass) throws Exception {
        for (Fault fault : faults) {
            scene.writeTargetAsMigration(fault.sql(pass));
        }
        try {
            TableReport table = pass();

            List<String> expected = faults.stream().flatMap(each -> each.found(pass)).toList();
            assertThat(table.mismatches())
                    .as("pass %d", pass)
                    .extracting(SteadyWritesIT::text)
                    .containsExactlyInAnyOrderElementsOf(expected);
            assertThat(table.differences()).isEqualTo(expected.size());
            assertThat(table.undecided()).as(table.cause()).isZero();
            assertThat(table.complete()).isTrue();
            return table.seconds();
        } finally {
            heal(faults.stream().flatMap(each -> each.keys(pass).stream()).toList());
        }
    }

    /// Lets the stream write these rows again, and waits for them: they would replace what is
    /// planted next. No planted row is what the source has then.
    private void heal(List<Integer> keys) throws SQLException {
        String idle =
                keys.stream()
                        .map(key -> Integer.toString(key))
                        .collect(Collectors.joining(", ", "id IN (", ")"));
        String rows = "SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM item i WHERE " + idle;
        scene.writeTargetAsMigration("DELETE FROM item WHERE id < 1");
        scene.source.execute("UPDATE item SET n = n + 10 WHERE " + idle);
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> Objects.equals(scene.target.value(rows), scene.source.value(rows)));
    }

    private static String text(Mismatch mismatch) {
        return mismatch.kind().word() + " " + mismatch.key().get("id") + " " + mismatch.columns();
    }

    @Test
    @Order(1)
    void everyPassIsEqual() throws Exception {
        passesAreEqual();
    }

    @ParameterizedTest
    @EnumSource
    @Order(2)
    void aFaultIsFoundAloneAndNothingElse(Fault fault) throws Exception {
        finds(List.of(fault), 0);
    }

    @Test
    @Order(3)
    void everyPassFindsEveryFault() throws Exception {
        passesFindEveryFault();
    }

    @Test
    @Order(4)
    void aLaterGenerationIsComparedAsWell() throws Exception {
        int generation = scene.running().status().generation();
        Request everything =
                new Request(
                        Optional.empty(),
                        "a later generation",
                        Optional.of("ann"),
                        Optional.empty(),
                        Optional.empty(),
                        false);
        UUID id = Objects.requireNonNull(scene.running().rebackfill(everything).id());
        Awaitility.await()
                .atMost(Duration.ofMinutes(10))
                .untilAsserted(
                        () ->
                                assertThat(scene.running().rebackfill(id).orElseThrow().state())
                                        .as(() -> scene.running().status().toString())
                                        .isEqualTo(State.DONE));
        assertThat(scene.running().status().generation()).isGreaterThan(generation);
        awaitInSync();

        passesAreEqual();
        passesFindEveryFault();
    }

    @Test
    @Order(5)
    void manyWatermarksLaterItIsComparedAsWell() throws Exception {
        String prefix = Watermarks.prefix(scene.name);
        int generation = scene.running().status().generation();
        long last;
        try (Connection connection = scene.source.connect();
                var statement = connection.createStatement()) {
            statement.execute(
                    ("DO $$ BEGIN FOR i IN 1..%1$d LOOP"
                                    + " PERFORM pg_advisory_xact_lock(hashtextextended('%2$s', 0));"
                                    + " PERFORM pg_logical_emit_message(true, '%2$s', '%3$d:' ||"
                                    + " pg_current_xact_id() || ':' || pg_current_snapshot());"
                                    + " COMMIT; END LOOP; END $$")
                            .formatted(WATERMARKS, prefix, generation));
            last = new Watermarks(scene.name, generation).emit(connection).number().number();
        }
        Awaitility.await().atMost(Duration.ofMinutes(10)).until(() -> watermark() >= last);
        awaitInSync();

        passesAreEqual();
        passesFindEveryFault();
    }

    /// The lowest watermark that a partition of the target has stored.
    private long watermark() {
        return Long.parseLong(
                String.valueOf(
                        scene.target.value(
                                "SELECT min(watermark) FROM millrace.stored_offset WHERE migration"
                                        + " = '"
                                        + scene.name
                                        + "'")));
    }
}
