package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/// A table `item (id, a, big)`, the backfill of it, and a capture without Debezium and Kafka: it
/// reads a slot of the real server with `test_decoding`, in batches, and its log is a map that each
/// change is applied to. With a seed the capture runs end at random before their batch is written;
/// for certain the first one with windows, and the first one that would complete the table.
final class BackfillScene implements AutoCloseable {

    static final TableId ITEM = new TableId("public", "item");
    private static final int GENERATION = 1;
    private static final Pattern CELL = Pattern.compile("(\\w+)\\[[\\w ]+\\]:('[^']*'|\\S+)");
    private static final String EMIT =
            "WITH turn AS MATERIALIZED (SELECT set_config('synchronous_commit', 'local', true), pg_advisory_xact_lock(5))"
                    + " SELECT pg_logical_emit_message(true, 'mark', pg_current_xact_id()::text)::text, pg_current_xact_id()::text FROM turn";

    final TestDatabase source;
    final Windows windows = new Windows(400_000);
    final Pace pace = new Pace(InstantSource.system());
    final BackfillState state;
    final AtomicLong discarded = new AtomicLong();
    private final AtomicBoolean completionEnded = new AtomicBoolean();
    private final Database database;
    private final Set<Long> delivered = new HashSet<>();
    private final Map<RowKey, Row> target = new HashMap<>();
    private final List<String> faults = new ArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final @Nullable Random chaos;
    private final Thread capture;
    private Supervisor supervisor;
    final Backfill backfill;
    private final RowSchema schema;
    private long rowsWritten;
    private volatile long largestMark;

    /// @param chaos ends capture runs; `null` for one that always works
    BackfillScene(TestDatabase source, @Nullable Random chaos) throws SQLException {
        this(source, chaos, 4 << 20);
    }

    /// @param needBytes memory for keys that need a key window
    BackfillScene(TestDatabase source, @Nullable Random chaos, long needBytes) throws SQLException {
        this.state = new BackfillState(GENERATION, needBytes);
        this.source = source;
        this.chaos = chaos;
        source.execute("CREATE PUBLICATION millrace_test FOR ALL TABLES");
        source.query(
                "SELECT pg_create_logical_replication_slot('" + slot() + "', 'test_decoding')");
        Login login = GrantedLogins.capture("m", source);
        database = login.database("test");
        Relation item;
        try (Connection connection = login.session("test")) {
            item = Catalog.ofSource(connection).relation(ITEM).orElseThrow();
        }
        schema = TableWork.schema(item);
        backfill =
                new Backfill(
                        new Backfill.Settings(
                                "millrace_test",
                                List.of(item),
                                Backfill.ExistingRows.READ,
                                2,
                                400_000),
                        database,
                        windows,
                        new Access(),
                        pace);
        supervisor = supervisor();
        capture = Thread.ofPlatform().name("capture").start(this::capture);
    }

    private Supervisor supervisor() {
        return new Supervisor(
                "backfill", backfill, InstantSource.system(), RestartPolicy.standard());
    }

    /// Ends the backfill and starts it again.
    void restartBackfill() {
        supervisor.close(Duration.ofSeconds(20));
        supervisor = supervisor();
        supervisor.start();
    }

    /// Whether a change of the table has passed.
    boolean isDelivered() {
        synchronized (delivered) {
            return !delivered.isEmpty();
        }
    }

    private String slot() {
        return "slot_" + source.name();
    }

    void start() {
        supervisor.start();
    }

    private final class Access implements CaptureAccess {
        @Override
        public WatermarkNumber emitWatermark() throws SQLException {
            try (Connection connection = database.pooled();
                    var statement = connection.createStatement();
                    var row = statement.executeQuery(EMIT)) {
                row.next();
                return new WatermarkNumber(GENERATION, row.getLong(2));
            }
        }

        @Override
        public Predicate<RunningTransactions> deliveredAsOfNow() {
            Set<Long> copy;
            synchronized (delivered) {
                copy = Set.copyOf(delivered);
            }
            return snapshot -> copy.stream().anyMatch(snapshot::hidesStreamed);
        }

        @Override
        public BackfillState state() {
            return state;
        }
    }

    private void capture() {
        try (Connection connection = source.connect()) {
            while (!closed.await(chaos == null ? 5 : chaos.nextInt(20), TimeUnit.MILLISECONDS)) {
                batch(connection);
            }
        } catch (SQLException e) {
            synchronized (faults) {
                faults.add("capture: " + e);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void batch(Connection connection) throws SQLException {
        String lsn = null;
        ProgressBatch progress = new ProgressBatch(state);
        List<ChangeEvent> events = new ArrayList<>();
        try (var statement = connection.createStatement();
                var row =
                        statement.executeQuery(
                                "SELECT lsn::text, xid::text::int8, data FROM pg_logical_slot_peek_changes('"
                                        + slot()
                                        + "', NULL, 100)")) {
            while (row.next()) {
                lsn = row.getString(1);
                pass(row.getLong(2), row.getString(3), progress, events);
            }
        }
        progress.beginAgain().forEach(windows::abandon);
        List<Windows.Closed> closing = windows.closing();
        closing.forEach(progress::written);
        if (chaos != null
                && !closing.isEmpty()
                && (discarded.get() == 0 || endsCompletion(closing) || chaos.nextInt(8) == 0)) {
            windows.discard();
            discarded.incrementAndGet();
            return;
        }
        List<Fact> facts = progress.facts();
        synchronized (target) {
            events.forEach(this::apply);
            for (Windows.Closed each : closing) {
                each.rows().forEach(read -> target.put(read.key(), read));
                rowsWritten += each.rows().size();
            }
        }
        state.fold(facts);
        windows.written(closing);
        if (lsn != null) {
            try (var statement = connection.createStatement()) {
                statement.execute(
                        "SELECT pg_replication_slot_advance('" + slot() + "', '" + lsn + "')");
            }
        }
    }

    private boolean endsCompletion(List<Windows.Closed> closing) {
        return closing.stream().anyMatch(each -> each.progress() instanceof Progress.Complete)
                && completionEnded.compareAndSet(false, true);
    }

    private void pass(
            long transaction, String data, ProgressBatch progress, List<ChangeEvent> events) {
        if (data.startsWith("message:")) {
            long number = Long.parseLong(data.substring(data.indexOf("content:") + 8));
            windows.watermark(new WatermarkNumber(GENERATION, number));
            largestMark = number;
        } else if (data.startsWith("table public.item")) {
            synchronized (delivered) {
                delivered.add(transaction);
            }
            Origin origin = new Origin(Lsn.ZERO, transaction, 0);
            String change = data.substring(data.indexOf(": ") + 2);
            String rest = change.substring(change.indexOf(':') + 1);
            switch (change.substring(0, change.indexOf(':'))) {
                case "TRUNCATE" -> {
                    windows.truncated(ITEM);
                    progress.truncated(ITEM);
                    events.add(new ChangeEvent.Truncate(GENERATION, origin, ITEM, 0));
                }
                case "INSERT" ->
                        pass(new ChangeEvent.Insert(1, origin, row(rest)), progress, events);
                case "DELETE" ->
                        pass(new ChangeEvent.Delete(1, origin, row(rest)), progress, events);
                default -> {
                    int key = rest.indexOf("new-tuple:");
                    if (key < 0) {
                        Row row = row(rest);
                        boolean awaitsRead =
                                row.isPartial()
                                        && (!progress.isComplete(ITEM)
                                                || progress.isNeeded(row.key()));
                        pass(new ChangeEvent.Update(1, origin, row, awaitsRead), progress, events);
                    } else {
                        Row old = row(rest.substring(0, key));
                        pass(new ChangeEvent.Delete(1, origin, old), progress, events);
                        Row row = row(rest.substring(key));
                        pass(
                                new ChangeEvent.Insert(1, origin, row, row.isPartial()),
                                progress,
                                events);
                    }
                }
            }
        }
    }

    private void pass(ChangeEvent.OfRow event, ProgressBatch progress, List<ChangeEvent> events) {
        windows.changed(event);
        progress.changed(event);
        events.add(event);
    }

    private Row row(String cells) {
        Row.Builder row = new Row.Builder(schema);
        Matcher cell = CELL.matcher(cells);
        while (cell.find()) {
            int position = schema.position(cell.group(1));
            String text = cell.group(2);
            switch (text) {
                case "unchanged-toast-datum" -> row.unchanged(position);
                case "null" -> row.text(position, null);
                default -> row.text(position, text.replace("'", ""));
            }
        }
        return row.build();
    }

    /// As the mappings and the target would: of a change that awaits a read, an insert deletes the
    /// key and an update gives nothing. Another partial update must find its row.
    private void apply(ChangeEvent event) {
        switch (event) {
            case ChangeEvent.Truncate _ -> target.clear();
            case ChangeEvent.Delete delete -> target.remove(delete.row().key());
            case ChangeEvent.Insert insert when insert.awaitsRead() ->
                    target.remove(insert.row().key());
            case ChangeEvent.Insert insert -> target.put(insert.row().key(), insert.row());
            case ChangeEvent.Update update when update.awaitsRead() -> {}
            case ChangeEvent.Update(int _, var _, Row row, boolean _) -> {
                Row before = target.get(row.key());
                if (!row.isPartial()) {
                    target.put(row.key(), row);
                } else if (before != null) {
                    target.put(row.key(), row.over(before));
                } else {
                    synchronized (faults) {
                        faults.add("a partial update that awaits no read hits no row");
                    }
                }
            }
            case ChangeEvent.Read _,
                    ChangeEvent.Oversized _,
                    ChangeEvent.BackfillComplete _,
                    ChangeEvent.Watermark _ ->
                    throw new IllegalStateException("not of this stream: " + event);
        }
    }

    long rowsWritten() {
        synchronized (target) {
            return rowsWritten;
        }
    }

    /// Until the log contains every row that existed at the start.
    void awaitDone() {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                backfill.state().tables().stream()
                                        .allMatch(Backfill.TableProgress::done));
    }

    /// Requires that the log contains exactly what the source contains. No writer may run.
    void requireEqual() throws SQLException {
        long mark = new Access().emitWatermark().number();
        await("the stream reaches the last watermark", () -> largestMark >= mark);
        await("the backfill is done", () -> backfill.state().isDone());
        Map<String, String> expected = new TreeMap<>();
        source.query("SELECT id, coalesce(a::text, '-'), coalesce(left(big, 20), '-') FROM item")
                .forEach(row -> expected.put(row.get(0) + "", row.get(1) + "/" + row.get(2)));
        Map<String, String> found = new TreeMap<>();
        synchronized (target) {
            target.forEach((key, row) -> found.put(key.value(0) + "", cells(row)));
        }
        assertThat(found).isEqualTo(expected);
        synchronized (faults) {
            assertThat(faults).isEmpty();
        }
    }

    /// Fails with what the stream met, and with where it is.
    private void await(String what, BooleanSupplier condition) {
        try {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                synchronized (faults) {
                                    assertThat(faults).isEmpty();
                                }
                                return condition.getAsBoolean();
                            });
        } catch (ConditionTimeoutException e) {
            StringBuilder stacks = new StringBuilder();
            Thread.getAllStackTraces()
                    .forEach(
                            (thread, frames) ->
                                    stacks.append(thread)
                                            .append(List.of(frames))
                                            .append(System.lineSeparator()));
            throw new AssertionError(
                    what + " not within two minutes; " + backfill.state() + "\n" + stacks, e);
        }
    }

    private static String cells(Row row) {
        if (row.isUnchanged(2)) {
            return "incomplete";
        }
        String a = row.text(1);
        String big = row.text(2);
        return (a == null ? "-" : a)
                + "/"
                + (big == null ? "-" : big.substring(0, Math.min(20, big.length())));
    }

    @Override
    public void close() {
        supervisor.close(Duration.ofSeconds(20));
        closed.countDown();
        try {
            capture.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        source.query("SELECT pg_drop_replication_slot('" + slot() + "')");
        database.close();
    }
}
